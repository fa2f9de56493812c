"""The general flow, of which diffusion is a setting.

Symbols as in :mod:`sklearn_timegen.flow.paths`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from functools import partial
from numbers import Integral, Real
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from skorch.history import History
from torch import nn

from sklearn_timegen._checks import Interval, StrOptions
from sklearn_timegen._random import derive_seed, draw_seed
from sklearn_timegen.base import estimator, fitted, param
from sklearn_timegen.base.networks import check_shape, check_time_axis, make_network
from sklearn_timegen.data import Series
from sklearn_timegen.flow._field import FlowField
from sklearn_timegen.flow._solvers import SOLVERS
from sklearn_timegen.flow.baseline import Mixture, fit_mixture
from sklearn_timegen.flow.completion import ENSEMBLE_SIZES
from sklearn_timegen.flow.generator import FlowGenerator
from sklearn_timegen.flow.networks import FIELDS
from sklearn_timegen.flow.normal import Normal, normal_of
from sklearn_timegen.flow.objectives import FlowLoss
from sklearn_timegen.flow.paths import PATHS, PREDICTIONS
from sklearn_timegen.representation import Representation, Space
from sklearn_timegen.training import AveragedNet, GeneratorNet, RateSchedule, WarmupCosineRate

__all__ = ["FlowMatching"]

FloatArray = NDArray[np.float32]
LONG = 128  # timesteps from which on a window is no longer one token
N_BATCHES, MOST_EPOCHS = 5000, 1000  # of a training whose length is not given


@estimator
class FlowMatching(FlowGenerator):
    """Flow matching: a network learns the way from noise to series, and samples go along it.

    A point of the path at time t is x_t = alpha(t) x_1 + sigma(t) eps, from noise eps at t = 0
    to a series x_1 at t = 1. The network predicts from x_t what it does not know of the two; the
    velocity dx_t / dt that follows leads noise to series, in a few passes, and series back to
    noise, which are their latents. ``score_samples`` is the density of the flow, ``impute``
    fills what is missing, and ``forecast`` goes on from a past.

    =================  =========================================================================
    ``FlowMatching``   ``path="linear"``
    ``Diffusion``      ``path="ddpm"`` or ``"cosine"``, ``prediction="noise"``,
                       ``solver="ddim"`` or ``"ddpm"``
    =================  =========================================================================

    In ``impute``, the network's estimate of the series is corrected at each step from noise to a
    series by what the known values say beyond it, as in a Kalman filter whose covariances come
    from samples of the flow: exact if series are normal, an approximation otherwise.

    References
    ----------
    Y. Lipman, R. Chen, H. Ben-Hamu, M. Nickel and M. Le (2023), "Flow matching for generative
    modeling", ICLR. https://arxiv.org/abs/2210.02747

    T. Karras, M. Aittala, T. Aila and S. Laine (2022), "Elucidating the design space of
    diffusion-based generative models", NeurIPS. https://arxiv.org/abs/2206.00364

    P. Esser et al. (2024), "Scaling rectified flow transformers for high-resolution image
    synthesis" (logit-normal times), ICML. https://arxiv.org/abs/2403.03206

    A. Tong et al. (2024), "Improving and generalizing flow-based generative models with minibatch
    optimal transport", TMLR. https://arxiv.org/abs/2302.00482

    X. Yuan and Y. Qiao (2024), "Diffusion-TS: interpretable diffusion for general time series
    generation" (the Fourier term), ICLR. https://arxiv.org/abs/2403.01742

    J. Ho and T. Salimans (2022), "Classifier-free diffusion guidance".
    https://arxiv.org/abs/2207.12598

    C. Lu et al. (2022), "DPM-Solver++: fast solver for guided sampling of diffusion probabilistic
    models". https://arxiv.org/abs/2211.01095

    B. Wang and J. Vastola (2024), "The unreasonable effectiveness of Gaussian score approximation
    for diffusion models and its applications" (``baseline``), TMLR.
    https://arxiv.org/abs/2412.09726

    J. Song, A. Vahdat, M. Mardani and J. Kautz (2023), "Pseudoinverse-guided diffusion models for
    inverse problems" (``impute``), ICLR. https://openreview.net/forum?id=9_gsMA8MRKQ

    G. Evensen (2003), "The ensemble Kalman filter: theoretical formulation and practical
    implementation" (``impute``), Ocean Dynamics 53. https://doi.org/10.1007/s10236-003-0036-9

    M. Hochbruck and A. Ostermann (2010), "Exponential integrators", Acta Numerica 19.
    https://doi.org/10.1017/S0962492910000048

    Examples
    --------
    >>> from sklearn_timegen import FlowMatching
    >>> from sklearn_timegen.datasets import make_sines
    >>> X = make_sines(64, 24, 2, random_state=0)
    >>> flow = FlowMatching(hidden_dim=16, n_layers=1, max_epochs=2, random_state=0).fit(X)
    >>> flow.sample(3).shape
    (3, 24, 2)
    >>> flow.transform(X).shape
    (64, 50)
    """

    network: str | Callable[..., nn.Module] = param(
        default="auto",
        doc="""One token a channel that holds its whole window; one token a timestep; or
        convolutions along time at several resolutions. ``"auto"`` is the first up to 128
        timesteps, and where a representation leaves no time axis; then the last. A callable makes
        the module from ``(n_timesteps, n_channels, hidden_dim, n_layers, n_conditions)``; its
        ``forward(x, t, c)`` returns what ``prediction`` says, in the shape of ``x``. The last
        column of ``c`` is 0 where a condition is withheld.""",
        check=[StrOptions({"auto", *FIELDS}), callable],
    )
    hidden_dim: int = param(
        default=128,
        doc="Width of the network.",
        check=[Interval(Integral, 1, None, closed="left")],
    )
    n_layers: int = param(
        default=3,
        doc="Depth of the network; the number of resolutions of a U-net.",
        check=[Interval(Integral, 1, None, closed="left")],
    )
    path: str = param(
        default="linear",
        doc="alpha and sigma: t and 1 - t; sine and cosine; or the noise schedule of DDPM.",
        check=[StrOptions(set(PATHS))],
    )
    prediction: str = param(
        default="preconditioned",
        doc="""What the network predicts: the part (sigma x_1 - alpha eps) / s of unit variance
        that x_t does not tell (Karras et al. 2022; v-prediction on a path with s = 1), the
        velocity, the series, or the noise.""",
        check=[StrOptions(set(PREDICTIONS))],
    )
    baseline: str | None = param(
        default=None,
        doc="""What the network is added to: nothing, or, with ``"mixture"``, what a mixture of
        normals would say in its place, which is fitted to the series in seconds (exact for each
        normal; after Wang and Vastola 2024). Samples are then as good as those of
        :class:`PCAMixture` in the same representation before the network has learned anything,
        which helps short trainings on series that are roughly normal, and is in the way of series
        that lie on thin surfaces. Series of more than 2,048 cells have none.""",
        check=[StrOptions({"mixture"}), None],
    )
    coupling: str = param(
        default="independent",
        doc="""How noise and series of a batch are paired. ``"optimal"`` is by optimal transport
        (POT), for straighter ways; within each label, and not with conditions that are
        vectors.""",
        check=[StrOptions({"independent", "optimal"})],
    )
    time_mean: float = param(
        default=0.0,
        doc="Training times are sigmoid(time_mean + time_std N(0, 1)).",
        check=[Interval(Real, None, None, closed="neither")],
    )
    time_std: float = param(
        default=1.0, doc="See ``time_mean``.", check=[Interval(Real, 0, None, closed="neither")]
    )
    fourier_weight: float = param(
        default=0.0,
        doc="""Weight of the absolute error of the predicted series' Fourier coefficients along
        time, beside the squared error (Yuan and Qiao 2024). Needs a representation with a time
        axis.""",
        check=[Interval(Real, 0, None, closed="left")],
    )
    ema_decay: float = param(
        default=0.999,
        doc="Decay of the moving average of weights that samples are drawn by; 0 for none.",
        check=[Interval(Real, 0, 1, closed="left")],
    )
    warmup_steps: int = param(
        default=100,
        doc="Steps in which the learning rate rises.",
        check=[Interval(Integral, 0, None, closed="left")],
    )
    lr_end: float = param(
        default=0.0,
        doc="""Share of the learning rate that is left at the end of training; it falls along a
        cosine. ``partial_fit`` keeps it.""",
        check=[Interval(Real, 0, 1, closed="both")],
    )
    weight_decay: float = param(
        default=0.01, doc="Of AdamW.", check=[Interval(Real, 0, None, closed="left")]
    )
    condition_dropout: float = param(
        default=0.1,
        doc="""Share of series whose condition is withheld in training, for ``guidance`` and for
        flows without a condition.""",
        check=[Interval(Real, 0, 1, closed="left")],
    )
    solver: str = param(
        default="exponential",
        doc="""How samples go along the flow. ``"exponential"`` takes the flow of a normal
        distribution with the data's covariance exactly, and what goes beyond it by midpoint
        steps; ``"dpm"`` is DPM-Solver++(2M); ``"ddpm"`` draws new noise on the way. The network
        is asked once a step, twice with ``"exponential"``, ``"heun"`` and ``"midpoint"``, four
        times with ``"rk4"``.""",
        check=[StrOptions(set(SOLVERS))],
        mutable=True,
    )
    n_steps: int = param(
        default=4,
        doc="Steps of the solver.",
        check=[Interval(Integral, 1, None, closed="left")],
        mutable=True,
    )
    representation: str | Representation = param(
        default="auto",
        doc="""The view of series in which the flow works: ``"standard"``, ``"minmax"``,
        ``"quantile"``, ``"cosine"``, ``"cosine-quantile"``, ``"own-scale"``, ``"pca"``,
        ``"pca-quantile"``, or an object; see :mod:`sklearn_timegen.representation`. ``"auto"`` is
        ``"own-scale"`` up to 128 timesteps, if the network allows, and ``"quantile"`` otherwise.
        The first gives the best samples; for ``score_samples`` and ``forecast``
        take ``"cosine-quantile"``.""",
        check=[
            StrOptions({"auto"}),
            *FlowGenerator._parameter_constraints["representation"],
        ],
    )
    max_epochs: int | None = param(
        default=None,
        doc="""Training by AdamW; ``None`` is as many epochs as 5,000 batches take, but 1,000 at
        most.""",
        check=[Interval(Integral, 1, None, closed="left"), None],
    )  # type: ignore[assignment]
    batch_size: int = 128
    lr: float = param(default=2e-3, doc="The highest learning rate.")

    net_: AveragedNet = fitted(
        """The fitted skorch net; ``net_.module_`` holds the ``network``, the path, and the
        average of weights."""
    )
    history_: History = fitted(
        """A row an epoch, with ``train_loss`` and perhaps ``valid_loss``, by the averaged
        weights.""",
        type="skorch.history.History",
    )

    # -- training ----------------------------------------------------------------------------

    def _leaks(self) -> Iterator[str]:
        yield from super()._leaks()
        if self.baseline is not None and self.private is not None and self.private.public is None:
            yield (
                f"baseline={self.baseline!r} without public series (public=), to which it would "
                "be fitted. Set baseline=None"
            )

    def _check_space(self, space: Space) -> None:
        self._check_choices()

    def _fit(self, series: Series, n_epochs: int | None = None) -> None:
        v, varies = series.values, self._space.varies
        self._normal = normal_of(v, varies)
        labels = None if self._given_vectors else series.conditions
        seed = derive_seed(draw_seed(self.random_state), "baseline")
        mixture = self.baseline is not None
        self._mixture = fit_mixture(v, varies, self._normal, labels, seed) if mixture else None
        super()._fit(series, n_epochs)

    def _choose_representation(self, n_timesteps: int) -> str | Representation:
        if self.representation != "auto":
            return self.representation
        slides = getattr(self._network_class(n_timesteps, False), "needs_time_axis", False)
        return "quantile" if slides else "own-scale"

    def _network_class(self, n_timesteps: int, has_time_axis: bool) -> Callable[..., nn.Module]:
        if callable(self.network):
            return self.network
        if self.network != "auto":
            return FIELDS[self.network]
        long = n_timesteps > LONG and (has_time_axis or self.representation == "auto")
        return FIELDS["u-net" if long else "channel-transformer"]

    def _network_sizes(self, n_conditions: int, width: int, depth: int) -> tuple[int, ...]:
        """Return what a network is made from; beside conditions, it is told whether they count."""
        return *self._space.shape, width, depth, n_conditions + 1 if n_conditions else 0

    def _check_choices(self) -> None:
        """Refuse what contradicts itself, before training and before sampling."""
        if self.guidance != 1 and not self.conditional:
            raise ValueError(
                f"guidance={self.guidance} needs conditional=True: without conditions there is "
                "nothing to be guided by"
            )
        if self.guidance != 1:
            self._check_free_flow()
        if self.coupling == "optimal" and self._given_vectors:
            raise ValueError(
                "coupling='optimal' needs conditions that are labels: paired across vectors, "
                "each of them would see its own part of the noise only"
            )
        if self.fourier_weight > 0 and not self._space.has_time_axis:
            raise ValueError(
                f"fourier_weight={self.fourier_weight} needs a representation with a time axis, "
                f"and {self.representation_!r} has none; use 'standard' or 'quantile'"
            )

    def _check_free_flow(self) -> None:
        if self.condition_dropout == 0:
            raise ValueError(
                "a flow without conditions was asked for (guidance, or y=None), but "
                "condition_dropout=0 trains none: pass y, or a dropout above 0"
            )

    def _n_epochs(self, n_series: int) -> int:
        if self.max_epochs is not None:
            return self.max_epochs
        n_batches = math.ceil(n_series / self.batch_size)
        return max(1, min(MOST_EPOCHS, round(N_BATCHES / n_batches)))

    def _make_net(self, space: Space, n_conditions: int, **params: Any) -> GeneratorNet:
        network = self._network_class(self.series_shape_[0], space.has_time_axis)
        check_time_axis(network, self.network, space, self.representation)
        if "optimizer" not in (self.net_params or {}):
            params["optimizer"] = torch.optim.AdamW
            params.setdefault("optimizer__weight_decay", self.weight_decay)
        loss = partial(
            FlowLoss,
            self.time_mean,
            self.time_std,
            optimal=self.coupling == "optimal",
            labelled=self._condition_encoder is not None and not self._given_vectors,
            fourier_weight=self.fourier_weight,
            condition_dropout=self.condition_dropout,
        )
        sizes = self._network_sizes(n_conditions, self.hidden_dim, self.n_layers)
        module = partial(
            _build_field,
            network,
            sizes,
            self._normal,
            self._mixture,
            PATHS[self.path],
            PREDICTIONS[self.prediction],
            space.varies,
            space.reach,
            self.ema_decay,
        )
        return self._net_class(AveragedNet)(module, loss, varies=space.varies, **params)

    def _make_schedule(self) -> RateSchedule:
        return WarmupCosineRate(self.warmup_steps, self.lr_end)

    def _check_net(self, net: GeneratorNet, series: Series) -> None:
        some = series.to(net.device)
        t = torch.full((len(some),), 0.5, device=net.device)
        with torch.no_grad():
            f = net.module_(some.values, t, some.conditions)
        check_shape(f, some.values.shape, "what network returns", net.module_.network)

    def _after_training(self, series: Series) -> None:
        super()._after_training(series)
        c = series.conditions
        if c is not None and self.condition_dropout == 0:
            self._seen_conditions = c[:: 1 + len(c) // ENSEMBLE_SIZES[1]].copy()

    # -- sampling ------------------------------------------------------------------------------

    def _latent_conditions(self, y: Any, n_samples: int) -> FloatArray | None:
        """Encode conditions where they are given; ``None`` is the flow without any."""
        if y is not None or self._condition_encoder is None:
            return self._encode_conditions(y, n_samples)
        self._check_free_flow()
        return None

    def _draw(self, n_samples: int, c: FloatArray | None, rng: torch.Generator) -> FloatArray:
        self._validate_params()  # solver, steps and guidance may have been set since
        self._check_choices()
        noise = torch.randn(n_samples, *self._space.shape, generator=rng, device=rng.device)
        return self.flow_.generate(noise, c, rng=rng)


def _build_field(
    network: Callable[..., nn.Module],
    sizes: tuple[int, ...],
    normal: Normal,
    mixture: Mixture | None,
    *rest: Any,
) -> FlowField:
    field = FlowField(make_network(network, "network", *sizes), *rest)
    field.know_normal(normal, mixture)
    return field
