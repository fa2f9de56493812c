"""Diffusion, as a setting of the flow."""

from __future__ import annotations

from sklearn_timegen._checks import StrOptions
from sklearn_timegen.base import estimator, param
from sklearn_timegen.flow.general import FlowMatching

__all__ = ["Diffusion"]


@estimator
class Diffusion(FlowMatching):
    """Denoising diffusion: the variance-preserving path, noise prediction, DDPM or DDIM samples.

    A setting of :class:`FlowMatching`, which describes all other parameters: the path keeps
    alpha^2 + sigma^2 = 1, the network predicts the noise in x_t at times drawn evenly, and
    samples take many small steps. It is what papers on distillation mean by a teacher.

    References
    ----------
    J. Ho, A. Jain and P. Abbeel (2020), "Denoising diffusion probabilistic models", NeurIPS.
    https://arxiv.org/abs/2006.11239

    J. Song, C. Meng and S. Ermon (2021), "Denoising diffusion implicit models", ICLR.
    https://arxiv.org/abs/2010.02502

    A. Nichol and P. Dhariwal (2021), "Improved denoising diffusion probabilistic models", ICML.
    https://arxiv.org/abs/2102.09672

    Examples
    --------
    >>> from sklearn_timegen import Diffusion
    >>> from sklearn_timegen.datasets import make_sines
    >>> X = make_sines(64, 24, 2, random_state=0)
    >>> model = Diffusion(hidden_dim=16, n_layers=1, max_epochs=2, random_state=0).fit(X)
    >>> model.sample(3).shape
    (3, 24, 2)
    """

    path: str = param(
        default="ddpm",
        doc="""Noise that comes in at a rate that rises linearly, or along a quarter of a circle
        (Nichol and Dhariwal 2021).""",
        check=[StrOptions({"ddpm", "cosine"})],
    )
    prediction: str = "noise"
    solver: str = param(
        default="ddim",
        doc="""``"ddim"`` takes the deterministic way, ``"ddpm"`` draws new noise at each step;
        see :class:`FlowMatching` for the others.""",
    )
    n_steps: int = 100
    time_std: float = param(
        default=1.7, doc="See ``time_mean``: with 1.7, training times are all but even."
    )
