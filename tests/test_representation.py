"""Views of series: invertible on every kind of data, with the Jacobians they claim."""

import numpy as np
import pytest
from scipy.stats import norm
from sklearn.base import clone

from sklearn_timegen import VAE, PCAMixture, TimeVAE
from sklearn_timegen.representation import (
    REPRESENTATIONS,
    CosineTransform,
    QuantileScaler,
    Representation,
    SeriesScaler,
    Space,
    WhiteningTransform,
    fit_representation,
)
from sklearn_timegen.rules import ChannelReducer

from .generators import DENSE
from .global_seed import GLOBAL_RANDOM_SEED as SEED

VIEWS = {
    **REPRESENTATIONS,
    "standard by channel": SeriesScaler("standard", per="channel"),
    "minmax by channel": SeriesScaler("minmax", per="channel"),
    "quantile by channel": QuantileScaler(per="channel"),
    "few quantiles": QuantileScaler(n_quantiles=7),
}
rng = np.random.default_rng(SEED)
NORMAL = rng.normal(size=(200, 6, 3))
DATA = {
    "normal": NORMAL,
    "heavy tails": rng.standard_t(2, size=(200, 6, 3)),
    "skewed": rng.lognormal(sigma=2, size=(200, 6, 3)),
    "quantised": np.round(NORMAL * 2) * 10,
    "mostly zero": np.where(rng.uniform(size=NORMAL.shape) < 0.8, 0, NORMAL),
    "large offset": NORMAL + 1e4,
    "prices and volume": np.abs(NORMAL) * [1, 100, 1e7],
    "constant and copied channels": np.stack(
        [NORMAL[..., 0], np.full(NORMAL.shape[:2], 3.3), NORMAL[..., 0]], axis=2
    ),
    "constant cells": np.where(np.arange(6)[:, None] == 0, 1.5, NORMAL),
    "one series": NORMAL[:1],
    "one timestep": NORMAL[:, :1],
    "one rare event": np.where(np.arange(5000)[:, None, None] == 7, 5.0, np.zeros((5000, 2, 1))),
    "one spike": np.where(
        np.arange(5000)[:, None, None] == 7, 100.0, 1e-3 * rng.normal(size=(5000, 2, 1))
    ),
    "all constant": np.full((10, 4, 2), 0.1),
}


@pytest.mark.parametrize("data", DATA.values(), ids=DATA)
@pytest.mark.parametrize("view", VIEWS.values(), ids=VIEWS)
def test_invertible_to_float32(view, data):
    x = data.astype(np.float32)
    fitted, _, _ = fit_representation(view, x)
    v = fitted.transform(x)
    back = fitted.inverse_transform(v)
    assert v.dtype == back.dtype == np.float32
    assert np.isfinite(v).all()
    reach = np.abs(x).max(axis=(0, 1))  # of each channel: a transform along time mixes its values
    assert (np.abs(back - x) <= 4e-6 * reach).all()


@pytest.mark.parametrize("view", VIEWS.values(), ids=VIEWS)
def test_new_data_come_back_too(view):
    x = NORMAL.astype(np.float32)
    fitted, _, _ = fit_representation(view, x[:100])
    beyond = 1.5 * x[100:]  # some of it outside the training range
    assert np.allclose(fitted.inverse_transform(fitted.transform(beyond)), beyond, atol=2e-4)


WITH_DENSITY = {name: view for name, view in VIEWS.items() if name != "own-scale"}


@pytest.mark.parametrize("view", WITH_DENSITY.values(), ids=WITH_DENSITY)
def test_jacobian_against_differences(view):
    x = np.random.default_rng(SEED + 1).normal(size=(20, 3, 2)).astype(np.float32)
    fitted, _, _ = fit_representation(view, x)
    point = x[:1] + 0.1 * x[1:2]  # off the quantiles' knots, where the slope jumps
    step = 1e-4
    columns = []
    for cell in np.ndindex(3, 2):
        up, down = point.copy(), point.copy()
        up[(0, *cell)] += step
        down[(0, *cell)] -= step
        difference = fitted.transform(up) - fitted.transform(down)
        columns.append(difference.ravel() / (2 * step))
    _, expected = np.linalg.slogdet(np.array(columns))
    assert fitted.log_abs_det_jacobian(point)[0] == pytest.approx(expected, abs=0.03)


