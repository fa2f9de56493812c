"""Channels that hold their last value: as often, as long, at once, and where they do in data."""

import numpy as np
import pandas as pd
import pytest

from sklearn_timegen import FlowMatching, PCAMixture, SeriesGenerator, load
from sklearn_timegen.datasets import make_ar
from sklearn_timegen.rules import GridSnapper, SampleHolder, stand_still

from .global_seed import GLOBAL_RANDOM_SEED as SEED

N, T = 400, 24


def rng(k=0):
    return np.random.default_rng([SEED, k])


def paths(n=N, n_channels=1):
    return make_ar(n, T, n_channels, coefficients=(1.2, -0.5), random_state=SEED)


def filled_forward(x, begins=0.06, goes_on=0.6, *, at_once=False, k=1):
    """Values that are missing in runs, replaced by the last one that is there."""
    x, lost = x.copy(), np.zeros((len(x), x.shape[2]), bool)
    for t in range(1, x.shape[1]):
        chance = rng([k, t]).random((len(x), 1 if at_once else x.shape[2]))
        lost = np.where(lost, chance < goes_on, chance < begins)
        x[:, t] = np.where(lost, x[:, t - 1], x[:, t])
    return x


def still(x):
    return np.diff(x, axis=1) == 0


def lengths_of_runs(x):
    held = still(x)[:, :, 0].astype(int)
    edge = np.zeros((len(x), 1), int)
    edges = np.diff(np.concatenate([edge, held, edge], axis=1), axis=1)
    return np.flatnonzero(edges.T == -1).size, held.sum() / max((edges == 1).sum(), 1)


@pytest.mark.parametrize("at_once", [False, True])
def test_as_often_as_long_and_at_once(at_once):
    x = filled_forward(paths(n_channels=2), at_once=at_once)
    fitted = PCAMixture(random_state=SEED).fit(x)
    assert fitted.postprocess_.groups == ([(0, 1)] if at_once else [(0,), (1,)])
    drawn = fitted.sample(1000)
    for k in range(2):
        assert still(drawn)[:, :, k].mean() == pytest.approx(still(x)[:, :, k].mean(), rel=0.2)
    assert lengths_of_runs(drawn)[1] == pytest.approx(lengths_of_runs(x)[1], rel=0.2)
    both = still(drawn).all(axis=2).mean()
    assert both == pytest.approx(still(x).all(axis=2).mean(), abs=0.02)
    # What is not held moves as before.
    sizes = [np.abs(np.diff(s, axis=1)[~still(s)]) for s in (x, drawn)]
    assert np.median(sizes[1]) == pytest.approx(np.median(sizes[0]), rel=0.2)


def test_of_readings_in_whole_steps_small_increments_are_held():
    x = np.round(4 * paths())
    x += rng(2).normal(size=(N, 1, 1))  # of each series another offset: no grid
    drawn = PCAMixture(random_state=SEED).fit(x).sample(1000)
    assert still(drawn).mean() == pytest.approx(still(x).mean(), rel=0.2)

    def near(s):  # moves that would be less than half a step
        return (np.abs(np.diff(s, axis=1)) < 0.5).mean() - still(s).mean()

    free = PCAMixture(random_state=SEED, postprocess=None).fit(x).sample(1000)
    assert near(x) == 0
    assert near(drawn) < 0.6 * near(free)


def test_at_the_timesteps_at_which_they_are_held():
    x = paths()
    x[:, 7] = x[:, 6]
    x[:200, 15] = x[:200, 14]
    drawn = PCAMixture(random_state=SEED).fit(x).sample(1000)
    often = still(drawn)[:, :, 0].mean(axis=0)
    assert often[6] > 0.8
    assert 0.35 < often[14] < 0.65
    assert np.delete(often, [6, 14]).max() < 0.1


def test_flows_and_real_series_come_back():
    x = filled_forward(paths())
    flow = FlowMatching(
        max_epochs=3, hidden_dim=8, n_layers=1, warmup_steps=0, random_state=SEED
    ).fit(x)
    assert still(flow.sample(500)).mean() == pytest.approx(still(x).mean(), rel=0.25)
    holds = still(x)[:, :, 0].mean(axis=1) > 0.1
    back = flow.inverse_transform(flow.transform(x[holds]))
    np.testing.assert_allclose(back, x[holds], atol=2e-3)
    assert still(back)[still(x[holds])].all()
    assert (still(back) != still(x[holds])).mean() < 0.002  # moves that are hardly any


def test_the_same_path_holds_in_the_same_places(tmp_path):
    x = filled_forward(paths())
    fitted = PCAMixture(random_state=SEED).fit(x)
    holder = fitted.postprocess_
    drawn = PCAMixture(random_state=SEED, postprocess=None).fit(x).sample(300)
    together = holder.transform(drawn)
    assert still(together).any()
    assert np.array_equal(together[100:], holder.transform(drawn[100:]))
    rounded = holder.transform(drawn * np.float32(1 + 1e-6))  # as sums in another order are
    assert (still(rounded) == still(together)).mean() > 0.99
    fitted.save(tmp_path / "mixture")
    same = load(tmp_path / "mixture").sample(50, random_state=1)
    assert np.array_equal(same, fitted.sample(50, random_state=1))


