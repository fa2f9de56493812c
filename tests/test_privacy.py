"""Attacks find copies, find nothing of who was never seen, and count owners."""

import numpy as np
import pytest
from scipy.stats import binom
from sklearn.base import BaseEstimator
from sklearn.metrics import roc_auc_score, roc_curve

from sklearn_timegen import PCAMixture
from sklearn_timegen.datasets import make_ar
from sklearn_timegen.metrics import (
    AttackResult,
    SinglingOut,
    attribute_attack,
    membership_attack,
    privacy_report,
    shadow_attack,
    singling_out,
)
from sklearn_timegen.metrics.privacy.membership import DENSITIES
from sklearn_timegen.metrics.privacy.shadow import METHODS, unseen

from .global_seed import GLOBAL_RANDOM_SEED as SEED

SEEDS = range(SEED, SEED + 5)
SHAPE = (10, 2)


def normal(n, seed):
    return np.random.default_rng(seed).normal(size=(n, *SHAPE))


class Law(BaseEstimator):
    """Draws from the true distribution, and has seen no series."""

    def __init__(self, random_state=None):
        self.random_state = random_state

    def fit(self, X, y=None):
        self.X_ = X
        return self

    def sample(self, n_samples=1, random_state=None):
        return normal(n_samples, random_state)


class Bootstrap(Law):
    """Draws training series."""

    def sample(self, n_samples=1, random_state=None):
        return self.X_[np.random.default_rng(random_state).integers(0, len(self.X_), n_samples)]


class LeakyDensity(Law):
    """Draws from the truth, but tells a density that is raised at training series, by noise."""

    def score_samples(self, X):
        known = {row.tobytes() for row in self.X_}
        inside = np.array([row.tobytes() in known for row in X])
        hard = 10 * X[:, 0, 0]  # how likely a series is to any generator
        noise = np.random.default_rng(len(known) + int(inside.argmax())).normal(size=len(X))
        return hard + 2 * inside + noise


def samples(seed, n=120):
    return [normal(n, [seed, k]) for k in range(4)]


# -- rates ---------------------------------------------------------------------------------------


def test_rates_are_those_of_the_roc_curve():
    rng = np.random.default_rng(SEED)
    is_member = rng.random(500) < 0.4
    scores = (is_member + rng.normal(size=500)).round(1)  # with ties
    result = AttackResult(scores, is_member, np.arange(500))
    assert result.auc == pytest.approx(roc_auc_score(is_member, scores))
    fpr, tpr, _ = roc_curve(is_member, scores, drop_intermediate=False)
    for asked in (0.01, 0.1, 0.5):
        assert result.tpr(asked) == pytest.approx(tpr[fpr <= asked].max())


def test_few_owners_do_not_resolve_small_rates():
    scores, is_member = np.arange(198.0), np.arange(198) % 2 == 0
    result = AttackResult(scores, is_member, np.arange(198))
    assert np.isnan(result.tpr(0.01))
    assert np.isnan(result.interval(0.01)).all()
    # As many scores of few owners resolve no more.
    many = AttackResult(np.tile(scores, 9), np.tile(is_member, 9), np.tile(np.arange(198), 9))
    assert np.isnan(many.tpr(0.01))
    enough = AttackResult(np.arange(200.0), np.arange(200) < 100, np.arange(200))
    assert enough.tpr(0.01) == 0  # the greatest scores are those of others
    low, high = enough.interval(0.01)
    assert low == 0
    assert 0.03 < high < 0.06  # none of a hundred is no proof of none


def test_perfect_attacks_have_an_interval():
    is_member = np.arange(20) < 10
    low, high = AttackResult(is_member * 1.0, is_member, np.arange(20)).interval()
    assert low < 0.9
    assert high == 1


@pytest.mark.parametrize("shift", [0.0, 1.0])
def test_intervals_cover(shift):
    from scipy.stats import norm

    truth, fpr = norm.cdf(shift / np.sqrt(2)), 0.1
    found = norm.sf(norm.isf(fpr) - shift)
    n, held = 60, np.zeros(2, dtype=int)
    for seed in range(n):
        rng = np.random.default_rng([SEED, seed])
        # Owners with two scores each, which share most of their noise.
        noise = rng.normal(size=120)
        is_member = np.arange(120) < 60
        scores = np.concatenate([noise + shift * is_member] * 2)
        result = AttackResult(
            scores, np.tile(is_member, 2), np.tile(np.arange(120), 2), n_bootstrap=100, seed=seed
        )
        for k, (true, (low, high)) in enumerate(
            [(truth, result.interval()), (found, result.interval(fpr))]
        ):
            held[k] += low <= true <= high
    # The threshold is found from 60 others, whose tail is ragged: a little under 95% there.
    assert held[0] >= binom.ppf(1e-4, n, 0.95)
    assert held[1] >= binom.ppf(1e-4, n, 0.9)


