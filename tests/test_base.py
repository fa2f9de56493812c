"""Declaration of hyper-parameters, score, memory of sample."""

import tracemalloc
from typing import ClassVar

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV

from sklearn_timegen import VAE, TimeVAE
from sklearn_timegen._distance import relative_energy_distance
from sklearn_timegen.base import estimator
from sklearn_timegen.datasets import make_ar, make_labelled_sines, make_sines

from .generators import DENSE, Resampler
from .global_seed import GLOBAL_RANDOM_SEED as SEED


def test_subclass_without_the_decorator_is_refused():
    class Forgot(VAE):
        extra: int = 3

    with pytest.raises(TypeError, match="extra.*@estimator"):
        Forgot().get_params()


def test_decorated_subclass_has_its_parameters():
    @estimator
    class Remembered(VAE):
        extra: int = 3
        table: ClassVar[dict] = {}

    assert clone(Remembered(extra=4)).get_params()["extra"] == 4
    assert "table" not in Remembered().get_params()


def test_constraints_are_no_parameter():
    assert not [name for name in TimeVAE().get_params() if name.startswith("_")]


@pytest.mark.parametrize("name", ["encoder", "decoder", "error"])
def test_a_setting_pins_what_its_name_means(name):
    with pytest.raises(TypeError, match=name):
        TimeVAE(**{name: "dense"})
    assert name not in TimeVAE().get_params()


@pytest.mark.parametrize(
    "bad",
    [
        {"latent_dim": 0},
        {"batch_size": 0},
        {"lr": 0.0},
        {"max_epochs": 0},
        {"n_channels": 0},
        {"validation_fraction": 1.0},
        {"representation": "fourier"},
        {"representation": 3},
        {"encoder": "linear"},
        {"n_iter_no_change": 0},
        {"reconstruction_weight": -1.0},
        {"hidden_dims": 5},
    ],
)
def test_parameters_out_of_range_are_named(bad):
    (name,) = bad
    with pytest.raises(ValueError, match=rf"'{name}' parameter of VAE must be .* Got "):
        VAE(**bad).fit(np.zeros((4, 3)))


@pytest.mark.parametrize("hidden_dims", [(), (4, 0)])
def test_hidden_dims_are_checked(hidden_dims):
    with pytest.raises(ValueError, match="hidden_dims"):
        VAE(hidden_dims=hidden_dims).fit(np.zeros((4, 3)))


@estimator
class Shuffler(Resampler):
    """Right marginals, no order in time."""

    def _draw(self, n_samples, c, rng):
        return rng.permuted(super()._draw(n_samples, c, rng), axis=1)


@estimator
class Fixed(Resampler):
    """Draws what it was given."""

    given: object = None

    def _draw(self, n_samples, c, rng):
        return self.representation_.transform(self.given)


# -- score ------------------------------------------------------------------------------------


def test_energy_distance_in_closed_form():
    # E|X - Y| of normals: with s^2 the variance of the difference and d that of the means,
    # s sqrt(2/pi) exp(-d^2 / 2 s^2) + d (1 - 2 Phi(-d / s)).
    from scipy.stats import norm

    levels = (np.arange(2000) + 0.5) / 2000
    X, Y = norm.ppf(levels)[:, None], norm.ppf(levels, 1, 2)[:, None]  # no sampling noise

    def mean_distance(d, s):
        return s * np.sqrt(2 / np.pi) * np.exp(-(d**2) / (2 * s**2)) + d * (
            1 - 2 * norm.cdf(-d / s)
        )

    within_x, within_y = mean_distance(0, np.sqrt(2)), mean_distance(0, np.sqrt(8))
    expected = (2 * mean_distance(1, np.sqrt(5)) - within_x - within_y) / within_x
    assert relative_energy_distance(X, Y) == pytest.approx(expected, abs=0.02)


