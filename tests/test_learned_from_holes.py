"""What is learned from series with holes is what complete ones are like."""

import numpy as np
import pytest

from sklearn_timegen import PCAMixture
from sklearn_timegen.datasets import make_sines
from sklearn_timegen.rules import Dependence, Structure, find_rules
from sklearn_timegen.rules.filling import NormalFiller
from sklearn_timegen.rules.missing import Missing

from .global_seed import GLOBAL_RANDOM_SEED as SEED


def slow_channels(n=500, n_timesteps=12, n_channels=16, seed=SEED):
    """Return channels that hardly move within a window, and noise that is none of theirs."""
    rng = np.random.default_rng(seed)
    level = rng.normal(size=(n, 1, n_channels))
    x = level + 0.1 * rng.normal(size=(n, n_timesteps, n_channels)).cumsum(axis=1)
    x[:, :, -1] = rng.normal(size=(n, n_timesteps))
    return x


def test_noise_among_many_channels_is_filled_as_wide_as_it_is():
    x = slow_channels()
    holes = np.random.default_rng(SEED).random(x.shape) < 0.3
    filled = NormalFiller().fit([np.where(holes, np.nan, x)]).draw(np.where(holes, np.nan, x))
    off = (filled - x)[:, :, -1][holes[:, :, -1]]
    assert filled[:, :, -1][holes[:, :, -1]].std() < 1.1
    assert off.std() < 1.55  # two independent values of spread 1 are 1.41 apart


def test_nothing_is_filled_in_beyond_what_has_been_seen():
    x = np.exp(2 * np.random.default_rng(SEED).normal(size=(200, 6, 1)))
    x[::2, 3] = np.nan
    filled = NormalFiller().fit([x]).draw(x)
    assert filled.min() >= np.nanmin(x)
    assert filled.max() <= np.nanmax(x)


def test_what_follows_from_others_is_no_wider_where_these_are_missing():
    rng = np.random.default_rng(SEED)
    a = rng.normal(size=(400, 1)) + 0.3 * rng.normal(size=(400, 12))
    x = np.stack([a, a**2 + 0.03 * rng.normal(size=a.shape)], axis=2)
    holes = rng.random(x.shape) < 0.3
    structure = Structure([Dependence(1, 0)], missing="complete")
    u, known = structure.fit_encode(np.where(holes, np.nan, x).astype(np.float32))
    assert "+ rest" in repr(structure.rules_)
    assert u[:, :, 1][~known[:, :, 1]].std() < 1.3 * u[:, :, 1][known[:, :, 1]].std()
    # What is there of the series themselves stays as it is.
    np.testing.assert_allclose(
        structure.fill(np.where(holes, np.nan, x).astype(np.float32))[~holes], x[~holes], rtol=1e-5
    )


@pytest.mark.parametrize("seed", range(SEED, SEED + 3))
def test_channels_are_missing_as_seldom_together_as_in_the_data(seed):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(500, 10, 4))
    for i, d in zip(*np.nonzero(rng.random((500, 4)) < 0.3), strict=True):
        start = rng.integers(8)
        x[i, start : start + 3, d] = np.nan
    drawn = PCAMixture(random_state=seed).fit(x).sample(2000)
    (fewest, spread), (few, found) = (
        (np.isnan(v).any(axis=1).mean(axis=0), np.isnan(v).any(axis=1).sum(axis=1).std())
        for v in (x, drawn)
    )
    assert np.abs(few - fewest).max() < 0.06
    assert abs(found / spread - 1) < 0.12


def test_what_is_constant_in_a_series_is_filled_by_a_constant():
    rng = np.random.default_rng(SEED)
    size = np.broadcast_to(rng.normal(size=(300, 1)), (300, 12))
    x = np.stack([size, size + rng.normal(size=(300, 12))], axis=2).astype(np.float32)
    x[::3, :, 0] = np.nan
    structure = Structure(missing="complete")
    u, known = structure.fit_encode(x)
    assert structure.coordinates_.static == [0]
    assert not known[::3, :, 0].any()
    np.testing.assert_array_equal(np.ptp(u[:, :, 0], axis=1), 0)
    pairs = np.stack([u[::3, 0, 0], u[::3, :, 1].mean(axis=1)])
    assert np.corrcoef(pairs)[0, 1] > 0.3  # 0.5 to 0.9 by seeds; 0.96, if it were known


def test_series_that_miss_the_same_are_no_single_point():
    x = np.random.default_rng(SEED).normal(size=(600, 8, 1))
    x[::2, 2:5] = np.nan
    rule = Missing(0)
    z = rule.fit_transform(x)[:, :, 1]
    assert len(np.unique(z[::2, 0])) == 300


def with_single_cells_missing(x, fraction):
    return np.where(np.random.default_rng(SEED).random(x.shape) < fraction, np.nan, x)


@pytest.mark.parametrize("fraction", [0.1, 0.3])
def test_shapes_are_found_though_no_window_is_complete(fraction):
    x = make_sines(500, 24, 1, random_state=SEED)
    seen = with_single_cells_missing(x, fraction)
    structure = Structure(missing="complete")
    u, _ = structure.fit_encode(seen)
    (shape,) = structure.rules_
    assert shape.kind == "shape"
    off = np.abs(structure.fill(seen) - x).max(axis=(1, 2)) / x.std()
    assert np.quantile(off, 0.9) < 2e-5  # judges see thousandths
    # Windows that all is known of lie on the surface, and others do not.
    assert shape.violations(x).mean() < 0.02
    assert (
        shape.violations(x + 0.05 * np.random.default_rng(SEED).normal(size=x.shape)).mean() > 0.3
    )
    assert np.abs(u.std(axis=0)[0] / structure.transform(x).std(axis=0)[0] - 1).max() < 0.1


def test_no_shape_is_found_in_smooth_series_that_have_none():
    x = np.random.default_rng(SEED).normal(size=(500, 24, 1)).cumsum(axis=1).cumsum(axis=1)
    seen = with_single_cells_missing(x, 0.3)
    assert not find_rules(seen, include="shape")
