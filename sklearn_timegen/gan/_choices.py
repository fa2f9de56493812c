"""From hyper-parameters to a game: what can be combined, and what makes no sense."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Real
from typing import TYPE_CHECKING, Any

from sklearn_timegen.objectives.adversarial import AdversarialLoss, make_loss
from sklearn_timegen.objectives.penalties import PENALTIES
from sklearn_timegen.training import Game

if TYPE_CHECKING:
    from sklearn_timegen.gan.general import GAN

__all__ = ["CLIP_VALUE", "NORMALIZATIONS", "check_combination", "make_game", "optimizer_params"]

CLIP_VALUE = 0.01  # the paper's
NORMALIZATIONS = ("spectral", "gradient", "clip")


def make_game(gan: GAN, loss: str | AdversarialLoss) -> Game:
    """Return the game that the generator's hyper-parameters describe."""
    if isinstance(loss, type):
        raise ValueError(f"loss={loss!r} is a class: pass one of its objects, {loss.__name__}()")
    made = make_loss(loss, gan.label_smoothing)
    penalties = _weighed(gan.penalty, gan.penalty_weight)
    check_combination(gan, made, [name for name, _ in penalties])
    of_critic = [(PENALTIES[name](), w) for name, w in penalties if name != "path-length"]
    of_path = next(((PENALTIES[n](), w) for n, w in penalties if n == "path-length"), None)
    return Game(made, of_critic, of_path, gan.penalty_interval, gan.feature_matching)


def _weighed(penalty: Any, weight: Any) -> list[tuple[str, float]]:
    """Return the penalties' names and weights: the given ones, or the published ones."""
    names = _listed(penalty)
    unknown = [name for name in names if not isinstance(name, str) or name not in PENALTIES]
    if unknown:
        raise ValueError(
            f"penalty={unknown[0]!r} is not known; known are {', '.join(PENALTIES)}, lists of "
            "these, and None"
        )
    twice = sorted({name for name in names if names.count(name) > 1})
    if "zero-centred" in names and {"r1", "r2"} & set(names):
        twice = ["zero-centred (which is r1 + r2)"]
    if twice:
        raise ValueError(f"penalty={penalty!r} counts {twice[0]} twice")
    if weight is None:
        return [(name, PENALTIES[name].default_weight) for name in names]
    weights = [weight] * len(names) if isinstance(weight, Real) else list(weight)
    wrong = [w for w in weights if not isinstance(w, Real) or not 0 < float(w) < float("inf")]
    if wrong:
        raise ValueError(f"penalty_weight must be positive, got {wrong[0]!r}")
    if not names:
        raise ValueError(f"penalty_weight={weight!r} weighs nothing: penalty is None")
    if len(weights) != len(names):
        raise ValueError(
            f"penalty_weight holds {len(weights)} weights for {len(names)} penalties: {names}"
        )
    return list(zip(names, map(float, weights), strict=True))


def _listed(penalty: Any) -> list[Any]:
    if penalty is None:
        return []
    return [penalty] if isinstance(penalty, str) else list(penalty)


def check_combination(gan: GAN, loss: str | AdversarialLoss, penalties: Sequence[str]) -> None:
    """Refuse combinations that contradict themselves, by name."""
    on_critic = [name for name in penalties if name != "path-length"]
    on_lines = [name for name in on_critic if PENALTIES[name].on_interpolates]
    by_slope = gan.normalization == "gradient"
    compares = f"with n_kernels={gan.n_kernels} the discriminator compares the series of a batch"
    contradictions = (
        (
            getattr(loss, "needs_lipschitz", False) and not on_critic and not gan.normalization,
            f"loss={gan.loss!r} has no optimum while nothing bounds the discriminator's slope: "
            "give a penalty or a normalization",
        ),
        (
            on_lines and gan.n_kernels > 0,
            f"penalty={on_lines} asks for the slope at single points, but {compares}; use 'r1', "
            "'r2' or 'zero-centred'",
        ),
        (
            by_slope and gan.n_kernels > 0,
            f"normalization='gradient' divides by the slope at a single series, but {compares}",
        ),
        (
            by_slope and on_critic,
            f"normalization='gradient' fixes the slope that penalty={on_critic} is about: drop "
            "one of them",
        ),
        (
            gan.unroll_steps > 0 and gan.normalization == "clip",
            f"unroll_steps={gan.unroll_steps} cannot look through normalization='clip': clipping "
            "happens between steps, and has no gradient",
        ),
        (
            gan.unroll_steps > 0 and gan.feature_matching == 1,
            f"unroll_steps={gan.unroll_steps} changes nothing with feature_matching=1: features "
            "are those of the discriminator as it is",
        ),
        (
            gan.lipschitz != 1 and gan.normalization != "spectral",
            f"lipschitz={gan.lipschitz} needs normalization='spectral', whose bound it is",
        ),
        (
            gan.clip_value != CLIP_VALUE and gan.normalization != "clip",
            f"clip_value={gan.clip_value} needs normalization='clip', whose bound it is",
        ),
        (
            gan.penalty_interval > 1 and not penalties,
            f"penalty_interval={gan.penalty_interval} with penalty=None: there is nothing to take",
        ),
    )
    for applies, message in contradictions:
        if applies:
            raise ValueError(message)


def optimizer_params(betas: Any, given: dict[str, Any]) -> dict[str, Any]:
    """Return what the optimizer is told beside ``net_params``, of which some is refused."""
    if given.get("compile"):
        raise ValueError(
            "net_params={'compile': True} would do nothing: the steps of a game call its networks "
            "one by one, and not the compiled module"
        )
    if "optimizer__param_groups" in given:
        raise ValueError(
            "net_params holds optimizer__param_groups, but the groups are the two networks; use "
            "discriminator_lr"
        )
    own = "optimizer" in given or "optimizer__betas" in given
    return {} if own else {"optimizer__betas": _check_betas(betas)}


def _check_betas(betas: Any) -> tuple[float, float]:
    if len(betas) != 2 or not all(isinstance(b, Real) and 0 <= float(b) < 1 for b in betas):
        raise ValueError(f"betas must be two numbers in [0, 1), got {betas!r}")
    return float(betas[0]), float(betas[1])
