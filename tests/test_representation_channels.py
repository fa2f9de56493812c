"""Channels that others give away, and channels on a grid: left out, put back, snapped."""

import numpy as np
import pytest
from sklearn.base import BaseEstimator

from sklearn_timegen import PCAMixture
from sklearn_timegen.datasets import make_ar, make_sines
from sklearn_timegen.rules import ChannelReducer, GridSnapper, Structure

from .global_seed import GLOBAL_RANDOM_SEED as SEED

EPS = np.finfo(np.float32).eps


def normal(*shape):
    return np.random.default_rng(SEED).normal(size=shape)


def reduced(x):
    """The reducer of ``x``, after a look at whether everything comes back."""
    x = np.asarray(x, dtype=np.float32)
    reducer = ChannelReducer().fit(x)
    v = reducer.transform(x)
    back = reducer.inverse_transform(v)
    assert back.dtype == np.float32
    assert (np.abs(back - x) <= 5 * EPS * np.abs(x).max(axis=(0, 1))).all()
    untouched = reducer.source_ >= 0
    assert np.array_equal(back[:, :, untouched], x[:, :, untouched])
    assert np.allclose(v @ reducer.weights_.T + reducer.offsets_, x, rtol=1e-5, atol=1e-5)
    return reducer


# -- combinations -----------------------------------------------------------------------------


def test_a_combination_is_left_out_with_its_coefficients():
    x = normal(300, 8, 3)
    x[:, :, 2] = 2 * x[:, :, 0] - x[:, :, 1] / 3 + 3
    reducer = reduced(x)
    assert reducer.kept_.tolist() == [0, 1]
    assert reducer.weights_[2].tolist() == [2, -1 / 3]
    assert reducer.offsets_[2] == pytest.approx(3, abs=1e-12)


def test_units_copies_constants_and_combinations_together():
    x = normal(200, 5, 8)
    x[:, :, 1] = x[:, :, 0]
    x[:, :, 2] = 7.1
    x[:, :, 4] = x[:, :, 0] + x[:, :, 3]
    x[:, :, 5] = 1.8 * x[:, :, 0] + 32
    x[:, :, 6] = x[:, :, 5]
    x[:, :, 7] = x[:, :, 3] * 3.6e6
    reducer = reduced(x)
    assert reducer.kept_.tolist() == [0, 3]
    assert reducer.weights_[4].tolist() == [1, 1]
    assert reducer.weights_[5].tolist() == reducer.weights_[6].tolist() == [1.8, 0]
    assert reducer.weights_[7].tolist() == [0, 3.6e6]
    assert reducer.offsets_[[2, 5]] == pytest.approx([7.1, 32])
    spread = reducer.spread(reducer.transform(x.astype(np.float32)))
    assert np.allclose(spread + reducer.offsets_, x, rtol=1e-5, atol=1e-5)


def test_restored_sums_of_counts_are_exact():
    parts = np.random.default_rng(SEED).integers(0, 1000, size=(100, 6, 3))
    x = np.concatenate([parts.sum(axis=2, keepdims=True), parts], axis=2).astype(np.float32)
    reducer = reduced(x)
    assert reducer.kept_.tolist() == [1, 2, 3]  # the total is the largest
    v = np.random.default_rng(SEED + 1).integers(0, 2000, size=(9, 6, 3)).astype(np.float32)
    assert np.array_equal(reducer.inverse_transform(v)[:, :, 0], v.sum(axis=2))


def test_arbitrary_weights_need_many_series():
    x = normal(300, 8, 3)
    x = np.concatenate([x, x @ normal(3, 1)], axis=2)
    assert len(reduced(x).kept_) == 3
    assert len(reduced(x[:5]).kept_) == 4


@pytest.mark.parametrize(
    "x",
    [
        normal(300, 8, 1) * [1, 1] + 1e-5 * normal(300, 8, 2),  # alike, as high and low prices
        1e4 + normal(300, 8, 1) * [1, 1] + 0.02 * normal(300, 8, 2),
        normal(5, 24, 200),  # more channels than observations
        normal(3, 2, 5),
        np.random.default_rng(SEED).integers(0, 2, size=(5, 4, 3)),
        np.stack([np.sin(0.3 * np.arange(100) + p) for p in range(8)], axis=1)[None],
        make_sines(200, 24, 5, version="timevae", random_state=SEED),
    ],
    ids=["alike", "alike far up", "wide", "tiny", "bits", "one frequency", "sines"],
)
def test_nothing_is_left_out_by_accident(x):
    assert len(reduced(x).kept_) == x.shape[2]


def test_one_series_and_one_timestep_will_do():
    x = normal(200, 2)
    x = np.concatenate([x, x.sum(axis=1, keepdims=True)], axis=1)
    assert len(reduced(x[None]).kept_) == 2
    assert len(reduced(x[:, None]).kept_) == 2


def test_sums_hold_in_what_is_drawn():
    x = normal(200, 6, 2).cumsum(axis=1)
    x = np.concatenate([x, x.sum(axis=2, keepdims=True) - 1], axis=2)
    drawn = PCAMixture(random_state=SEED).fit(x).sample(50)
    assert np.allclose(drawn[:, :, 2], drawn[:, :, 0] + drawn[:, :, 1] - 1, atol=1e-5)


# -- grids ------------------------------------------------------------------------------------


def readings(n_samples=400, n_timesteps=24, step=2.0):
    """Paths, and what an instrument with a grid shows of them."""
    path = normal(n_samples, n_timesteps, 1).cumsum(axis=1)
    return path.astype(np.float32), (np.round(path / step) * step).astype(np.float32)


