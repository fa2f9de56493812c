"""The laws of generators that a network is trained for, and what training they are given."""

from __future__ import annotations

import copy
from functools import partial
from typing import Any

from sklearn_timegen.base import BaseGenerator, NeuralGenerator
from sklearn_timegen.estimator_checks._trial import Check, Trial, law
from sklearn_timegen.gan import GAN
from sklearn_timegen.timegan import TimeGAN

__all__ = ["LAWS_OF_TRAINING", "effort"]

LAWS_OF_TRAINING: list[Check] = []
_law = partial(law, LAWS_OF_TRAINING)


def _is_trained(generator: BaseGenerator) -> bool:
    return isinstance(generator, NeuralGenerator)


def _is_adversarial(generator: BaseGenerator) -> bool:
    plays = isinstance(generator, GAN | TimeGAN)
    return plays or getattr(generator, "method", None) == "adversarial"


def effort(generator: BaseGenerator, n_epochs: int) -> dict[str, Any]:
    """Parameters for a training that has to lead somewhere; one that trains longer may."""
    if not _is_trained(generator):
        return {}
    known = generator.get_params()
    given = {"max_epochs": n_epochs, "lr": 1e-2}
    taught = {f"teacher__{name}": value for name, value in given.items()}
    if _is_adversarial(generator):
        # What learning rate a game can bear is its own affair; one that is prepared needs less.
        given = {"max_epochs": 40 if isinstance(generator, TimeGAN) else 80}
    given |= {name: value for name, value in taught.items() if name in known}
    for name in ("max_epochs", "teacher__max_epochs"):
        if name in given:
            given[name] = max(given[name], known[name] or 0)
    return given


@_law(_is_trained, learns=True)
def check_loss_falls(trial: Trial) -> None:
    X = trial.series(n_samples=64)

    def falls(seed: int) -> tuple[bool, str]:
        fitted = trial.fresh(random_state=seed, **effort(trial.generator, 15)).fit(X)
        if "train_distance" not in fitted.history_[-1]:
            losses = [row["train_loss"] for row in fitted.history_]
            return losses[-1] < losses[0], f"the loss went from {losses[0]} to {losses[-1]}"
        # The losses of networks that learn from each other need not fall. Samples come nearer, but
        # the networks circle: they may be away again at the end.
        distances = [row["train_distance"] for row in fitted.history_]
        nearest = min(distances)
        return nearest < 0.95 * distances[0], f"the distance went from {distances[0]} to {nearest}"

    trial.majority(falls)


@_law(_is_trained)
def check_every_parameter_gets_a_gradient(trial: Trial) -> None:
    generator, X = trial.generator, trial.series(n_samples=64)
    plays = _is_adversarial(generator)
    # Of two networks, one may wait for the other.
    n_epochs = 10 * getattr(generator, "n_critic", 1) if plays else 1
    fitted = trial.fresh(max_epochs=n_epochs, batch_size=64).fit(X)
    module = fitted.net_.module_
    # What stands beside the networks is their average, and is not trained.
    averaged = set(map(id, module.average.parameters())) if hasattr(module, "average") else set()
    for name, parameter in module.named_parameters():
        if id(parameter) in averaged:
            continue
        assert parameter.grad is not None, f"{name} got no gradient"
        # Until a hinge is reached, what real series and generated ones ask of the offset of a
        # discriminator's value adds up to nothing.
        may_cancel = plays and parameter.numel() == 1
        assert may_cancel or bool((parameter.grad != 0).any()), f"{name} got a gradient of zeros"


@_law(_is_trained)
def check_training_goes_on(trial: Trial) -> None:
    X, fitted = trial.series(), copy.deepcopy(trial.fitted)
    n = fitted.n_iter_
    assert fitted.partial_fit(X).n_iter_ == n + 1, "partial_fit does not add an epoch"
    warm = fitted.set_params(warm_start=True).fit(X)
    assert warm.n_iter_ == 2 * n + 1, "warm_start does not go on"
    assert warm.set_params(warm_start=False).fit(X).n_iter_ == n, "fit does not begin anew"
    assert trial.fresh(batch_size=1000).fit(X).sample().shape == (1, *X.shape[1:])


@_law(_is_trained)
def check_so_many_epochs_are_trained(trial: Trial) -> None:
    n = 1 + getattr(trial.generator, "n_critic", 1)  # a generator that waits for its discriminator
    n_iter = trial.fresh(max_epochs=n).fit(trial.series()).n_iter_
    assert n_iter == n, f"max_epochs is {n}, but n_iter_ {n_iter}"
