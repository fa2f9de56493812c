"""What is peculiar to one category, also to a rare one, comes back; so do shares and states."""

import numpy as np
import pytest

from sklearn_timegen import FlowMatching, PCAMixture
from sklearn_timegen.rules import Category, StateSmoother, Structure

from .global_seed import GLOBAL_RANDOM_SEED as SEED

N, T = 800, 8
SEEDS = range(SEED, SEED + 3)
SHARES = [0.4, 0.3, 0.25, 0.05]
RARE = 3


def made(seed):
    """Series of a category of which one, rare, has another level, and one another companion.

    Channels: category, companion, a state, the number with the level, a number that is higher in
    the middle one of three states.
    """
    rng = np.random.default_rng(seed)
    category = rng.choice(4, N, p=SHARES)
    companion = np.where((category == 1) & (rng.random(N) < 0.7), 0, rng.integers(3, size=N))
    level = rng.normal(size=N) + 1.5 * (category == RARE)
    state = np.empty((N, T))
    state[:, 0] = rng.integers(3, size=N)
    for t in range(1, T):
        moves = (rng.random(N) < 0.2) * rng.integers(1, 3, size=N)
        state[:, t] = (state[:, t - 1] + moves) % 3
    number = level[:, None] + 0.5 * rng.normal(size=(N, T))
    other = 1.5 * (state == 1) + rng.normal(size=(N, T))
    static = (np.repeat(column[:, None], T, axis=1) for column in (category, companion))
    return np.stack([*static, state, number, other], axis=2).astype(np.float32)


def rules():
    return [Category(0), Category(1), Category(2)]


def means(x, of, by, n):
    return np.array([x[:, :, of][x[:, :, by] == k].mean() for k in range(n)])


def shares(codes, n):
    return np.bincount(codes.astype(int).ravel(), minlength=n) / codes.size


def profiles(x):
    """How often each companion comes with each category."""
    pairs = shares(3 * x[:, 0, 0] + x[:, 0, 1], 12).reshape(4, 3)
    return pairs / pairs.sum(axis=1, keepdims=True)


@pytest.fixture(scope="module")
def both():
    """Data, and samples of what was fitted to them, of several seeds."""
    pairs = []
    for seed in SEEDS:
        x = made(seed)
        pairs.append((x, PCAMixture(rules=rules(), random_state=seed).fit(x).sample(2500)))
    return pairs


def test_a_rare_category_has_its_level_and_others_theirs(both):
    found = np.mean([means(drawn, 3, 0, 4) - means(x, 3, 0, 4) for x, drawn in both], axis=0)
    level = np.mean([means(x, 3, 0, 4)[RARE] for x, _ in both])
    assert -0.5 < found[RARE] / level < 0.2  # -0.7, if a line through all had to tell
    assert np.abs(found[:RARE]).max() < 0.15


def test_each_category_has_its_companions(both):
    off = np.mean([profiles(drawn) - profiles(x) for x, drawn in both], axis=0)
    assert np.abs(off[:RARE]).max() < 0.1


def test_a_number_follows_the_state_in_the_middle(both):
    found, true = (np.mean([means(pair[k], 4, 2, 3) for pair in both], axis=0) for k in (1, 0))
    assert found[1] - max(found[0], found[2]) > 0.75 * (
        true[1] - true[0]
    )  # 0.65, if a line had to tell


def test_shares_and_transitions_are_kept(both):
    for channel, n in ((0, 4), (1, 3), (2, 3)):
        off = [shares(drawn[:, :, channel], n) - shares(x[:, :, channel], n) for x, drawn in both]
        assert np.abs(np.mean(off, axis=0)).max() < 0.03
    stays = [[(np.diff(x[:, :, 2], axis=1) == 0).mean() for x in pair] for pair in both]
    assert abs(np.subtract(*np.mean(stays, axis=0))) < 0.04


def test_states_follow_each_other_as_in_training():
    """Round in a circle, and up and down between the ends of a line."""
    circle = [[0.8, 0.2, 0], [0, 0.8, 0.2], [0.2, 0, 0.8]]
    line = [[0.8, 0.2, 0], [0.1, 0.8, 0.1], [0, 0.2, 0.8]]
    for chances in (circle, line):
        off = []
        for seed in SEEDS:
            rng = np.random.default_rng(seed)
            state = rng.integers(3, size=(500, 1))
            for _ in range(11):
                below = np.cumsum(np.array(chances)[state[:, -1]], axis=1)
                state = np.column_stack([state, (rng.random((500, 1)) > below).sum(axis=1)])
            drawn = PCAMixture(rules=[Category(0)], random_state=seed).fit(state).sample(1500)
            pairs = [shares(3 * s[:, :-1] + s[:, 1:], 9) for s in (drawn, state)]
            changes = np.abs(pairs[0] - pairs[1]).reshape(3, 3) * (1 - np.eye(3))
            off.append(changes.max())
        assert np.mean(off) < 0.018  # 0.02 and 0.03, if all changes cost the same


def test_states_of_series_that_end_last_as_long():
    """What lies beyond the ends was filled in, and says nothing of how long states last."""
    off = []
    for seed in SEEDS:
        rng = np.random.default_rng(seed)
        words = []
        for n in rng.geometric(0.15, size=400).clip(3, 24):
            changes = np.cumsum((rng.random(n) < 0.15) * rng.integers(1, 3, size=n))
            words.append(np.array(["a", "b", "c"])[(rng.integers(3) + changes) % 3])
        drawn = PCAMixture(random_state=seed).fit(words).sample(800)
        stay = [np.concatenate([s[1:] == s[:-1] for s in each]).mean() for each in (drawn, words)]
        off.append(stay[0] - stay[1])
    assert abs(np.mean(off)) < 0.03


