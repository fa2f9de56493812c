"""Windows on surfaces of few dimensions: found, kept, completed."""

import pickle

import numpy as np
import pytest

from sklearn_timegen import PCAMixture, SeriesGenerator
from sklearn_timegen.datasets import make_ar, make_sines
from sklearn_timegen.rules import Shape, Structure, find_rules
from sklearn_timegen.rules.surface import Surface, local_dimension

from .global_seed import GLOBAL_RANDOM_SEED as SEED

N, T = 400, 24
SEEDS = range(SEED, SEED + 3)
TIMES = np.linspace(0, 1, T)


def sines(rng):
    return make_sines(N, T, 2, random_state=int(rng.integers(1000)))


def exponentials(rng):
    """A curve: relaxation from 1 to 0 at several rates."""
    return np.exp(-rng.uniform(0.5, 4, (N, 1)) * TIMES)[:, :, None]


def pulses(rng):
    """Pulses of one form, at several places and of several widths."""
    middle, width = rng.uniform(0.4, 0.6, (N, 1)), rng.uniform(0.4, 0.6, (N, 1))
    return np.exp(-(((TIMES - middle) / width) ** 2))[:, :, None]


MADE = {sines: 2, exponentials: 1, pulses: 2}  # and of how many dimensions


def made(make, seed):
    return make(np.random.default_rng(seed)).astype(np.float32)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("make", MADE)
def test_surfaces_are_found_and_kept(make, seed):
    x = made(make, seed)
    structure = Structure(kinds=["shape"])
    u = structure.fit_transform(x)
    assert [rule.kind for rule in structure.rules_] == ["shape"] * x.shape[2]
    assert {rule._surface.dimension for rule in structure.rules_} == {MADE[make]}
    assert structure.coordinates_.static == list(range(u.shape[2]))
    assert np.abs(structure.inverse_transform(u) - x).max() < 1e-3 * x.std()
    rng = np.random.default_rng(seed)
    for spread in (0.1, 1, 30):
        drawn = structure.inverse_transform(
            u.mean(0) + spread * u.std() * rng.normal(size=u.shape)
        )
        assert not any(broken.any() for _, broken in structure.rules_.violations(drawn))
    # New windows of the same kind keep it, others do not.
    (_, broken), *_ = structure.rules_.violations(made(make, seed + 100))
    assert broken.mean() < 0.01
    noisy = x + (0.2 * x.std() * rng.normal(size=x.shape)).astype(np.float32)
    (_, broken), *_ = structure.rules_.violations(noisy)
    assert broken.any(axis=1).mean() > 0.99


def smooth(rng):
    """Walks that are as smooth as curves, and lie near a plane of few dimensions."""
    wide = rng.normal(size=(N, T + 39))
    return np.apply_along_axis(np.convolve, 1, wide, np.hanning(40), "valid")[:, :, None]


FREE = {
    "noise": lambda rng: rng.normal(size=(N, T, 2)),
    "walks": lambda rng: rng.normal(size=(N, T, 2)).cumsum(axis=1),
    "exponentials of walks": lambda rng: np.exp(0.02 * rng.normal(size=(N, T, 2)).cumsum(axis=1)),
    "autoregression": lambda rng: make_ar(N, T, random_state=int(rng.integers(1000))),
    "smooth walks": smooth,
    "planes": lambda rng: (rng.normal(size=(N, 2)) @ np.stack([TIMES, 1 - TIMES]))[:, :, None],
    "noisy sines": lambda rng: sines(rng) + 0.01 * rng.normal(size=(N, T, 2)),
    "sines of one channel, shuffled": lambda rng: rng.permuted(sines(rng), axis=1),
    "few sines": lambda rng: sines(rng)[:250],
    "windows of a long sine": lambda rng: np.sin(
        np.arange(T) / 4 + np.arange(N)[:, None] / 4 + rng.random()
    )[:, :, None],
}


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("name", FREE)
def test_nothing_is_found_where_there_is_nothing(name, seed):
    x = np.asarray(FREE[name](np.random.default_rng(seed)), dtype=np.float32)
    assert len(find_rules(x, include="shape")) == 0


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("make", MADE)
def test_scores_follow_from_some_cells(make, seed):
    x = made(make, seed).astype(np.float64)
    rng = np.random.default_rng(seed)
    missing = (rng.random(x.shape) < 0.3) & (np.arange(N) > 320)[:, None, None]
    gaps = np.where(missing, np.nan, x)
    whole = find_rules(x, include="shape")
    found = find_rules(gaps, include="shape")
    assert [rule.kind for rule in found] == [rule.kind for rule in whole]
    rule = whole[0]
    assert not rule.violations(gaps).any()
    full, known = rule.transform(x), rule.transform(gaps)
    columns = slice(x.shape[2] - 1, None)
    told = np.isfinite(known[:, :, columns])
    assert told.mean() > 0.98
    assert np.allclose(known[:, :, columns][told], full[:, :, columns][told], atol=2e-3)


