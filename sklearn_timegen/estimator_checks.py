"""``check_generator``: for generators what ``check_estimator`` is for estimators.

Each law is a function of one generator, which it clones. Run them all with
:func:`check_generator`, or one by one under pytest::

    @pytest.mark.parametrize("generator, check", generator_checks([MyGenerator()]), ids=str)
    def test_laws(generator, check):
        check(generator)

Give the generator few epochs: laws are about behaviour, not about quality.
"""

from __future__ import annotations

import pickle
import random
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from sklearn_timegen.base import NeuralGenerator
from sklearn_timegen.datasets import make_labelled_sines, make_sines
from sklearn_timegen.gan import GAN
from sklearn_timegen.timegan import TimeGAN

__all__ = ["check_generator", "generator_checks"]

Array = NDArray[Any]
Check = Callable[[Any], None]
LAWS: list[tuple[Check, Callable[[Any], bool]]] = []


def check_generator(generator: Any) -> None:
    """Hold a generator to every law; raise an ``AssertionError`` at the first that it breaks.

    The laws: samples have the shape, layout and units of the data and are finite; the same seed
    gives the same series, again and after pickling; the global random streams are left alone;
    one channel, one series, one timestep, lists, float64, read-only and non-contiguous arrays
    work; constant channels and copies come back exactly; fitting twice equals fitting once; bad
    input is refused in words that name it; if conditional, classes separate; if a network is
    trained, its loss falls and every parameter gets a gradient.

    Parameters
    ----------
    generator : generator
        An instance, unconditional, with few epochs. A generator with the parameter
        ``conditional`` is checked with it, too.

    Raises
    ------
    AssertionError
        If a law is broken; the message names it.

    Examples
    --------
    >>> from sklearn_timegen import VAE, check_generator
    >>> check_generator(VAE(encoder="dense", decoder="dense", hidden_dims=(8,), max_epochs=3))
    """
    for _, check in generator_checks([generator]):
        name, law = type(generator).__name__, check.__name__.replace("_", " ")
        try:
            check(generator)
        except AssertionError as error:
            raise AssertionError(f"{name} breaks {law}: {error}") from error
        except Exception as error:
            what = f"{name} raises {type(error).__name__} where we {law}"
            raise AssertionError(f"{what}: {error}") from error


def generator_checks(generators: Iterable[Any]) -> Iterator[tuple[Any, Check]]:
    """Yield every pair of a generator and a law that applies to it.

    Parameters
    ----------
    generators : iterable of generators
        Instances, which the laws clone.

    Yields
    ------
    generator, check : generator, callable
        ``check(generator)`` raises an ``AssertionError`` if the law is broken.

    Examples
    --------
    >>> from sklearn_timegen import VAE
    >>> from sklearn_timegen.estimator_checks import generator_checks
    >>> generator, check = next(generator_checks([VAE()]))
    >>> check.__name__
    'check_sample_has_the_shape_of_the_data'
    """
    for generator in generators:
        if isinstance(generator, type):
            raise TypeError(f"pass an instance, not the class: {generator.__name__}()")
        for check, applies in LAWS:
            if applies(generator):
                yield generator, check


def _any(generator: Any) -> bool:
    return True


def _can_condition(generator: Any) -> bool:
    return _owned(generator, "conditional") in generator.get_params()


def _owned(generator: Any, name: str) -> str:
    """Under which name a parameter can be set: its own, or that of the generator that teaches."""
    taught = f"teacher__{name}"
    known = generator.get_params()
    return taught if name not in known and taught in known else name


def _has_latents(generator: Any) -> bool:
    return hasattr(generator, "inverse_transform")


def _is_trained(generator: Any) -> bool:
    return isinstance(generator, NeuralGenerator)


def _is_adversarial(generator: Any) -> bool:
    plays = isinstance(generator, GAN | TimeGAN)
    return plays or getattr(generator, "method", None) == "adversarial"