def test_standard_has_the_moments_and_minmax_the_range():
    x = (5 + 3 * NORMAL).astype(np.float32)
    v = SeriesScaler().fit_transform(x)
    assert np.allclose(v.mean(axis=0), 0, atol=1e-5)
    assert np.allclose(v.std(axis=0), 1, atol=1e-5)
    v = SeriesScaler("minmax", per="channel").fit_transform(x)
    assert np.allclose(v.min(axis=(0, 1)), 0, atol=1e-6)
    assert np.allclose(v.max(axis=(0, 1)), 1, atol=1e-6)


def test_quantiles_make_normals():
    x = np.random.default_rng(SEED).lognormal(size=(3000, 2, 1)).astype(np.float32)
    v = QuantileScaler().fit_transform(x)[:, 0, 0]
    levels = np.linspace(0.01, 0.99, 50)
    assert np.allclose(np.quantile(v, levels), norm.ppf(levels), atol=0.02)


def test_a_plateau_comes_back_as_its_value():
    x = np.zeros((100, 1, 1), np.float32)
    x[60:, 0, 0] = np.arange(1, 41)
    scaler = QuantileScaler().fit(x)
    assert np.allclose(scaler.transform(x[:1]), norm.ppf(0.3), atol=0.02)  # middle of 0 to 0.6
    below = norm.ppf(np.linspace(0.01, 0.59, 9)).astype(np.float32)[:, None, None]
    assert (scaler.inverse_transform(below) == 0).all()


@pytest.mark.parametrize("name", ["mostly zero", "quantised"])
def test_claimed_density_of_tied_data_is_none_too_large(name):
    x = DATA[name][:, :1, :1].astype(np.float32)
    fitted, _, _ = fit_representation("quantile", x)
    grid = np.linspace(2 * x.min() - 1, 2 * x.max() + 1, 40_001, dtype=np.float32)[:, None, None]
    density = norm.pdf(fitted.transform(grid)[:, 0, 0]) * np.exp(fitted.log_abs_det_jacobian(grid))
    # What lies on plateaus has no density: the rest is left.
    assert 0 < np.trapezoid(density, grid[:, 0, 0]) < 1.01


def test_cosine_whitens_smooth_series():
    x = np.cumsum(NORMAL, axis=1).astype(np.float32)
    v = CosineTransform().fit_transform(x)
    assert np.allclose(v.std(axis=0), 1, atol=1e-4)


def test_reducer_drops_and_restores():
    x = DATA["constant and copied channels"].astype(np.float32)
    reducer = ChannelReducer().fit(x)
    assert reducer.transform(x).shape[2] == 1
    assert np.array_equal(reducer.inverse_transform(reducer.transform(x)), x)


class Logarithm:
    """Not defined on all series."""

    def fit(self, x):
        return self

    def transform(self, x):
        with np.errstate(invalid="ignore"):
            return np.log(x)

    def inverse_transform(self, v):
        return np.exp(v)


def test_a_representation_that_returns_nan_is_named():
    with pytest.raises(ValueError, match="representation=.*Logarithm.*not finite"):
        VAE(**DENSE, representation=Logarithm()).fit(NORMAL)


class Halves:
    """The smallest representation of one's own."""

    def fit(self, x):
        return self

    def transform(self, x):
        return x / 2

    def inverse_transform(self, v):
        return v * 2


def test_an_object_of_ones_own():
    assert isinstance(Halves(), Representation)
    x = NORMAL.astype(np.float32)
    fitted = VAE(**DENSE, representation=Halves(), max_epochs=1).fit(x)
    assert isinstance(fitted.representation_, Halves)
    assert fitted.sample(2).shape == (2, 6, 3)
    with pytest.raises(TypeError, match="log_abs_det_jacobian"):
        fitted.score_samples(x)


