"""Nothing that is found, and no coordinate, hangs on the unit in which a channel is."""

import numpy as np
import pytest

from sklearn_timegen import _shifted_log
from sklearn_timegen.representation import OwnScaleTransform
from sklearn_timegen.rules import Grid, Multiplicative, Order, Positive, Structure, find_rules

SEEDS = range(3)
UNITS = [(1.8, 32.0), (1e-3, 0.0), (0.1, -1.0)]


def prices(seed):
    """Return lows and highs of 80 series, in proportion to which they move."""
    rng = np.random.default_rng(seed)
    level = rng.uniform(0, 2, size=(80, 1)) + rng.normal(0, 0.1, size=(80, 20)).cumsum(axis=1)
    low = np.exp(level)
    return np.stack([low, low * (1 + rng.exponential(0.05, size=low.shape))], axis=2)


def in_units(x, a, b):
    return (a * x + b).astype(np.float32)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_shift_follows_the_units(seed):
    rng = np.random.default_rng(seed)
    low = prices(seed)[:, :, 0]
    amounts = np.exp(rng.normal(size=(1, 2000)))
    for x in (low, amounts):
        shift = _shifted_log.find_shift([x])
        assert -x.min() < shift < 0.2 * np.ptp(x)  # the floor, 0, is told to a part of the range
        for a, b in UNITS:
            moved = _shifted_log.find_shift([a * x + b])
            assert moved == pytest.approx(a * shift - b, abs=1e-5 * a * np.ptp(x))
    holed = np.where(rng.random(low.shape) < 0.3, np.nan, low)
    assert _shifted_log.find_shift([holed]) is not None
    assert _shifted_log.find_shift([amounts.T]) == _shifted_log.find_shift(
        [amounts]
    )  # of single values, the next series


@pytest.mark.parametrize("seed", SEEDS)
def test_what_moves_alike_everywhere_has_no_shift(seed):
    rng = np.random.default_rng(seed)
    noise = rng.normal(size=(1, 1000))
    spikes = np.where(np.arange(1000) % 12 == 0, 5.0, 0.0) + 0.1 * noise
    turning = np.sin(np.arange(1000) / 4)[None]
    for x in (noise, noise.cumsum(axis=1), rng.random((1, 1000)), turning, spikes, 0 * noise):
        assert _shifted_log.find_shift([x]) is None
    wide = prices(seed)[:, :, 0].mean(axis=1, keepdims=True)  # levels alone tell of no steps
    assert _shifted_log.find_shift([10 * wide + rng.normal(size=(80, 20))]) is None


@pytest.mark.parametrize("seed", SEEDS)
def test_few_values_tell_of_no_shift_and_exact_growth_does(seed):
    rng = np.random.default_rng(seed)
    for n_series, n_timesteps in [(1, 4), (4, 1), (2, 4), (1, 3), (2, 2), (10, 1)]:
        for _ in range(20):  # a line goes through so few, or nearly
            assert _shifted_log.find_shift([rng.lognormal(size=(n_series, n_timesteps))]) is None
    # Each at a rate of its own: their logarithms, and only these, continue as lines do.
    growth = 3 * np.exp(rng.uniform(0.01, 0.1, size=(5, 1)) * np.arange(50.0))
    shift = _shifted_log.find_shift([growth])
    assert shift == pytest.approx(0, abs=1e-2 * growth.min())
    assert _shifted_log.find_shift([7 * growth + 90]) == pytest.approx(7 * shift - 90, abs=0.2)


