"""Settings of the general class that are named for how the networks are built or trained.

As in ``by_loss``: pinned is what a name means, the rest are defaults.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from numbers import Integral
from typing import Any

from torch import nn

from sklearn_timegen._checks import Interval
from sklearn_timegen.base import estimator, param, pinned
from sklearn_timegen.gan.general import GAN

__all__ = [
    "CRNNGAN",
    "RCGAN",
    "SNGAN",
    "GradientNormalizedGAN",
    "StyleGAN",
    "UnrolledGAN",
]

Network = str | Callable[..., nn.Module]


@estimator
class SNGAN(GAN):
    """Spectral normalization: each weight matrix is divided by its largest singular value.

    So the discriminator's slope is at most 1 times that of its activations, at hardly any cost.
    The hinge loss is the paper's, and may be changed.

    See Also
    --------
    GAN : The general class, with its attributes.

    References
    ----------
    T. Miyato et al. (2018), "Spectral normalization for generative adversarial networks", ICLR.
    https://arxiv.org/abs/1802.05957

    Examples
    --------
    >>> from sklearn_timegen import SNGAN
    >>> from sklearn_timegen.datasets import make_sines
    >>> X = make_sines(64, 24, 2, random_state=0)
    >>> gan = SNGAN(hidden_dims=(8,), latent_dim=4, max_epochs=2, encoder_steps=10,
    ...         random_state=0)
    >>> gan.fit(X).sample(3).shape
    (3, 24, 2)
    """

    loss: Any = "hinge"
    penalty: str | Sequence[str] | None = None
    normalization: str | None = pinned("spectral")
    betas: tuple[float, float] = (0.0, 0.9)


@estimator
class GradientNormalizedGAN(GAN):
    """The discriminator f becomes ``f / (|grad f| + |f|)``: bounded, and of bounded slope.

    A normalization of the whole function, not of its layers, that any network takes. Each value
    costs a backward pass.

    See Also
    --------
    GAN : The general class, with its attributes.

    References
    ----------
    Y.-L. Wu, H.-H. Shuai, Z.-R. Tam and H.-Y. Chiu (2021), "Gradient normalization for generative
    adversarial networks", ICCV. https://arxiv.org/abs/2109.02235

    V. Bhaskara, T. Aumentado-Armstrong, A. Jepson and A. Levinshtein (2022), "GraN-GAN: piecewise
    gradient normalization for generative adversarial networks", WACV.
    https://arxiv.org/abs/2111.02162

    Examples
    --------
    >>> from sklearn_timegen import GradientNormalizedGAN
    >>> from sklearn_timegen.datasets import make_sines
    >>> X = make_sines(64, 24, 2, random_state=0)
    >>> gan = GradientNormalizedGAN(hidden_dims=(8,), latent_dim=4, max_epochs=2, encoder_steps=10,
    ...                         random_state=0)
    >>> gan.fit(X).sample(3).shape
    (3, 24, 2)
    """

    loss: Any = "hinge"
    penalty: str | Sequence[str] | None = pinned(None)
    penalty_weight: float | Sequence[float] | None = pinned(None)
    normalization: str | None = pinned("gradient")
    n_kernels: int = pinned(0)
    betas: tuple[float, float] = (0.0, 0.9)


@estimator
class UnrolledGAN(GAN):
    """The generator looks some steps of the discriminator ahead, and differentiates through them.

    That keeps it from running after a single mode: the discriminator's answer is part of what it
    descends. A step costs about as much more as steps are unrolled.

    See Also
    --------
    GAN : The general class, with its attributes.

    References
    ----------
    L. Metz, B. Poole, D. Pfau and J. Sohl-Dickstein (2017), "Unrolled generative adversarial
    networks", ICLR. https://arxiv.org/abs/1611.02163

    Examples
    --------
    >>> from sklearn_timegen import UnrolledGAN
    >>> from sklearn_timegen.datasets import make_sines
    >>> X = make_sines(64, 24, 2, random_state=0)
    >>> gan = UnrolledGAN(hidden_dims=(8,), latent_dim=4, max_epochs=2, encoder_steps=10,
    ...               random_state=0)
    >>> gan.fit(X).sample(3).shape
    (3, 24, 2)
    """

    loss: Any = "non-saturating"
    penalty: str | Sequence[str] | None = None
    unroll_steps: int = param(
        default=5,
        doc="""Steps that are looked ahead, 1 at least. They are Adam's, continued from the
        optimizer's state, or plain gradient steps with another optimizer.""",
        check=[Interval(Integral, 1, None, closed="left")],
    )
    betas: tuple[float, float] = (0.5, 0.999)


