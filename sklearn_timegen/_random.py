"""Seeds in, private random streams out; the global streams of numpy and torch are never touched.

A ``random_state`` becomes one integer seed, and named, independent streams are derived from it:
weights, order of the batches, training noise, and so on. Two streams that share a seed but not
a name are independent, so that adding a draw to one changes nothing in another.
"""

from __future__ import annotations

import threading
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TypeAlias

import numpy as np
import torch
from sklearn.base import BaseEstimator

__all__ = [
    "RandomState",
    "derive_seed",
    "draw_seed",
    "seed_estimator",
    "seeded_weights",
    "torch_generator",
]

RandomState: TypeAlias = int | np.integer | np.random.RandomState | np.random.Generator | None

# torch's initialisers draw from the global stream. Forking it is not thread safe: two threads
# would mix their seeds, and a threaded grid search would differ from the sequential one.
_WEIGHTS_LOCK = threading.Lock()


def draw_seed(random_state: RandomState) -> int:
    """Turn a ``random_state`` into a non-negative integer seed.

    An integer is the seed itself, a generator is advanced by one draw, and ``None`` asks the
    operating system: numpy's global stream is left alone.
    """
    if random_state is None:
        return int(np.random.SeedSequence().generate_state(1, np.uint32)[0])
    if isinstance(random_state, np.random.RandomState):
        return int(random_state.randint(np.iinfo(np.int32).max))
    if isinstance(random_state, np.random.Generator):
        return int(random_state.integers(np.iinfo(np.int32).max))
    is_integer = isinstance(random_state, int | np.integer) and not isinstance(random_state, bool)
    if is_integer and random_state >= 0:
        return int(random_state)
    raise ValueError(
        f"random_state must be None, a non-negative integer, a numpy RandomState or a numpy "
        f"Generator, got {random_state!r}"
    )


def derive_seed(seed: int, name: str) -> int:
    """Return the seed of the stream called ``name`` under ``seed``."""
    sequence = np.random.SeedSequence([seed, zlib.crc32(name.encode())])
    return int(sequence.generate_state(1, np.uint32)[0])


def seed_estimator(estimator: BaseEstimator, seed: int) -> Any:
    """Give an estimator, and those within it, seeds of ours where they have none."""
    for name, value in estimator.get_params(deep=True).items():
        if name.split("__")[-1] == "random_state" and value is None:
            estimator.set_params(**{name: derive_seed(seed, name)})
    return estimator


def torch_generator(seed: int, device: str | torch.device = "cpu") -> torch.Generator:
    """Return a torch generator of its own on ``device``."""
    return torch.Generator(device=device).manual_seed(seed)


@contextmanager
def seeded_weights(seed: int) -> Iterator[None]:
    """Seed torch's global CPU stream for the block, alone, and put it back afterwards."""
    with _WEIGHTS_LOCK, torch.random.fork_rng(devices=[]):
        # Not torch.manual_seed, which seeds the devices as well.
        torch.default_generator.manual_seed(seed)
        yield
