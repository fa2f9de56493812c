"""Copies, half copies and fresh series are told apart."""

import math

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from sklearn_timegen.metrics import (
    membership_inference_auc,
    near_copy_fraction,
    nearest_record_distances,
    nearest_record_ratio,
)
from sklearn_timegen.model_selection import make_windows

from .global_seed import GLOBAL_RANDOM_SEED as SEED

TRAIN, HELD_OUT, FRESH = np.random.default_rng(SEED).normal(size=(3, 400, 6, 2)) * [1, 100] + [
    0,
    50,
]
HALF = np.concatenate([TRAIN[:200], FRESH[:200]])
WITHOUT = {"X_train": None}
WITH = {"X_train": TRAIN}


@pytest.mark.parametrize("copies", [TRAIN, TRAIN[::-1][:31], TRAIN.astype(np.float32)])
@pytest.mark.parametrize("given", [WITH, WITHOUT])
def test_copies_are_found(copies, given):
    real = TRAIN if given is WITHOUT else HELD_OUT
    assert nearest_record_ratio(real, copies, **given) == 0
    assert near_copy_fraction(real, copies, **given) == 1
    assert not nearest_record_distances(real, copies, **given)[0].any()


def test_fresh_series_are_as_near_as_held_out_ones():
    assert nearest_record_ratio(HELD_OUT, FRESH, X_train=TRAIN) == pytest.approx(1, abs=0.1)
    fraction = near_copy_fraction(HELD_OUT, FRESH, X_train=TRAIN, quantile=0.2)
    # A share of 400, compared with a quantile of 400.
    assert fraction == pytest.approx(0.2, abs=4 * math.sqrt(2 * 0.2 * 0.8 / 400))
    auc = membership_inference_auc(HELD_OUT, FRESH, X_train=TRAIN)
    assert auc == pytest.approx(0.5, abs=4 / math.sqrt(6 * 400))


def test_half_copies_show_in_the_share_and_the_attack():
    fraction = near_copy_fraction(HELD_OUT, HALF, X_train=TRAIN, quantile=0.05)
    assert fraction == pytest.approx(0.5 + 0.5 * 0.05, abs=4 * 0.5 * math.sqrt(0.05 / 200))
    auc = membership_inference_auc(HELD_OUT, HALF, X_train=TRAIN)
    # Half of the members are at distance 0, the others have even odds.
    assert auc == pytest.approx(0.75, abs=4 / math.sqrt(6 * 200))
    assert near_copy_fraction(HELD_OUT, TRAIN[:1], X_train=TRAIN) == 1


def test_attack_on_copies():
    assert membership_inference_auc(HELD_OUT, TRAIN, X_train=TRAIN) == 1
    as_float32 = TRAIN.astype(np.float32)
    assert membership_inference_auc(HELD_OUT, as_float32, X_train=TRAIN) == 1
    assert membership_inference_auc(TRAIN, TRAIN, X_train=HELD_OUT) == 0


def test_series_unlike_any_real_one():
    assert nearest_record_ratio(HELD_OUT, FRESH * 50, X_train=TRAIN) > 10
    assert near_copy_fraction(HELD_OUT, FRESH * 50, X_train=TRAIN) == 0


def by_loops(queries, references, skip_self=False):
    scale = TRAIN[:40].std(axis=(0, 1))
    return [
        min(
            np.linalg.norm((a - b) / scale)
            for j, b in enumerate(references)
            if not (skip_self and i == j)
        )
        for i, a in enumerate(queries)
    ]


def test_distances_by_plain_loops():
    train, held_out, fresh = TRAIN[:40], HELD_OUT[:9], FRESH[:7]
    synthetic, real = nearest_record_distances(held_out, fresh, X_train=train)
    assert np.allclose(synthetic, by_loops(fresh, train))
    assert np.allclose(real, by_loops(held_out, train))
    ratio = np.median(synthetic) / np.median(real)
    assert nearest_record_ratio(held_out, fresh, X_train=train) == pytest.approx(ratio)


