"""Distances between channels move as they do in the data: by so much, or in proportion."""

import numpy as np
import pytest

from sklearn_timegen import PCAMixture
from sklearn_timegen.rules import Grid, Order, Positive, find_rules
from sklearn_timegen.rules.distance import Distance
from sklearn_timegen.rules.grid import grid_of

from .global_seed import GLOBAL_RANDOM_SEED as SEED

SEEDS = range(SEED, SEED + 3)


def autoregression(rng, n, n_timesteps, rho=0.9):
    z = rng.normal(size=(n, n_timesteps))
    for t in range(1, n_timesteps):
        z[:, t] = rho * z[:, t - 1] + np.sqrt(1 - rho**2) * z[:, t]
    return z


def temperatures(rng, n=600, n_timesteps=24):
    """Air is as warm as its dew point, or warmer: by 8 degrees, and by none now and then."""
    dew = 3 * autoregression(rng, n, n_timesteps)
    above = np.maximum(8 + 5 * autoregression(rng, n, n_timesteps), 0)
    return np.stack([dew, dew + above], axis=2)


@pytest.mark.parametrize("seed", SEEDS)
def test_degrees_move_by_degrees(seed):
    x = temperatures(np.random.default_rng(seed))
    model = PCAMixture(random_state=seed).fit(x)
    assert any(isinstance(rule, Order) for rule in model.rules_)
    drawn = model.sample(2000, random_state=seed)
    assert (drawn[:, :, 0] <= drawn[:, :, 1]).all()
    steps = [np.diff(s[:, :, 1], axis=1) for s in (drawn, x)]
    assert abs(steps[0].std() / steps[1].std() - 1) < 0.1  # 1.6, by logarithms
    assert abs(drawn[:, :, 1].std() / x[:, :, 1].std() - 1) < 0.1
    touched = [(s[:, :, 1] - s[:, :, 0] < 0.05).mean() for s in (drawn, x)]
    assert abs(touched[0] - touched[1]) < 0.03  # of 0.055


@pytest.mark.parametrize("seed", SEEDS)
def test_what_moves_in_proportion_is_a_logarithm(seed):
    rng = np.random.default_rng(seed)
    log, straight = np.exp(autoregression(rng, 300, 24)), 6 + 3 * autoregression(rng, 300, 24)
    assert np.isinf(Distance.of([log]).bend)
    assert Distance.of([straight]).bend < 2 * np.median(straight)


@pytest.mark.parametrize("unit", [1e-3, 1.0, 1e5])
def test_distances_know_no_unit(unit):
    x = temperatures(np.random.default_rng(SEED))
    g = x[:, :, 1] - x[:, :, 0]
    once, then = Distance.of([g]), Distance.of([unit * g])
    assert then.bend == pytest.approx(unit * once.bend)
    assert np.allclose(then.transform(unit * g), once.transform(g), atol=1e-6)


@pytest.mark.parametrize("bend", [np.inf, 3.0, 0.05])
def test_there_and_back(bend):
    distance = Distance(least=0.01, bend=bend, ends=(-30.0, 1e6))
    g = np.concatenate([[0.0], np.geomspace(1e-3, 100, 50)])
    z = distance.transform(g)
    assert (np.diff(z) > 0).all()
    assert np.allclose(distance.inverse_transform(z), g, rtol=1e-9, atol=1e-12)
    slope = (distance.transform(g + 1e-6) - z) / 1e-6
    assert np.allclose(np.log(slope), distance.log_slope(g), atol=1e-2)
    assert (distance.inverse_transform(np.array([-1e9, -50.0])) == 0).all()


def test_distances_of_which_nothing_is_known():
    assert np.isfinite(Distance.of([np.zeros((5, 4))]).transform(np.zeros(3))).all()
    one = Distance.of([np.array([[0.0, np.nan, 2.0]])])
    assert one.least == pytest.approx(0.02)
    assert np.isinf(one.bend)


def test_a_spike_hides_no_steps():
    """A wind of 1,048 miles an hour, once in a year of whole knots."""
    wind = 1.15078 * np.random.default_rng(SEED).integers(0, 35, size=4000)
    wind[77] = 911 * 1.15078
    step, offset = grid_of(wind)
    assert step == pytest.approx(1.15078)
    assert offset == 0
    assert "in steps of 1.15078" in str(find_rules(wind.reshape(100, 40)))


@pytest.mark.parametrize("step", [0.18, 0.1, 0.0075, 1.15078, 0.25])
def test_multiples_of_any_step_stay(step):
    x = step * np.arange(-50.0, 50)
    assert np.allclose(Grid(0, step).rounded(x + 0.3 * step), x, rtol=1e-12, atol=1e-12)


def test_prices_in_cents_are_above_0():
    rng = np.random.default_rng(SEED)
    low = np.rint(np.exp(0.5 * rng.normal(size=(200, 24)).cumsum(axis=1)) + 1)
    x = np.stack([low, low + np.rint(low * rng.exponential(size=low.shape))], axis=2)
    rules = find_rules(x)
    order = next(rule for rule in rules if isinstance(rule, Order))
    z = np.stack([np.linspace(-40, 5, 99), np.zeros(99)], axis=1)[None]
    assert np.rint(order.inverse_transform(z)).min() > 0


def test_a_shift_that_is_too_little_is_refused():
    x = np.random.default_rng(SEED).uniform(3, 9, size=(50, 12, 1))
    with pytest.raises(ValueError, match="does not hold with shift=-5: channel 0 goes down to 3"):
        PCAMixture(rules=[Positive(0, shift=-5)]).fit(x)
