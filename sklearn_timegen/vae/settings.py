"""Famous names as settings of the general class.

A name pins what its paper's name means, and re-defaults what the paper used.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from torch import nn

from sklearn_timegen.base import estimator, param, pinned
from sklearn_timegen.vae.general import VAE

__all__ = ["RELBOVAE", "BetaVAE", "RecurrentVAE", "RenyiVAE"]


@estimator
class BetaVAE(VAE):
    """Beta-VAE: the KL divergence weighs ``beta``, for latents that each mean one thing.

    See Also
    --------
    VAE : The general class, with its attributes.

    References
    ----------
    I. Higgins et al. (2017), "beta-VAE: learning basic visual concepts with a constrained
    variational framework", ICLR. https://openreview.net/forum?id=Sy2fzU9gl

    Examples
    --------
    >>> from sklearn_timegen import BetaVAE
    >>> from sklearn_timegen.datasets import make_sines
    >>> X = make_sines(64, 24, 2, random_state=0)
    >>> BetaVAE(beta=2.0, max_epochs=2, random_state=0).fit(X).sample(3).shape
    (3, 24, 2)
    """

    beta: float = param(
        default=4.0,
        doc="""Above 1, fewer latents are used, and more independently of each other; below 1,
        reconstructions are closer, and the loss is no bound of log p(x) any more.""",
    )
    alpha: float | None = pinned(None)
    bound: str = pinned("variational")
    n_importance_samples: int | None = pinned(1)


@estimator
class RenyiVAE(VAE):
    """Renyi VAE: the variational Renyi bound of order ``alpha``.

    ``1 / (1 - alpha) log E_q (p(x, z) / q(z | x))^(1 - alpha)``, from
    ``n_importance_samples`` draws. For alpha from 1 down to 0 it rises from the evidence lower
    bound to log p(x).

    See Also
    --------
    VAE : The general class, with its attributes.

    References
    ----------
    Y. Li and R. Turner (2016), "Renyi divergence variational inference", NeurIPS.
    https://arxiv.org/abs/1602.02311

    Examples
    --------
    >>> from sklearn_timegen import RenyiVAE
    >>> from sklearn_timegen.datasets import make_sines
    >>> X = make_sines(64, 24, 2, random_state=0)
    >>> RenyiVAE(alpha=0.3, max_epochs=2, random_state=0).fit(X).sample(3).shape
    (3, 24, 2)
    """

    alpha: float | None = param(default=0.5, doc="The order, above 0.", type="float")
    beta: float = pinned(1.0)
    bound: str = pinned("variational")
    free_bits: float = pinned(0.0)
    n_importance_samples: int | None = param(default=None, doc="Number of draws; ``None`` is 8.")


@estimator
class RELBOVAE(VAE):
    """RELBO: reconstruction under a tilted posterior, and Renyi's divergence from the prior.

    The loss is ``-E_s log p(x | z) + D_alpha(q(z | x) || p(z))``, where s is the posterior tilted
    towards the prior, q^alpha p^(1 - alpha), normalised. Unlike beta-VAE's, minus it is a lower
    bound of log p(x) for every order in (0, 1], one draw estimates it without bias, and at 1 it
    is the evidence lower bound. It falls short of the variational Renyi bound of the same order
    by a further term, whose closed form for linear decoders takes a singular value
    decomposition; for a network that value would be no bound any more, and is left out. The
    derivation is in the documentation's page on the family.

    See Also
    --------
    VAE : The general class, with its attributes.

    References
    ----------
    R. I. Cukier (2023), "Resetting a fixed broken ELBO". https://arxiv.org/abs/2312.06828. The
    derivation here is our own, for want of the paper's.

    Examples
    --------
    >>> from sklearn_timegen import RELBOVAE
    >>> from sklearn_timegen.datasets import make_sines
    >>> X = make_sines(64, 24, 2, random_state=0)
    >>> RELBOVAE(max_epochs=2, random_state=0).fit(X).sample(3).shape
    (3, 24, 2)
    """

    alpha: float | None = param(
        default=0.5,
        doc="""The order, above 0 and at most 1. The smaller, the looser the bound: towards 0 the
        encoder has no part in it any more. ``transform`` returns means of the tilted posterior,
        which is what comes to approximate p(z | x).""",
        type="float",
    )
    beta: float = pinned(1.0)
    bound: str = pinned("relbo")


@estimator
class RecurrentVAE(VAE):
    """VRAE: a recurrent encoder, whose last state knows the series, and a recurrent decoder.

    See Also
    --------
    VAE : The general class, with its attributes.

    References
    ----------
    O. Fabius and J. R. van Amersfoort (2014), "Variational recurrent auto-encoders".
    https://arxiv.org/abs/1412.6581

    Examples
    --------
    >>> from sklearn_timegen import RecurrentVAE
    >>> from sklearn_timegen.datasets import make_sines
    >>> X = make_sines(64, 24, 2, random_state=0)
    >>> RecurrentVAE(max_epochs=2, random_state=0).fit(X).sample(3).shape
    (3, 24, 2)
    """

    encoder: str | Callable[..., nn.Module] = pinned("recurrent")
    decoder: str | Callable[..., nn.Module] = pinned("recurrent")
    hidden_dims: Sequence[int] = param(
        default=(64,),
        doc="Units of the encoder's recurrent layers; the decoder has them in reverse order.",
        type="sequence of int",
    )