def test_until_it_was_shown_draws_nothing_changes():
    x = filled_forward(paths())
    holder = SampleHolder([(0,)]).fit(x)
    drawn = paths()
    assert np.array_equal(holder.transform(drawn), drawn)
    holder.calibrate(drawn)
    broken = drawn.copy()
    broken[3, 5] = np.inf
    out = holder.transform(broken)
    assert np.array_equal(out[3], broken[3])  # who looks has to see it
    assert np.array_equal(np.delete(out, 3, axis=0), np.delete(holder.transform(drawn), 3, axis=0))
    assert len(holder.transform(drawn[:0])) == 0


def test_what_does_not_hold_is_left_alone():
    assert stand_still(paths(), [0]) == []
    assert stand_still(paths()[:, :1], [0]) == []
    rare = paths()
    rare[:40, 5] = rare[:40, 4]
    assert stand_still(rare, [0]) == []
    (grid,) = stand_still(np.round(paths()), [0])
    assert isinstance(grid, GridSnapper)
    ragged = [s[: rng(i).integers(8, T + 1)] for i, s in enumerate(paths())]
    shown = repr(PCAMixture(random_state=SEED).fit(ragged).postprocess_)
    assert "SampleHolder" not in shown


@pytest.mark.parametrize("missing", ["generate", "complete"])
def test_beside_missing_values(missing):
    full = filled_forward(paths(800))
    x = np.where(rng(3).random(full.shape) < 0.15, np.nan, full)
    drawn = PCAMixture(missing=missing, random_state=SEED).fit(x).sample(1000)
    both = np.isfinite(np.diff(drawn, axis=1))
    assert still(drawn)[both].mean() == pytest.approx(still(full).mean(), rel=0.25)


@pytest.mark.parametrize("make", ["mixture", "flow"])
def test_what_is_filled_in_holds_as_often(make):
    full = filled_forward(paths())
    small = {"max_epochs": 3, "hidden_dim": 8, "n_layers": 1, "warmup_steps": 0}
    fitted = PCAMixture() if make == "mixture" else FlowMatching(**small)
    fitted.set_params(random_state=SEED).fit(full)
    x = full.astype(np.float32)
    x[:, 8:16] = np.nan
    filled = fitted.impute(x)
    known = np.isfinite(x)
    assert np.array_equal(filled[known], x[known])
    rate = still(full)[:, 8:15].mean()
    assert still(filled)[:, 8:15].mean() == pytest.approx(rate, rel=0.5)
    # The first hole goes on from the value before it; between two equal ones nothing moves.
    assert still(filled)[:, 7].mean() > 0.3 * rate
    one = full.astype(np.float32)
    between = (one[:, 11] == one[:, 9]).ravel()
    one[:, 10] = np.nan
    assert between.sum() > 5
    assert (fitted.impute(one)[between, 10] == one[between, 9]).mean() > 0.9


def test_what_is_filled_in_on_a_grid_goes_on_from_what_is_known():
    full = np.round(2 * paths())
    fitted = PCAMixture(random_state=SEED).fit(full)
    x = full.astype(np.float32)
    x[:, 8:16] = np.nan
    filled = fitted.impute(x)
    assert still(filled)[:, 8:15].mean() == pytest.approx(still(full)[:, 8:15].mean(), rel=0.35)
    assert np.isin(filled, full).all()


def test_a_channel_that_holds_always_and_few_increments_are_no_list_of_quantiles():
    x = np.repeat(rng().normal(size=(50, 1, 1)), T, axis=1)
    holder = SampleHolder([(0,)]).fit(x)
    assert np.array_equal(holder.calibrate(x).transform(x), x)
    few = filled_forward(paths(10))
    (hold,) = SampleHolder([(0,)]).fit(few).holds_
    moves = (~still(few)).sum()
    assert sum(map(len, hold.moved)) < moves / 4


def test_few_series_filled_forward_are_on_no_grid():
    x = filled_forward(paths(60), begins=0.2)
    (step,) = stand_still(x, [0])
    assert isinstance(step, SampleHolder)
    (grid,) = stand_still(np.round(paths(60)), [0])
    assert isinstance(grid, GridSnapper)


def test_joined_series_hold_as_often():
    walk = make_ar(1, 2000, 1, coefficients=(1.2, -0.5), random_state=SEED)
    x = filled_forward(walk, begins=0.08)[0, :, 0]
    frame = pd.DataFrame({"load": x}, index=pd.date_range("2024", periods=len(x), freq="h"))
    made = SeriesGenerator(PCAMixture(), random_state=SEED).fit(frame).sample(1)
    held = (np.diff(made["load"]) == 0).mean()
    assert held == pytest.approx((np.diff(x) == 0).mean(), rel=0.35)


def test_readings_that_are_held_at_once_come_back_to_values_that_occur():
    values = np.sort(rng(7).normal(scale=3, size=60))  # on no regular grid
    near = values[np.abs(paths(n_channels=2)[..., None] - values).argmin(axis=-1)]
    x = filled_forward(near, begins=0.2, goes_on=0.5, at_once=True)
    for t in range(1, T):  # the second channel holds where the first one does
        same = x[:, t, 0] == x[:, t - 1, 0]
        x[same, t, 1] = x[same, t - 1, 1]
    drawn = PCAMixture(random_state=SEED).fit(x).sample(500)
    for k in range(2):
        assert np.isin(drawn[:, :, k], x[:, :, k].astype(np.float32)).mean() > 0.99
        assert still(drawn)[:, :, k].mean() == pytest.approx(still(x)[:, :, k].mean(), rel=0.3)
