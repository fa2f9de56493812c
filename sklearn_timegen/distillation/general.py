"""The student of a flow, by two methods.

Symbols: z is noise, G the student, G(z) its series.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
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
from sklearn_timegen.base.networks import check_hidden_dims, check_time_axis
from sklearn_timegen.base.tensors import as_numpy, decode_in_batches, rows_of
from sklearn_timegen.data import Series
from sklearn_timegen.distillation._networks import PairDiscriminator, build_networks
from sklearn_timegen.distillation._taught import TaughtGenerator
from sklearn_timegen.distillation._training import PairedGame
from sklearn_timegen.distillation.objectives import PairRegression
from sklearn_timegen.flow import FlowMatching
from sklearn_timegen.flow._solvers import STOCHASTIC
from sklearn_timegen.nn.discriminator import BODIES, Discriminator
from sklearn_timegen.objectives.adversarial import RelativisticLoss
from sklearn_timegen.objectives.penalties import ZeroCentredPenalty
from sklearn_timegen.representation import Space
from sklearn_timegen.training import (
    AdversarialNet,
    AveragedNet,
    CosineRate,
    Game,
    GeneratorNet,
    RateSchedule,
    WarmupCosineRate,
)

__all__ = ["OneStepGenerator"]

FloatArray = NDArray[np.float32]
N_BATCHES, MOST_EPOCHS = 5000, 1000  # of a training whose length is not given
FROZEN_FRACTION = 0.85  # the paper's


@estimator
class OneStepGenerator(TaughtGenerator):
    """A student that samples in one pass what a flow, its teacher, samples in many.

    Both methods train a network that is asked once, with noise, at the beginning of the teacher's
    path:

    ===========  ==================================================================================
    paired       The teacher leads ``n_pairs`` draws of noise to its series, and the student G
                 learns to make of each noise z the series that belongs to it: by their distance
                 and, if asked for, by a discriminator that sees (series, z). Then G(z) is near
                 the teacher's series from the same seed (Kang et al. 2024, "Diffusion2GAN").
    adversarial  The student is the teacher itself, of which a small part is trained on by a game
                 against the real series alone (Zheng and Yang 2025, "D2O-F").
    ===========  ==================================================================================

    What the teacher has learned of the data (their layout, representation, conditions) holds for
    the student, whose latents are the noise: ``transform`` is the teacher's flow backwards,
    ``inverse_transform`` and ``sample`` are one pass.

    References
    ----------
    M. Kang et al. (2024), "Distilling diffusion models into conditional GANs", ECCV.
    https://arxiv.org/abs/2405.05967

    B. Zheng and T. Yang (2025), "Revisiting diffusion models: from generative pre-training to
    one-step generation", ICML. https://arxiv.org/abs/2506.09376

    Y. Song and P. Dhariwal (2024), "Improved techniques for training consistency models" (the
    pseudo-Huber distance), ICLR. https://arxiv.org/abs/2310.14189

    Y. Huang et al. (2024), "The GAN is dead; long live the GAN! A modern GAN baseline" (the
    game), NeurIPS. https://arxiv.org/abs/2501.05441

    Examples
    --------
    >>> from sklearn_timegen import FlowMatching, OneStepGenerator
    >>> from sklearn_timegen.datasets import make_sines
    >>> X = make_sines(64, 24, 2, random_state=0)
    >>> flow = FlowMatching(hidden_dim=16, n_layers=1, max_epochs=2, random_state=0)
    >>> student = OneStepGenerator(teacher=flow, n_pairs=100, max_epochs=2, random_state=0)
    >>> student.fit(X).sample(3).shape
    (3, 24, 2)
    """

    method: str = param(
        default="paired", doc="See above.", check=[StrOptions({"paired", "adversarial"})]
    )
    n_pairs: int = param(
        default=20_000,
        doc="""Number of pairs, anew for each ``fit`` and ``partial_fit``; their conditions are
        those in training, each about equally often.""",
        check=[Interval(Integral, 1, None, closed="left")],
        mutable=True,
    )
    n_teacher_steps: int | None = param(
        default=None,
        doc="Steps of the teacher's solver to each pair; ``None`` is its ``n_steps``.",
        check=[Interval(Integral, 1, None, closed="left"), None],
        mutable=True,
    )
    adversarial_weight: float = param(
        default=0.0,
        doc="""Weight of the adversarial loss beside the distance of a pair. At 0 there is no
        discriminator, and training is faster.""",
        check=[Interval(Real, 0, None, closed="left")],
    )
    hidden_dim: int | None = param(
        default=None,
        doc="""Width of a network of the student's own, of the teacher's kind; with
        ``method="paired"`` only. If it and ``n_layers`` are ``None`` it is the teacher's, with its
        weights. A smaller one is faster.""",
        check=[Interval(Integral, 1, None, closed="left"), None],
    )
    n_layers: int | None = param(
        default=None,
        doc="Depth of such a network.",
        check=[Interval(Integral, 1, None, closed="left"), None],
    )
    frozen_fraction: float | None = param(
        default=None,
        doc="""Fraction of the teacher's weights that stay as they are: the largest tensors.
        Trained are the smallest until 1 - ``frozen_fraction`` is reached: biases, embedding and
        output first, the great matrices never. The paper froze 85%, most convolutions of a U-Net;
        ``None`` is 0.85 for ``"adversarial"`` and 0 for ``"paired"``.""",
        check=[Interval(Real, 0, 1, closed="left"), None],
        formerly="frozen_share",
    )
    discriminator: str = param(
        default="dense",
        doc="""Its network, as in :class:`GAN`; values are relativistic, with a zero-centred
        penalty.""",
        check=[StrOptions(set(BODIES))],
    )
    discriminator_hidden_dims: Sequence[int] = param(
        default=(256, 256, 256),
        doc="Widths of its layers.",
        check=["array-like"],
        type="sequence of int",
    )
    discriminator_lr: float | None = param(
        default=None,
        doc="Its own learning rate.",
        check=[Interval(Real, 0, None, closed="neither"), None],
        mutable=True,
    )
    penalty_weight: float = param(
        default=1.0,
        doc="Weight of the penalty on its slope, at real and generated series.",
        check=[Interval(Real, 0, None, closed="left")],
    )
    ema_decay: float = param(
        default=0.999,
        doc="Decay of the moving average of weights that samples are drawn by; 0 for none.",
        check=[Interval(Real, 0, 1, closed="left")],
    )
    lr_end: float = param(
        default=0.0,
        doc="""Share of the learning rate that is left at the end of training; it falls along a
        cosine. ``partial_fit`` keeps it.""",
        check=[Interval(Real, 0, 1, closed="both")],
    )
    max_epochs: int | None = param(
        default=None,
        doc="""Training by Adam; ``None`` is as many epochs as 5,000 batches take, but 1,000 at
        most.""",
        check=[Interval(Integral, 1, None, closed="left"), None],
    )  # type: ignore[assignment]
    batch_size: int = param(default=128, doc="Pairs (or series) in a batch.")
    lr: float = param(default=2e-3, doc="The highest learning rate.")
    validation_fraction: float = param(
        default=0.0, doc="Share of the pairs (or series) that is held out, at random."
    )

    teacher_: FlowMatching = fitted("The fitted teacher; a copy, if it was fitted before.")
    net_: Any = fitted(
        """The fitted skorch net; ``net_.module_`` holds the student as ``generator``, and the
        ``discriminator``, or None.""",
        type="AdversarialNet or AveragedNet",
    )
    history_: History = fitted(
        """A row an epoch. With a discriminator: both networks' losses, and ``train_distance``,
        the energy distance between samples and what the student is to follow, the teacher's
        series or the real ones. Else ``train_loss``, the mean distance of the pairs.""",
        type="skorch.history.History",
    )
    representation_: Any = fitted("The teacher's fitted representation.", type="object")
    classes_: NDArray[Any] = fitted(
        "The labels, if the teacher is conditional on labels.", type="ndarray"
    )
    n_features_in_: int = fitted("``X.shape[1]`` of the ``X`` that the teacher saw.")
    feature_names_in_: NDArray[Any] = fitted(
        "Its column names, if it had string ones.", type="ndarray"
    )

    @property  # type: ignore[misc]
    def conditional(self) -> bool:  # type: ignore[override]
        """Whether the teacher is conditional."""
        teacher = getattr(self.teacher, "estimator", self.teacher)
        return bool(getattr(teacher, "conditional", False))

    # -- training ----------------------------------------------------------------------------

    def _check_choices(self, teacher: FlowMatching) -> None:
        own = {"hidden_dim": self.hidden_dim, "n_layers": self.n_layers}
        sizes = ", ".join(f"{name}={value}" for name, value in own.items() if value is not None)
        contradictions = (
            (
                self._paired and teacher.solver in STOCHASTIC,
                f"method='paired' needs a teacher that leads each noise to one series, but its "
                f"solver={teacher.solver!r} draws new noise on the way; use 'ddim' or 'dpm'",
            ),
            (
                not self._paired and sizes,
                f"method='adversarial' begins with the teacher's weights, which a network of "
                f"{sizes} cannot have; leave them None, or use method='paired'",
            ),
            (
                not self._paired and self.adversarial_weight > 0,
                f"adversarial_weight={self.adversarial_weight} weighs nothing with "
                "method='adversarial', which has no other loss",
            ),
            (
                not self._paired and self.n_teacher_steps is not None,
                f"n_teacher_steps={self.n_teacher_steps} needs method='paired': with "
                f"{self.method!r} the teacher draws no series",
            ),
            (
                self._frozen_fraction > 0 and sizes,
                f"frozen_fraction={self.frozen_fraction} of the teacher's weights cannot be kept "
                f"by a network of {sizes}, which has none of them",
            ),
        )
        for applies, message in contradictions:
            if applies:
                raise ValueError(message)

    @property
    def _paired(self) -> bool:
        return self.method == "paired"

    @property
    def _plays(self) -> bool:
        """Whether there is a discriminator."""
        return not self._paired or self.adversarial_weight > 0

    @property
    def _frozen_fraction(self) -> float:
        if self.frozen_fraction is not None:
            return self.frozen_fraction
        return 0.0 if self._paired else FROZEN_FRACTION

    def _n_epochs(self, n_series: int) -> int:
        if self.max_epochs is not None:
            return self.max_epochs
        n_batches = math.ceil((self.n_pairs if self._paired else n_series) / self.batch_size)
        return max(1, min(MOST_EPOCHS, round(N_BATCHES / n_batches)))

    def _make_net(self, space: Space, n_conditions: int, **params: Any) -> GeneratorNet:
        module = partial(
            build_networks,
            self.teacher_.flow_.field,
            self._own_network(n_conditions),
            self._discriminator(space, n_conditions) if self._plays else None,
            self._frozen_fraction,
            self.ema_decay,
        )
        if not self._plays:
            return AveragedNet(module, PairRegression, **params)
        if not {"optimizer", "optimizer__betas"} & set(self.net_params or {}):
            # The distance of pairs rules the student's steps, and is no game: momentum helps.
            params["optimizer__betas"] = (0.9, 0.99) if self._paired else (0.0, 0.99)
        loss, penalties = RelativisticLoss(), [(ZeroCentredPenalty(), self.penalty_weight)]
        game = Game(loss, penalties)
        if self._paired:
            game = PairedGame(loss, penalties, self.adversarial_weight)
        return AdversarialNet(module, game, discriminator_lr=self.discriminator_lr, **params)

    def _own_network(self, n_conditions: int) -> Callable[[], nn.Module] | None:
        """Return what makes a network of the student's own sizes, if it has any."""
        if self.hidden_dim is None and self.n_layers is None:
            return None
        return self.teacher_.flow_.network_like(n_conditions, self.hidden_dim, self.n_layers)

    def _discriminator(self, space: Space, n_conditions: int) -> Callable[[], nn.Module]:
        """Return what makes the discriminator, of series or of pairs."""
        body = BODIES[self.discriminator]
        check_time_axis(body, self.discriminator, space, self.representation_)
        widths = check_hidden_dims(self.discriminator_hidden_dims, "discriminator_hidden_dims")
        n_timesteps, n_channels = space.shape
        seen = 2 * n_channels if self._paired else n_channels
        made = partial(Discriminator, body, n_timesteps, seen, widths, n_conditions, bias=False)
        return partial(_pair_discriminator, made) if self._paired else made

    def _training_data(self, series: Series, device: str) -> Series:
        shown = self._pairs(series.conditions) if self._paired else series
        return replace(shown, values=shown.values * self._space.varies).to(device)

    def _pairs(self, c: FloatArray | None) -> Series:
        """Return series of the teacher, with their conditions and the noise of each."""
        made_before = self._n_epochs_before
        seed = derive_seed(draw_seed(self.random_state), f"pairs after epoch {made_before}")
        rng = np.random.default_rng(seed)
        z = rng.standard_normal((self.n_pairs, *self._space.shape), dtype=np.float32)
        if c is not None:  # each of those in training about equally often
            c = c[np.resize(rng.permutation(len(c)), self.n_pairs)]
        x = np.empty_like(z)
        for rows in self._batches(len(z)):
            x[rows] = self.teacher_.flow_.generate(
                z[rows], rows_of(c, rows), n_steps=self.n_teacher_steps
            )
        if not np.isfinite(x).all():
            raise FloatingPointError("the teacher's series are not finite: it has diverged")
        return Series(x, c, latents=z.reshape(len(z), -1))

    def _make_callbacks(self, monitor: str) -> list[Any]:
        return super()._make_callbacks(
            monitor.replace("loss", "distance") if self._plays else monitor
        )

    def _make_schedule(self) -> RateSchedule:
        kind = CosineRate if self._plays else WarmupCosineRate
        return kind(lr_end=self.lr_end)

    # -- sampling ------------------------------------------------------------------------------

    def _draw(self, n_samples: int, c: FloatArray | None, rng: torch.Generator) -> FloatArray:
        # In the shape in which the teacher draws it: the same seed is the same noise.
        noise = torch.randn(n_samples, *self._space.shape, generator=rng, device=rng.device)
        with self._inference() as networks:
            return as_numpy(networks.sample(noise.flatten(1), self._tensor(c)))

    def _decode(self, z: FloatArray, c: FloatArray | None) -> FloatArray:
        with self._inference() as networks:
            return decode_in_batches(self, networks.sample, z, c)


def _pair_discriminator(discriminator: Callable[[], nn.Module]) -> nn.Module:
    return PairDiscriminator(discriminator())
