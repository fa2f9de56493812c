"""One report of all attacks, each between its floor and its ceiling, and what follows in words."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from numpy.typing import ArrayLike

from sklearn_timegen._random import RandomState, draw_seed
from sklearn_timegen.metrics._common import check_choice
from sklearn_timegen.metrics.privacy._published import (
    Beside,
    SingledOut,
    by_attributes,
    by_density,
    by_shadows,
    singled_out,
)
from sklearn_timegen.metrics.privacy._shadows import fit_shadows
from sklearn_timegen.metrics.privacy._spaces import check_encoder
from sklearn_timegen.metrics.privacy.attack import AttackResult
from sklearn_timegen.metrics.privacy.attributes import hidden_cells
from sklearn_timegen.metrics.privacy.membership import DENSITIES

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["PrivacyReport", "privacy_report"]

MEASURES = {"AUC": None, "TPR at 1% FPR": 0.01, "TPR at 0.1% FPR": 0.001}
LEVEL = 0.05  # of the verdict, over all that it looks at
N_PREDICATES = 50  # of each shadow


@dataclass(frozen=True, eq=False)
class PrivacyReport:
    """What attacks have found.

    Made by :func:`privacy_report`.

    Parameters
    ----------
    table : DataFrame
        A row for each attack and measure, with columns ``value``, ``low`` and ``high`` (a 95%
        interval), ``floor`` and ``ceiling``. NaN where too few owners were there to tell.
    verdict : str
        What follows, in words.
    leaks : tuple of str
        The attacks that found something, beyond chance.
    attacks : dict of str to AttackResult
        The scores of the attacks on owners.
    n_owners, n_shadows : int
        How many there were.
    signal : {"density", "distance"}
        What the attacks by shadows looked at.

    Examples
    --------
    >>> from sklearn_timegen import PCAMixture
    >>> from sklearn_timegen.datasets import make_ar
    >>> from sklearn_timegen.metrics import privacy_report
    >>> X = make_ar(60, 12, random_state=0)
    >>> report = privacy_report(PCAMixture(), X, n_shadows=4, random_state=0)
    >>> type(report).__name__, report.n_owners, len(report.table)
    ('PrivacyReport', 60, 13)
    """

    table: pd.DataFrame
    verdict: str
    leaks: tuple[str, ...]
    attacks: dict[str, AttackResult]
    n_owners: int
    n_shadows: int
    signal: str

    def __str__(self) -> str:
        return f"{self.verdict}\n\n{self.table.round(3).to_string()}"


def privacy_report(
    generator_factory: Any,
    X: ArrayLike,
    y: Any = None,
    *,
    owners: ArrayLike | None = None,
    n_shadows: int = 8,
    n_synthetic: int | None = None,
    signal: str = "auto",
    secret: int | str | None = None,
    density: str = "neighbours",
    encoder: Any = "flat",
    random_state: RandomState = None,
) -> PrivacyReport:
    """Attack a generator in several ways, and report what each finds of the owners.

    ``n_shadows`` generators are fitted to random halves of the owners, and each is attacked: by
    the ratio of densities to a reference (:func:`membership_attack`), by the other generators
    in two ways (:func:`shadow_attack`), by guessing a secret channel (:func:`attribute_attack`)
    and by predicates (:func:`singling_out`). So what is judged is how this kind of generator
    treats half of these data; trained on all of them it has more owners, and mostly overfits less.

    Each figure stands between its floor, of a generator that never saw the owners, and its
    ceiling, of copies of the training series. Attacks that fail prove nothing of better ones:
    a proof needs training with differential privacy (:class:`~sklearn_timegen.PrivacyBudget`).

    Parameters
    ----------
    generator_factory : generator or callable
        What is attacked, as for :func:`shadow_attack`.
    X : array-like of shape (n_samples, n_timesteps[, n_channels]), or list
        Real series. Of long ones cut windows (``make_windows``), and name their owners.
    y : array-like of shape (n_samples,), default=None
        Labels, for a generator that is conditional.
    owners : array-like of shape (n_samples,), default=None
        The owner of each series, whose privacy it is about; ``None``: each has its own. Windows
        of one person that count as owners of their own are on both sides of every comparison,
        and hide what leaks.
    n_shadows : int, default=8
        How many generators are fitted, at least 4.
    n_synthetic : int or None, default=None
        Draws of each; ``None`` is as many as it was fitted to. Whoever publishes more, or the
        generator itself, should attack more.
    signal : {"auto", "density", "distance"}, default="auto"
        As for :func:`shadow_attack`: what the attacks by shadows look at.
    secret : int, str or None, default=None
        The channel that is guessed, as for :func:`attribute_attack`.
    density : {"neighbours", "kernel", "boosting"}, default="neighbours"
        As for :func:`membership_attack`.
    encoder : {"flat", "summaries", "contrastive"} or transformer, default="flat"
        As for :func:`membership_attack`.
    random_state : int, RandomState, Generator or None, default=None
        Seed of all that is drawn.

    Returns
    -------
    report : PrivacyReport
        The table, and a verdict in words.

    Raises
    ------
    ValueError
        If there are fewer than 8 owners or 4 shadows, what makes generators does not, there is no
        such channel, or the series cannot be read.

    Examples
    --------
    >>> from sklearn_timegen import NeighbourInterpolation
    >>> from sklearn_timegen.datasets import make_ar
    >>> from sklearn_timegen.metrics import privacy_report
    >>> X = make_ar(80, 12, random_state=0)
    >>> report = privacy_report(NeighbourInterpolation(), X, random_state=0)
    >>> "density ratio" in report.leaks
    True
    >>> float(report.table.loc[("density ratio", "AUC"), "ceiling"])
    1.0
    """
    check_choice(density, DENSITIES, "density")
    check_encoder(encoder)
    seed = draw_seed(random_state)
    known, shadows = fit_shadows(
        generator_factory,
        X,
        y,
        owners,
        n_shadows=n_shadows,
        n_synthetic=n_synthetic,
        signal=signal,
        seed=seed,
        hide=partial(hidden_cells, secret),
    )
    found = {
        "density ratio": by_density(known, shadows, density=density, encoder=encoder, seed=seed),
        "shadows, likelihood ratio": by_shadows(
            known, shadows, method="likelihood-ratio", seed=seed
        ),
        "shadows, relative": by_shadows(known, shadows, method="relative", seed=seed),
        "attribute": by_attributes(known, shadows, seed=seed),
    }
    predicates = singled_out(known, shadows, n_predicates=N_PREDICATES, seed=seed)
    leaks = _leaks(found, predicates)
    return PrivacyReport(
        _table(found, predicates),
        _verdict(found, predicates, leaks, known.n_owners),
        leaks,
        {name: each.result for name, each in found.items()},
        known.n_owners,
        len(shadows),
        "distance" if shadows[0].log_density is None else "density",
    )


def _table(found: dict[str, Beside], predicates: SingledOut) -> pd.DataFrame:
    import pandas as pd

    rows: dict[tuple[str, str], tuple[float, ...]] = {}
    for name, each in found.items():
        for measure, fpr in MEASURES.items():
            own, floor, ceiling = (
                result.auc if fpr is None else result.tpr(fpr)
                for result in (each.result, each.floor, each.ceiling)
            )
            rows[name, measure] = (own, *each.result.interval(fpr), floor, ceiling)
    rows["singling out", "rate"] = predicates.row
    table = pd.DataFrame.from_dict(
        rows, orient="index", columns=["value", "low", "high", "floor", "ceiling"]
    )
    table.index = pd.MultiIndex.from_tuples(rows, names=["attack", "measure"])
    return table


def _leaks(found: dict[str, Beside], predicates: SingledOut) -> tuple[str, ...]:
    """Return the attacks of which a figure is above chance, at a level that allows for all."""
    level = LEVEL / (len(found) * len(MEASURES) + 1)
    leaks = [name for name, each in found.items() if _above_chance(each.result, level)]
    return (*leaks, *(["singling out"] if predicates.exceeds_floor(level) else []))


def _above_chance(result: AttackResult, level: float) -> bool:
    """Whether an interval's lower end is above chance; one-sided, so at twice the level."""
    for fpr in MEASURES.values():
        low, _ = result.interval(fpr, confidence=1 - 2 * level)
        if low > (0.5 if fpr is None else fpr):
            return True
    return False


