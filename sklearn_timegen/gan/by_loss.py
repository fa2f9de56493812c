"""Settings of the general class that are named for what the networks minimise.

A name pins what its paper's name means, and re-defaults what the paper used; where a paper's
networks are for images, the general class's stay.
"""

from __future__ import annotations

from collections.abc import Sequence

from sklearn_timegen._checks import StrOptions
from sklearn_timegen.base import estimator, param, pinned
from sklearn_timegen.gan.general import GAN
from sklearn_timegen.objectives.adversarial import DIVERGENCES

__all__ = [
    "FGAN",
    "LSGAN",
    "NSGAN",
    "R3GAN",
    "WGAN",
    "WGANGP",
    "VanillaGAN",
]


@estimator
class VanillaGAN(GAN):
    """The GAN of 2014: the generator descends E log(1 - D).

    A discriminator that is sure of itself gives the generator no slope to learn from;
    :class:`NSGAN` is the same paper's remedy.

    See Also
    --------
    GAN : The general class, with its attributes.

    References
    ----------
    I. Goodfellow et al. (2014), "Generative adversarial nets", NeurIPS.
    https://arxiv.org/abs/1406.2661

    Examples
    --------
    >>> from sklearn_timegen import VanillaGAN
    >>> from sklearn_timegen.datasets import make_sines
    >>> X = make_sines(64, 24, 2, random_state=0)
    >>> gan = VanillaGAN(hidden_dims=(8,), latent_dim=4, max_epochs=2, encoder_steps=10,
    ...              random_state=0)
    >>> gan.fit(X).sample(3).shape
    (3, 24, 2)
    """

    loss: str = pinned("minimax")
    penalty: str | Sequence[str] | None = None
    betas: tuple[float, float] = (0.5, 0.999)


@estimator
class NSGAN(GAN):
    """The non-saturating GAN: the generator descends -E log D.

    The variant that is meant when papers say GAN. It has the fixed point of :class:`VanillaGAN`,
    and a slope where the discriminator is sure.

    See Also
    --------
    GAN : The general class, with its attributes.

    References
    ----------
    I. Goodfellow et al. (2014), "Generative adversarial nets", NeurIPS.
    https://arxiv.org/abs/1406.2661

    Examples
    --------
    >>> from sklearn_timegen import NSGAN
    >>> from sklearn_timegen.datasets import make_sines
    >>> X = make_sines(64, 24, 2, random_state=0)
    >>> gan = NSGAN(hidden_dims=(8,), latent_dim=4, max_epochs=2, encoder_steps=10,
    ...         random_state=0)
    >>> gan.fit(X).sample(3).shape
    (3, 24, 2)
    """

    loss: str = pinned("non-saturating")
    penalty: str | Sequence[str] | None = None
    betas: tuple[float, float] = (0.5, 0.999)


@estimator
class LSGAN(GAN):
    """Least-squares GAN: labels are regressed, not classified.

    Series that are on the right side, but far from the boundary, still pull.

    See Also
    --------
    GAN : The general class, with its attributes.

    References
    ----------
    X. Mao et al. (2017), "Least squares generative adversarial networks", ICCV.
    https://arxiv.org/abs/1611.04076

    Examples
    --------
    >>> from sklearn_timegen import LSGAN
    >>> from sklearn_timegen.datasets import make_sines
    >>> X = make_sines(64, 24, 2, random_state=0)
    >>> gan = LSGAN(hidden_dims=(8,), latent_dim=4, max_epochs=2, encoder_steps=10,
    ...         random_state=0)
    >>> gan.fit(X).sample(3).shape
    (3, 24, 2)
    """

    loss: str = pinned("least-squares")
    penalty: str | Sequence[str] | None = None
    betas: tuple[float, float] = (0.5, 0.999)


@estimator
class WGAN(GAN):
    """Wasserstein GAN: a critic with clipped weights, whose gap estimates W1 up to a factor.

    Clipping bounds the critic's slope, but makes it a poor one: :class:`WGANGP` came half a year
    later. The paper used RMSprop, for momentum made its critic unstable; ``betas=(0, 0.99)`` is
    RMSprop with a bias correction.

    See Also
    --------
    GAN : The general class, with its attributes.

    References
    ----------
    M. Arjovsky, S. Chintala and L. Bottou (2017), "Wasserstein GAN", ICML.
    https://arxiv.org/abs/1701.07875

    Examples
    --------
    >>> from sklearn_timegen import WGAN
    >>> from sklearn_timegen.datasets import make_sines
    >>> X = make_sines(64, 24, 2, random_state=0)
    >>> gan = WGAN(hidden_dims=(8,), latent_dim=4, max_epochs=5, encoder_steps=10,
    ...        random_state=0)
    >>> gan.fit(X).sample(3).shape
    (3, 24, 2)
    """

    loss: str = pinned("wasserstein")
    penalty: str | Sequence[str] | None = pinned(None)
    penalty_weight: float | Sequence[float] | None = pinned(None)
    normalization: str | None = pinned("clip")
    n_critic: int = param(default=5, doc="The critic's steps for each step of the generator.")
    clip_value: float = param(default=0.01, doc="Bound of the critic's weights.")


