"""Whole evaluations: splits that do not leak, columns that mean what they say."""

import numpy as np
import pandas as pd
import pytest
from sklearn.model_selection import GroupKFold, KFold
from sklearn.neighbors import KernelDensity
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_timegen import (
    BaseGenerator,
    NeighbourInterpolation,
    PCAMixture,
    compare_generators,
    evaluate_generator,
    evaluate_samples,
    make_windows,
)
from sklearn_timegen.base import estimator
from sklearn_timegen.datasets import make_ar, make_labelled_sines
from sklearn_timegen.evaluation._judging import Sample, disjoint_rows
from sklearn_timegen.evaluation._reading import read
from sklearn_timegen.metrics import METRICS, Metric
from sklearn_timegen.model_selection import WindowKFold

from .generators import Resampler
from .global_seed import GLOBAL_RANDOM_SEED as SEED

CHEAP = ["mmd", "nearest_record_ratio", "near_copy_fraction", "tstr_score"]
COLUMNS = ["score", "std", "floor", "copies", "direction", "seconds"]


@estimator
class Recorder(Resampler):
    """Remembers, on the class, what every clone was fitted to."""

    def _fit(self, series):
        super()._fit(series)
        type(self).seen.append(self.representation_.inverse_transform(series.values))


@estimator
class Noise(BaseGenerator):
    """Unlike anything."""

    def _fit(self, series):
        self._shape = series.values.shape[1:]

    def _draw(self, n_samples, c, rng):
        return 10 * rng.standard_normal((n_samples, *self._shape)).astype(np.float32)


@pytest.fixture
def X():
    return make_ar(120, 12, 2, random_state=SEED)


def test_table_has_a_row_a_metric_and_the_promised_columns(X):
    table = evaluate_generator(PCAMixture(), X, cv=2, metrics=CHEAP)
    assert isinstance(table, pd.DataFrame)
    assert list(table.columns) == COLUMNS
    assert list(table.index) == CHEAP
    assert np.isfinite(table.drop(columns="direction").to_numpy(dtype=float)).all()
    assert table.loc["nearest_record_ratio", "direction"] == "1 or more"
    assert table.attrs["fit_seconds"] > 0


def test_copies_are_told_from_fresh_series(X):
    table = evaluate_generator(Resampler(), X, cv=3, metrics=CHEAP)
    row = table.loc["nearest_record_ratio"]
    assert row["score"] == 0
    assert row["copies"] == 0
    assert 0.8 < row["floor"] < 1.2
    fraction = table.loc["near_copy_fraction"]
    assert fraction["score"] == fraction["copies"] == 1
    assert fraction["floor"] < 0.2


def test_a_generator_of_the_truth_is_at_the_floor():
    class Truth(Resampler):
        def fit(self, X, y=None):
            return self

        def sample(self, n_samples=1, y=None, *, random_state=None):
            return make_ar(n_samples, 12, 2, random_state=random_state)

    X = make_ar(600, 12, 2, random_state=SEED)
    table = evaluate_generator(Truth(), X, cv=3, metrics=[*CHEAP, "marginal_difference"])
    for name, row in table.iterrows():
        goodness = METRICS[name].goodness
        slack = 4 * (row["std"] + np.std(table.attrs["folds"][name]["floor"])) / np.sqrt(3) + 1e-4
        assert abs(goodness(row["score"]) - goodness(row["floor"])) < slack, name


def test_generators_see_the_training_fold_only(X):
    Recorder.seen = []
    evaluate_generator(Recorder(), X, cv=KFold(3), metrics="mmd")
    assert len(Recorder.seen) == 3
    for (train, _), seen in zip(KFold(3).split(X), Recorder.seen, strict=True):
        assert np.allclose(seen, X[train], atol=1e-5)


def test_overlapping_windows_are_held_out_in_blocks():
    windows, starts = make_windows(make_ar(1, 150, 1, random_state=SEED)[0], 10)
    for window_starts in (None, starts, starts.astype(np.uint8)):  # noticed, or passed
        Recorder.seen = []
        evaluate_generator(Recorder(), windows, cv=3, window_starts=window_starts, metrics="mmd")
        assert len(Recorder.seen) == 3
        for seen in Recorder.seen:
            distances = np.abs(windows[None] - seen[:, None]).max(axis=(2, 3))
            trained = np.unique(distances.argmin(axis=1))
            held_out = np.setdiff1d(np.arange(len(windows)), trained)
            apart = np.abs(trained[:, None] - held_out).min(axis=0)
            assert len(trained) == len(seen)
            assert (apart >= 10).sum() >= len(windows) // 3 - 20, "no window is far from training"