# -- membership ----------------------------------------------------------------------------------


@pytest.mark.parametrize("density", DENSITIES)
def test_bootstrap_is_found_and_a_fit_to_others_is_not(density):
    found, missed = [], []
    seeds = SEEDS[:2] if density == "boosting" else SEEDS  # which is slow
    for seed in seeds:
        train, real, reference, others = samples(seed)
        settings = {"X_train": train, "X_reference": reference, "density": density}
        drawn = train[np.random.default_rng(seed).integers(0, len(train), 5 * len(train))]
        found.append(membership_attack(real, drawn, **settings, random_state=seed).auc)
        fitted = PCAMixture(random_state=seed).fit(others).sample(500)
        missed.append(membership_attack(real, fitted, **settings, random_state=seed).auc)
    assert min(found) > {"boosting": 0.75, "kernel": 0.85, "neighbours": 0.95}[density]
    assert abs(np.mean(missed) - 0.5) < 4 * 0.042 / np.sqrt(len(seeds))  # the sd of one
    assert max(found) > max(missed) + 0.2


def test_reference_does_not_take_the_typical_for_the_trained_on():
    rng = np.random.default_rng(SEED)
    # Members are further out than others, so that nearness alone calls the others members.
    train, real = 1.5 * rng.normal(size=(100, *SHAPE)), rng.normal(size=(100, *SHAPE))
    everyone = rng.normal(size=(2, 400, *SHAPE)) * rng.choice([1, 1.5], (2, 400, 1, 1))
    drawn = np.concatenate([everyone[0], train[:50]])
    from sklearn_timegen.metrics import membership_inference_auc

    near = membership_inference_auc(real, drawn, X_train=train, random_state=0)
    ratio = membership_attack(real, drawn, X_train=train, X_reference=everyone[1]).auc
    assert ratio > 0.6
    assert ratio > near + 0.1


def test_owners_are_told_better_than_windows():
    alone, combined = [], []
    for seed in SEEDS:
        train, real, reference, _ = samples(seed, 200)
        noise = np.random.default_rng([seed, 9]).normal(size=train.shape)
        drawn = train + 0.9 * noise  # a little nearer to each training window
        owners = np.arange(200) // 5
        for own, aucs in ((None, alone), (owners, combined)):
            result = membership_attack(
                real,
                drawn,
                X_train=train,
                X_reference=reference,
                owners=own,
                train_owners=own if own is None else own + 1000,
            )
            aucs.append(result.auc)
        assert result.n_members == result.n_others == 40
    assert np.mean(combined) > np.mean(alone) + 0.03


@pytest.mark.parametrize("encoder", ["flat", "summaries"])
def test_units_do_not_count(encoder):
    train, real, reference, drawn = samples(SEED)
    far = [x * [1, 1000] + [0, 1e4] for x in (train, real, reference, drawn)]
    near, moved = (
        membership_attack(r, d, X_train=t, X_reference=f, encoder=encoder).auc
        for t, r, f, d in ((train, real, reference, drawn), far)
    )
    assert near == pytest.approx(moved, abs=0.01)


# -- shadows -------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", METHODS)
def test_shadows_find_copies_and_not_what_was_never_seen(method):
    copies, never, floors = [], [], []
    for seed in SEEDS:
        X = normal(80, [seed, 5])
        settings = {"method": method, "random_state": seed}
        copies.append(shadow_attack(Bootstrap(), X, n_synthetic=200, **settings))
        never.append(shadow_attack(Law, X, **settings))
        floors.append(unseen(copies[-1]).auc)
    # One member in fifty is not drawn, and widens the normal density of all that are (of the
    # likelihood ratio; sd of one AUC 0.05 around 0.97, and 0.002 around 0.997 of the other).
    assert min(result.auc for result in copies) > 0.7
    assert np.mean([result.auc for result in copies]) > 0.85
    assert abs(np.mean([result.auc for result in never]) - 0.5) < 0.06  # sd of one 0.03
    assert abs(np.mean(floors) - 0.5) < 0.12
    assert copies[0].n_members == copies[0].n_others == 80


