"""Rules: found where they are, not found where they are not, written out, and kept."""

import numpy as np
import pytest
from scipy.stats import multivariate_normal
from sklearn.exceptions import NotFittedError

from sklearn_timegen import BlockBootstrap, FlowMatching, PCAMixture, SeriesGenerator
from sklearn_timegen.datasets import make_ar, make_sines
from sklearn_timegen.rules import (
    Bounds,
    Clock,
    Combination,
    Constant,
    Copy,
    Grid,
    Level,
    Monotone,
    NormalScore,
    OneOf,
    Order,
    Parts,
    Positive,
    Structure,
    find_rules,
)

from .global_seed import GLOBAL_RANDOM_SEED as SEED

EPS = np.finfo(np.float32).eps
N, T = 300, 24


def rng(seed=0):
    return np.random.default_rng(SEED + seed)


def prices():
    """Close as a walk; low, open, close and high of a day, of which some touch."""
    close = np.exp(0.02 * rng().normal(size=(N, T)).cumsum(axis=1) + rng(1).normal(size=(N, 1)))
    low = close * np.exp(-0.01 * rng(2).exponential(size=(N, T)))
    high = close * np.exp(0.01 * rng(3).exponential(size=(N, T)))
    opening = low + (high - low) * rng(4).random((N, T))
    opening = np.where(rng(5).random((N, T)) < 0.02, low, opening)
    return np.stack([opening, high, low, close], axis=2)


def rain(wet=0.4):
    return (rng(1).gamma(0.7, 8, (N, T)) * (rng(2).random((N, T)) < wet))[:, :, None]


def states():
    state = rng().choice(5, p=[0.4, 0.3, 0.2, 0.08, 0.02], size=(N, T))
    return np.eye(5)[state]


def meters():
    used = rng().exponential(size=(N, T)) * (rng(1).random((N, T)) < 0.7)
    return (used.cumsum(axis=1) + rng(2).uniform(1e2, 1e4, (N, 1)))[:, :, None]