def still(x):
    return np.mean(x[:, 1:] == x[:, :-1])


def test_real_readings_come_back_exactly_and_others_on_the_grid():
    path, x = readings()
    snapper = GridSnapper().fit(x)
    assert list(snapper.grids_) == [0]
    back = snapper.calibrate(path[:200]).transform(path)
    assert np.array_equal(snapper.transform(x), x)
    assert np.isin(back, x).all()
    assert np.abs(back - path).mean() < 2  # it follows


@pytest.mark.parametrize("scale", [0.7, 1.0, 1.5])
def test_calibrated_paths_stand_still_as_often(scale):
    _, x = readings()
    paths = scale * np.random.default_rng(SEED + 1).normal(size=(1000, 24, 1)).cumsum(axis=1)
    snapper = GridSnapper().fit(x).calibrate(paths[:500])
    drawn = snapper.transform(paths[500:].astype(np.float32))
    assert still(drawn) == pytest.approx(still(x), abs=0.05)
    assert np.diff(drawn, axis=1).std() == pytest.approx(np.diff(x, axis=1).std(), rel=0.1)


def test_each_value_keeps_its_share():
    x = np.random.default_rng(SEED).choice([0.0, 1.0, 2.0], p=[0.8, 0.04, 0.16], size=(3000, 1, 1))
    snapper = GridSnapper().fit(x.astype(np.float32))
    path = np.array([0.4, 0.9, 1.1, 1.3], np.float32)[:, None, None]
    assert snapper.transform(path).ravel().tolist() == [0, 0, 1, 2]


@pytest.mark.parametrize(
    "x",
    [
        normal(300, 24, 2),
        normal(500, 1, 1),
        make_sines(300, random_state=SEED),
        make_ar(2, 500, random_state=SEED),
        np.lib.stride_tricks.sliding_window_view(normal(500).cumsum(), 24)[:, :, None],
        np.lib.stride_tricks.sliding_window_view(normal(90).cumsum(), 40)[:, :, None],
        np.where(np.arange(24)[:, None] < 20, 0.0, normal(300, 24, 1)),
        np.where(
            normal(300, 24, 1) > -1, 0.0, np.random.default_rng(SEED + 1).normal(size=(300, 24, 1))
        ),
        np.random.default_rng(SEED).integers(0, 4, size=(5, 4, 1)),
        np.repeat(normal(100, 24, 1), 4, axis=0),
    ],
    ids=[
        "normal",
        "one timestep",
        "sines",
        "long",
        "windows",
        "few windows",
        "constant cells",
        "mostly zero",
        "tiny",
        "copies",
    ],
)
def test_no_grid_is_seen_where_there_is_none(x):
    assert not GridSnapper().fit(x.astype(np.float32)).grids_


def test_one_long_series_of_readings_is_on_a_grid():
    _, x = readings(1, 2000)
    snapper = GridSnapper().fit(x)
    assert list(snapper.grids_) == [0]
    assert np.isin(snapper.transform(x + np.float32(0.3)), x).all()


def test_what_has_diverged_is_not_hidden():
    path, x = readings()
    path[3, 5, 0] = np.nan
    path[4, 5, 0] = np.inf
    snapper = GridSnapper().fit(x).calibrate(path)
    back = snapper.transform(path)
    assert np.isnan(back[3, 5, 0])
    assert np.isinf(back[4, 5, 0])
    assert np.isfinite(back[5:]).all()


@pytest.mark.parametrize("name", ["standard", "quantile", "cosine-quantile", "pca"])
def test_draws_stand_still_as_often_and_densities_stay(name):
    path, x = readings(step=0.5)  # so many values that they are no states
    x = np.concatenate([x, path], axis=2)
    fitted = {
        how: PCAMixture(representation=name, postprocess=how, random_state=SEED).fit(x)
        for how in ("auto", None)
    }
    assert fitted[None].postprocess_ is None
    assert list(fitted["auto"].postprocess_.grids_) == [0]
    back = fitted["auto"].inverse_transform(fitted["auto"].transform(x))
    free, drawn = (fitted[how].sample(500)[:, :, :1] for how in (None, "auto"))
    assert np.isin(drawn, x[:, :, 0]).all()
    assert not np.isin(free, x[:, :, 0]).all()
    assert abs(still(drawn) - still(x[:, :, :1])) < 0.05
    assert back.shape == x.shape
    likely = [generator.score_samples(x) for generator in fitted.values()]
    assert np.array_equal(*likely)


class Doubled(BaseEstimator):
    """Doubles what leaves a generator."""

    def fit(self, u):
        self.shape_ = u.shape[1:]
        return self

    def calibrate(self, drawn):
        self.n_drawn_ = len(drawn)
        return self

    def transform(self, u):
        return 2 * u


def test_another_postprocess():
    x = np.random.default_rng(SEED).normal(size=(50, 4, 2))
    plain = PCAMixture(postprocess=None, random_state=SEED).fit(x)
    doubled = PCAMixture(postprocess=Doubled(), random_state=SEED).fit(x)
    assert np.array_equal(doubled.sample(9), 2 * plain.sample(9))
    assert doubled.postprocess_.shape_ == (4, 2)
    assert doubled.postprocess_.n_drawn_ == 500
    assert not hasattr(doubled.postprocess, "shape_")


def test_bounds_come_last():
    _, x = readings()
    structure = Structure(bounds=(None, float(x.max())))
    u = structure.fit_transform(x)
    assert structure.inverse_transform(u + 9).max() == x.max()
