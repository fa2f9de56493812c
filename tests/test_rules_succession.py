"""Channels in an order of which one goes on where another ended a timestep before."""

import numpy as np
import pytest

from sklearn_timegen import FlowMatching, PCAMixture, load
from sklearn_timegen.rules import Order, Succession, find_rules

from .global_seed import GLOBAL_RANDOM_SEED as SEED

N, T = 120, 12
NAMES = ["open", "high", "low", "close"]


def rng(k=0):
    return np.random.default_rng([SEED, k])


def prices(n=N, gap=0.002, move=0.01, level=1.0):
    """Days that open near the last close, as (open, high, low, close)."""
    shape = (n, T)
    gaps, moves = gap * rng().laplace(size=shape), move * rng(1).normal(size=shape)
    start = level * rng(2).normal(size=(n, 1))
    close = start + np.cumsum(gaps + moves, axis=1)
    opened = close - moves
    low = np.minimum(opened, close) - move * rng(3).exponential(size=shape)
    high = np.maximum(opened, close) + move * rng(4).exponential(size=shape)
    touched = rng(5).random(shape)
    low = np.where(touched < 0.03, np.minimum(opened, close), low)
    high = np.where(touched > 0.97, np.maximum(opened, close), high)
    return 50 * np.exp(np.stack([opened, high, low, close], axis=2))


def gaps(x):
    return np.log(x[:, 1:, 0] / x[:, :-1, 3])


@pytest.mark.parametrize("turned", [False, True])
def test_found_whichever_way_time_runs(turned):
    x = prices()[:, ::-1] if turned else prices()
    (rule,) = find_rules(x, names=NAMES)
    assert rule.kind == "succession"
    assert rule.follows == ((3, 0) if turned else (0, 3))
    words = "close goes on from the last open" if turned else "open goes on from the last close"
    assert repr(rule).startswith(f"low <= close, open <= high, {words}: {N * T:,} cells, none")


def anywhere():
    """Both are anywhere in the range of a day; and so gaps undo what was moved."""
    x = prices()
    low, width = x[:, :, 2], x[:, :, 1] - x[:, :, 2]
    for k in (0, 3):
        x[:, :, k] = low + width * rng(10 + k).beta(0.5, 0.5, size=low.shape)
    return x


@pytest.mark.parametrize("free", [anywhere, lambda: prices(gap=0.03)], ids=["anywhere", "apart"])
def test_an_order_alone_where_nothing_goes_on(free):
    kinds = [rule.kind for rule in find_rules(free())]
    assert "succession" not in kinds
    assert "order" in kinds


def test_gaps_are_as_small_as_they_are():
    """Beside levels they would be lost: a mixture's gaps were twice as large."""
    x = prices(800)
    sizes = {}
    for name, rules in (("found", "auto"), ("order", [Order(2, (0, 3), 1)])):
        fitted = PCAMixture(rules=rules, random_state=SEED).fit(x)
        drawn = fitted.sample(800)
        assert not fitted.rules_[0].violations(drawn).any()
        assert drawn.min() > 0
        sizes[name] = np.abs(gaps(drawn)).mean() / np.abs(gaps(x)).mean()
    assert 0.85 < sizes["found"] < 1.15
    assert abs(sizes["found"] - 1) < abs(sizes["order"] - 1)


@pytest.mark.parametrize("scale", [lambda x: x, lambda x: 3 * x - 40, lambda x: x / x.max()])
def test_no_unit_of_measure(scale):
    x = prices(300)
    (rule,) = find_rules(scale(x), include="succession")
    u, own = rule.transform(scale(x)), find_rules(x, include="succession")[0].transform(x)
    assert np.ptp(u - own, axis=0).max() < 1e-4  # logarithms of levels differ by a constant


def test_there_and_back():
    x = prices()
    (rule,) = find_rules(x)
    assert np.allclose(rule.inverse_transform(rule.transform(x)), x)
    wild = rng(6).standard_cauchy(size=(60, T, 5)) * 10.0 ** rng(7).integers(
        -3, 4, size=(60, 1, 1)
    )
    drawn = rule.inverse_transform(wild)
    assert np.isfinite(drawn).all()
    assert not rule.violations(drawn).any()


