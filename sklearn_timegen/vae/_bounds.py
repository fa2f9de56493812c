"""Which bound of log p(x) a loss is, from parameters that not all go together."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from sklearn_timegen.vae.objectives import (
    ERRORS,
    NegativeELBO,
    NegativeRELBO,
    NegativeRenyiBound,
)

if TYPE_CHECKING:
    from sklearn_timegen.vae.general import VAE

__all__ = ["choose_bound"]

N_RENYI_DRAWS = 8  # Li and Turner (2016) use 5 and 50


def choose_bound(vae: VAE) -> Callable[[], Any]:
    """Return what makes the loss that the parameters of a ``VAE`` describe.

    Raises
    ------
    ValueError
        If ``alpha``, ``beta``, ``n_importance_samples``, ``free_bits`` and ``bound`` do not
        describe one.
    """
    alpha, beta, asked = vae.alpha, vae.beta, vae.n_importance_samples
    shared: dict[str, Any] = {"error": ERRORS[vae.error], "start": vae._start}
    shared |= {"latent_dim": vae.latent_dim, "learned": vae.decoder_noise != "fixed"}
    if vae.bound == "relbo":
        if alpha is None or alpha > 1:
            raise ValueError(f"bound='relbo' needs an alpha above 0 and at most 1, got {alpha!r}")
        _refuse(beta != 1, f"beta={beta:g}", "RELBO", "its order alpha takes beta's place")
        return partial(
            NegativeRELBO, alpha=alpha, free_bits=vae.free_bits, n_draws=asked or 1, **shared
        )
    importance_weighted = alpha is None and (asked or 1) > 1
    if not importance_weighted and alpha in (None, 1):
        return partial(
            NegativeELBO,
            beta=beta,
            free_bits=vae.free_bits,
            n_draws=asked or 1,
            **shared,
        )
    name = "the importance-weighted bound" if alpha is None else "the Renyi bound"
    given = f"n_importance_samples={asked}" if alpha is None else f"alpha={alpha:g}"
    because = f"{given} asks for {name}, which holds no KL term"
    _refuse(beta != 1, f"beta={beta:g}", name, because)
    _refuse(vae.free_bits > 0, f"free_bits={vae.free_bits:g}", name, because)
    if asked == 1:
        raise ValueError(
            f"alpha={alpha:g} needs n_importance_samples of at least 2: with a single draw, "
            "bounds of all orders are the evidence lower bound"
        )
    n_draws = asked or N_RENYI_DRAWS
    return partial(NegativeRenyiBound, alpha=alpha or 0.0, n_draws=n_draws, **shared)


def _refuse(condition: bool, given: str, name: str, because: str) -> None:
    if condition:
        raise ValueError(f"{given} is undefined for {name}: {because}. Leave one of them out")