@pytest.mark.parametrize("method", METHODS)
def test_shadows_know_which_series_are_hard(method):
    X = normal(100, [SEED, 6])
    result = shadow_attack(LeakyDensity(), X, method=method, n_shadows=8, random_state=SEED)
    naive = np.concatenate([LeakyDensity().fit(X[:50]).score_samples(X)])
    assert roc_auc_score(np.arange(100) < 50, naive) < 0.75
    assert result.auc > 0.75


def test_every_owner_is_in_half_of_the_shadows():
    X, owners = normal(60, SEED), np.repeat(["a", "b", 3, None.__class__, *range(10, 18)], 5)
    result = shadow_attack(Law(), X, owners=owners, n_shadows=4, random_state=0)
    counts = np.bincount(result.owners, weights=result.is_member)
    assert counts.tolist() == [2] * 12
    assert len(result.scores) == 4 * 12


def test_series_of_one_value_have_owners_to_attack():
    result = shadow_attack(PCAMixture(), X[:, :1, :1], n_shadows=4, random_state=0)
    assert len(result.scores) == 4 * 40


# -- attributes, predicates ----------------------------------------------------------------------


@pytest.mark.parametrize("secret", [None, 0, 1])
def test_guesses_are_better_of_members_only_from_copies(secret):
    fresh = []
    for seed in SEEDS:
        train, real, _, others = samples(seed)
        assert attribute_attack(real, train, X_train=train, secret=secret).auc == 1
        fresh.append(attribute_attack(real, others, X_train=train, secret=secret).auc)
    assert abs(np.mean(fresh) - 0.5) < 0.08


def test_half_of_a_univariate_series_is_guessed_from_the_other():
    train, real, _, _ = (x[:, :, :1] for x in samples(SEED))
    assert attribute_attack(real, train, X_train=train).auc == 1
    reversed_halves = np.concatenate([train[:, :5], real[:, 5:]], axis=1)  # wrong second halves
    assert attribute_attack(real, reversed_halves, X_train=train).auc < 0.7


def test_missing_values_are_not_guessed():
    train, real, _, _ = samples(SEED)
    train[::2, 3:5, 1] = np.nan
    real[:4, :, 1] = np.nan  # of whom nothing is to guess
    result = attribute_attack(real, train, X_train=train, secret=1)
    assert result.n_others == 116
    assert result.auc == 1


def test_channels_of_words_can_be_secret():
    import pandas as pd

    rng = np.random.default_rng(SEED)

    def frames(n):
        return [
            pd.DataFrame({"x": rng.normal(size=6), "word": rng.choice(list("abc"), 6)})
            for _ in range(n)
        ]

    train, real = frames(40), frames(40)
    assert attribute_attack(real, train, X_train=train, secret="word").auc > 0.95
    with pytest.raises(ValueError, match="one of .*'word'.*got 'ward'"):
        attribute_attack(real, train, X_train=train, secret="ward")


def test_predicates_single_out_members_only_from_copies():
    gains = []
    for seed in SEEDS:
        train, real, _, others = samples(seed)
        copies = singling_out(real, train, X_train=train, n_predicates=60, random_state=seed)
        assert copies.rate == 1
        assert copies.floor < 0.7
        fresh = singling_out(real, others, X_train=train, n_predicates=60, random_state=seed)
        gains.append(fresh.rate - fresh.floor)
        low, high = fresh.interval()
        assert low <= fresh.rate <= high
    assert abs(np.mean(gains)) < 0.15


# -- report --------------------------------------------------------------------------------------