@estimator
class WGANGP(GAN):
    """Wasserstein GAN with gradient penalty: the critic's slope is to be 1 on the way to the data.

    ``penalty="one-sided"`` of the general class is WGAN-LP (Petzka et al. 2018), which lets the
    slope be smaller.

    See Also
    --------
    GAN : The general class, with its attributes.

    References
    ----------
    I. Gulrajani et al. (2017), "Improved training of Wasserstein GANs", NeurIPS.
    https://arxiv.org/abs/1704.00028

    Examples
    --------
    >>> from sklearn_timegen import WGANGP
    >>> from sklearn_timegen.datasets import make_sines
    >>> X = make_sines(64, 24, 2, random_state=0)
    >>> gan = WGANGP(hidden_dims=(8,), latent_dim=4, max_epochs=5, encoder_steps=10,
    ...          random_state=0)
    >>> gan.fit(X).sample(3).shape
    (3, 24, 2)
    """

    loss: str = pinned("wasserstein")
    penalty: str | Sequence[str] | None = pinned("gradient")
    normalization: str | None = pinned(None)
    n_critic: int = param(default=5, doc="The critic's steps for each step of the generator.")
    betas: tuple[float, float] = (0.0, 0.9)
    penalty_weight: float | Sequence[float] | None = param(
        default=None, doc="Weight of the penalty; ``None`` is the paper's 10."
    )


@estimator
class FGAN(GAN):
    """The game that minimises an f-divergence of the data's distribution from the samples'.

    The generator descends the divergence's variational bound itself. The paper's heuristic, to
    ascend the discriminator's output instead, minimises another divergence than the named one.

    See Also
    --------
    GAN : The general class, with its attributes.

    References
    ----------
    S. Nowozin, B. Cseke and R. Tomioka (2016), "f-GAN: training generative neural samplers using
    variational divergence minimization", NeurIPS. https://arxiv.org/abs/1606.00709

    Examples
    --------
    >>> from sklearn_timegen import FGAN
    >>> from sklearn_timegen.datasets import make_sines
    >>> X = make_sines(64, 24, 2, random_state=0)
    >>> gan = FGAN(hidden_dims=(8,), latent_dim=4, max_epochs=2, encoder_steps=10,
    ...        random_state=0)
    >>> gan.fit(X).sample(3).shape
    (3, 24, 2)
    """

    loss: None = pinned(None)
    divergence: str = param(
        default="jensen-shannon",
        doc="""``"kl"`` asks for all modes, ``"reverse-kl"`` for none that the data lack; the game
        of ``"jensen-shannon"`` and ``"gan"`` is that of :class:`VanillaGAN`, up to a constant.""",
        check=[StrOptions(set(DIVERGENCES))],
    )
    penalty: str | Sequence[str] | None = None
    betas: tuple[float, float] = (0.5, 0.999)

    def _adversarial_loss(self) -> str:
        return self.divergence


@estimator
class R3GAN(GAN):
    """Relativistic pairing with a zero-centred penalty on both sides: a baseline that converges.

    Each generated series is judged against a real one, which leaves no minimum where modes are
    dropped; R1 and R2 make the game converge locally. The paper needs no further trick.

    See Also
    --------
    GAN : The general class, with its attributes.

    References
    ----------
    Y. Huang, A. Gokaslan, V. Kuleshov and J. Tompkin (2024), "The GAN is dead; long live the GAN!
    A modern GAN baseline", NeurIPS. https://arxiv.org/abs/2501.05441

    Examples
    --------
    >>> from sklearn_timegen import R3GAN
    >>> from sklearn_timegen.datasets import make_sines
    >>> X = make_sines(64, 24, 2, random_state=0)
    >>> gan = R3GAN(hidden_dims=(8,), latent_dim=4, max_epochs=2, encoder_steps=10,
    ...         random_state=0)
    >>> gan.fit(X).sample(3).shape
    (3, 24, 2)
    """

    loss: str = pinned("relativistic")
    penalty: str | Sequence[str] | None = pinned("zero-centred")
    penalty_interval: int = param(
        default=4,
        doc="Take it at each fourth step, four times as heavy; the paper does at each.",
    )
    penalty_weight: float | Sequence[float] | None = param(
        default=None, doc="The paper's gamma, of which each side has half; ``None`` is 1."
    )
