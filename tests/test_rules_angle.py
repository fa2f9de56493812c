"""Directions go round, and a calm has none."""

import numpy as np
import pytest

from sklearn_timegen import PCAMixture, load
from sklearn_timegen.rules import Angle, Grid, Order, Positive, Structure, find_rules

from .global_seed import GLOBAL_RANDOM_SEED as SEED

SEEDS = range(SEED, SEED + 3)


def turned(x, y, period=360.0):
    """Return by how much one direction is off another, the shorter way."""
    return np.abs((x - y + period / 2) % period - period / 2)


def winds(rng, n=400, n_timesteps=24, *, calm=0.08, tens=True):
    """Directions about the north, in tens of degrees from 10 to 360, and 0 where it is calm."""
    turn = rng.normal(0, 15, size=(n, n_timesteps))
    turn[:, 0] = rng.normal(0, 60, size=n)
    x = turn.cumsum(axis=1) % 360
    if tens:
        x = np.rint(x / 10) * 10
        x[x == 0] = 360
    still = np.repeat(rng.random((n, n_timesteps // 4)) < calm, 4, axis=1)
    return np.where(still, 0, x).astype(np.float32)[:, :, None]


@pytest.mark.parametrize("seed", SEEDS)
def test_winds_turn_as_they_do(seed):
    x = winds(np.random.default_rng(seed))
    model = PCAMixture(random_state=seed).fit(x)
    assert "goes round from 0 to 360, and 0 is no direction" in str(model.rules_)
    drawn = model.sample(1500, random_state=seed)[:, :, 0]
    assert set(np.unique(drawn)) <= set(range(0, 361, 10))
    steps, calms, shares = [], [], []
    for s in (x[:, :, 0], drawn):
        calm = s == 0
        both = ~calm[:, 1:] & ~calm[:, :-1]
        steps.append(turned(s[:, 1:], s[:, :-1])[both].mean())
        calms.append((calm.mean(), (calm[:, 1:] & calm[:, :-1]).sum() / calm.sum()))
        shares.append(np.histogram(s[~calm], [0, 90, 180, 270, 361])[0] / (~calm).sum())
    assert abs(steps[1] / steps[0] - 1) < 0.4  # of 12 degrees; 36, where 0 and 360 are ends
    assert abs(calms[1][0] - calms[0][0]) < 0.03
    assert abs(calms[1][1] - calms[0][1]) < 0.2  # they last
    assert np.abs(shares[1] - shares[0]).max() < 0.06


def test_coordinates_lead_back():
    x = winds(np.random.default_rng(SEED))
    structure = Structure()
    u = structure.fit_transform(x)
    assert u.shape[2] == 3
    assert np.array_equal(structure.inverse_transform(u), x)
    # A step over the end of the circle is as small as any other.
    assert np.abs(np.diff(u[:, :, :2], axis=1)).max() < 2


@pytest.mark.parametrize(
    ("start", "period"), [(0, 360), (-180, 360), (0, 2 * np.pi), (-np.pi, 2 * np.pi)]
)
def test_degrees_and_radians_are_found(start, period):
    rng = np.random.default_rng(SEED)
    x = (0.04 * period * rng.normal(size=(60, 40))).cumsum(axis=1) % period + start
    (rule,) = find_rules(x[:, :, None], include="angle")
    assert isinstance(rule, Angle)
    assert (rule.start, rule.period, rule.calm) == (start, period, False)
    back = rule.inverse_transform(rule.transform(x[:, :, None]))[:, :, 0]
    assert turned(back, x, period).max() < 1e-5 * period
    assert back.min() >= start
    assert back.max() < start + period


def test_what_does_not_go_round_is_none():
    rng = np.random.default_rng(SEED)
    noise = rng.uniform(0, 360, size=(200, 24))
    walk = (180 + 30 * rng.normal(size=(200, 24)).cumsum(axis=1)).clip(0, 360)
    saws = np.abs((20 * rng.normal(size=(200, 24)).cumsum(axis=1)) % 720 - 360)
    x = np.stack([noise, walk, saws], axis=2)
    assert not find_rules(x, include="angle")


def test_any_circle_can_be_declared():
    rng = np.random.default_rng(SEED)
    hour = np.rint(23 + rng.normal(0, 1.5, size=(300, 12)).cumsum(axis=1)) % 24
    model = PCAMixture(rules=[Angle(0, period=24), "auto"], random_state=SEED)
    drawn = model.fit(hour[:, :, None]).sample(500)[:, :, 0]
    assert set(np.unique(drawn)) <= set(range(24))  # 24 is written as 0
    step = [turned(s[:, 1:], s[:, :-1], 24).mean() for s in (hour, drawn)]
    assert abs(step[1] / step[0] - 1) < 0.2


def test_missing_directions_are_filled_and_come_back(tmp_path):
    rng = np.random.default_rng(SEED)
    x = winds(rng)
    x[rng.random(x.shape) < 0.1] = np.nan
    model = PCAMixture(random_state=SEED).fit(x)
    drawn = model.sample(400)
    assert abs(np.isnan(drawn).mean() - 0.1) < 0.03
    filled = model.impute(x)
    known = np.isfinite(x)
    assert np.array_equal(filled[known], x[known])
    assert set(np.unique(filled)) <= set(range(0, 361, 10))
    model.save(tmp_path / "winds.timegen")
    again = load(tmp_path / "winds.timegen")
    assert np.array_equal(again.sample(5), model.sample(5), equal_nan=True)


def test_wrong_circles_are_refused():
    with pytest.raises(ValueError, match="the period of an Angle must be above 0, got -360"):
        Angle(0, -360)
    x = np.random.default_rng(SEED).normal(0, 900, size=(50, 12, 1))
    with pytest.raises(ValueError, match="'channel 0 goes round from 0 to 360' is broken at"):
        PCAMixture(rules=[Angle(0)]).fit(x)


@pytest.mark.parametrize("start", [0, -180])
def test_directions_that_were_rounded_are_no_calms(start):
    rng = np.random.default_rng(SEED)
    x = np.rint((15 * rng.normal(size=(400, 24))).cumsum(axis=1) % 360 + start)
    assert {x.min(), x.max()} == {start, start + 360}
    (rule,) = find_rules(x[:, :, None], include="angle")
    assert not rule.calm


def test_a_grid_that_has_no_north_stays_within_the_circle():
    rng = np.random.default_rng(SEED)
    x = 6 + np.rint((3 * rng.normal(size=(200, 24))).cumsum(axis=1)) % 36 * 10
    rules = find_rules(x[:, :, None])
    angle = next(rule for rule in rules if isinstance(rule, Angle))
    theta = np.linspace(-np.pi, np.pi, 500)
    turned_round = angle.inverse_transform(np.stack([np.cos(theta), np.sin(theta)], -1)[None])
    assert set(np.unique(turned_round.astype(np.float32))) == set(range(6, 360, 10))


def test_what_else_is_declared_of_a_channel_is_no_angle():
    x = winds(np.random.default_rng(SEED), calm=0)
    both = np.concatenate([x, x + 1], axis=2)
    with pytest.raises(ValueError, match="speaks of channel 0, which is declared to go round"):
        PCAMixture(rules=[Angle(0), Order(0, 1)]).fit(both)
    model = PCAMixture(rules=[Order(0, 1), "auto"], random_state=SEED).fit(both)
    drawn = model.sample(100)
    assert (drawn[:, :, 0] <= drawn[:, :, 1]).all()


@pytest.mark.parametrize("wrong", [np.nan, np.inf, "360", True])
def test_no_circle_is_endless(wrong):
    with pytest.raises(ValueError, match="the period of an Angle must be a finite number, got"):
        Angle(0, wrong)
    with pytest.raises(ValueError, match="the step of a Grid must be a finite number, got"):
        Grid(0, wrong)
    with pytest.raises(ValueError, match="the shift of a Positive must be a finite number, got"):
        Positive(0, wrong)
