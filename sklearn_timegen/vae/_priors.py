"""What latents are drawn from after training: densities of the aggregate posterior.

An autoencoder is trained towards N(0, I), but the mean over the training series of q(z | x), the
aggregate posterior, ends elsewhere, and what the decoder makes of latents that no series has is
anybody's guess. A density fitted to draws of it afterwards closes the gap: P. Ghosh et al. (2020),
"From variational to deterministic autoencoders", ICLR, https://arxiv.org/abs/1903.12436.

Symbols: z latents (n_series, latent_dim) or, with several draws a series, (n_series, n_draws,
latent_dim); c the series' conditions (n_series, n_conditions).
"""

from __future__ import annotations

import copy
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.covariance import ledoit_wolf
from torch import Tensor

from sklearn_timegen._mixture import NormalMixture, by_class, choose_normals
from sklearn_timegen._random import derive_seed
from sklearn_timegen._warning import warn_user
from sklearn_timegen.data import Series
from sklearn_timegen.training import (
    BatchIterator,
    GeneratorNet,
    HoldOut,
    early_stopping,
)
from sklearn_timegen.vae.coupling import CouplingFlow
from sklearn_timegen.vae.likelihood import NegativeLogLikelihood, log_standard_normal

__all__ = ["PRIORS", "FlowPrior", "MixturePrior", "Prior", "StandardNormal"]

FloatArray = NDArray[np.float32]
Array = NDArray[np.float64]

REG_COVAR = 1e-4  # added to variances; the posterior of a latent that counts is hardly narrower
SERIES_PER_LATENT = 5  # in each normal of a mixture
# A flow's training: AdamW, on batches of so many draws, held-out series, whichever end is first.
LR, WEIGHT_DECAY, BATCH = 5e-3, 0.1, 256
HELD_OUT, N_HELD_OUT = 0.1, 20
N_STEPS, N_EPOCHS = 1000, 200
N_LEAST = 10  # series


@dataclass
class Prior(ABC):
    """A density over latents, given conditions if there are any.

    Parameters
    ----------
    latent_dim : int
        Number of latents.
    is_vector : bool, default=False
        Whether conditions are vectors, and not one-hot labels.
    """

    latent_dim: int
    is_vector: bool = False

    interrupted_: bool = field(default=False, init=False)

    @abstractmethod
    def fit(self, z: FloatArray, c: FloatArray | None, seed: int) -> Prior:
        """Fit to draws of the aggregate posterior, one or several a series."""

    @abstractmethod
    def sample(self, n_samples: int, c: Tensor | None, rng: torch.Generator) -> Tensor:
        """Draw float32 latents ``(n_samples, latent_dim)`` on the generator's device."""

    @abstractmethod
    def log_density(self, z: Tensor, c: Tensor | None) -> Tensor:
        """log p(z | c) for latents of any leading dimensions; c belongs to the first."""

    def keep(self, before: Prior | None) -> Prior:
        """Keep what the prior ``before`` further training knew and this one has not seen."""
        return self

    def _draws(self, z: FloatArray) -> FloatArray:
        """Latents as ``(n_series, n_draws, latent_dim)``."""
        return np.asarray(z, dtype=np.float32).reshape(len(z), -1, self.latent_dim)


class StandardNormal(Prior):
    """N(0, I), whatever the conditions: the prior of training."""

    def fit(self, z: FloatArray, c: FloatArray | None, seed: int) -> StandardNormal:
        """Nothing to fit."""
        return self

    def sample(self, n_samples: int, c: Tensor | None, rng: torch.Generator) -> Tensor:
        """Draw latents."""
        return torch.randn(n_samples, self.latent_dim, generator=rng, device=rng.device)

    def log_density(self, z: Tensor, c: Tensor | None) -> Tensor:
        """log N(z; 0, I)."""
        return log_standard_normal(z)


class MixturePrior(Prior):
    """Mixture of full-covariance normals, one for each label, or over vectors and latents.

    Its number of normals doubles, from 1, as long as the Bayesian information criterion
    improves and there are five series a latent for each. Where there are not as many even for
    one, its variances are widened by what Ledoit and Wolf's shrinkage adds to them; a single
    draw has a narrow normal. Vectors are conditioned on in closed form.
    """

    def fit(self, z: FloatArray, c: FloatArray | None, seed: int) -> MixturePrior:
        """Fit to draws, of which those of one series count as one."""
        draws = self._draws(z).astype(np.float64)
        self._parts: dict[int, NormalMixture] = {}
        for key, rows, vectors in by_class(c, len(draws), self.is_vector):
            joint, m = draws[rows], 0 if vectors is None else vectors.shape[1]
            if vectors is not None:
                same = np.repeat(vectors[:, None], joint.shape[1], axis=1)
                joint = np.concatenate([same, joint], axis=2)
            most = len(rows) / (SERIES_PER_LATENT * self.latent_dim)
            wider = _shrinkage(draws[rows].reshape(-1, self.latent_dim)) if most < 1 else 0.0
            part_seed = derive_seed(seed, f"mixture {key}") % 2**31
            made = choose_normals(joint, most, REG_COVAR + wider, part_seed)
            self._parts[key] = NormalMixture(made, m)
        return self

    def keep(self, before: Prior | None) -> MixturePrior:
        """Keep the mixtures of classes that are not among the latest series."""
        if isinstance(before, MixturePrior):
            self._parts = before._parts | self._parts
        return self

    def sample(self, n_samples: int, c: Tensor | None, rng: torch.Generator) -> Tensor:
        """Draw latents."""
        seed = torch.randint(2**62, (), generator=rng, device=rng.device).item()
        own = np.random.default_rng(int(seed))
        z = np.empty((n_samples, self.latent_dim), dtype=np.float32)
        for key, rows, vectors in by_class(_array(c), n_samples, self.is_vector):
            z[rows], _ = self._part(key).draw(len(rows), vectors, own)
        return torch.from_numpy(z).to(rng.device)

    def log_density(self, z: Tensor, c: Tensor | None) -> Tensor:
        """log p(z | c), computed in float64."""
        draws = z.detach().double().cpu().reshape(len(z), -1, self.latent_dim).numpy()
        density = np.empty(draws.shape[:2])
        for key, rows, vectors in by_class(_array(c), len(draws), self.is_vector):
            flat = draws[rows].reshape(-1, self.latent_dim)
            same = None if vectors is None else np.repeat(vectors, draws.shape[1], axis=0)
            density[rows] = self._part(key).log_density(flat, same).reshape(len(rows), -1)
        return torch.from_numpy(density).reshape(z.shape[:-1]).to(z)

    def _part(self, key: int) -> NormalMixture:
        if key not in self._parts:
            raise ValueError(f"the prior has seen no series of class number {key}")
        return self._parts[key]