def test_without_training_series_the_real_ones_stand_in_and_leave_themselves_out():
    train, fresh = TRAIN[:40], FRESH[:7]
    synthetic, real = nearest_record_distances(train, fresh)
    assert np.allclose(synthetic, by_loops(fresh, train))
    assert np.allclose(real, by_loops(train, train, skip_self=True))


def test_duplicates_among_real_series_are_neighbours():
    twice = np.concatenate([TRAIN[:5], TRAIN[:5]])
    assert not nearest_record_distances(twice, FRESH[:3])[1].any()
    assert nearest_record_ratio(twice, TRAIN[:5]) == 1
    assert nearest_record_ratio(twice, FRESH[:5]) == math.inf
    assert near_copy_fraction(twice, HALF[195:205]) == 0
    assert near_copy_fraction(twice, twice) == 1


def test_attack_by_plain_loops():
    train, held_out, fresh = TRAIN[:20], HELD_OUT[:9], FRESH[:7]
    scale = train.std(axis=(0, 1))
    attack = [-min(np.linalg.norm((a - b) / scale) for b in fresh) for a in [*train, *held_out]]
    expected = roc_auc_score([1] * 20 + [0] * 9, attack)
    assert membership_inference_auc(held_out, fresh, X_train=train) == pytest.approx(expected)


def test_constant_series_are_copies():
    flat = np.full((9, 4), 0.1)
    assert nearest_record_ratio(flat, flat.astype(np.float32)) == 1
    assert near_copy_fraction(flat, flat, X_train=flat) == 1
    assert membership_inference_auc(flat, flat, X_train=flat) == 0.5


def test_what_cannot_be_answered_is_refused():
    with pytest.raises(ValueError, match="membership_inference_auc needs X_train"):
        membership_inference_auc(HELD_OUT, FRESH)
    with pytest.raises(ValueError, match="at least 2 series"):
        nearest_record_ratio(TRAIN[:1], FRESH)
    with pytest.raises(ValueError, match="X_train contains 0 NaN and 1 inf"):
        nearest_record_ratio(
            TRAIN, FRESH, X_train=np.where(TRAIN[0, 0, 0] == TRAIN, np.inf, TRAIN)
        )
    with pytest.raises(
        ValueError, match=r"X_real has series of shape \(6, 2\), X_train of \(5, 2\)"
    ):
        near_copy_fraction(HELD_OUT, FRESH, X_train=TRAIN[:, :5])
    for quantile in (0, 1, -0.1, math.nan):
        with pytest.raises(ValueError, match="quantile must be a number between 0 and 1"):
            near_copy_fraction(HELD_OUT, FRESH, quantile=quantile)


def test_a_far_level_changes_nothing():
    train, held_out, fresh = np.random.default_rng(SEED).normal(size=(3, 100, 12, 1))
    plain = nearest_record_ratio(held_out, fresh, X_train=train)
    far = nearest_record_ratio(held_out + 1e5, fresh + 1e5, X_train=train + 1e5)
    assert far == pytest.approx(plain, rel=1e-6)
    copies = (train + 1e5).astype(np.float32)
    assert nearest_record_ratio(held_out + 1e5, copies, X_train=train + 1e5) == 0


@pytest.mark.parametrize("dtype", ["uint8", "uint64", "int16", object])
def test_windows_that_share_timesteps_are_no_neighbours_for_any_integer_type(dtype):
    windows, starts = make_windows(np.random.default_rng(SEED).normal(size=60).cumsum(), 8)
    order = np.random.default_rng(SEED + 1).permutation(len(starts))
    windows, starts = windows[order], starts[order]
    _, expected = nearest_record_distances(windows, windows[:5], window_starts=starts)
    _, found = nearest_record_distances(windows, windows[:5], window_starts=starts.astype(dtype))
    assert np.array_equal(found, expected)
    _, leaked = nearest_record_distances(windows, windows[:5])
    assert (leaked <= expected).all()
    assert leaked.mean() < 0.95 * expected.mean()  # .33 to .84
