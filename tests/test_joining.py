"""Joining windows: each step against what it should do, and a judge on the whole."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.linear_model import LinearRegression, Ridge

from benchmarks.seams import score_seams
from sklearn_timegen import PCAMixture
from sklearn_timegen._joining import WindowJoiner
from sklearn_timegen.datasets import make_ar

from .global_seed import GLOBAL_RANDOM_SEED as SEED

LENGTH, OVERLAP, PHI = 10, 4, 0.7


def gaussian_windows(n, rng):
    covariance = PHI ** np.abs(np.subtract.outer(np.arange(LENGTH), np.arange(LENGTH)))
    return rng.multivariate_normal(np.zeros(LENGTH), covariance, size=n)[:, :, None]


def test_the_gain_is_a_ridge_regression_on_the_beginning():
    rng = np.random.default_rng(SEED)
    windows = gaussian_windows(5000, rng)
    joiner = WindowJoiner(OVERLAP).fit(windows, rng)
    w = ((windows - windows.mean()) / windows.std())[:, :, 0]
    variance = w[:, :OVERLAP].var(axis=0).mean()
    alpha = joiner.ridge_ * variance * len(w)
    ridge = Ridge(alpha=alpha, tol=1e-10).fit(w[:, :OVERLAP], w)
    assert_allclose(joiner.gain_, ridge.coef_.T, atol=1e-8)
    # Without a ridge an AR(1) goes on from its last value alone, by phi to the distance.
    expected = np.zeros((OVERLAP, LENGTH - OVERLAP))
    expected[-1] = PHI ** np.arange(1, LENGTH - OVERLAP + 1)
    plain = LinearRegression().fit(w[:, :OVERLAP], w[:, OVERLAP:]).coef_.T
    assert_allclose(plain, expected, atol=0.06)


def test_what_goes_on_has_the_conditional_distribution():
    rng = np.random.default_rng(SEED + 1)
    joiner = WindowJoiner(OVERLAP)
    joiner.fit(gaussian_windows(4000, rng), rng)
    start = gaussian_windows(400, rng)
    start[:, -1] = 2.0  # an end that is far out
    long = joiner.extend(start, lambda n, at: gaussian_windows(n, rng), LENGTH + 3, rng)
    after = long[:, LENGTH:, 0]
    # The cross-fade moves the end itself a little towards the candidate's beginning.
    assert_allclose(
        after.mean(axis=0), long[:, LENGTH - 1, 0].mean() * PHI ** np.arange(1, 4), atol=0.2
    )
    assert_allclose(after.std(axis=0), np.sqrt(1 - PHI ** (2 * np.arange(1, 4))), atol=0.12)


def test_no_candidate_goes_into_two_series():
    rng = np.random.default_rng(SEED)
    joiner = WindowJoiner(2, n_candidates=1).fit(rng.normal(size=(500, 8, 1)), rng)
    candidates = []

    def draw(n, at):
        candidates.append(rng.normal(size=(n, 8, 1)))
        return candidates[-1]

    # Ends that are all the same have nothing else to differ by behind the seam.
    long = joiner.extend(np.zeros((30, 2, 1)), draw, 8, rng)
    assert len(np.unique(long[:, 2:].round(6), axis=0)) == 30
    # An end that one candidate begins with goes on with that one, as it is.
    start = rng.normal(size=(40, 8, 1))
    long = joiner.extend(start[7:8, :2], lambda n, at: start[:n], 8, rng)
    assert_allclose(long[0], start[7], atol=1e-9)


def test_a_generator_that_would_blow_up_is_held_back():
    """Windows that begin small and end large: their plain regression doubles at every seam."""
    rng = np.random.default_rng(SEED)

    def draw(n, at=0):
        level = rng.normal(size=(n, 1, 1))
        growth = np.geomspace(1, 3, LENGTH)[None, :, None]
        return level * growth + rng.normal(size=(n, LENGTH, 1)) / 5

    joiner = WindowJoiner(OVERLAP).fit(draw(2000), rng)
    long = joiner.extend(draw(50), draw, 300, rng)
    assert np.abs(long).max() < 20 * draw(1000).std()
    assert joiner.ridge_ > 1e-5


def test_channels_without_variation_stay_constant():
    rng = np.random.default_rng(SEED)

    def draw(n, at=0):
        return np.concatenate([gaussian_windows(n, rng), np.full((n, LENGTH, 1), 5.0)], axis=2)

    joiner = WindowJoiner(OVERLAP).fit(draw(300), rng)
    assert (joiner.extend(draw(3), draw, 50, rng)[:, :, 1] == 5).all()


@pytest.mark.parametrize("n_windows", [1, 2, 3])
def test_few_windows_will_do(n_windows):
    rng = np.random.default_rng(SEED)
    joiner = WindowJoiner(OVERLAP, n_candidates=1)
    joiner.fit(gaussian_windows(n_windows, rng), rng)
    long = joiner.extend(gaussian_windows(1, rng), lambda n, at: gaussian_windows(n, rng), 40, rng)
    assert np.isfinite(long).all()


def test_a_quiet_regime_does_not_swallow_a_lively_one():
    rng = np.random.default_rng(SEED)

    def draw(n, at=0):
        scale = np.where(rng.random((n, 1, 1)) < 0.5, 1.0, 4.0)
        return scale * rng.normal(size=(n, 24, 1))

    joiner = WindowJoiner(12).fit(draw(2000), rng)
    late = joiner.extend(draw(20), draw, 600, rng)[:, 300:]
    # The nearest beginnings alone give 1.1; drawn windows have 2.9.
    assert late.std() > 2


def test_a_judge_sees_no_seam():
    series = list(make_ar(20, 220, coefficients=(1.2, -0.5), random_state=SEED))
    seams, own, _ = score_seams(PCAMixture(random_state=SEED), series)
    assert own < own.floor + 0.05, "the generator's own windows are alike everywhere"
    assert seams < seams.floor + 0.05
