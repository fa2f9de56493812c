"""Channels of an order stand still as in data, though distances and positions do not."""

import numpy as np
import pytest

from sklearn_timegen import FlowMatching, PCAMixture, load
from sklearn_timegen.datasets import make_ar
from sklearn_timegen.rules import ChannelHolder

from .global_seed import GLOBAL_RANDOM_SEED as SEED

N, T = 500, 24


def rng(k=0):
    return np.random.default_rng([SEED, k])


def weather(n=N):
    """Temperatures in steps, dew points below them, and the humidity that follows of both."""
    base = 3 * make_ar(n, T, 1, coefficients=(1.6, -0.65), random_state=SEED)[:, :, 0]
    below = np.exp(make_ar(n, T, 1, coefficients=(1.2, -0.3), random_state=SEED + 1)[:, :, 0] / 3)
    temperature = np.round(base / 4, 1) * 2
    dew = np.minimum(np.round((base / 2 - 3 * below) / 1.5, 1) * 1.5, temperature)
    humidity = 100 * np.exp(-0.06 * (temperature - dew))
    return np.stack([temperature, dew, humidity], axis=2)


def prices(n=N):
    """Lows and highs around a close, each now and then that of the timestep before."""
    close = 50 + make_ar(n, T, 1, coefficients=(1.0, -0.1), random_state=SEED)[:, :, 0]
    low = close - 0.5 * rng(1).exponential(size=close.shape)
    high = close + 0.5 * rng(2).exponential(size=close.shape)
    high = np.where(rng(3).random(close.shape) < 0.1, close, high)
    for t in range(1, T):
        again = (rng(4 + t).random(n) < 0.15) & (high[:, t - 1] > close[:, t])
        high[:, t] = np.where(again, high[:, t - 1], high[:, t])
        again = (rng(40 + t).random(n) < 0.15) & (low[:, t - 1] < close[:, t])
        low[:, t] = np.where(again, low[:, t - 1], low[:, t])
    return np.stack([low, close, high], axis=2)


def still(x):
    return np.diff(x, axis=1) == 0


def holder_of(fitted):
    post = fitted.postprocess_
    steps = getattr(post, "steps", [post])
    return next((step for step in steps if isinstance(step, ChannelHolder)), None)


def broken(fitted, x):
    return sum(own.sum() for _, own in fitted.rules_.violations(x))


def test_readings_in_an_order_and_what_is_a_function_of_them():
    x = weather()
    fitted = PCAMixture(random_state=SEED).fit(x)
    assert {"order", "dependence"} <= {rule.kind for rule in fitted.rules_}
    assert {0, 1} <= set(holder_of(fitted).channels_)
    drawn = fitted.sample(800)
    assert broken(fitted, drawn) == 0
    free = PCAMixture(random_state=SEED, postprocess=None).fit(x).sample(800)
    for k in range(3):
        off, before = (
            abs(still(s)[:, :, k].mean() - still(x)[:, :, k].mean()) for s in (drawn, free)
        )
        assert off < max(0.6 * before, 0.03)
    both = still(drawn)[:, :, :2].all(axis=2)
    assert still(drawn)[:, :, 2][both].mean() > 0.95


def test_highs_of_the_timestep_before_and_none_that_leaves_its_close():
    x = prices()
    fitted = PCAMixture(random_state=SEED).fit(x)
    assert holder_of(fitted).channels_ == [0, 2]
    drawn = fitted.sample(800)
    assert broken(fitted, drawn) == 0
    for k in (0, 2):
        assert still(drawn)[:, :, k].mean() == pytest.approx(still(x)[:, :, k].mean(), rel=0.3)
    assert still(drawn)[:, :, 1].mean() < 0.01
    free = PCAMixture(random_state=SEED, postprocess=None).fit(x).sample(800)
    at_close = [(s[:, :, 1] == s[:, :, 2]).mean() for s in (x, drawn, free)]
    assert at_close[1] == pytest.approx(at_close[2], abs=0.03)


def test_copies_and_sums_of_them():
    low, close, high = np.moveaxis(prices(), 2, 0)
    x = np.stack([low, close, high, 2 * high - 3, low], axis=2)
    fitted = PCAMixture(random_state=SEED).fit(x)
    drawn = fitted.sample(500)
    assert broken(fitted, drawn) == 0
    assert still(drawn)[:, :, 2].mean() > 0.5 * still(x)[:, :, 2].mean()
    assert np.array_equal(drawn[:, :, 4], drawn[:, :, 0])


def test_a_copy_of_what_follows():
    x = weather()
    x = np.concatenate([x, x[:, :, 2:]], axis=2)
    fitted = PCAMixture(random_state=SEED).fit(x)
    drawn = fitted.sample(500)
    assert broken(fitted, drawn) == 0
    assert still(drawn)[:, :, 0].mean() > 0.5 * still(x)[:, :, 0].mean()


@pytest.mark.parametrize("missing", ["generate", "complete"])
def test_beside_missing_values(missing):
    x = prices()
    x[rng(9).random(x.shape) < 0.1] = np.nan
    fitted = PCAMixture(missing=missing, random_state=SEED).fit(x)
    drawn = fitted.sample(800)
    share = np.isnan(drawn).mean()
    assert share == pytest.approx(0.1 if missing == "generate" else 0, abs=0.03)
    pairs = np.isfinite(np.diff(drawn, axis=1))[:, :, 2]
    real = np.isfinite(np.diff(x, axis=1))[:, :, 2]
    assert still(drawn)[:, :, 2][pairs].mean() == pytest.approx(
        still(x)[:, :, 2][real].mean(), rel=0.4
    )
    filled = fitted.impute(x[:40])
    known = np.isfinite(x[:40])
    assert np.array_equal(filled[known], x[:40].astype(np.float32)[known])
    assert broken(fitted, filled) == 0


def test_saved_with_one_structure(tmp_path):
    x = prices()
    small = {"max_epochs": 2, "hidden_dim": 8, "n_layers": 1, "warmup_steps": 0}
    flow = FlowMatching(**small, random_state=SEED).fit(x)
    assert holder_of(flow).structure.rules_ is flow.rules_
    flow.save(tmp_path / "flow")
    same = load(tmp_path / "flow")
    assert holder_of(same).structure.rules_ is same.rules_
    drawn = flow.sample(200, random_state=1)
    assert np.array_equal(same.sample(200, random_state=1), drawn)
    assert still(drawn)[:, :, 2].mean() == pytest.approx(still(x)[:, :, 2].mean(), rel=0.4)
    assert broken(flow, drawn) == 0


def test_orders_that_do_not_stand_still_have_none():
    low = make_ar(N, T, 1, random_state=SEED)
    x = np.concatenate([low, low + rng().exponential(size=low.shape)], axis=2)
    assert holder_of(PCAMixture(random_state=SEED).fit(x)) is None