def test_prototypes_are_not_fitted():
    prototype = SeriesScaler("minmax")
    VAE(**DENSE, representation=prototype, max_epochs=1).fit(NORMAL)
    assert not hasattr(prototype, "scale_")
    assert not hasattr(REPRESENTATIONS["minmax"], "scale_")
    assert clone(prototype).method == "minmax"


def test_networks_along_time_refuse_a_basis_without_it():
    with pytest.raises(ValueError, match="'convolutional' slides along time.*'cosine'"):
        TimeVAE(representation="cosine").fit(NORMAL)


@pytest.mark.parametrize(
    "bad", [SeriesScaler("robust"), QuantileScaler(1), CosineTransform("minmax")]
)
def test_bad_parameters_are_named(bad):
    with pytest.raises(ValueError, match=rf"' parameter of {type(bad).__name__} must be .* Got "):
        bad.fit(NORMAL.astype(np.float32))


def test_levels_that_are_rounding_only_stay_constant():
    """As those of series that were standardised one by one."""
    x = np.random.default_rng(SEED).normal(size=(50, 16, 2))
    x[:, :, 0] -= x[:, :, 0].mean(axis=1, keepdims=True)
    for scaling in ("standard", "quantile"):
        transform = CosineTransform(scaling).fit(x.astype(np.float32))
        shifted = transform.transform((x + 0.1).astype(np.float32))
        assert (shifted[:, 0, 0] == 0).all()
        assert np.abs(shifted).max() < 10


# -- whitening --------------------------------------------------------------------------------


def correlated(n_samples=400):
    rng = np.random.default_rng(SEED)
    levels = rng.normal(size=(n_samples, 1, 1)) * 10
    return (levels + rng.normal(size=(n_samples, 6, 2)).cumsum(axis=1)).astype(np.float32)


@pytest.mark.parametrize("name", ["pca", "pca-quantile"])
def test_whitened_coordinates_are_uncorrelated_and_of_one_size(name):
    view, v, _ = fit_representation(name, correlated())
    v = v.reshape(400, -1)
    assert np.allclose(np.cov(v.T), np.eye(12), atol=0.02)
    assert np.allclose(
        view.inverse_transform(view.transform(correlated())), correlated(), atol=0.01
    )


def test_a_floor_keeps_rounding_small():
    rng = np.random.default_rng(SEED)
    X = (rng.normal(size=(300, 3)) @ rng.normal(size=(3, 8)))[:, :, None].astype(np.float32)
    whitened = WhiteningTransform(floor=1e-3).fit(X)
    v = whitened.transform(X).reshape(300, -1)
    assert np.allclose(v[:, :3].std(axis=0), 1, atol=0.01)
    assert np.abs(v[:, 3:]).max() < 0.01
    assert whitened.scale_[3:] == pytest.approx(1e-3**0.5)
    assert (whitened.scale_[:3] > 0.1).all()


def test_few_wide_and_constant_series_are_whitened():
    for X in (correlated(3), np.repeat(correlated(1), 5, axis=0), correlated(20)[:, :1]):
        view, _, _ = fit_representation("pca", X)
        assert np.allclose(view.inverse_transform(view.transform(X)), X, atol=0.02)


def test_a_space_tells_what_represented_series_are_like():
    v = np.random.default_rng(SEED).normal(size=(30, 5, 2)).astype(np.float32)
    v[:, 2, 1] = -7
    space = Space.of(v)
    assert space.shape == (5, 2)
    assert np.array_equal(space.varies, np.ptp(v, axis=0) > 0)
    assert space.constant[2, 1] == -7
    assert np.count_nonzero(space.constant) == 1
    assert space.reach == 7
    assert [tuple(ends) for ends in space.ranges] == [
        tuple(v.min(axis=(0, 1))),
        tuple(v.max(axis=(0, 1))),
    ]
    assert fit_representation("cosine", v)[2].has_time_axis is False
    fitted = PCAMixture(n_components=2).fit(v)
    assert fitted.sample(3).shape == (3, *space.shape)
