"""Attacks on what shadows have published, beside their floor and their ceiling.

Of the owners that are not in a shadow, half are the attacker's reference and half are compared
with the members. The floor is the same attack on real series of the reference in the place of
the samples, which are of neither; the ceiling the attack on copies of the training series.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.stats import t as student

from sklearn_timegen._random import derive_seed
from sklearn_timegen.metrics._common import Array
from sklearn_timegen.metrics.privacy._owners import Mask
from sklearn_timegen.metrics.privacy._shadows import Population, Shadow, copying
from sklearn_timegen.metrics.privacy.attack import AttackResult
from sklearn_timegen.metrics.privacy.attributes import guess_scores
from sklearn_timegen.metrics.privacy.membership import log_density_ratio
from sklearn_timegen.metrics.privacy.shadow import attack_shadows, unseen
from sklearn_timegen.metrics.privacy.singling_out import SinglingOut, count_singled_out

__all__ = ["Beside", "SingledOut", "by_attributes", "by_density", "by_shadows", "singled_out"]


@dataclass(frozen=True, eq=False)
class Beside:
    """An attack, and the same attack where nothing can be found, and where all can."""

    result: AttackResult
    floor: AttackResult
    ceiling: AttackResult


@dataclass(frozen=True, eq=False)
class Target:
    """What an attacker of one shadow has, and whom he attacks.

    Parameters
    ----------
    is_member, is_other : ndarray of bool of shape (n_owners,)
        Owners that were trained on, and others, none of which the attacker knows.
    published : ndarray of shape (n_published, n_timesteps, n_channels)
        The samples, or what stands in their place.
    reference : ndarray of shape (n_reference, n_timesteps, n_channels)
        Series of owners that are neither.
    """

    is_member: Mask
    is_other: Mask
    published: Array
    reference: Array


def _targets(known: Population, shadows: list[Shadow], seed: int) -> dict[str, list[Target]]:
    """Return what is attacked for the result, the floor and the ceiling."""
    found: dict[str, list[Target]] = {"result": [], "floor": [], "ceiling": []}
    rng = np.random.default_rng(derive_seed(seed, "reference"))
    for shadow, copied in zip(shadows, copying(known, shadows), strict=True):
        out = rng.permutation(np.flatnonzero(~shadow.is_member))
        of_reference, others = out[: len(out) // 2], out[len(out) // 2 :]
        two = of_reference[::2], of_reference[1::2]
        is_other = _mask(others, known)
        reference, first, second = (
            known.x[known.rows(_mask(owners, known))] for owners in (of_reference, *two)
        )
        members = shadow.is_member
        found["result"].append(Target(members, is_other, shadow.synthetic, reference))
        found["floor"].append(Target(members, is_other, first, second))
        found["ceiling"].append(Target(members, is_other, copied.synthetic, reference))
    return found


def _mask(owners: Any, known: Population) -> Mask:
    mask = np.zeros(known.n_owners, dtype=bool)
    mask[owners] = True
    return mask


def _beside(
    known: Population,
    shadows: list[Shadow],
    score: Callable[[Target, int], Array],
    seed: int,
) -> Beside:
    """Attack all three by a score of owners, NaN where it has none."""
    results = {
        kind: _pooled(targets, score, seed)
        for kind, targets in _targets(known, shadows, seed).items()
    }
    return Beside(**results)


def _pooled(
    targets: list[Target], score: Callable[[Target, int], Array], seed: int
) -> AttackResult:
    parts = []
    for k, target in enumerate(targets):
        scores = score(target, derive_seed(seed, f"attack {k}"))
        compared = (target.is_member | target.is_other) & np.isfinite(scores)
        parts.append((scores[compared], target.is_member[compared], np.flatnonzero(compared)))
    scores, members, owners = map(np.concatenate, zip(*parts, strict=True))
    return AttackResult(scores, members, owners, seed=derive_seed(seed, "owners"))


def by_density(
    known: Population, shadows: list[Shadow], *, density: str, encoder: Any, seed: int
) -> Beside:
    """Membership by the ratio of densities, after DOMIAS."""

    def score(target: Target, own_seed: int) -> Array:
        ratio = log_density_ratio(
            known.x,
            target.published,
            target.reference,
            density=density,
            encoder=encoder,
            seed=own_seed,
        )
        return known.by_owner(ratio)

    return _beside(known, shadows, score, seed)


def by_shadows(known: Population, shadows: list[Shadow], *, method: str, seed: int) -> Beside:
    """Membership by shadow generators."""
    result = attack_shadows(known, shadows, method, seed=seed)
    ceiling = attack_shadows(known, copying(known, shadows), method, seed=seed)
    return Beside(result, unseen(result), ceiling)


def by_attributes(known: Population, shadows: list[Shadow], *, seed: int) -> Beside:
    """Membership by how well the secret cells are guessed."""

    def score(target: Target, own_seed: int) -> Array:
        return guess_scores(
            known.x,
            known.owner_of,
            target.published,
            known.hidden,
            known.observed,
            known.n_owners,
        )

    return _beside(known, shadows, score, seed)


@dataclass(frozen=True, eq=False)
class SingledOut:
    """Of each shadow, how many predicates single out owners, and from copies."""

    results: list[SinglingOut]
    ceilings: list[SinglingOut]

    @property
    def row(self) -> tuple[float, float, float, float, float]:
        """The rate, its interval over the shadows, its floor and its ceiling."""
        rates = _rates(self.results)
        ceiling = _rates(self.ceilings)
        return (
            *_mean_and_interval(rates[:, 0], 0.05),
            float(np.mean(rates[:, 1])),
            float(np.mean(ceiling[:, 0])),
        )

    def exceeds_floor(self, level: float) -> bool:
        """Whether members are singled out more often than others, by a t test over shadows."""
        rates = _rates(self.results)
        _, low, _ = _mean_and_interval(rates[:, 0] - rates[:, 1], 2 * level)
        return bool(low > 0)


def singled_out(
    known: Population, shadows: list[Shadow], *, n_predicates: int, seed: int
) -> SingledOut:
    """Single out owners by what each shadow has published."""
    targets = _targets(known, shadows, seed)
    return SingledOut(
        *(
            [
                count_singled_out(
                    known.x,
                    known.owner_of,
                    target.is_member,
                    target.is_other,
                    target.published,
                    n_predicates=n_predicates,
                    n_conditions=3,
                    rng=np.random.default_rng(derive_seed(seed, f"{kind} {k}")),
                )
                for k, target in enumerate(targets[kind])
            ]
            for kind in ("result", "ceiling")
        )
    )


def _rates(results: list[SinglingOut]) -> Array:
    return np.array(
        [[each.rate, each.floor] for each in results if each.n_predicates] or [[np.nan] * 2]
    )


def _mean_and_interval(values: Array, level: float) -> tuple[float, float, float]:
    """Return the mean of one value a shadow and its t interval; NaN for fewer than two."""
    mean = float(values.mean())
    if len(values) < 2 or np.isnan(mean):
        return mean, float("nan"), float("nan")
    half = student.isf(level / 2, len(values) - 1) * values.std(ddof=1) / np.sqrt(len(values))
    return mean, float(mean - half), float(mean + half)