def test_report_of_copies():
    X = normal(120, SEED)
    report = privacy_report(Bootstrap(), X, owners=np.arange(120) // 2, random_state=SEED)
    assert set(report.attacks) <= set(report.leaks)
    aucs = report.table.xs("AUC", level="measure")
    assert (aucs["value"] > 0.75).all()
    assert (aucs["ceiling"] > 0.98).all()
    assert (aucs["floor"] - 0.5).abs().max() < 0.2
    assert report.verdict.startswith("It leaks")
    small = report.table.xs("TPR at 0.1% FPR", level="measure")
    assert small.isna().all(axis=None)
    assert "1% and 0.1% cannot be told" in report.verdict
    assert report.n_owners == 60


def test_report_of_a_generator_that_saw_nobody():
    n_leaks = 0
    for seed in SEEDS:
        report = privacy_report(Law(), normal(100, [seed, 7]), n_shadows=4, random_state=seed)
        n_leaks += len(report.leaks)
        if not report.leaks:
            assert report.verdict.startswith("None of 5 attacks")
            assert "cannot be excluded" in report.verdict
    assert n_leaks <= 2  # at 5% for all attacks of a report together


def test_report_is_repeatable_and_reads_lists_with_holes():
    rng = np.random.default_rng(SEED)
    X = [rng.normal(size=(n, 2)) for n in rng.integers(5, 9, 24)]
    X[0][1, 1] = np.nan
    first, again = (privacy_report(PCAMixture(), X, n_shadows=4, random_state=3) for _ in range(2))
    assert first.table.equals(again.table)
    assert str(first) == str(again)
    assert first.signal == "distance"  # lengths that are learned have no density
    with pytest.raises(ValueError, match="signal='density' needs .*pass signal='distance'; "):
        shadow_attack(PCAMixture(), X, signal="density")


def test_conditional_generators_are_given_labels():
    X, y = make_ar(40, 8, random_state=SEED), np.arange(40) % 2
    report = privacy_report(
        lambda: PCAMixture(conditional=True), X, y, n_shadows=4, random_state=0
    )
    assert (report.n_shadows, report.signal) == (4, "density")


# -- bad input -----------------------------------------------------------------------------------

X = normal(40, 0)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"n_shadows": 3}, "n_shadows must be an integer of at least 4, got 3"),
        ({"n_synthetic": 1}, "n_synthetic must be an integer of at least 2, got 1"),
        ({"owners": np.arange(39)}, "owners must name the owner of each of the 40 series"),
        ({"owners": [None, *range(39)]}, "no owner for series 0"),
        ({"owners": np.arange(40) % 7}, "7 owners.*at least 8 are needed"),
        ({"y": np.zeros(3)}, "y must be one for each of the 40 series"),
        ({"secret": 2}, "secret must be a channel .*got 2"),
        ({"signal": "gradient"}, "signal must be one of 'auto'.*got 'gradient'"),
        ({"density": ["flow"]}, "density must be one of 'neighbours'.*got .'flow'."),
        ({"density": "flow"}, "density must be one of 'neighbours'.*got 'flow'"),
        ({"encoder": "deep"}, "encoder must be 'flat'.*got 'deep'"),
        ({"generator_factory": 3}, "generator_factory must be a generator.*got 3"),
        ({"generator_factory": dict}, "must return an unfitted generator.*got {}"),
    ],
)
def test_bad_reports(arguments, message):
    class Untouched(Law):
        def fit(self, X, y=None):
            raise AssertionError("it was fitted before the arguments were looked at")

    with pytest.raises(ValueError, match=message):
        privacy_report(**{"generator_factory": Untouched, "X": X, **arguments})


def test_bad_attacks():
    train, real, reference, _ = samples(0, 20)
    with pytest.raises(ValueError, match="2 series of X_real have an owner.*series 3"):
        membership_attack(
            real,
            train,
            X_train=train,
            X_reference=reference,
            owners=[*range(100, 103), 0, 1, *range(105, 120)],
            train_owners=range(20),
        )
    with pytest.raises(ValueError, match="signal='density' needs a generator with densities"):
        shadow_attack(Law(), X, signal="density")
    with pytest.raises(ValueError, match="kernel' goes by the spread of the reference"):
        membership_attack(real, train, X_train=train, X_reference=reference[:1], density="kernel")
    with pytest.raises(ValueError, match="method must be one of .*got 'lira'"):
        shadow_attack(Law(), X, method="lira")
    with pytest.raises(ValueError, match="secret=0 is the only channel"):
        attribute_attack(real[:, :, 0], train[:, :, 0], X_train=train[:, :, 0], secret=0)
    with pytest.raises(ValueError, match="nothing that could be guessed"):
        attribute_attack(real[:, :1, :1], train[:, :1, :1], X_train=train[:, :1, :1])
    with pytest.raises(ValueError, match="n_conditions must be .* got 0"):
        singling_out(real, train, X_train=train, n_conditions=0)
    with pytest.raises(ValueError, match="confidence must be .* got 95"):
        SinglingOut(10, 5, 1).interval(95)
    with pytest.raises(ValueError, match="finite"):
        AttackResult(np.array([np.nan, 1.0]), np.array([True, False]), np.arange(2))
    with pytest.raises(ValueError, match="others whose were not"):
        AttackResult(np.array([0.0, 1.0]), np.array([True, True]), np.arange(2))
