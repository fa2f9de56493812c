"""How often synthetic series break the rules that all real ones keep."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sklearn_timegen.data.checks import all_finite
from sklearn_timegen.data.magnitude import to_float32
from sklearn_timegen.data.samples import read_samples
from sklearn_timegen.metrics._common import Array
from sklearn_timegen.rules import KINDS, RuleList, Structure, find_rules
from sklearn_timegen.rules.category import rules_of_kinds

if TYPE_CHECKING:
    import pandas as pd

    from sklearn_timegen.data.schema import Schema

__all__ = ["kept_rules", "rule_violations", "violations_by_rule"]

# A level says how a channel is best written, and forbids nothing.
RESTRICTING = tuple(kind for kind in KINDS if kind != "level")


def rule_violations(
    X_real: ArrayLike,
    X_synthetic: ArrayLike,
    *,
    rules: Any = "auto",
) -> float:
    """Return the fraction of timesteps at which synthetic series break a rule of the real ones.

    Lows above highs, negative amounts, falling meters, readings between the steps of a sensor:
    what no real series ever does (:func:`~sklearn_timegen.rules.find_rules`), and what other
    metrics hardly see where it is rare or small. Series are compared in single precision, in
    which generators draw.

    Parameters
    ----------
    X_real : array-like of shape (n_samples, n_timesteps[, n_channels])
        Real series.
    X_synthetic : array-like of shape (n_synthetic, n_timesteps[, n_channels])
        Synthetic series.
    rules : "auto", RuleList or sequence of Rule, default="auto"
        ``"auto"`` finds rules in ``X_real``. Rules that were found elsewhere, a generator's
        ``rules_`` say, are taken as they are; others, such as ``[Order(0, 1)]``, have to hold in
        ``X_real``, and ``"auto"`` may stand among them.

    Returns
    -------
    fraction : float
        Between 0 (also where there is no rule) and 1; lower is better. Real series that rules
        were found in, and their copies, have 0.

    Raises
    ------
    ValueError
        If the samples are infinite or not alike, or a given rule does not hold in the
        real series.

    See Also
    --------
    violations_by_rule : The same, rule by rule.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_timegen import PCAMixture
    >>> from sklearn_timegen.metrics import rule_violations
    >>> rng = np.random.default_rng(0)
    >>> rain = rng.gamma(0.7, 8, size=(200, 28)) * (rng.random((200, 28)) < 0.4)
    >>> free = PCAMixture(rules=None, random_state=0).fit(rain)
    >>> bool(rule_violations(rain, free.sample(200)) > 0.2)
    True
    >>> rule_violations(rain, PCAMixture(random_state=0).fit(rain).sample(200))
    0.0
    """
    real, synthetic, schema = _read(X_real, X_synthetic)
    kept = _resolved(rules, real, schema=schema)
    broken = np.zeros(synthetic.shape[:2], dtype=bool)
    for _, mask in kept.violations(to_float32(synthetic)):
        broken |= mask
    return float(broken[_known(synthetic)].mean())


def violations_by_rule(
    X_real: ArrayLike,
    X_synthetic: ArrayLike,
    *,
    rules: Any = "auto",
    names: Sequence[Any] | None = None,
) -> pd.DataFrame:
    """Tell which rules of the real series synthetic ones break, and how often.

    Each rule is judged on what those before it leave to it; where one of them is broken, these
    are mostly the nearest values that keep it, so that a fault hardly ever counts twice.

    Parameters
    ----------
    X_real, X_synthetic : array-like of shape (n_samples, n_timesteps[, n_channels])
        Real and synthetic series.
    rules : "auto", RuleList or sequence of Rule, default="auto"
        As for :func:`rule_violations`.
    names : sequence or None, default=None
        Names of the channels; ``None`` numbers them. Rules found elsewhere keep theirs.

    Returns
    -------
    table : DataFrame
        A row a rule, with columns ``evidence`` (what the real series have to say for it), and
        ``timesteps`` and ``series``, the fractions of these in which synthetic series break it.

    Raises
    ------
    ValueError
        As for :func:`rule_violations`, or if ``names`` are not one for each channel.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_timegen.metrics import violations_by_rule
    >>> rng = np.random.default_rng(0)
    >>> low = rng.normal(size=(200, 24)).cumsum(axis=1)
    >>> real = np.stack([low, low + rng.exponential(size=low.shape)], axis=2)
    >>> table = violations_by_rule(real, real - [0.0, 0.1], names=["low", "high"])
    >>> table["timesteps"].round(2).to_dict()
    {'low <= high': 0.09}
    """
    import pandas as pd

    real, synthetic, schema = _read(X_real, X_synthetic)
    broken = _resolved(rules, real, names, schema).violations(to_float32(synthetic))
    known = _known(synthetic)
    rows = [
        (str(rule.evidence), mask[known].mean(), mask.any(axis=1).mean()) for rule, mask in broken
    ]
    index = pd.Index([rule.statement() for rule, _ in broken], name="rule", dtype=object)
    table = pd.DataFrame(rows, index=index, columns=["evidence", "timesteps", "series"])
    return table.astype({"timesteps": float, "series": float})


def kept_rules(
    *samples: Array, rules: Any = "auto", names: Sequence[Any] | None = None
) -> RuleList:
    """Return the rules that all series of the samples keep, and that forbid something.

    Parameters
    ----------
    *samples : ndarray of shape (n_samples, n_timesteps, n_channels)
        Real series.
    rules : "auto" or sequence of Rule, default="auto"
        Rules that have to hold, and whether others are looked for.
    names : sequence or None, default=None
        Names of the channels.

    Returns
    -------
    rules : RuleList
        The rules, with their evidence.
    """
    x = to_float32(np.concatenate(samples))
    if isinstance(rules, str) and rules == "auto" and not all_finite(x):
        # Nothing has to be filled in to find rules.
        return find_rules(x, names=names, include=RESTRICTING)
    structure = Structure(rules, kinds=RESTRICTING, missing="complete")
    structure.fit_transform(x, names)
    return structure.rules_


def _read(X_real: Any, X_synthetic: Any) -> tuple[Array, Array, Schema | None]:
    """Return samples with the number of its category in each channel that holds such."""
    (real, synthetic), reading = read_samples(X_real, X_synthetic, one_hot=False)
    return real, synthetic, reading.schema


def _known(x: Array) -> NDArray[np.bool_]:
    """Return at which timesteps series have any value."""
    return np.asarray(np.isfinite(x).any(axis=2))


def _resolved(
    rules: Any,
    real: Array,
    names: Sequence[Any] | None = None,
    schema: Schema | None = None,
) -> RuleList:
    """Return rules as they are if they have seen data already; others are fitted to these."""
    if not isinstance(rules, str):
        # Of what is missing and of lengths, which are rules of a generator, nothing is forbidden.
        rules = [rule for rule in rules if getattr(rule, "kind", "") not in ("missing", "length")]
    if isinstance(rules, str) or any(getattr(rule, "evidence", None) is None for rule in rules):
        if schema is not None:
            names = schema.names if names is None else names
            if any(channel.categories for channel in schema.channels):
                rules = rules_of_kinds(schema, rules)
        return kept_rules(real, rules=rules, names=names)
    return RuleList(rule for rule in rules if rule.kind in RESTRICTING)
