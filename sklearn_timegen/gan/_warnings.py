"""What the history of a game tells that a user has to know."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from skorch.history import History

from sklearn_timegen._warning import warn_user
from sklearn_timegen.training import COLLAPSED, SATURATED, GeneratorNet

__all__ = ["warn_of_bad_training"]

# Before so many steps of the generator, bad samples are no failure but a beginning.
LEAST_STEPS = 500
FAR = 0.1  # a distance that is no chance: of a constant it is about 0.4


def warn_of_bad_training(net: GeneratorNet) -> None:
    """Warn of mode collapse, a saturated discriminator and divergence, with remedies."""
    steps = net.n_steps_
    # A single epoch may be one of many, by partial_fit.
    if steps["generator"] == 0 and net.n_epochs_ > 1 and net.history:
        warn_user(
            f"the generator has not been trained: n_critic={net.n_critic} steps of the "
            f"discriminator come first, and there were {steps['discriminator']}. Try a smaller "
            "n_critic, a smaller batch_size or more epochs"
        )
    if steps["generator"] >= LEAST_STEPS and net.history:
        for message in _symptoms(net.history):
            warn_user(message)


def _symptoms(history: History) -> Iterator[str]:
    latest = max(1, len(history) // 4)
    ratio = _mean(history[-latest:], "effective_sample_ratio")
    if ratio < COLLAPSED:
        yield (
            f"mode collapse: the samples are worth {ratio:.0%} as many different series as the "
            "data. Try penalty='zero-centred' with a greater penalty_weight, loss='relativistic', "
            "n_kernels=16, unroll_steps=5, or instance_noise"
        )
    accuracy = _mean(history[-latest:], "discriminator_accuracy")
    if accuracy > SATURATED:
        yield (
            f"the discriminator is saturated: it tells {accuracy:.1%} of real and generated "
            "series apart, so that the generator learns little from it. Try a smaller "
            "discriminator_lr, n_critic=1, instance_noise, or penalty='zero-centred' with a "
            "greater penalty_weight"
        )
    first, last = history[0]["train_distance"], _mean(history[-latest:], "train_distance")
    if last > max(FAR, 2 * first):
        yield (
            f"training diverges: the samples' distance from the data rose from {first:.3g} after "
            f"the first epoch to {last:.3g}. Try a smaller lr, n_iter_no_change (which keeps the "
            "best weights), or a penalty"
        )


def _mean(rows: History, name: str) -> float:
    return float(np.mean([row[name] for row in rows]))
