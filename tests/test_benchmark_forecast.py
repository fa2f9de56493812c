from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import norm

pytest.importorskip("statsmodels")

from benchmarks import forecast
from benchmarks.forecast import HORIZON, SEEN, Flow, Levels, NormalWindows, crps, evaluate
from benchmarks.forecast_data import Case

from .global_seed import GLOBAL_RANDOM_SEED as SEED

LENGTH = 120


def make_case(n_channels=2, **params):
    rng = np.random.default_rng(SEED)
    season = np.sin(np.pi * np.arange(LENGTH) / 2)[:, None]
    values = 10 + season + 0.3 * rng.standard_normal((LENGTH, n_channels))
    chosen = {"period": 4, "log": False, "differenced": False}
    chosen |= {"n_origins": 4, "stride": 5, "n_fits": 2, "n_batches": 10}
    return Case("seasonal", values, **(chosen | params))


class Recorder:
    """Remembers what it was shown."""

    def __init__(self):
        self.fitted, self.seen = [], []

    def fit(self, past, case):
        self.fitted.append(past)

    def draw(self, past, n_draws, seed):
        self.seen.append(past)
        return np.broadcast_to(past[-1], (n_draws, HORIZON, past.shape[1]))


class FakeFlow:
    """Continues every window by the values that it saw last."""

    batch_size = 64

    def set_params(self, **params):
        self.params = params
        return self

    def fit(self, windows):
        self.windows = windows

    def forecast(self, past, n_timesteps, n_samples, *, random_state):
        self.past = past
        return np.tile(past[None, :, -n_timesteps:], (n_samples, 1, 1, 1))


@pytest.mark.parametrize(("mean", "scale", "y"), [(0.0, 1.0, 0.3), (2.0, 3.0, -1.0)])
def test_crps_of_a_normal_is_the_closed_form_whatever_the_number_of_draws(mean, scale, y):
    z = (y - mean) / scale
    closed = scale * (z * (2 * norm.cdf(z) - 1) + 2 * norm.pdf(z) - 1 / np.sqrt(np.pi))
    rng = np.random.default_rng(SEED)
    for n_draws in (2, 5, 100):
        draws = mean + scale * rng.standard_normal((n_draws, 200_000 // n_draws))
        found = crps(draws, np.full(draws.shape[1], y))
        assert abs(found.mean() - closed) < 4 * found.std() / np.sqrt(len(found))


def test_methods_are_shown_what_lies_before_an_origin_only():
    case, recorder = make_case(), Recorder()
    scores = evaluate(recorder, case)
    origins = case.origins(HORIZON)
    assert origins == [93, 98, 103, 108]
    assert [len(past) for past in recorder.fitted] == [93, 103]
    for origin, past in zip(origins, recorder.seen, strict=True):
        np.testing.assert_array_equal(past, case.values[:origin])
    unit = np.abs(np.diff(case.values[:93], axis=0)).mean(axis=0)
    error = np.abs(case.values[92] - case.values[93:105]) / unit
    np.testing.assert_allclose(scores.crps[0], error)
    assert not scores.inside.any()


@pytest.mark.parametrize("name", [name for name in forecast.METHODS if "Flow" not in name])
@pytest.mark.parametrize("differenced", [False, True])
def test_the_future_changes_no_forecast(monkeypatch, name, differenced):
    shown = []
    monkeypatch.setattr(forecast, "crps", lambda x, y: shown.append((x, y)) or np.zeros(y.shape))
    case = make_case(n_origins=1, n_fits=1, differenced=differenced)
    later = case.values.copy()
    later[case.origins(HORIZON)[0] :] *= 1000
    for values in (case.values, later):
        evaluate(forecast.METHODS[name], replace(case, values=values))
    (draws, truth), (again, other) = shown
    np.testing.assert_array_equal(draws, again)
    assert np.abs(other).max() > 100 * np.abs(truth).max()
    assert np.isfinite(draws).all()
    assert np.abs(draws.mean(axis=0) - truth).max() < 5


def test_changes_are_added_up_from_the_last_value():
    rng = np.random.default_rng(SEED)
    line = np.arange(LENGTH, dtype=float)[:, None]
    case = make_case(differenced=True)
    method = NormalWindows()
    method.fit(line + 0.01 * rng.standard_normal(line.shape), case)
    made = method.draw(line, 50, 0).mean(axis=0)
    np.testing.assert_allclose(made[:, 0], LENGTH + np.arange(HORIZON), atol=0.1)


@pytest.mark.parametrize("levels", [False, True])
def test_a_flow_goes_on_from_the_last_window(levels):
    case = make_case(differenced=True)
    flow = FakeFlow()
    method = Levels(Flow(flow)) if levels else Flow(flow)
    past = case.values[:80]
    method.fit(past, case)
    made = method.draw(past, 3, 0)
    entered = past if levels else np.diff(past, axis=0)
    assert flow.params == {"max_epochs": 10}
    np.testing.assert_allclose(flow.windows[-1], entered[-SEEN - HORIZON :], rtol=1e-5)
    assert len(flow.windows) == len(entered) - SEEN - HORIZON + 1
    np.testing.assert_allclose(flow.past, entered[None, -SEEN:], rtol=1e-5)
    wanted = entered[-HORIZON:] if levels else past[-1] + entered[-HORIZON:].cumsum(axis=0)
    np.testing.assert_allclose(made, np.stack([wanted] * 3), rtol=1e-4, atol=1e-4)