def _effort(generator: Any, n_epochs: int) -> dict[str, Any]:
    """Parameters for a training that has to lead somewhere."""
    if not _is_trained(generator):
        return {}
    effort = {"max_epochs": n_epochs, "lr": 1e-2}
    taught = {f"teacher__{name}": value for name, value in effort.items()}
    if _is_adversarial(generator):
        # What learning rate a game can bear is its own affair; one that is prepared needs less.
        effort = {"max_epochs": 40 if isinstance(generator, TimeGAN) else 80}
    known = generator.get_params()
    return effort | {name: value for name, value in taught.items() if name in known}


def _law(applies: Callable[[Any], bool] = _any) -> Callable[[Check], Check]:
    def decorate(check: Check) -> Check:
        LAWS.append((check, applies))
        return check

    return decorate


def _series(n_samples: int = 24, n_timesteps: int = 12, n_channels: int = 2) -> Array:
    return make_sines(n_samples, n_timesteps, n_channels, version="timevae", random_state=0)


def _fresh(generator: Any, **params: Any) -> Any:
    named = {_owned(generator, name): value for name, value in params.items()}
    return clone(generator).set_params(random_state=0, **named)


def _refused(words: list[str], call: Callable[..., Any], *args: Any, **kwargs: Any) -> None:
    """Assert that a call raises a ValueError or TypeError whose message has all the words."""
    try:
        call(*args, **kwargs)
    except (ValueError, TypeError) as error:
        missing = [word for word in words if word not in str(error)]
        assert not missing, f"the error {str(error)!r} does not name {missing}"
    else:
        raise AssertionError(f"no error was raised; expected one that names {words}")


@_law()
def check_parameters_are_declared(generator: Any) -> None:
    name, known = type(generator).__name__, generator.get_params(deep=False)
    missing = {"representation", "bounds", "n_channels", "random_state"} - known.keys()
    missing -= {parameter for parameter in missing if _owned(generator, parameter) != parameter}
    assert not missing, (
        f"its constructor has no {sorted(missing)}: leave __init__ to @estimator, which makes it "
        f"of the annotated fields of {name} and of its bases"
    )
    copy = clone(generator).get_params(deep=False)
    assert copy.keys() == known.keys(), "a clone has other parameters"


@_law()
def check_sample_has_the_shape_of_the_data(generator: Any) -> None:
    X = _series()
    flat = X.reshape(len(X), -1)
    for data in (X, X[:, :, 0]):
        drawn = _fresh(generator).fit(data).sample(7)
        assert drawn.shape == (7, *data.shape[1:]), f"sample(7) has shape {drawn.shape}"
        assert drawn.dtype == np.float32, f"sample has dtype {drawn.dtype}"
        assert np.isfinite(drawn).all(), "sample is not finite"
    fitted = _fresh(generator, n_channels=2).fit(flat)
    assert fitted.sample(3).shape == (3, flat.shape[1]), "flat rows do not come back flat"
    assert fitted.series_shape_ == X.shape[1:], f"series_shape_ is {fitted.series_shape_}"


@_law()
def check_seeds_repeat(generator: Any) -> None:
    X = _series()
    fitted = _fresh(generator).fit(X)
    first = fitted.sample(5, random_state=3)
    hint = ": all that is random has to come from the rng that it is given"
    for other, way in (
        (fitted, "again"),
        (pickle.loads(pickle.dumps(fitted)), "after pickling"),
        (_fresh(generator).fit(X), "from another fit"),
        (fitted.fit(X), "from a second fit"),
    ):
        same = np.array_equal(first, other.sample(5, random_state=3))
        assert same, f"the same seed gives other series {way}{hint}"
    other = fitted.sample(5, random_state=4)
    assert not np.array_equal(first, other), f"another seed gives the same series{hint}"
    assert fitted.score(X) == fitted.score(X), "score is not deterministic"


@_law()
def check_global_streams_are_untouched(generator: Any) -> None:
    X = _series()
    before = random.getstate(), str(np.random.get_state()), torch.get_rng_state()
    clone(generator).set_params(random_state=None).fit(X).sample(3)
    assert random.getstate() == before[0], "Python's global random stream was used"
    assert str(np.random.get_state()) == before[1], "numpy's global stream was used"
    assert torch.equal(torch.get_rng_state(), before[2]), "torch's global stream was used"


