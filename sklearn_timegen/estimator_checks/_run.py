"""The laws, run: all of them at once, or one by one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from sklearn_timegen.base import BaseGenerator
from sklearn_timegen.estimator_checks._laws import LAWS
from sklearn_timegen.estimator_checks._laws_of_training import LAWS_OF_TRAINING
from sklearn_timegen.estimator_checks._trial import Check, Trial

__all__ = ["check_generator", "generator_checks"]


def check_generator(generator: BaseGenerator, *, random_state: int = 0) -> None:
    """Hold a generator to every law; raise an ``AssertionError`` at the first that it breaks.

    The laws: samples have the shape, layout and units of the data and are finite; the same seed
    gives the same series, again, after pickling and after saving without it, and with
    ``layout="channels-first"`` those with axes swapped; the global random streams are left alone;
    one channel, one series, one timestep, lists, float64, read-only and non-contiguous arrays
    work; constant channels and copies come back exactly; fitting twice equals fitting once; bad
    input is refused in words that name it; values are missing as often as in the data, lengths
    are learned, and words, flags, dates and attributes come back as they were; if conditional,
    classes separate; if a network is trained, its loss falls and every parameter gets a gradient.

    Parameters
    ----------
    generator : generator
        An instance with few epochs. A generator with the parameter ``conditional`` is checked
        without and with it.
    random_state : int, default=0
        Seed of the data and of the fits. A generator that keeps the laws does so for any.

    Raises
    ------
    AssertionError
        If a law is broken; the message names it.

    Examples
    --------
    >>> from sklearn_timegen import VAE, check_generator
    >>> check_generator(VAE(encoder="dense", decoder="dense", hidden_dims=(8,), max_epochs=3))
    """
    for _, check in generator_checks([generator], random_state=random_state):
        name, law = type(generator).__name__, check.__name__.replace("_", " ")
        try:
            check(generator)
        except AssertionError as error:
            raise AssertionError(f"{name} breaks {law}: {error}") from error
        except Exception as error:
            what = f"{name} raises {type(error).__name__} where we {law}"
            raise AssertionError(f"{what}: {error}") from error


def generator_checks(
    generators: Iterable[Any], *, random_state: int = 0
) -> Iterator[tuple[Any, Check]]:
    """Yield every pair of a generator and a law that applies to it.

    The laws of one generator share the fits that they only read: leave it as it is meanwhile.

    Parameters
    ----------
    generators : iterable of generators
        Instances, which the laws clone.
    random_state : int, default=0
        Seed of the data and of the fits.

    Yields
    ------
    generator, check : generator, callable
        ``check(generator)`` raises an ``AssertionError`` if the law is broken. Its name is
        ``check.__name__``; ``check.learns`` says whether something has to be learned for it.

    Examples
    --------
    >>> from sklearn_timegen import VAE
    >>> from sklearn_timegen.estimator_checks import generator_checks
    >>> generator, check = next(generator_checks([VAE()]))
    >>> check.__name__
    'check_parameters_are_declared'
    """
    for generator in generators:
        if isinstance(generator, type):
            raise TypeError(f"pass an instance, not the class: {generator.__name__}()")
        trial = Trial(generator, random_state)
        for check in (*LAWS, *LAWS_OF_TRAINING):
            if check.applies(generator):
                yield generator, check.on(trial)