@pytest.mark.exhaustive
def test_flows_learn_what_is_peculiar_to_a_rare_category():
    x = made(SEED)
    flow = FlowMatching(
        rules=rules(),
        hidden_dim=64,
        n_layers=2,
        warmup_steps=50,
        max_epochs=60,
        random_state=SEED,
    )
    drawn = flow.fit(x).sample(2000)
    assert means(drawn, 3, 0, 4)[RARE] > 0.6 * means(x, 3, 0, 4)[RARE]


def fitted(x, rule):
    structure = Structure([rule])
    u = structure.fit_transform(x)
    (found,) = structure.rules_.of_kind("category")
    return structure, u, found


@pytest.mark.parametrize("channel", [0, 2])
def test_each_category_but_the_last_has_a_score(channel):
    x = made(SEED)
    structure, u, rule = fitted(x, Category(channel))
    assert len(rule.columns) == (3 if channel == 0 else 2)
    np.testing.assert_array_equal(structure.inverse_transform(u)[:, :, channel], x[:, :, channel])
    positions = [structure.coordinates_.keys.index(key) for key in rule.columns]
    assert set(positions) <= set(structure.coordinates_.scored)
    # Where an earlier score has decided, others are drawn freely, for each series by itself.
    rarest = shares(x[:, :, channel], len(positions) + 1).argmin()
    decided = x[:, 0, channel] == rarest
    assert len(np.unique(u[decided, 0, positions[-1]])) == decided.sum()
    standing = np.ptp(u[:, :, positions], axis=1) == 0
    assert standing.all() if channel == 0 else not standing.all(axis=1).any()


def test_categories_in_an_order_have_one_score():
    _, _, rule = fitted(made(SEED), Category(0, ordered=True))
    assert rule.columns == [0]


def test_of_many_categories_the_frequent_ones_share_a_score():
    rng = np.random.default_rng(SEED)
    codes = rng.choice(20, (300, 6), p=np.arange(1, 21) / 210)
    x = np.stack([codes, rng.normal(size=codes.shape)], axis=2).astype(np.float32)
    structure, u, rule = fitted(x, Category(0, most_scores=5))
    assert len(rule.columns) == 5
    np.testing.assert_array_equal(structure.inverse_transform(u)[:, :, 0], codes)
    drawn = structure.inverse_transform(rng.normal(size=u.shape))[:, :, 0]
    np.testing.assert_allclose(shares(drawn, 20), shares(codes, 20), atol=0.03)


@pytest.mark.parametrize("most", [0, -1, 1.5, "all"])
def test_no_number_of_scores(most):
    with pytest.raises(ValueError, match="most_scores=.*: expected 1 or more"):
        Category(0, most_scores=most)


def test_categories_that_never_occur_are_never_drawn():
    rng = np.random.default_rng(SEED)
    x = rng.choice([1, 3, 4], (200, 6, 1)).astype(np.float32)
    structure, u, rule = fitted(x, Category(0, list("abcdef")))
    assert len(rule.columns) == 2
    drawn = structure.inverse_transform(rng.normal(size=u.shape))
    assert set(np.unique(drawn)) == {1, 3, 4}
    known = np.zeros(x.shape, dtype=bool)
    assert set(np.unique(structure.complete(2 * rng.normal(size=x.shape), known))) <= {1, 3, 4}


def test_missing_categories_have_no_score():
    x = made(SEED)
    x[::3, 2:5, 2] = np.nan
    rule = Category(2)
    block = {k: x[:, :, k].astype(float) for k in range(5)}
    rule.learn([block])
    for key in rule.columns:
        np.testing.assert_array_equal(np.isnan(rule.encode(block)[key]), np.isnan(block[2]))


@pytest.mark.parametrize("asked", range(4))
def test_each_category_can_be_asked_for(asked):
    x = made(SEED)
    structure = Structure(rules())
    u = structure.fit_transform(x)
    wanted = structure.coordinates_.with_attributes(u, [0], np.full((N, 1), float(asked)))
    assert (structure.inverse_transform(wanted)[:, :, 0] == asked).all()
    had = x[:, 0, 0] == asked
    np.testing.assert_array_equal(wanted[had], u[had])


def test_states_of_several_scores_last_and_keep_their_shares():
    """Noise on the scores of states that last 5 timesteps makes them change twice as often."""
    x = made(SEED)
    structure, u, rule = fitted(x[:, :, 2:3], Category(0))
    positions = tuple(structure.coordinates_.keys.index(key) for key in rule.columns)
    assert list(structure.coordinates_.states) == [positions]
    smoother = StateSmoother(structure.coordinates_.states).fit(u)
    drawn = u + 0.7 * np.random.default_rng(SEED).normal(size=u.shape)
    smooth = smoother.calibrate(drawn).transform(drawn)
    rates = [
        (np.diff(structure.inverse_transform(v), axis=1) != 0).mean() for v in (u, drawn, smooth)
    ]
    assert rates[1] > 1.5 * rates[0]
    assert abs(rates[2] / rates[0] - 1) < 0.2
    found, true = (shares(structure.inverse_transform(v), 3) for v in (smooth, u))
    np.testing.assert_allclose(found, true, atol=0.03)