class FlowPrior(Prior):
    """Affine coupling layers over a normal, trained by maximum likelihood on the CPU.

    The normal has the shrunk covariance of Ledoit and Wolf. A tenth of the series is held out,
    twenty if there are forty; the weights that suit them best are kept, if they suit them better
    than the normal alone, by two standard errors. Else it stays that normal, as it does for
    fewer than ten series, and for a single latent without conditions, which has no other to be
    coupled with.

    Attributes
    ----------
    interrupted_ : bool
        Whether training was ended by Ctrl-C; what was learned can be used.
    """

    def fit(self, z: FloatArray, c: FloatArray | None, seed: int) -> FlowPrior:
        """Train on draws; those of one series are never on both sides of the split."""
        draws = self._draws(z)
        n_series, n_draws, _ = draws.shape
        mean, factor = _normal(draws.reshape(-1, self.latent_dim).astype(np.float64))
        batch_size = max(1, BATCH // n_draws)
        n_epochs = max(1, min(N_EPOCHS, N_STEPS * batch_size // n_series))
        share = max(HELD_OUT, min(0.5, N_HELD_OUT / n_series))
        split = HoldOut(share, derive_seed(seed, "validation"))
        net = GeneratorNet(
            partial(CouplingFlow, mean, factor, 0 if c is None else c.shape[1]),
            NegativeLogLikelihood,
            seed=derive_seed(seed, "flow"),
            max_epochs=n_epochs,
            batch_size=batch_size,
            lr=LR,
            optimizer=torch.optim.AdamW,
            optimizer__weight_decay=WEIGHT_DECAY,
            optimizer__fused=True,
            train_split=split,
            callbacks=[early_stopping("valid_loss", max(10, n_epochs // 5), 0.0)],
            verbose=0,
        ).initialize()
        self.interrupted_ = False
        if n_series >= N_LEAST:
            conditions = None if c is None else torch.tensor(c)
            self._train(net, Series(torch.tensor(draws), conditions))
        self._flow = net.module_.requires_grad_(False)
        return self

    def _train(self, net: GeneratorNet, data: Series) -> None:
        normal = copy.deepcopy(net.module_.state_dict())
        (held_out,) = BatchIterator(net.train_split(data)[1], -1)
        loss = _losses(net, held_out)
        net.partial_fit(data)
        self.interrupted_ = net.interrupted_
        if self.interrupted_:
            warn_user(
                f"training of the prior was interrupted after {len(net.history)} of "
                f"{net.n_epochs_} epochs; it keeps what it has learned"
            )
        gain = loss - _losses(net, held_out)
        if not gain.mean() > 2 * gain.std() / len(gain) ** 0.5:
            net.module_.load_state_dict(normal)

    def sample(self, n_samples: int, c: Tensor | None, rng: torch.Generator) -> Tensor:
        """Draw latents."""
        u = torch.randn(n_samples, self.latent_dim, generator=rng, device=rng.device)
        return self._flow_like(u).inverse(u, None if c is None else c.to(u))

    def log_density(self, z: Tensor, c: Tensor | None) -> Tensor:
        """log p(z | c), in the precision of z."""
        u, log_det = self._flow_like(z)(z, None if c is None else c.to(z))
        return log_standard_normal(u) + log_det

    def _flow_like(self, z: Tensor) -> CouplingFlow:
        """The network on the device, and in the precision, of ``z``."""
        return copy.deepcopy(self._flow).to(z.device, z.dtype)


def _losses(net: GeneratorNet, batch: Series) -> Tensor:
    with torch.no_grad():
        losses: Tensor = net.criterion_(net.module_, batch, net.noise_)
    return losses


def _shrinkage(rows: Array) -> float:
    """What Ledoit and Wolf's shrunk covariance adds to the variances."""
    if len(rows) == 1:
        return 0.0
    covariance, share = ledoit_wolf(rows)
    return float(share * covariance.trace() / len(covariance))


def _normal(rows: Array) -> tuple[Array, Array]:
    """Mean and Cholesky factor of the covariance, shrunk for few draws to be invertible."""
    covariance = np.zeros((rows.shape[1],) * 2) if len(rows) == 1 else ledoit_wolf(rows)[0]
    return rows.mean(axis=0), np.linalg.cholesky(covariance + REG_COVAR * np.eye(rows.shape[1]))


def _array(c: Tensor | None) -> NDArray[Any] | None:
    return None if c is None else c.detach().cpu().numpy()


PRIORS: dict[str, Callable[[int, bool], Prior]] = {
    "normal": StandardNormal,
    "mixture": MixturePrior,
    "flow": FlowPrior,
}