@pytest.mark.parametrize("shift", [0.0, 2.0, -0.4])
@pytest.mark.parametrize("positive", [False, True])
def test_shifted_logarithms_lose_nothing(shift, positive):
    log = _shifted_log.ShiftedLog.of(np.array([0.5, 7.0]), shift, positive=positive)
    x = np.concatenate([np.linspace(0.01, 0.49, 50), np.linspace(0.5, 40, 50)])
    x = x if positive else np.concatenate([-x, x])
    z = log.transform(x)
    assert np.allclose(log.inverse_transform(z), x, rtol=1e-9)
    assert (np.diff(log.transform(np.sort(x))) > 0).all()
    step = 1e-6
    slope = (log.transform(x + step) - log.transform(x - step)) / (2 * step)
    assert np.allclose(np.log(slope), log.log_slope(x), atol=1e-4)
    far = log.inverse_transform(np.array([-50.0, 50.0]))
    assert np.isfinite(far).all()
    assert not positive or far[0] > 0
    if positive and shift == 0:
        assert np.allclose(z, np.log(x))


@pytest.mark.parametrize("seed", SEEDS)
def test_coordinates_are_the_same_in_any_units(seed):
    x = prices(seed)
    structure = Structure()
    u = structure.fit_transform(in_units(x, 1, 0))
    assert [rule.kind for rule in structure.rules_] == ["order"]
    alone = [find_rules(x[:, :, :1])[0].kind, find_rules(in_units(x, 1, -1)[:, :, :1])[0].kind]
    assert alone == ["positive", "multiplicative"]
    own = OwnScaleTransform().fit(in_units(x, 1, 0))
    for a, b in UNITS:
        moved = in_units(x, a, b)
        other = Structure()
        w = other.fit_transform(moved)
        # But for a constant, in which every scaler centres them, and rounding.
        spread = u.std(axis=(0, 1))
        difference = (w - w.mean(axis=(0, 1))) - (u - u.mean(axis=(0, 1)))
        assert (np.median(np.abs(difference), axis=(0, 1)) < 1e-4 * spread).all()
        back = other.inverse_transform(w + np.float32(0.3))
        expected = a * structure.inverse_transform(u + np.float32(0.3)) + b
        assert np.median(np.abs(back - expected)) < 1e-4 * moved.std()
        v = OwnScaleTransform().fit(moved).transform(moved)
        assert np.median(np.abs(v - own.transform(in_units(x, 1, 0)))) < 1e-3
        assert np.isfinite(own.shift_).all()


def test_rules_keep_channels_positive():
    x = prices(0)
    wild = np.random.default_rng(0).normal(0, 9, size=(200, 20, 2))
    for rule in (Positive(0), Positive(0, shift=3.0), *find_rules(x[:, :, :1]), Order(0, 1)):
        fitted = Structure([rule])
        channels = x if rule.kind == "order" else x[:, :, :1]
        n_coordinates = fitted.fit_transform(channels.astype(np.float32)).shape[2]
        assert fitted.inverse_transform(wild[:, :, :n_coordinates]).min() > 0
    with pytest.raises(ValueError, match=r"goes down to .*Declare a shift above -"):
        Structure([Multiplicative(0, shift=-5.0)]).fit_transform(x.astype(np.float32))


@pytest.mark.parametrize("seed", SEEDS)
def test_steps_are_found_in_any_units(seed):
    rng = np.random.default_rng(seed)
    x = np.rint(rng.normal(0, 20, size=(60, 24))) * 0.1 + 20
    (tenths,) = find_rules(x[:, :, None])
    assert (tenths.step, tenths.offset) == (0.1, 0.0)
    for a, b in [(1.8, 32.0), (1 / np.ptp(x), -x.min() / np.ptp(x)), (1e-4, 0.0)]:
        moved = in_units(x, a, b)
        (grid,) = find_rules(moved[:, :, None], include="grid")
        assert grid.step == pytest.approx(0.1 * a, rel=1e-4)
        near = grid.rounded(moved.astype(np.float64) + 0.3 * grid.step)
        assert np.abs(near - moved).max() < 1e-6 * np.abs(moved).max()
        assert (grid.above(near) == near).all()
        assert (grid.below(near) == near).all()
    assert len(find_rules(rng.normal(size=(60, 24, 1)).astype(np.float32))) == 0
    assert repr(Grid(0, 0.5, 0.2)) == "channel 0 in steps of 0.5 from 0.2 on"