@pytest.mark.parametrize("share", [0.3, 0.9, 1.0])
@pytest.mark.parametrize("make", MADE)
def test_completed_windows_keep_the_surface_and_what_is_known(make, share):
    x = made(make, SEED)
    rng = np.random.default_rng(SEED)
    structure = Structure(kinds=["shape"])
    structure.fit_transform(x)
    known = rng.random(x.shape) >= share
    given = np.where(known, x, x[rng.permutation(N)] + rng.normal(size=x.shape)).astype(np.float32)
    completed = structure.complete(given, known)
    assert np.array_equal(completed[known], x[known])
    broken = [int(broken.sum()) for _, broken in structure.rules_.violations(completed)]
    assert not any(broken), broken


def test_generators_draw_windows_of_the_surface():
    x = made(sines, SEED)
    fitted = pickle.loads(pickle.dumps(PCAMixture(random_state=SEED).fit(x)))
    drawn = fitted.sample(300)
    shapes = fitted.rules_.of_kind("shape")
    assert len(shapes) == 2
    assert not any(rule.violations(drawn).any() for rule in shapes)
    assert np.abs(drawn.mean(axis=0) - x.mean(axis=0)).max() < 0.2 * x.std()
    with pytest.raises(TypeError, match="no density"):
        fitted.score_samples(x)


def test_whole_series_are_no_windows():
    x = make_sines(320, 24, 1, random_state=SEED)
    fitted = SeriesGenerator(PCAMixture(), window=12, stride=6, random_state=SEED).fit(list(x))
    assert not fitted.rules_.of_kind("shape")
    with pytest.raises(ValueError, match="speaks of windows"):
        SeriesGenerator(PCAMixture(), window=12, rules=[Shape(0)]).fit(list(x))


def test_what_does_not_hold_says_so():
    noise = np.random.default_rng(SEED).normal(size=(N, T, 1)).astype(np.float32)
    with pytest.raises(ValueError, match="does not hold: no polynomial"):
        PCAMixture(rules=[Shape(0)]).fit(noise)
    rule = find_rules(made(exponentials, SEED), include="shape")[0]
    longer = np.zeros((3, T + 1, 1))
    assert not rule.violations(longer).any()
    with pytest.raises(ValueError, match=f"windows of {T} timesteps, got {T + 1}"):
        rule.transform(longer)


def test_what_is_declared_is_kept():
    few = made(sines, SEED)[:250]
    fitted = PCAMixture(rules=[Shape(0)], random_state=SEED).fit(few)
    assert "windows of channel 0 lie on a surface" in repr(fitted.rules_)
    assert not fitted.rules_[0].violations(fitted.sample(50)).any()


@pytest.mark.parametrize("seed", SEEDS)
def test_a_sphere(seed):
    rng = np.random.default_rng(seed)
    points = rng.normal(size=(1500, 3))
    points /= np.linalg.norm(points, axis=1, keepdims=True)
    assert local_dimension(points) == 2
    assert local_dimension(rng.normal(size=(500, 3))) == 3
    sphere = Surface(points, 2)
    near = sphere.nearest(points * rng.uniform(0.8, 1.2, size=(1500, 1)))
    assert np.abs(np.linalg.norm(near, axis=1) - 1).max() < 0.01
    inside = Surface(points[points[:, 2] > 0], 2).nearest(np.array([[0.0, 1.0, -3.0]]))
    assert inside[0, 2] > -0.1