def test_energy_distance_is_unbiased():
    rng = np.random.default_rng(SEED)
    draws = [
        relative_energy_distance(rng.normal(size=(20, 3)), rng.normal(size=(20, 3)))
        for _ in range(300)
    ]
    assert abs(np.mean(draws)) < 3 * np.std(draws) / np.sqrt(len(draws))
    assert min(draws) < 0 < max(draws)


def test_energy_distance_of_unequal_numbers():
    rng = np.random.default_rng(SEED)
    value = relative_energy_distance(rng.normal(size=(500, 2)), rng.normal(size=(300, 2)))
    assert abs(value) < 0.02


@pytest.mark.filterwarnings("ignore::sklearn_timegen.SingleSeriesWarning")
def test_score_ranks_generators():
    X = make_ar(800, 16, coefficients=(0.7,), random_state=SEED)
    train, test = X[:400], X[400:]
    perfect = Resampler(random_state=SEED).fit(train).score(test)
    shuffled = Shuffler(random_state=SEED).fit(train).score(test)
    constant = Resampler(random_state=SEED).fit(train[:1]).score(test)
    assert abs(perfect) < 0.02
    assert shuffled < perfect - 0.01
    assert constant < -0.3


def test_score_sees_the_fine_scale():
    X = make_ar(2000, 24, coefficients=(0.99,), random_state=SEED)
    real, other = X[:1000], X[1000:]
    smooth = (other + np.roll(other, 1, axis=1)) / 2  # levels right, increments too small

    def score(fake):
        return Fixed(given=fake).fit(real).score(real)

    def levels_only(fake):
        return relative_energy_distance(*(x.reshape(1000, -1).astype(float) for x in (real, fake)))

    assert score(smooth) < score(other) - 0.004
    assert levels_only(smooth) < levels_only(other) + 0.002


def test_score_of_a_conditional_generator_sees_swapped_classes():
    X, y = make_labelled_sines(80, 12, random_state=SEED)
    fitted = Resampler(conditional=True, random_state=SEED).fit(X, y)
    swapped = np.where(y == "fast", "slow", "fast")
    assert fitted.score(X, y) > -0.1
    assert fitted.score(X, swapped) < fitted.score(X, y) - 0.2


def test_score_needs_two_series():
    X = make_sines(10, 8, 1, random_state=SEED)
    with pytest.raises(ValueError, match="at least 2 series"):
        Resampler(random_state=SEED).fit(X).score(X[:1])


def test_one_grid_search_over_two_families():
    from sklearn.pipeline import Pipeline

    X = make_sines(40, 8, 1, random_state=SEED)[:, :, 0]
    pipeline = Pipeline([("generator", Resampler())])
    grid = {
        "generator": [Resampler(random_state=SEED), VAE(**DENSE, max_epochs=1, random_state=SEED)]
    }
    search = GridSearchCV(pipeline, grid, cv=2, error_score="raise").fit(X)
    assert isinstance(search.best_params_["generator"], Resampler)
    assert search.best_score_ == pytest.approx(0, abs=0.1)


# -- sample -----------------------------------------------------------------------------------


def test_sample_streams():
    fitted = VAE(**DENSE, max_epochs=1, random_state=SEED).fit(
        make_sines(50, 24, 6, random_state=SEED)
    )
    fitted.sample(10)
    n = 40_000
    tracemalloc.start()
    drawn = fitted.sample(n)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    batch = 1024 * drawn[0].nbytes  # of which there is one in memory at a time, and copies of it
    assert peak < drawn.nbytes + 16 * batch


def test_random_state_of_every_kind():
    X = make_sines(20, 8, 1, random_state=SEED)
    for seed in (np.random.RandomState(0), np.random.default_rng(SEED), np.int64(3), None):
        assert Resampler(random_state=seed).fit(X).sample(2).shape == (2, 8, 1)
    fitted = Resampler(random_state=SEED).fit(X)
    stream = np.random.RandomState(0)
    assert not np.array_equal(
        fitted.sample(3, random_state=stream), fitted.sample(3, random_state=stream)
    )
    with pytest.raises(ValueError, match="random_state"):
        fitted.sample(3, random_state=-1)