def test_groups_that_belong_together_stay_so(X):
    names = np.repeat(["a", "b", "c", "d", "e", "f"], 20)
    numbers = np.repeat(np.arange(6), 20)
    for cv, groups in (
        (3, names),
        (3, numbers),
        (3, numbers.astype(np.uint8)),
        (3, numbers / 2),
        (GroupKFold(3), numbers),
    ):
        Recorder.seen = []
        table = evaluate_generator(Recorder(), X, cv=cv, groups=groups, metrics=CHEAP)
        assert 0.7 < table.loc["nearest_record_ratio", "floor"] < 1.3
        assert len(Recorder.seen) == 3
        for seen in Recorder.seen:
            distances = np.abs(X[None] - seen[:, None]).max(axis=(2, 3))
            counts = np.unique(names[distances.argmin(axis=1)], return_counts=True)[1]
            assert (counts == 20).all()


def test_leaking_folds_are_said():
    windows, starts = make_windows(make_ar(1, 150, 1, random_state=SEED)[0], 10)
    for params in ({"cv": KFold(3, shuffle=True)}, {"cv": 3, "groups": starts % 6}):
        with pytest.warns(UserWarning, match="overlap training windows"):
            evaluate_generator(PCAMixture(), windows, metrics="mmd", **params)


def test_groups_are_no_starts(X):
    with pytest.warns(UserWarning, match="pass it as window_starts"):
        evaluate_generator(PCAMixture(), X, cv=2, metrics="mmd", groups=np.arange(len(X)))
    for params, message in (
        ({"groups": np.zeros(3)}, r"each of the 120 series, got shape \(3,\)"),
        ({"groups": [None, *range(119)]}, "of one type"),
        ({"groups": np.zeros(120), "window_starts": range(120)}, "pass one"),
        ({"groups": np.zeros(120), "cv": WindowKFold(2)}, "pass that as window_starts"),
        ({"window_starts": np.arange(120.0)}, "as an integer"),
        ({"cv": 1}, "cv must be a number of folds, 2 at least"),
    ):
        with pytest.raises(ValueError, match=message):
            evaluate_generator(PCAMixture(), X, metrics="mmd", **params)


def test_rows_are_read_fold_by_fold():
    def row(score, floor, copies=(9, 9, 9, 9)):
        return {"score": list(score), "floor": list(floor), "copies": list(copies)}

    lower, near, ratio = METRICS["mmd"], METRICS["density"], METRICS["nearest_record_ratio"]
    # The folds differ far more than score and floor do, but on each the score is worse.
    assert read(lower, row((1.1, 5.1, 9.1, 20.2), (1, 5, 9, 20))) == "worse"
    assert read(lower, row((1.1, 4.9, 9.1, 19.9), (1, 5, 9, 20))) == "like real"
    assert read(lower, row((1.1, 5.0), (1, 5), (9, 9))) == "undecided"
    # 0.2 and 1.8 are 1 on average, and both wrong.
    assert read(near, row((0.2, 1.8, 0.2, 1.8), (1, 1.02, 0.98, 1))) == "worse"
    assert read(ratio, row((0.1, 0.1, 0.12, 0.1), (1, 1, 1, 1), (0, 0, 0, 0))) == "copies"
    # Far from what was trained on is no fault of those who repeat nothing.
    far = row((9, 8, 9, 10), (1, 1, 1, 1), (0, 0, 0, 0))
    assert read(ratio, far) == "no nearer than real"


def test_disjoint_samples_of_windows_share_no_timestep():
    starts = np.arange(400)
    sample = Sample(np.zeros((400, 12, 1)), starts=starts)
    for n_samples in (20, 100, 200):
        chosen, rest = disjoint_rows(sample, n_samples, seed=0)
        assert np.abs(chosen.starts[:, None] - rest.starts).min() >= 12
        assert 0.8 * n_samples <= len(chosen) <= 1.2 * n_samples
        assert len(rest) >= 0.4 * (400 - n_samples)
        # Both cover the whole range of time.
        for part in (chosen, rest):
            assert part.starts.min() < 200 < part.starts.max()


