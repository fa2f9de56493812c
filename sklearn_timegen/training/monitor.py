"""What is watched in a training whose losses tell little: how far samples are from the data.

The losses of two networks that learn from each other may stand still while samples get better,
and fall while they get worse. So a distance between samples and series is taken after each
epoch, and the number of samples that are effectively different.
"""

from __future__ import annotations

import math
from functools import cache, cached_property
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from skorch.callbacks import Callback
from threadpoolctl import ThreadpoolController
from torch import Tensor

from sklearn_timegen._random import derive_seed, torch_generator
from sklearn_timegen._rows import effective_number, fine_bandwidth, flat_rows
from sklearn_timegen.data import Series
from sklearn_timegen.training.net import GeneratorNet

__all__ = ["COLLAPSED", "SATURATED", "ReferenceSeries", "SampleMonitor"]

N_REFERENCES = 256  # series that as many samples are compared with after each epoch

# Share of the data's effective number, below which modes are missing. On the ring of eight
# normals, games that lost modes ended between 0.15 and 0.4, those that found all above 0.95.
COLLAPSED = 0.25
SATURATED = 0.99  # share of pairs that a discriminator orders rightly, above which it is sure


class SampleMonitor(Callback):
    """Record after each epoch how far samples are from the data, and how many are different.

    ``train_distance`` and ``effective_sample_ratio`` are of training series, ``valid_distance``
    of those held out. The net draws by ``samples(n_samples, c, rng)``, with the same noise after
    each epoch, so that a curve shows training and not chance.
    """

    def training_state(self) -> dict[str, Any]:
        return {}  # the series that are compared with follow from the data

    def on_train_begin(
        self, net: GeneratorNet, X: object = None, y: object = None, **kwargs: object
    ) -> None:
        self.references_: dict[str, tuple[Any, ReferenceSeries]] = {}

    def on_train_end(
        self, net: GeneratorNet, X: object = None, y: object = None, **kwargs: object
    ) -> None:
        self.references_ = {}

    def on_epoch_end(
        self,
        net: GeneratorNet,
        dataset_train: Any = None,
        dataset_valid: Any = None,
        **kwargs: object,
    ) -> None:
        self._record(net, "train", dataset_train)
        if dataset_valid is not None:
            self._record(net, "valid", dataset_valid)

    def _record(self, net: GeneratorNet, prefix: str, dataset: Any) -> None:
        reference = self._reference(net, prefix, dataset)
        rng = torch_generator(derive_seed(net.seed, "watch"), net.device)  # equal in each epoch
        net.networks.eval()
        with torch.no_grad():
            fake = net.samples(len(reference.real), reference.c, rng)
            distance = reference.distance(fake)
        if not math.isfinite(distance):
            raise net.diverged("samples are no longer finite")
        net.record_best(f"{prefix}_distance", distance)
        if prefix == "train":
            net.history.record("effective_sample_ratio", reference.effective_ratio(fake))

    def _reference(self, net: GeneratorNet, prefix: str, dataset: Any) -> ReferenceSeries:
        """Return some of a data set's series at random: neighbours may be windows of one time."""
        known, reference = self.references_.get(prefix, (None, None))
        if reference is None or known is not dataset:
            series = net.get_iterator(dataset).series
            rng = torch_generator(derive_seed(net.seed, prefix))
            order = torch.randperm(len(series), generator=rng)[:N_REFERENCES]
            reference = ReferenceSeries(series[order.to(series.values.device)])
            self.references_[prefix] = dataset, reference
        return reference


class ReferenceSeries:
    """Energy distance from fixed series, and the effective number of different samples.

    The distance is that of :func:`~sklearn_timegen._distance.relative_energy_distance`, between
    represented series and their conditions: 0 on average for samples of the same distribution.
    The ratio is that of :func:`~sklearn_timegen.metrics.effective_sample_ratio`, between
    represented series.

    Parameters
    ----------
    series : Series
        Represented, perhaps with conditions.
    """

    def __init__(self, series: Series) -> None:
        x, self.c = series.values, series.conditions
        self.centre = x.mean(dim=0)  # cdist, by matrix products, rounds what is far from 0
        self.real = self._rows(x)
        self.within = torch.cdist(self.real, self.real)
        n = len(x)
        self.pairs = max(1, n * (n - 1))
        self.scale = float(self.within.sum()) / self.pairs or 1.0
        self.series = _as_float64(x)

    def distance(self, fake: Tensor) -> float:
        """Return the distance of as many samples."""
        drawn = self._rows(fake)
        within = torch.cdist(drawn, drawn)
        between = torch.cdist(self.real, drawn).mean()
        spread = (self.within.sum() + within.sum()) / self.pairs
        return float((2 * between - spread) / self.scale)

    def effective_ratio(self, fake: Tensor) -> float:
        """Return the effective number of as many samples, which are finite, beside the series'."""
        # So few rows are one thread's work: others would spin until after the next epoch.
        with _thread_pools().limit(limits=1, user_api="blas"):
            h, n_effective = self._of_series
            _, rows = flat_rows(self.series, _as_float64(fake))
            return effective_number(rows, h) / n_effective

    @cached_property
    def _of_series(self) -> tuple[float, float]:
        (rows,) = flat_rows(self.series)
        h = fine_bandwidth(rows)
        return h, effective_number(rows, h)

    def _rows(self, x: Tensor) -> Tensor:
        """Flat series, with the conditions as one more channel."""
        flat = (x - self.centre).flatten(1)
        return flat if self.c is None else torch.cat([flat, self.c * x.shape[1] ** 0.5], dim=1)


@cache
def _thread_pools() -> ThreadpoolController:
    """Look for the libraries' pools once: it takes longer than what they are limited for."""
    return ThreadpoolController()


def _as_float64(x: Tensor) -> NDArray[np.float64]:
    return x.numpy(force=True).astype(np.float64)