def _verdict(
    found: dict[str, Beside], predicates: SingledOut, leaks: tuple[str, ...], n_owners: int
) -> str:
    n_attacks = len(found) + 1
    if leaks:
        words = [_found(name, found, predicates) for name in leaks]
        text = f"It leaks who was trained on: {len(leaks)} of {n_attacks} attacks find more than "
        text += f"chance among {n_owners} owners ({'; '.join(words)})."
    else:
        highest = max(each.result.interval()[1] for each in found.values())
        text = f"None of {n_attacks} attacks finds more than chance among {n_owners} owners. "
        text += f"An AUC of up to {highest:.2f} cannot be excluded, nor can better attacks."
    return text + _unresolved(found)


def _found(name: str, found: dict[str, Beside], predicates: SingledOut) -> str:
    if name not in found:
        rate, *_, floor, _ = predicates.row
        return f"{name}: {rate:.0%} of predicates, {floor:.0%} of others"
    result = found[name].result
    low, high = result.interval()
    text = f"{name}: AUC {result.auc:.2f}, {low:.2f} to {high:.2f}"
    if result.resolves(0.01):
        text += f", {result.tpr(0.01):.0%} found at 1% false"
    return text


def _unresolved(found: dict[str, Beside]) -> str:
    """Say which false-positive rates nobody can see with so few owners."""
    results = [each.result for each in found.values()]
    small = [
        fpr
        for fpr in MEASURES.values()
        if fpr is not None and not all(result.resolves(fpr) for result in results)
    ]
    if not small:
        return ""
    rates = " and ".join(f"{fpr:.1%}".replace(".0", "") for fpr in small)
    return (
        f" False-positive rates of {rates} cannot be told: that takes at least "
        f"{round(1 / min(small)):,} owners, and whether a few are found for certain is open."
    )