@estimator
class RCGAN(GAN):
    """Recurrent conditional GAN: noise at each timestep in, a judgement of each timestep out.

    Made for medical series that are given their labels. ``conditional=False`` is the paper's RGAN.

    See Also
    --------
    GAN : The general class, with its attributes.

    References
    ----------
    C. Esteban, S. L. Hyland and G. Ratsch (2017), "Real-valued (medical) time series generation
    with recurrent conditional GANs". https://arxiv.org/abs/1706.02633

    Examples
    --------
    >>> from sklearn_timegen import RCGAN
    >>> from sklearn_timegen.datasets import make_labelled_sines
    >>> X, y = make_labelled_sines(60, 12, random_state=0)
    >>> gan = RCGAN(hidden_dims=(8,), max_epochs=2, encoder_steps=10, random_state=0)
    >>> gan.fit(X, y).sample(3, y="fast").shape
    (3, 12)
    """

    generator: Network = pinned("recurrent")
    discriminator: Network = pinned("recurrent")
    loss: Any = "non-saturating"
    penalty: str | Sequence[str] | None = None
    condition: str = "concatenation"
    latent_dim: int = param(default=5, doc="Latents at each timestep.")
    hidden_dims: Sequence[int] = (100,)
    betas: tuple[float, float] = (0.5, 0.999)
    conditional: bool = True


@estimator
class CRNNGAN(GAN):
    """Continuous recurrent GAN: the discriminator reads both ways, its features are matched.

    Made for music. The generator descends the squared distance between mean features of real and
    generated series, of each condition its own, not the adversarial loss.

    See Also
    --------
    GAN : The general class, with its attributes.

    References
    ----------
    O. Mogren (2016), "C-RNN-GAN: continuous recurrent neural networks with adversarial training".
    https://arxiv.org/abs/1611.09904

    Examples
    --------
    >>> from sklearn_timegen import CRNNGAN
    >>> from sklearn_timegen.datasets import make_sines
    >>> X = make_sines(64, 24, 2, random_state=0)
    >>> gan = CRNNGAN(hidden_dims=(8,), latent_dim=4, max_epochs=2, encoder_steps=10,
    ...           random_state=0)
    >>> gan.fit(X).sample(3).shape
    (3, 24, 2)
    """

    generator: Network = pinned("recurrent")
    discriminator: Network = pinned("bidirectional")
    feature_matching: float = pinned(1.0)
    unroll_steps: int = pinned(0)
    loss: Any = "non-saturating"
    penalty: str | Sequence[str] | None = None
    latent_dim: int = param(default=5, doc="Latents at each timestep.")
    hidden_dims: Sequence[int] = (100,)
    betas: tuple[float, float] = (0.5, 0.999)


@estimator
class StyleGAN(GAN):
    """The second StyleGAN along time: latents become a style that modulates every layer.

    With lazy R1 and path-length penalties, an average of weights, and ``truncation`` for samples
    that are more typical and less diverse.

    See Also
    --------
    GAN : The general class, with its attributes.

    References
    ----------
    T. Karras, S. Laine, M. Aittala, J. Hellsten, J. Lehtinen and T. Aila (2020), "Analyzing and
    improving the image quality of StyleGAN", CVPR. https://arxiv.org/abs/1912.04958

    Examples
    --------
    >>> from sklearn_timegen import StyleGAN
    >>> from sklearn_timegen.datasets import make_sines
    >>> X = make_sines(64, 24, 2, random_state=0)
    >>> gan = StyleGAN(hidden_dims=(8,), latent_dim=4, max_epochs=2, encoder_steps=10,
    ...            random_state=0)
    >>> gan.fit(X).sample(3).shape
    (3, 24, 2)
    """

    generator: Network = pinned("style")
    discriminator: Network = pinned("style")
    loss: Any = "non-saturating"
    penalty: str | Sequence[str] | None = ("r1", "path-length")
    penalty_interval: int = 8
    truncation: float = param(default=1.0, doc="How far styles may be from their mean in samples.")