@_law()
def check_units_are_restored(generator: Any) -> None:
    X = _series(n_samples=40)
    scale, shift = np.array([1e3, 1e-2], np.float32), np.array([5e3, -3], np.float32)
    plain = _fresh(generator).fit(X).sample(50)
    scaled = _fresh(generator).fit(X * scale + shift).sample(50)
    error = np.abs((scaled - shift) / scale - plain).max()
    assert error < 0.05 * X.std(), f"samples of rescaled data differ by {error} in old units"


@_law()
def check_constants_and_copies_come_back_exactly(generator: Any) -> None:
    X = _series(n_channels=4)
    X[:, :, 1], X[:, :, 3] = np.float32(7.1), X[:, :, 0]
    drawn = _fresh(generator).fit(X).sample(5)
    assert (drawn[:, :, 1] == np.float32(7.1)).all(), "a constant channel does not come back"
    assert np.array_equal(drawn[:, :, 3], drawn[:, :, 0]), "a copied channel does not come back"
    constant = _fresh(generator).fit(np.full((6, 5), 2.5)).sample(3)
    assert (constant == 2.5).all(), "constant series do not come back"


@_law()
def check_any_array_will_do(generator: Any) -> None:
    X = _series()[:, :, 0]
    expected = _fresh(generator).fit(X).sample(4)
    read_only = X.copy()
    read_only.flags.writeable = False
    for data, kind in (
        (X.tolist(), "a list"),
        (X.astype(np.float64), "float64"),
        (np.asfortranarray(X), "a Fortran-ordered array"),
        (np.repeat(X, 2, axis=1)[:, ::2], "a non-contiguous array"),
        (read_only, "a read-only array"),
        (X[:, :, None], "3-d with one channel"),
    ):
        drawn = _fresh(generator).fit(data).sample(4)
        assert np.array_equal(drawn.reshape(4, -1), expected), f"{kind} gives another result"


@_law()
def check_small_data_work(generator: Any) -> None:
    X = _series()
    small = [(X[:1], "one series"), (X[:, :1], "one timestep"), (X[:2, :3], "two short series")]
    if getattr(generator, "_fewest_timesteps", 1) > 1:
        data, _ = small.pop(1)
        _refused(["1 timestep", "at least 2"], _fresh(generator).fit, data)
    for data, kind in small:
        drawn = _fresh(generator).fit(data).sample(2)
        assert drawn.shape == (2, *data.shape[1:]), f"{kind}: sample has shape {drawn.shape}"
        assert np.isfinite(drawn).all(), f"{kind}: sample is not finite"


@_law()
def check_bad_input_is_refused(generator: Any) -> None:
    X = _series()
    broken = X.copy()
    broken[3, 2, 1] = np.nan
    broken[4, 0, 0] = np.inf
    fit = _fresh(generator).fit
    _refused(["1 NaN", "1 inf", "sample 3", "timestep 2", "channel 1"], fit, broken)
    _refused(["1-d"], fit, X[:, 0, 0])
    _refused(["4-d"], fit, X[None])
    _refused(["ragged"], fit, [[1.0, 2.0], [3.0]])
    _refused([], fit, np.array([["a", "b"], ["c", "d"]]))
    _refused(["0"], fit, X[:0])
    try:
        _fresh(generator).sample()
    except NotFittedError:
        pass
    else:
        raise AssertionError("sample before fit raises no NotFittedError")
    fitted = fit(X)
    for bad in (0, -1, 2.5):
        _refused(["n_samples", repr(bad)], fitted.sample, bad)
    _refused(["10 timesteps", "12 timesteps"], fitted.score, X[:, :10])
    _refused(["1 channels", "2 channels"], fitted.score, X[:, :, :1])


