"""Channels that are functions of others: found, left out or replaced by the rest, completed."""

import numpy as np
import pytest

from sklearn_timegen import PCAMixture
from sklearn_timegen.rules import Dependence, Structure, find_rules

from .global_seed import GLOBAL_RANDOM_SEED as SEED
from .test_rules_missing import FREE, as_block, holes, with_holes

N, T = 100, 24
SEEDS = range(SEED, SEED + 3)


def walk(rng):
    return rng.normal(size=(N, T)).cumsum(axis=1) / 3 + rng.normal(size=(N, 1))


def product(rng):
    a, b = walk(rng), walk(rng)
    return np.stack([a, b, a * b + a], axis=2)


def magnus(temperature):
    return 17.625 * temperature / (243.04 + temperature)


def dew_point(rng):
    """The dew point by temperature and humidity, as it is read: to a tenth of a degree.

    By the formula of Magnus, as in O. Alduchov and R. Eskridge (1996), "Improved Magnus form
    approximation of saturation vapor pressure", Journal of Applied Meteorology 35.
    """
    temperature = 15 + 3 * walk(rng)
    humidity = 100 / (1 + np.exp(-0.5 * walk(rng) - 1))
    gamma = np.log(humidity / 100) + magnus(temperature)
    point = 243.04 * gamma / (17.625 - gamma) + 0.03 * rng.normal(size=gamma.shape)
    return np.stack([temperature, humidity, point], axis=2)


def found_in(x, **how):
    return find_rules(x, include="dependence", **how)


@pytest.mark.parametrize("seed", SEEDS)
def test_functions_are_left_out(seed):
    x = product(np.random.default_rng(seed)).astype(np.float32)
    (rule,) = found_in(x, names=["a", "b", "c"])
    assert rule.is_exact
    assert repr(rule).startswith("c = f(a, b): 2,400 cells, none broken")
    structure = Structure(kinds=["dependence"])
    u = structure.fit_transform(x)
    assert np.array_equal(u, x[:, :, :2])
    assert np.abs(structure.inverse_transform(u) - x).max() < 1e-4 * x.std()
    drawn = PCAMixture(random_state=SEED).fit(x).sample(200)
    assert not rule.violations(drawn).any()
    assert rule.violations(x + np.array([0, 0, 0.1])).all()


@pytest.mark.parametrize("seed", SEEDS)
def test_the_rest_stands_in_the_place_of_a_channel(seed):
    x = dew_point(np.random.default_rng(seed)).astype(np.float32)
    structure = Structure(kinds=["dependence"])
    u = structure.fit_transform(x)
    (rule,) = structure.rules_
    assert not rule.is_exact
    assert rule.statement().endswith("+ rest")
    (rest,) = rule.keys[:1]
    assert u[:, :, rest].std() < 0.1 * x[:, :, rest].std()
    assert np.abs(structure.inverse_transform(u) - x).max() < 1e-5 * np.abs(x).max()
    assert structure.log_abs_det_jacobian(x) == 0
    assert not rule.violations(x + 1).any()


@pytest.mark.parametrize("seed", SEEDS)
def test_generators_keep_close_to_the_function(seed):
    x = dew_point(np.random.default_rng(seed)).astype(np.float32)
    fitted = PCAMixture(random_state=SEED).fit(x)
    (rule,) = fitted.rules_.of_kind("dependence")

    def off(drawn):
        """How far the humidity is from what temperature and dew point say, mostly."""
        temperature, humidity, point = np.moveaxis(drawn.astype(np.float64), 2, 0)
        ratio = magnus(point) - magnus(temperature)
        return np.median(np.abs(humidity - 100 * np.exp(ratio)))

    anonymous = PCAMixture(rules=None, random_state=SEED).fit(x)
    assert off(fitted.sample(400)) < 0.5 * off(anonymous.sample(400))
    rule = found_in(x)[0]
    far = np.full((1, T, x.shape[2]), 1e3 * np.abs(x).max())
    assert np.abs(rule.inverse_transform(far)).max() < 1.1 * far.max()


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("runs", [False, True])
@pytest.mark.parametrize("name", FREE)
def test_nothing_is_found_where_there_is_nothing(name, runs, seed):
    x = np.asarray(FREE[name](np.random.default_rng(seed)), dtype=np.float64)
    assert len(found_in(x)) == 0
    assert len(found_in(with_holes(x, 0.2, seed, runs))) == 0


@pytest.mark.parametrize("seed", SEEDS)
def test_series_with_holes(seed):
    x = product(np.random.default_rng(seed))
    gaps = with_holes(x, 0.2, seed)
    (rule,) = found_in(gaps)
    assert rule.keys == found_in(x)[0].keys
    assert not rule.violations(gaps).any()
    told = ~np.isnan(gaps[:, :, :2]).any(axis=2)
    filled, _ = rule.infer(as_block(gaps), as_block(~np.isnan(gaps)))
    assert np.allclose(filled[2][told], x[:, :, 2][told], atol=1e-3)


@pytest.mark.parametrize("share", [0.3, 0.6])
def test_completed_series_keep_functions_and_what_is_known(share):
    x = product(np.random.default_rng(SEED)).astype(np.float32)
    structure = Structure(kinds=["dependence"])
    structure.fit_transform(x)
    known = ~holes(x, share, np.random.default_rng(SEED))
    rest = np.random.default_rng(SEED).permutation(x)
    completed = structure.complete(np.where(known, x, rest), known)
    assert np.array_equal(completed[known], x[known])
    broken = structure.rules_[0].violations(completed)
    # A target that is known may be out of reach of the others from where they are.
    assert broken.mean() < 0.03


def test_bad_input():
    for wrong in [(0,), (0, 0), (0, 1, 1)]:
        with pytest.raises(ValueError, match="Dependence takes a channel and"):
            Dependence(*wrong)
    noise = np.random.default_rng(SEED).normal(size=(N, T, 2)).astype(np.float32)
    with pytest.raises(ValueError, match="does not hold: a polynomial of degree 3 leaves"):
        PCAMixture(rules=[Dependence(0, 1)]).fit(noise)
    with pytest.raises(ValueError, match="cannot be judged: there are 24 cells"):
        PCAMixture(rules=[Dependence(0, 1)]).fit(noise[:1])
