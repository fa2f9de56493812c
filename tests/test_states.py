"""States last as long in samples as in the data, and are as often there."""

import numpy as np
import pytest

from sklearn_timegen import FlowMatching, PCAMixture, SeriesGenerator
from sklearn_timegen.rules.chain import StateChain
from sklearn_timegen.rules.smoothing import States, StateSmoother

from .global_seed import GLOBAL_RANDOM_SEED as SEED


def markov(n_states, stay, n=400, n_timesteps=24, seed=SEED):
    rng = np.random.default_rng(seed)
    state = np.empty((n, n_timesteps), dtype=int)
    state[:, 0] = rng.integers(n_states, size=n)
    for t in range(1, n_timesteps):
        moves = rng.random(n) > stay
        step = rng.integers(1, n_states, size=n)
        state[:, t] = np.where(moves, (state[:, t - 1] + step) % n_states, state[:, t - 1])
    return state


def rate(state):
    return (np.diff(state, axis=1) != 0).mean()


@pytest.mark.parametrize(
    ("n_states", "stay"), [(2, 0.9), pytest.param(3, 0.8, marks=pytest.mark.exhaustive), (4, 0.85)]
)
def test_states_last(n_states, stay):
    off_rate, off_share = [], []
    for seed in range(3):
        state = markov(n_states, stay, seed=SEED + seed)
        words = np.array(["a", "b", "c", "d"])[state]
        drawn = PCAMixture(random_state=seed).fit(words).sample(500)
        codes = np.searchsorted(["a", "b", "c", "d"], drawn)
        off_rate.append(rate(codes) - rate(state))
        shares = [np.bincount(x.ravel(), minlength=4) / x.size for x in (codes, state)]
        off_share.append(np.abs(shares[0] - shares[1]).max())
    assert abs(np.mean(off_rate)) < 0.04
    assert np.mean(off_share) < 0.03


def test_states_last_in_joined_series():
    """Rare states, too; without smoothing they would change twice as often."""
    off_rate, off_share = [], []
    for seed in range(2):
        state = markov(4, 0.9, n=10, n_timesteps=200, seed=SEED + seed)
        series = list(np.array(["a", "b", "c", "d"])[state])
        fitted = SeriesGenerator(PCAMixture(), 12, random_state=seed).fit(series)
        drawn = np.stack(fitted.sample(20, n_timesteps=150))
        codes = np.searchsorted(["a", "b", "c", "d"], drawn)
        off_rate.append(rate(codes) / rate(state) - 1)
        shares = [np.bincount(x.ravel(), minlength=4) / x.size for x in (codes, state)]
        off_share.append(np.abs(shares[0] - shares[1]).max())
    assert abs(np.mean(off_rate)) < 0.4
    assert np.mean(off_share) < 0.1


def test_what_depends_on_a_state_still_does():
    gaps = []
    for seed in range(3):
        state = markov(2, 0.85, seed=SEED + seed)
        noise = 0.2 * np.random.default_rng(seed).normal(size=state.shape)
        x = np.stack([state, state + noise], axis=2)
        drawn = PCAMixture(random_state=seed).fit(x).sample(800)
        on = drawn[:, :, 0] == 1
        gaps.append(drawn[:, :, 1][on].mean() - drawn[:, :, 1][~on].mean())
    assert 0.6 < np.mean(gaps) < 1.2  # in the data, 1


def test_paths_that_change_as_often_stay_as_they_are():
    rng = np.random.default_rng(SEED)
    z = rng.normal(size=(500, 24, 1))
    states = States(np.array([-0.5, 0.5]), rate(np.searchsorted([-0.5, 0.5], z[:, :, 0])))
    smoother = StateSmoother({(0,): states}).fit(z).calibrate(z)
    assert smoother.transform(z) is z


def test_smoothing_keeps_shares():
    rng = np.random.default_rng(SEED)
    state = markov(3, 0.85, seed=SEED)
    z = np.array([-1.2, 0.0, 1.2])[state] + 0.1 * rng.normal(size=state.shape)
    drawn = z + 0.5 * rng.normal(size=z.shape)
    ends = np.array([-0.6, 0.6])
    smoother = StateSmoother({(0,): States(ends, rate(state))}).fit(z[:, :, None])
    smooth = smoother.calibrate(drawn[:, :, None]).transform(drawn[:, :, None])[:, :, 0]
    rough, found = (np.searchsorted(ends, x) for x in (drawn, smooth))
    assert rate(rough) > rate(state) + 0.1
    assert abs(rate(found) - rate(state)) < 0.04
    shares = [np.bincount(x.ravel(), minlength=3) / x.size for x in (found, state)]
    assert np.abs(shares[0] - shares[1]).max() < 0.03
    assert (found == state).mean() > (rough == state).mean()  # it mends, and does not only blur


def test_a_chain_is_independent_of_what_it_knows():
    rng = np.random.default_rng(SEED)
    mask = np.ones((400, 30))
    for row in mask:
        t = rng.integers(20)
        while t < 30:
            row[t : t + rng.integers(3, 8)] = 0
            t += 8 + rng.integers(20)
    chain = StateChain.of([mask], 2)
    a, b = chain.intervals(mask)
    np.testing.assert_array_equal(chain.states((a + b) / 2), mask)
    drawn = chain.states(rng.normal(size=(3000, 30)))
    assert abs(drawn.mean() - mask.mean()) < 0.03
    assert abs(rate(drawn) - rate(mask)) < 0.02
    assert StateChain.of([(rng.random((400, 30)) < 0.2) * 1.0], 2) is None


@pytest.mark.exhaustive
def test_a_flow_lets_states_last():
    state = markov(3, 0.85)
    words = np.array(["a", "b", "c"])[state]
    flow = FlowMatching(hidden_dim=32, n_layers=1, max_epochs=60, random_state=SEED)
    drawn = np.searchsorted(["a", "b", "c"], flow.fit(words).sample(600))
    assert abs(rate(drawn) - rate(state)) < 0.06