@pytest.mark.exhaustive
def test_same_seed_same_table_and_parallel_too(X):
    def run(**params):
        made = evaluate_generator(PCAMixture(), X, cv=2, metrics=CHEAP, **params)
        return made.drop(columns="seconds")

    first = run()
    pd.testing.assert_frame_equal(first, run())
    pd.testing.assert_frame_equal(first, run(n_jobs=2))
    assert not first["score"].equals(run(random_state=SEED + 1)["score"])


def test_conditional_generators_are_judged_by_labels():
    X, y = make_labelled_sines(90, 12, random_state=SEED)
    table = evaluate_generator(PCAMixture(conditional=True), X, y, cv=2, metrics="tstr_score")
    assert table.loc["tstr_score", "score"] > 0.8
    with pytest.raises(ValueError, match="y is missing"):
        evaluate_generator(PCAMixture(conditional=True), X, cv=2, metrics="mmd")
    vectors = np.linspace(0, 1, len(X)).reshape(-1, 1)
    table = evaluate_generator(PCAMixture(conditional=True), X, vectors, cv=2, metrics="mmd")
    assert np.isfinite(table.loc["mmd", "score"])


def test_floor_and_copies_have_the_labels_that_the_generator_is_told():
    X, y = make_labelled_sines(90, 12, random_state=SEED)
    seen = []

    def spy(X_real, X_synthetic, y_real=None, y_synthetic=None):
        seen.append((sorted(y_real), sorted(y_synthetic)))
        return 0.0

    evaluate_generator(PCAMixture(conditional=True), X, y, cv=3, metrics=spy)
    assert len(seen) == 9  # floor, copies and samples on three folds
    assert all(real == other for real, other in seen)


def test_other_estimators_flat_rows_and_pipelines_will_do(X):
    flat = X.reshape(len(X), -1)
    assert np.isfinite(
        evaluate_generator(KernelDensity(), flat, cv=2, metrics="mmd")["score"][0:1]
    ).all()
    by_channel = evaluate_generator(PCAMixture(n_channels=2), flat, cv=2, metrics=CHEAP)
    as_series = evaluate_generator(PCAMixture(), X, cv=2, metrics=CHEAP)
    assert by_channel["floor"].equals(as_series["floor"])
    pipeline = make_pipeline(StandardScaler(), PCAMixture(n_channels=2))
    table = evaluate_generator(pipeline, flat, cv=2, metrics="mmd")
    assert table.loc["mmd", "score"] < 0.1


def test_sets_leave_out_what_short_series_do_not_allow(X):
    table = evaluate_generator(PCAMixture(), X[:, :1], cv=2, metrics="quick")
    assert "tstr_score" not in table.index
    with pytest.raises(ValueError, match="one timestep"):
        evaluate_generator(PCAMixture(), X[:, :1], cv=2, metrics="tstr_score")


def test_bad_requests_are_refused_before_any_training(X):
    Recorder.seen = []
    for words, params in (
        ("no metric; known are", {"metrics": "fid"}),
        ("twice there are \\['mmd'\\]", {"metrics": ["mmd", "mmd"]}),
        ("n_repeats", {"n_repeats": 0}),
        ("no 200 neighbours", {"metrics": [Metric(_greedy, name="coverage")]}),
        ("n_splits", {"cv": 1000}),
    ):
        with pytest.raises(ValueError, match=words):
            evaluate_generator(Recorder(), X, **{"cv": 2, "metrics": "mmd", **params})
    with pytest.raises(ValueError, match="X contains 0 NaN and 2 inf"):
        evaluate_generator(Recorder(), np.where(np.arange(12)[:, None] == 3, np.inf, X[:1]))
    with pytest.raises(ValueError, match="119 entries"):
        evaluate_generator(Recorder(), X, np.zeros(119), metrics="mmd")
    with pytest.raises(ValueError, match="make_windows returns windows and starts"):
        evaluate_generator(Recorder(), make_windows(X[0], 6))
    with pytest.raises(TypeError, match="fit and sample"):
        evaluate_generator(StandardScaler(), X)
    labels = np.repeat(["common", "rare"], [119, 1])
    with pytest.raises(ValueError, match="class 'rare'"):
        evaluate_generator(Recorder(conditional=True), X, labels, cv=KFold(3))
    assert Recorder.seen == []


