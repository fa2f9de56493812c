import json
from functools import partial

import numpy as np
import pytest

from benchmarks.timevae_paper import __main__ as benchmark
from benchmarks.timevae_paper import data, judging, report, results, verdicts
from sklearn_timegen import PCAMixture
from sklearn_timegen.metrics import (
    discriminative,
    discriminative_score,
    panel_judges,
    predictive,
)


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(discriminative, "N_STEPS", 2)
    monkeypatch.setattr(predictive, "N_STEPS", 2)
    monkeypatch.setattr(judging, "N_ROWS_BOOSTING", 50)
    for module, name in ((panel_judges, "Classifier"), (judging, "Regressor")):
        name = f"HistGradientBoosting{name}"
        monkeypatch.setattr(module, name, partial(getattr(module, name), max_iter=1))


def make_series(n, seed=0):
    return np.random.default_rng(seed).normal(size=(n, 12, 2)).astype(np.float32)


def test_thresholds():
    real, synthetic = np.array([-1.0, 0.2, 0.7, 2.0]), np.array([-2.0, 0.1, 0.4, 3.0])
    assert judging.accuracy_above(0.0, real, synthetic) == pytest.approx((3 / 4 + 1 / 4) / 2)
    assert judging.accuracy_above(0.5, real, synthetic) == pytest.approx((2 / 4 + 3 / 4) / 2)
    assert 1 / (1 + np.exp(-judging.LOGIT_PUBLISHED)) == pytest.approx(0.622, abs=5e-4)


def test_both_thresholds_are_read_off_the_librarys_judges():
    real, synthetic = make_series(20), make_series(20, 1) + 1
    found = judging.discriminated(real, synthetic, 2, 3)
    expected = discriminative_score(real, synthetic, n_repeats=2, random_state=3)
    np.testing.assert_allclose(found["right"], expected.values, atol=1e-12)
    assert found["published"] == [0, 0]  # no judge is that sure after two steps
    assert len(found["boosting"]) == 1


def test_lags_and_their_next_value():
    x = np.arange(2 * 12 * 3.0).reshape(2, 12, 3)
    rows, target = judging.lagged(x)
    assert rows.shape == (2 * 4, 3 * judging.N_LAGS)
    assert set(rows[5]) == set(x[1, 1:9].ravel())
    assert target[5] == x[1, 9, 2]


@pytest.mark.parametrize("fresh", [None, make_series(50, 1)])
def test_held_out_series_are_others(fresh):
    x = make_series(50)
    one = data.Data(x, x, x, slice(None), fresh)
    rows, others = data.few(50, 20, 0)
    assert len(rows) == 10
    assert set(rows) | set(others) == set(range(50))
    np.testing.assert_array_equal(data.held_out(one, 20, 0), x[others[:10]])
    rest = data.held_out(one, 100, 0)
    assert (rest is None) == (fresh is None)
    assert rest is None or np.array_equal(rest, fresh)


class Denoiser(PCAMixture):
    """A generator that claims to know its series without noise."""

    def reconstruct(self, X):
        return X


def test_cells_are_run_kept_and_reported(tmp_path, monkeypatch):
    x = make_series(150)
    one = data.Data(x, x, make_series(12, 1), slice(-1, None), clean_pool=x, clean_test=x[:12])
    monkeypatch.setitem(data.LOADERS, "sine", lambda: one)
    monkeypatch.setattr(benchmark, "N_GENERATED", 40)
    monkeypatch.setattr(benchmark, "MODELS", {"ours": lambda seed: Denoiser(random_state=seed)})
    data.load.cache_clear()
    benchmark.fitted.cache_clear()
    cells = [benchmark.Cell("sine", 20, model, 0, True) for model in (results.REAL, "ours")]
    table = benchmark.table_in(tmp_path)
    table.run(benchmark.work_of(cells))
    (tmp_path.with_suffix(".md")).unlink()
    data.load.cache_clear()
    kept = [path.read_text() for path in sorted(tmp_path.glob("*"))]
    assert len(kept) == 2
    table.run(benchmark.work_of(cells))  # all of it is there
    assert [path.read_text() for path in sorted(tmp_path.glob("*"))] == kept
    text = report.as_markdown(tmp_path, "a test")
    assert "| 20% | 30 | ours | " in text
    assert "| 20% |  | *published* |  | 0.039 |" in text
    assert "ours, reconstructed" in text
    widths = {line.count("|") for line in text.split("## Scores")[1].splitlines()[2:7]}
    assert len(widths) == 1


def kept(tmp_path, ds, ps=0.2):
    row = {
        "n_series": 10_000,
        "same": {"right": ds, "published": ds, "floor": 0.0, "boosting": [0.1]},
        "ps": [ps, ps],
        "constant": 0.2,
        "fit_cpu_s": 700.0,
    }
    (tmp_path / "scores-sine.json").write_text(json.dumps({"100 / ours / 0": row}))
    return results.read(tmp_path, "scores")


def test_demands(tmp_path):
    said = "\n".join(verdicts.say_demands(kept(tmp_path, [0.019, 0.020]), {}))
    assert "DS at most 0.02: ours 0.0195 ± 0.0064: met." in said
    assert "worse in none: met." in said
    assert "700 s at most (sine 100%): NOT met." in said
    said = "\n".join(verdicts.say_demands(kept(tmp_path, [0.030, 0.031], 0.22), {}))
    assert "0.0305 ± 0.0064: NOT met." in said
    assert "worse in 3: sine 100% DS, right threshold (0.0305" in said


@pytest.mark.parametrize(
    ("ratios", "verdict"),
    [
        ([0.5, 0.5, 0.5], "holds."),
        ([0.5, 2.0, 2.0], "holds in some cases only."),
        ([2.0, 2.0, 1.0], "does NOT hold."),
        ([1.0, 1.0, 1.0], "is undecided."),
    ],
)
def test_the_verdict_on_a_claim(ratios, verdict):
    spread = np.array([0.99, 1.0, 1.01])
    errors = {
        predictor: list(ratio * spread)
        for predictor, ratio in zip(results.PREDICTORS, ratios, strict=True)
    }
    original = {predictor: [1.0, 1.0, 1.0] for predictor in results.PREDICTORS}
    cells = {
        (2, results.REAL): [{"errors": {"original": original}}],
        (2, "ours"): [{"errors": {"denoised": errors}}],
    }
    (said,) = verdicts.say_denoising({"sine": cells})
    assert said.startswith("- ours, denoised: better than the original series in ")
    assert said.endswith(f"the claim {verdict}")