def clocked(period=6, phase=None):
    """Channels that are linear between readings; windows begin anywhere, or all at one phase."""
    knots = rng().normal(size=(N, T // period + 3, 2)).cumsum(axis=1).round(1)
    at = np.arange(T) + (rng(1).integers(period, size=(N, 1)) if phase is None else phase)
    k, w = at // period, (at % period)[..., None] / period
    k = np.broadcast_to(k, (N, T))
    rows = np.arange(N)[:, None]
    return knots[rows, k] * (1 - w) + knots[rows, k + 1] * w


def parts():
    pieces = rng().gamma(2, 10, (N, T, 3)) + 0.1
    return np.concatenate([pieces.sum(axis=2, keepdims=True), pieces], axis=2)


def shares():
    pieces = rng().gamma(2, 10, (N, T, 3)) + 0.1
    return pieces / pieces.sum(axis=2, keepdims=True)


MADE = {
    "prices": prices,
    "rain": rain,
    "flags": lambda: (rain() > 0) * 1.0,
    "counts": lambda: rng().poisson(3, (N, T, 1)) * 1.0,
    "states": states,
    "meters": meters,
    "clock": clocked,
    "clock at one phase": lambda: clocked(phase=2),
    "parts": parts,
    "shares": shares,
    "amounts": lambda: np.exp(2 * rng().normal(size=(N, T, 1))),
    "levels": lambda: 100 * rng().normal(size=(N, 1, 1)) + rng(1).normal(size=(N, T, 1)),
}
KINDS = {
    "prices": {"order"},
    "rain": {"normal score"},
    "flags": {"normal score"},
    "counts": {"normal score"},
    "states": {"one of", "normal score"},
    "meters": {"monotone", "normal score"},
    "clock": {"clock"},
    "clock at one phase": {"clock"},
    "parts": {"combination", "parts"},
    "shares": {"parts"},
    "amounts": {"positive"},
    "levels": {"level"},
}


def violations(rules, x):
    """The timesteps that break a rule of the data; those of coordinates are left out."""
    return {
        repr(rule): int(rule.violations(x).sum())
        for rule in rules
        if rule.kind in ("order", "monotone", "one of", "parts", "combination", "clock", "bounds")
    }


# -- finding ----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", MADE)
def test_rules_are_found_with_their_evidence(name):
    rules = find_rules(MADE[name]().astype(np.float32))
    assert KINDS[name] <= {rule.kind for rule in rules}
    for rule in rules:
        assert rule.evidence.n_broken == 0
        assert rule.evidence.n_cells > 1000
        assert "none broken" in repr(rule)


def walk(*shape):
    return rng(7).normal(size=shape).cumsum(axis=1)


def windows(x, length=T):
    return np.lib.stride_tricks.sliding_window_view(x, length, axis=0).transpose(0, 2, 1)


def garch(n):
    x, variance, noise = np.zeros(n), 1.0, rng(8).normal(size=n)
    for t in range(1, n):
        variance = 0.05 + 0.1 * x[t - 1] ** 2 + 0.85 * variance
        x[t] = np.sqrt(variance) * noise[t]
    return x


FREE = {
    "noise": lambda: rng(9).normal(size=(N, T, 3)),
    "walks": lambda: walk(N, T, 3),
    "windows of a walk": lambda: windows(rng(9).normal(size=(2000, 3)).cumsum(axis=0)),
    "few windows": lambda: windows(walk(1, 80, 2)[0], 12),
    "autoregression": lambda: make_ar(N, T, random_state=SEED),
    "GARCH": lambda: windows(garch(3000)[:, None]),
    "groups": lambda: rng().normal(size=(N, T, 2)) + rng(1).choice([-5, 0, 5], size=(N, 1, 1)),
    "apart": lambda: rng().normal(size=(N, T, 3)) + np.array([0, 2, 30]),
    "a season": lambda: windows(
        (np.sin(np.arange(2000) / 4) + 0.1 * rng().normal(size=2000))[:, None]
    ),
    "one long series": lambda: walk(1, 3000, 4),
    "copies": lambda: np.repeat(rng().normal(size=(30, T, 2)), 10, axis=0),
}


@pytest.mark.parametrize("name", FREE)
def test_nothing_is_found_where_there_is_nothing(name):
    rules = find_rules(FREE[name]().astype(np.float32), exclude=["level"])
    assert len(rules) == 0, rules


def test_sines_have_a_shape_and_nothing_else():
    x = make_sines(500, random_state=SEED)
    assert [rule.kind for rule in find_rules(x)] == ["shape"] * x.shape[2]
    assert {rule.kind for rule in find_rules(x, exclude="shape")} <= {"bounds"}


def test_windows_that_overlap_are_evidence_once():
    x = np.stack([walk(1, 800)[0], walk(1, 800)[0] + rng().exponential(size=800)], axis=1)
    (rule,) = find_rules(windows(x)).of_kind("order")
    assert rule.evidence.n_cells == 800


def test_kinds_can_be_chosen():
    x = prices()
    assert not find_rules(x, exclude=["order"]).of_kind("order")
    assert {rule.kind for rule in find_rules(x, include=["order"])} == {"order"}
    assert repr(find_rules(x, include="order")) == repr(find_rules(x, include=["order"]))
    assert not find_rules(x, exclude="order").of_kind("order")
    with pytest.raises(ValueError, match="include=3: expected a kind of rule or a list of them"):
        find_rules(x, include=3)
    with pytest.raises(ValueError, match="no kind of rule 'ordre'; there are one of, constant"):
        find_rules(x, include=["ordre"])
    with pytest.raises(ValueError, match="names must be 4 different ones"):
        find_rules(x, names=["a", "a", "b", "c"])


def test_series_of_several_lengths():
    x = prices()
    (rule,) = find_rules([series[: 10 + k % 14] for k, series in enumerate(x)]).of_kind("order")
    assert rule.evidence.n_broken == 0


# -- coordinates ------------------------------------------------------------------------------


@pytest.mark.parametrize("name", MADE)
def test_series_come_back_and_coordinates_are_finite(name):
    x = MADE[name]().astype(np.float32)
    structure = Structure()
    u = structure.fit_transform(x)
    assert np.isfinite(u).all()
    assert np.array_equal(structure.transform(x), u)
    back = structure.inverse_transform(u)
    assert (np.abs(back - x) <= 4e-6 * np.abs(x).max(axis=(0, 1))).all()
    # Equal series have equal coordinates, whatever stands beside them.
    assert np.array_equal(structure.transform(x[5:8]), u[5:8])


@pytest.mark.parametrize("name", MADE)
@pytest.mark.parametrize("size", [1, 30])
def test_whatever_is_drawn_keeps_the_rules(name, size):
    x = MADE[name]().astype(np.float32)
    structure = Structure()
    u = structure.fit_transform(x)
    drawn = u.mean(axis=0) + size * u.std(axis=0) * rng(3).normal(size=(100, *u.shape[1:]))
    back = structure.inverse_transform(drawn.astype(np.float32))
    assert np.isfinite(back).all()
    assert not any(violations(structure.rules_, back).values())


def test_many_rules_at_once():
    """Columns of all data sets beside each other: fuzzed over which, and in which order."""
    for k in range(3):
        chosen = rng(k).choice(list(MADE), size=4, replace=False)
        x = np.concatenate([MADE[name]() for name in chosen], axis=2)
        x = x[:, :, rng(k).permutation(x.shape[2])].astype(np.float32)
        structure = Structure()
        u = structure.fit_transform(x)
        back = structure.inverse_transform(u)
        assert (np.abs(back - x) <= 1e-5 * np.abs(x).max(axis=(0, 1))).all(), chosen
        drawn = u.mean(axis=0) + 2 * u.std(axis=0) * rng(9).normal(size=(50, *u.shape[1:]))
        broken = violations(structure.rules_, structure.inverse_transform(drawn))
        assert not any(broken.values()), (chosen, broken)


def test_the_density_of_an_order_is_that_of_its_coordinates():
    x = prices()[:, :1].astype(np.float64)
    structure = Structure([Order(2, (0, 3), 1)])
    structure.fit_transform(x.astype(np.float32))
    inner = x[(x[:, 0, 0] > x[:, 0, 2] * 1.001) & (x[:, 0, 0] < x[:, 0, 1] * 0.999)][:5]
    step = 1e-6 * inner.mean()
    for point in inner[:, None]:
        columns = []
        for d in range(4):
            up, down = point.copy(), point.copy()
            up[..., d] += step
            down[..., d] -= step
            change = structure._encoded(_block(up)) - structure._encoded(_block(down))
            columns.append(change.ravel() / (2 * step))
        _, expected = np.linalg.slogdet(np.array(columns))
        assert structure.log_abs_det_jacobian(point) == pytest.approx(expected, abs=1e-3)


def _block(x):
    return {k: x[:, :, k] for k in range(x.shape[2])}


def test_the_density_of_amounts_is_log_normal():
    x = np.exp(rng().normal(size=(3000, 1, 1)))
    model = PCAMixture(n_mixture_components=1, random_state=SEED)
    assert [rule.kind for rule in model.fit(x).rules_] == ["positive"]
    fitted = model.set_params(rules=[Positive(0)]).fit(x)
    at = np.array([0.5, 1.0, 3.0])
    density = fitted.score_samples(at[:, None, None])
    logs = np.log(x.astype(np.float32).ravel())
    expected = multivariate_normal(logs.mean(), logs.var()).logpdf(np.log(at)) - np.log(at)
    assert density == pytest.approx(expected, abs=0.01)


def test_point_masses_have_no_density():
    fitted = PCAMixture(random_state=SEED).fit(rain())
    with pytest.raises(TypeError, match="a probability of their own, and no density"):
        fitted.score_samples(rain())


# -- in generators ----------------------------------------------------------------------------


@pytest.mark.parametrize("name", MADE)
@pytest.mark.parametrize("kind", [PCAMixture, BlockBootstrap])
def test_samples_keep_what_the_data_keep(name, kind):
    fitted = kind(random_state=SEED).fit(MADE[name]())
    drawn = fitted.sample(200)
    assert not any(violations(fitted.rules_, drawn).values())


@pytest.mark.parametrize("name", MADE)
@pytest.mark.parametrize("transform", [None, "difference"])
def test_joined_series_keep_what_the_data_keep(name, transform):
    x = MADE[name]()
    series = list(x[:20])
    fitted = SeriesGenerator(PCAMixture(), 8, transform=transform, random_state=SEED).fit(series)
    for length in (1, 7, 8, 60):
        drawn = fitted.sample(4, n_timesteps=length)
        broken = violations(fitted.rules_, np.stack(drawn))
        assert not any(broken.values()), (length, broken)


def test_shares_of_zeros_and_means_are_those_of_the_data():
    x = rain()
    for fitted in (
        PCAMixture(random_state=SEED).fit(x),
        SeriesGenerator(PCAMixture(), 12, random_state=SEED).fit(x),
    ):
        drawn = np.asarray(fitted.sample(300))
        assert np.mean(drawn == 0) == pytest.approx(np.mean(x == 0), abs=0.03)
        assert drawn.mean() == pytest.approx(x.mean(), rel=0.1)
        assert drawn.min() == 0


def test_counts_can_be_other_than_those_seen():
    x = rng().poisson(8, size=(200, 12, 1)) * 1.0
    fitted = PCAMixture(random_state=SEED).fit(x)
    drawn = fitted.sample(5000)
    assert drawn.max() > x.max()
    assert np.array_equal(drawn, np.rint(drawn))
    assert drawn.mean() == pytest.approx(x.mean(), rel=0.05)


def test_flags_stay_on_as_long():
    """Behind a flag that is on for hours there is a process that stays above a threshold."""
    smooth = np.apply_along_axis(np.convolve, 1, rng().normal(size=(N, 60)), np.ones(20) / 20)
    flags = (smooth[:, 20:44] > 0) * 1.0
    drawn = PCAMixture(random_state=SEED).fit(flags).sample(500)
    changes, expected = np.mean(np.diff(drawn, axis=1) != 0), np.mean(np.diff(flags, axis=1) != 0)
    free = 2 * flags.mean() * (1 - flags.mean())
    assert abs(changes - expected) < 0.35 * abs(free - expected)


def test_cells_may_be_anonymous():
    fitted = PCAMixture(rules=None, random_state=SEED).fit(prices())
    assert len(fitted.rules_) == 0
    assert str(fitted.rules_) == "no rules"
    drawn = fitted.sample(300)
    assert (drawn[:, :, 2] > drawn[:, :, 1]).any()


# -- declared rules ---------------------------------------------------------------------------


def test_declared_rules_are_kept_and_found_ones_beside_them():
    x = np.stack([rng().normal(size=(N, T)), 9 + rng(1).exponential(size=(N, T))], axis=2)
    assert not find_rules(x).of_kind("order")  # far apart
    rules = [Order(0, 1), Bounds(0, low=-9), "auto"]
    fitted = PCAMixture(rules=rules, random_state=SEED).fit(x)
    kinds = [rule.kind for rule in fitted.rules_]
    assert {"order", "bounds"} <= set(kinds)
    alone = PCAMixture(rules=[Order(0, 1)], random_state=SEED).fit(x)
    assert [rule.kind for rule in alone.rules_] == ["order"]


def test_names_of_columns_are_those_of_rules():
    import pandas as pd

    frame = pd.DataFrame(prices().reshape(-1, 4), columns=["open", "high", "low", "close"])
    declared = Order("low", ("open", "close"), "high")
    fitted = SeriesGenerator(PCAMixture(), 12, rules=[declared], random_state=SEED).fit(frame)
    assert repr(fitted.rules_).startswith("low <= close, open <= high: 7,200 cells, none broken")
    with pytest.raises(ValueError, match="no channel 'lo'; there are open, high, low, close"):
        fitted.set_params(rules=[Order("lo", "high")]).fit(frame)


BROKEN = [
    ([Order(1, 2)], r"'channel 1 <= channel 2' is broken at [\d,]+ timesteps, first at series 0"),
    ([Monotone(0)], "'channel 0 never falls' is broken at"),
    ([Constant(0, 3.0)], "'channel 0 = 3' is broken at"),
    ([Copy(0, of=1)], "'channel 0 = channel 1' is broken at"),
    ([Combination(0, {1: 1, 2: 1})], "'channel 0 = channel 1 [+] channel 2' is broken at"),
    ([OneOf(0, 1, 2)], "'one of channel 0, channel 1, channel 2' is broken at"),
    ([Grid(0, 0.5)], "'channel 0 in steps of 0.5' is broken at"),
    ([Bounds(0, low=1e9)], "'1e[+]09 <= channel 0' is broken at"),
    ([Clock(0, period=5)], "'channel 0 is straight between readings every 5 .* is broken at"),
    ([Parts(0, 1, total=1)], "'channel 0, channel 1 are positive parts of 1' is broken at"),
    ([Order(0, 9)], "no channel 9; there are 0, 1, 2, 3"),
    ([Order(0, 1), "outo"], "rules must be 'auto', None, or a list of rules"),
    ([3], "rules must be 'auto', None, or a list of rules"),
    ("orders", r"rules must be .*; to look for some kinds only, give what find_rules.X, include="),
    (Order(0, 1), "got channel 0 <= channel 1: put it in a list"),
    (3, r"got 3: write .Order.'low', 'high'.., with 'auto' in it"),
]


@pytest.mark.parametrize(("rules", "message"), BROKEN)
def test_rules_that_the_data_break_are_errors(rules, message):
    with pytest.raises(ValueError, match=message):
        PCAMixture(rules=rules).fit(prices())


def test_orders_that_contradict_each_other():
    rule = Order(0, 1)
    rule.pairs |= {(1, 0)}
    with pytest.raises(ValueError, match="contradict each other: channel 0, channel 1 would all"):
        PCAMixture(rules=[rule]).fit(np.zeros((9, 4, 2)) + np.arange(2))
    with pytest.raises(ValueError, match="two or more different channels, from the lowest"):
        Order("a", "a")


@pytest.mark.parametrize("wrong", [Order, OneOf, Parts])
def test_rules_of_one_channel_are_none(wrong):
    with pytest.raises(ValueError, match="two or more different channels"):
        wrong("a")


def test_new_series_that_break_a_rule():
    x = prices()
    other = x.copy()
    other[3, 5, 2] = 2 * other[3, 5, 1]
    fitted = PCAMixture(random_state=SEED).fit(x)
    message = (
        r"X breaks the rule 'channel 2 <= .*' .* at 1 timesteps of 1 series, first at series 3"
    )
    with pytest.warns(UserWarning, match=message):
        nearest = fitted.transform(other)
    strict = PCAMixture(random_state=SEED, on_violation="error").fit(x)
    with pytest.raises(ValueError, match=message):
        strict.transform(other)
    quiet = PCAMixture(random_state=SEED, on_violation="nearest").fit(x)
    assert np.array_equal(quiet.transform(other), nearest)


def test_rules_on_arrays():
    x = prices()
    rule = find_rules(x).of_kind("order")[0]
    assert rule.transform(x).shape == x.shape
    assert np.allclose(rule.inverse_transform(rule.transform(x)), x)
    assert Level(0).inverse_transform(Level(0).transform(x)).shape == x.shape
    assert Positive(0).violations(-x).all()
    with pytest.raises(ValueError, match="n_timesteps, n_channels"):
        rule.violations(x[0, 0])
    with pytest.raises(ValueError, match="there is no channel 1, channel 2, channel 3 in these"):
        rule.violations(x[:, :, 0])
    amounts = find_rules(rain()[:, :, 0:1])
    assert not any(mask.any() for _, mask in amounts.violations(rain()[:, :, 0]))


@pytest.mark.parametrize("rule", [Order(0, 1), Clock(0, period=3), NormalScore(0)])
def test_rules_that_have_seen_no_data_say_so(rule):
    with pytest.raises(NotFittedError, match=r"has seen no data yet.*take it from find_rules"):
        rule.transform(prices())
    with pytest.raises(NotFittedError, match="has seen no data yet"):
        rule.inverse_transform(prices())
    with pytest.raises(ValueError, match="knows its channels by name only: say where they are by"):
        Order("low", "high").transform(prices())


def test_orders_of_channels_on_different_grids():
    close = 30 + 3 * rng().normal(size=(N, T)).cumsum(axis=1)
    low = np.floor(10 * (close - rng(1).exponential(size=(N, T)))) / 10
    high = np.ceil(close + rng(2).exponential(size=(N, T)))
    half = np.ceil(2 * close) / 2
    for columns in (
        (low, close, high),
        (low, half, np.maximum(high, half)),
        (low, low + 1, high + 1),
    ):
        x = np.stack(columns, axis=2)
        order = Order(0, 1, 2)
        fitted = PCAMixture(rules=[order, "auto"], random_state=SEED).fit(x)
        drawn = fitted.sample(300)
        assert not any(violations(fitted.rules_, drawn).values())
        for rule in fitted.rules_.of_kind("grid"):
            assert not rule.violations(drawn).any(), rule


def test_a_rule_can_be_read_before_there_are_data():
    assert repr(NormalScore("rain")) == "rain has point masses"
    assert repr(Order("a", "b", "c")) == "a <= b <= c"
    assert repr(Constant("a")) == "a = constant"


# -- completion -------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["prices", "meters", "states", "parts", "rain", "counts"])
def test_completed_series_keep_rules_and_what_is_known(name):
    x = MADE[name]().astype(np.float32)
    structure = Structure()
    structure.fit_transform(x)
    known = rng(6).random(x.shape) < 0.5
    noisy = x + x.std() * rng(7).normal(size=x.shape)
    given = np.where(known, x, noisy).astype(np.float32)
    completed = structure.complete(given, known)
    assert np.array_equal(completed[known], x[known])
    broken = violations(structure.rules_, completed)
    if name == "states":  # known to be off in all but one channel, and on in none: not in the data
        assert set(np.unique(completed)) == {0, 1}
    assert not any(broken.values()), broken


def test_flows_complete_within_rules():
    x = prices()
    fixed = {"max_epochs": 2, "hidden_dim": 8, "n_layers": 1, "warmup_steps": 0}
    flow = FlowMatching(**fixed, random_state=SEED).fit(x)
    gaps = np.where(rng(8).random(x[:20].shape) < 0.5, x[:20], np.nan)
    filled = flow.impute(gaps)
    assert np.allclose(filled[~np.isnan(gaps)], gaps[~np.isnan(gaps)], rtol=1e-6)
    assert not any(violations(flow.rules_, filled).values())
    assert not any(violations(flow.rules_, flow.forecast(x[:20], 40)).values())


# -- rules beside rules -----------------------------------------------------------------------


DECLARED = {
    "prices": [Order(2, (0, 3), 1)],
    "meters": [Monotone(0)],
    "clock": [Clock(0, 1, period=6)],
    "states": [OneOf(0, 1, 2, 3, 4)],
    "parts": [Combination(0, {1: 1, 2: 1, 3: 1})],
    "rain": [NormalScore(0), Bounds(0, low=0)],
    "amounts": [Positive(0)],
    "levels": [Level(0)],
    "counts": [Grid(0)],
}


@pytest.mark.parametrize("name", DECLARED)
def test_what_is_declared_is_not_found_again(name):
    x = MADE[name]()
    fitted = PCAMixture(rules=[*DECLARED[name], "auto"], random_state=SEED).fit(x)
    kinds = [rule.kind for rule in fitted.rules_]
    assert kinds.count(DECLARED[name][0].kind) == 1
    drawn = fitted.sample(50)
    assert not any(violations(fitted.rules_, drawn).values())
    again = PCAMixture(rules=fitted.rules_, random_state=SEED).fit(x)  # what was found, declared
    assert len(again.rules_) == len(fitted.rules_)
    assert np.array_equal(again.sample(50), drawn)


def test_declared_rules_stay_as_they_are():
    rule = Clock(0, 1, period=6)
    x = clocked()
    first = PCAMixture(rules=[rule], random_state=SEED).fit(x)
    drawn = first.sample(5)
    PCAMixture(rules=[rule], random_state=SEED).fit(1000 * x)
    assert np.array_equal(first.sample(5), drawn)


@pytest.mark.parametrize("step", [1.0, 0.1])
def test_totals_of_parts_on_a_grid(step):
    pieces = step * rng().poisson(50, size=(N, T, 2))
    x = np.concatenate([pieces, pieces.sum(axis=2, keepdims=True)], axis=2)
    for fitted in (
        PCAMixture(random_state=SEED).fit(x),
        SeriesGenerator(PCAMixture(), 8, random_state=SEED).fit(list(x[:20])),
    ):
        drawn = np.asarray(fitted.sample(20)).astype(np.float64)
        assert np.allclose(drawn[..., 2], drawn[..., :2].sum(axis=-1), rtol=1e-6)
        assert np.allclose(drawn, np.rint(drawn / step) * step, rtol=1e-6)


def test_shares_on_a_grid():
    pieces = rng().gamma(3, 10, (N, T, 3))
    q = np.floor(1000 * pieces / pieces.sum(axis=2, keepdims=True)) / 10 + 0.1
    q[..., 2] = np.round(100 - q[..., 0] - q[..., 1], 1)
    drawn = PCAMixture(random_state=SEED).fit(q).sample(100).astype(np.float64)
    assert np.allclose(drawn.sum(axis=2), 100, atol=1e-4)
    assert drawn.min() >= 0


def test_bounds_agree_with_other_rules():
    low = rng().normal(20, 3, size=(N, T))
    middle, high = low + rng(1).exponential(size=(N, T)), low + 1 + rng(2).exponential(size=(N, T))
    x = np.minimum(np.sort(np.stack([low, middle, high], axis=2), axis=2), 26)
    order = Order(0, 1, 2)
    for given in (
        {"rules": [order], "bounds": (None, [None, None, 26])},
        {"rules": [order, Bounds(2, high=26)]},
        {"rules": [order, Bounds(0, high=26)]},
    ):
        drawn = PCAMixture(**given, random_state=SEED).fit(x).sample(300)
        assert not order.violations(drawn).any()
    whole = PCAMixture(bounds=(None, 26.6), random_state=SEED).fit(np.rint(x)).sample(300)
    assert np.array_equal(whole, np.rint(whole))


def test_found_bounds_are_taken_as_often_as_in_training():
    """Walks that turn round before a bound, walks that stop at it, and curves that linger."""
    start, noise = 20 * rng().random((3 * N, 1, 1)), rng(1).normal(size=(3 * N, T, 1))
    walks = (start + noise.cumsum(axis=1)) % 20
    folded, stopped = np.minimum(walks, 20 - walks), np.clip(start / 2 + noise, 0, 10)
    curves = 5 + 5 * np.sin(0.3 * np.arange(T)[:, None] + 7 * start)
    for x, mirrors in ((folded, True), (stopped, False), (curves, False)):
        fitted = PCAMixture(random_state=SEED).fit(x)
        (bounds,) = fitted.rules_.of_kind("bounds")
        assert bounds.mirrors == (mirrors, mirrors)
        drawn = fitted.sample(500)
        taken, expected = (np.mean((y <= 0) | (y >= 10)) for y in (drawn, x))
        if x is not curves:
            assert taken == pytest.approx(expected, abs=0.04)
        assert drawn.min() >= 0
        assert drawn.max() <= 10


def test_rules_hold_for_what_float32_rounds():
    x = np.stack([rng().normal(100, 1, (N, T)), rng(1).normal(100, 1, (N, T))], axis=2)
    x = np.concatenate([x, x[..., :1] - x[..., 1:], np.full((N, T, 1), 0.1)], axis=2)
    rules = [Combination(2, {0: 1, 1: -1}), Constant(3, 0.1)]
    fitted = PCAMixture(rules=rules, random_state=SEED).fit(x)
    assert not any(mask.any() for _, mask in fitted.rules_.violations(x.astype(np.float32)))
    tenths = rng().choice([0.1, 0.2, 0.3], size=(N, T, 1))
    found = find_rules(tenths.astype(np.float32))
    assert not any(mask.any() for _, mask in found.violations(tenths))


def test_densities_of_series_that_break_a_rule_are_those_of_the_nearest():
    x = np.exp(2 * rng().normal(size=(N, T, 1)))
    fitted = PCAMixture(on_violation="nearest", random_state=SEED).fit(x)
    other = x[:3].copy()
    other[0, 4] = -1
    assert np.isfinite(fitted.score_samples(other)).all()
    assert np.array_equal(fitted.score_samples(other)[1:], fitted.score_samples(x[1:3]))