def _greedy(X_real, X_synthetic):
    return METRICS["coverage"].function(X_real, X_synthetic, n_neighbors=200, encoder="flat")


def test_metrics_of_ones_own(X):
    def gap_of_means(X_real, X_synthetic):
        return abs(X_real.mean() - X_synthetic.mean())

    metrics = [gap_of_means, Metric(lambda a, b: 1.0, direction="higher", name="one")]
    table = evaluate_generator(PCAMixture(), X, cv=2, metrics=metrics)
    assert list(table.index) == ["gap_of_means", "one"]
    assert list(table["direction"]) == ["lower", "higher"]


def test_samples_from_anywhere(X):
    real, synthetic = X[:80], X[80:]
    table = evaluate_samples(real, synthetic, metrics=CHEAP, n_splits=3)
    assert list(table.columns) == COLUMNS
    copied = evaluate_samples(real[:40], real[40:], X_train=real[40:], metrics=CHEAP, n_splits=2)
    assert copied.loc["near_copy_fraction", "score"] == 1
    assert copied.loc["near_copy_fraction", "floor"] < 0.3
    with pytest.raises(ValueError, match="at least 4"):
        evaluate_samples(real[:3], synthetic)
    whole = evaluate_samples(real, real.copy(), metrics=CHEAP, n_splits=2)
    assert whole.loc["near_copy_fraction", "score"] == 1
    assert whole.loc["nearest_record_ratio", "score"] == 0
    with pytest.raises(ValueError, match="80 of the 80 real series are among X_train"):
        evaluate_samples(real, synthetic, X_train=real)
    with pytest.raises(ValueError, match="cannot be told without X_train"):
        evaluate_samples(real, synthetic, metrics=["membership_inference_auc"])
    with pytest.raises(ValueError, match="belong together"):
        evaluate_samples(real, synthetic, y_real=np.zeros(80))
    with pytest.raises(ValueError, match=r"\(12, 2\), X_synthetic of \(11, 2\)"):
        evaluate_samples(real, synthetic[:, :11])


def test_comparison_ranks_and_tests(X):
    generators = {"mixture": PCAMixture(), "near": NeighbourInterpolation(), "noise": Noise()}
    table = compare_generators(generators, X, cv=8, metrics=["mmd", "marginal_difference"])
    assert list(table.columns) == [*COLUMNS, "rank", "p_value", "ties_with_best"]
    for metric in ("mmd", "marginal_difference"):
        block = table.loc[metric]
        assert list(block["rank"]) == sorted(block["rank"])
        assert block.index[-1] == "noise"
        assert block.loc["noise", "rank"] == 3
        assert not block.loc["noise", "ties_with_best"]
        assert block["p_value"].iloc[0] == 1
        assert block["floor"].nunique() == 1
    overall = table.loc["mean rank"]
    assert overall.index[-1] == "noise"
    assert np.isclose(overall["score"].mean(), 2)
    alone = evaluate_generator(PCAMixture(), X, cv=8, metrics="mmd")
    assert table.loc[("mmd", "mixture"), "score"] == alone.loc["mmd", "score"]


def test_equal_generators_tie(X):
    table = compare_generators([PCAMixture(), PCAMixture()], X, cv=3, metrics="mmd")
    assert list(table.loc["mmd"].index) == ["PCAMixture 1", "PCAMixture 2"]
    assert list(table.loc["mmd", "rank"]) == [1.5, 1.5]
    assert (table["p_value"] == 1).all()
    assert table["ties_with_best"].all()
    with pytest.raises(ValueError, match="two generators"):
        compare_generators([PCAMixture()], X)


def test_interruption_ends_the_evaluation(X):
    class Interrupted(Resampler):
        def fit(self, X, y=None):
            super().fit(X, y)
            self.interrupted_ = True
            return self

    with pytest.raises(KeyboardInterrupt):
        evaluate_generator(Interrupted(), X, cv=2, metrics="mmd")