@_law(_can_condition)
def check_conditions_are_kept(generator: Any) -> None:
    X, y = make_labelled_sines(60, 12, random_state=0)
    fitted = _fresh(generator, conditional=True).fit(X, y)
    drawn = fitted.sample(6, y=np.repeat(["fast", "slow"], 3), random_state=0)
    assert drawn.shape == (6, 12), f"sample has shape {drawn.shape}"
    assert fitted.sample(2, y="fast").shape == (2, 12), "one label for all does not work"
    assert list(fitted.classes_) == ["fast", "slow"], f"classes_ is {fitted.classes_}"
    assert np.isfinite(fitted.score(X, y)), "score is not finite"
    _refused(["y is missing"], _fresh(generator, conditional=True).fit, X)
    _refused(["y is missing", "'fast'"], fitted.sample, 3)
    _refused(["'other'"], fitted.sample, 3, y="other")
    _refused(["2 entries"], fitted.sample, 3, y=["fast", "slow"])
    vectors = np.linspace(0, 1, len(X))[:, None] * [1.0, 2.0]
    fitted = _fresh(generator, conditional=True).fit(X, vectors)
    assert fitted.sample(3, y=vectors[:3]).shape == (3, 12), "vectors do not work as conditions"
    ignored = _fresh(generator, conditional=False).fit(X, y).sample(2)
    assert np.array_equal(ignored, _fresh(generator).fit(X).sample(2)), "y is not ignored"


@_law(_can_condition)
def check_classes_separate(generator: Any) -> None:
    X, y = make_labelled_sines(100, 12, random_state=0)  # levels 0 and 1
    fitted = _fresh(generator, conditional=True, **_effort(generator, 40)).fit(X, y)
    gap = fitted.sample(100, y="fast").mean() - fitted.sample(100, y="slow").mean()
    assert 0.5 < gap < 1.5, f"the classes' levels are {gap} apart, in the data 1"


@_law(_has_latents)
def check_latents(generator: Any) -> None:
    X = _series()
    fitted = _fresh(generator).fit(X)
    Z = fitted.transform(X)
    assert Z.shape == (len(X), len(fitted.get_feature_names_out())), f"latents: {Z.shape}"
    assert Z.dtype == np.float32, f"latents have dtype {Z.dtype}"
    assert np.isfinite(Z).all(), "latents are not finite"
    assert np.array_equal(Z, fitted.transform(X)), "transform is not deterministic"
    assert fitted.inverse_transform(Z).shape == X.shape, "inverse_transform changes the shape"
    assert np.array_equal(Z, _fresh(generator).fit_transform(X)), "fit_transform differs"
    wide = np.zeros((2, Z.shape[1] + 1), dtype=np.float32)
    _refused([f"{wide.shape[1]} columns"], fitted.inverse_transform, wide)


@_law(_is_trained)
def check_loss_falls(generator: Any) -> None:
    fitted = _fresh(generator, **_effort(generator, 15)).fit(_series(n_samples=64))
    # The losses of players that learn from each other need not fall; samples have to come nearer.
    watched = "train_distance" if "train_distance" in fitted.history_[-1] else "train_loss"
    losses = [row[watched] for row in fitted.history_]
    assert losses[-1] < losses[0], f"the {watched} went from {losses[0]} to {losses[-1]}"


@_law(_is_trained)
def check_every_parameter_gets_a_gradient(generator: Any) -> None:
    # Of two players, one may wait for the other, and a hinge may need steps to be reached.
    n_epochs = 10 * getattr(generator, "n_critic", 1) if _is_adversarial(generator) else 1
    fitted = _fresh(generator, max_epochs=n_epochs, batch_size=64).fit(_series(n_samples=64))
    for name, parameter in fitted.net_.module_.named_parameters():
        reached = parameter.grad is not None and bool((parameter.grad != 0).any())
        assert reached, f"{name} got no gradient"


@_law(_is_trained)
def check_training_goes_on(generator: Any) -> None:
    X = _series()
    fitted = _fresh(generator, max_epochs=2).fit(X)
    assert fitted.n_iter_ == 2, f"n_iter_ is {fitted.n_iter_}"
    assert fitted.partial_fit(X).n_iter_ == 3, "partial_fit does not add an epoch"
    warm = fitted.set_params(warm_start=True, max_epochs=2).fit(X)
    assert warm.n_iter_ == 5, "warm_start does not go on"
    assert warm.set_params(warm_start=False).fit(X).n_iter_ == 2, "fit does not begin anew"
    assert _fresh(generator, batch_size=1000).fit(X).sample().shape == (1, *X.shape[1:])