def test_accounts_without_gaps():
    """What is opened with is what was closed with, to the penny."""
    x = prices()
    x[:, 1:, 0] = x[:, :-1, 3]
    x[:, :, 1] = np.maximum(x[:, :, 1], x.max(axis=2))
    x[:, :, 2] = np.minimum(x[:, :, 2], x.min(axis=2))
    x = x.round(2)
    fitted = PCAMixture(random_state=SEED).fit(x)
    assert fitted.rules_.of_kind("succession")
    drawn = fitted.sample(100)
    assert np.array_equal(drawn[:, 1:, 0], drawn[:, :-1, 3])


def test_what_is_filled_in_joins_what_is_known():
    x = prices(300, level=0.3).astype(np.float32)
    fitted = PCAMixture(random_state=SEED).fit(x[:250])
    assert fitted.rules_.of_kind("succession")
    holes = x[250:].copy()
    holes[:, 4:8] = np.nan
    filled = fitted.impute(holes)
    known = np.isfinite(holes)
    assert np.array_equal(filled[known], holes[known])
    assert not fitted.rules_[0].violations(filled).any()
    off = np.abs(np.log(filled / x[250:]))[:, 4:8].mean()
    straight = x[250:].copy()
    for k in range(4, 8):
        straight[:, k] = holes[:, 3] + (holes[:, 8] - holes[:, 3]) * (k - 3) / 5
    assert off < 1.5 * np.abs(np.log(straight / x[250:]))[:, 4:8].mean()
    worst = np.abs(gaps(filled)).max()
    assert worst < 3 * np.abs(gaps(x)).max()  # no jump where the hole ends


def test_not_found_where_values_are_missing():
    x = prices()
    x[rng(8).random(x.shape) < 0.1] = np.nan
    kinds = [rule.kind for rule in find_rules(x)]
    assert "succession" not in kinds
    assert "order" in kinds


RULE = Succession(2, (0, 3), 1, follows=(0, 3))


def test_networks_do_not_look_for_it_but_take_it(tmp_path):
    x = prices()
    small = {"max_epochs": 2, "hidden_dim": 8, "n_layers": 1, "warmup_steps": 0}
    flow = FlowMatching(**small, random_state=SEED).fit(x)
    assert next(rule.kind for rule in flow.rules_) == "order"
    flow = FlowMatching(**small, rules=[RULE], random_state=SEED).fit(x)
    flow.save(tmp_path / "flow")
    drawn = load(tmp_path / "flow").sample(20, random_state=0)
    assert np.array_equal(drawn, flow.sample(20, random_state=0))
    ahead = flow.forecast(x[:10], 20)
    assert not flow.rules_[0].violations(ahead).any()


def test_prices_that_are_no_logarithms():
    x = np.log(prices(300)) - 4
    fitted = PCAMixture(random_state=SEED).fit(x)
    assert fitted.rules_.of_kind("succession")
    assert np.isfinite(fitted.score(x))
    with pytest.raises(TypeError, match="no density"):
        fitted.score_samples(x)


@pytest.mark.parametrize(
    ("arguments", "follows", "message"),
    [
        (("low", "open", "high"), ("open", "close"), "inner must be a tuple of two channels"),
        (("low", ("open", "close"), "high"), ("open", "low"), "follows must be two different"),
        (("low", ("open", "close"), "high"), "open", "follows must be two different"),
    ],
)
def test_what_makes_no_succession_is_refused(arguments, follows, message):
    with pytest.raises(ValueError, match=message):
        Succession(*arguments, follows=follows)


def test_declared():
    x = prices()
    fitted = PCAMixture(rules=[RULE, "auto"], random_state=SEED).fit(x)
    assert [own.kind for own in fitted.rules_] == ["succession"]
    other = PCAMixture(rules=[Order(2, (0, 3), 1), "auto"], random_state=SEED).fit(x)
    assert not other.rules_.of_kind("succession")
    with pytest.raises(ValueError, match="broken at"):
        PCAMixture(rules=[RULE]).fit(x[:, :, ::-1])
