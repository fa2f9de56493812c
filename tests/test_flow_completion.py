"""Completion by flows: the gain, missing values, futures, against conditional normals."""

import pickle

import numpy as np
import pandas as pd
import pytest

from sklearn_timegen import Diffusion, FlowMatching
from sklearn_timegen.datasets import make_sines
from sklearn_timegen.flow._posterior import RIDGE, Ensemble

from .flows import Counted, Dense, Zero, covariance_of, known_flow, normal_flow, normal_series
from .global_seed import GLOBAL_RANDOM_SEED as SEED


def given(mean, covariance, known, y):
    """Mean and standard deviation of the unknown cells given the known ones, of normal rows."""
    gain = covariance[np.ix_(~known, known)] @ np.linalg.inv(covariance[np.ix_(known, known)])
    rest = covariance[np.ix_(~known, ~known)] - gain @ covariance[np.ix_(known, ~known)]
    return mean[~known] + (y[..., known] - mean[known]) @ gain.T, np.sqrt(np.diag(rest))


def with_gaps(X, known):
    return np.where(known, X, np.nan)


@pytest.fixture(scope="module")
def X():
    return normal_series(800, (4, 2))


@pytest.fixture(scope="module")
def whitened(X):
    """The exact flow of normal series, in their principal coordinates."""
    return known_flow(X, representation="pca")


@pytest.fixture(scope="module")
def learned():
    X = make_sines(60, 8, 2, random_state=SEED)
    fixed = {"max_epochs": 30, "lr": 1e-2, "batch_size": 20, "random_state": SEED}
    return FlowMatching(network=Dense, **fixed).fit(X)


@pytest.fixture(scope="module")
def sines():
    return make_sines(5, 8, 2, random_state=SEED + 1)


# -- the gain ---------------------------------------------------------------------------------


@pytest.mark.parametrize("kappa", [0.0, 0.3, 20.0])
def test_the_gain_is_that_of_explicit_matrices(kappa):
    rows = (
        np.random.default_rng(SEED).normal(size=(200, 6)) @ np.linalg.cholesky(covariance_of(6)).T
    )
    mixing = np.random.default_rng(SEED + 1).normal(size=(6, 5))
    series = rows @ mixing + 2  # x is another linear view of v
    ensemble = Ensemble.of(rows, series)
    covariance = np.linalg.inv(np.linalg.inv(np.cov(rows.T)) + kappa * np.eye(6))
    of_both = covariance @ mixing
    of_x = mixing.T @ of_both
    cells = np.array([1, 3])
    seen = of_x[np.ix_(cells, cells)]
    seen = seen + RIDGE * np.diag(np.diag(seen))
    K_v, K_x = ensemble.gain(cells, kappa)
    assert pytest.approx(np.linalg.solve(seen, of_both[:, cells].T), rel=1e-6) == K_v
    assert pytest.approx(np.linalg.solve(seen, of_x[cells]), rel=1e-6) == K_x


def test_what_is_known_twice_or_never_varies():
    rows = np.random.default_rng(SEED).normal(size=(100, 3))
    series = np.column_stack([rows, rows[:, 0], np.full(100, 7.0)])
    ensemble = Ensemble.of(rows, series)
    assert ensemble.usable(np.ones((5, 1), dtype=bool)).tolist() == [0, 1, 2, 3]
    K_v, K_x = ensemble.gain(np.array([0, 3]), 0.0)
    assert (K_v[:, 0]).sum() == pytest.approx(1, abs=1e-3)
    assert np.abs(K_x[:, 4]).max() == 0
    none, _ = ensemble.gain(np.array([], dtype=np.int64), 1.0)
    assert none.shape == (0, 3)
    still = Ensemble.of(np.zeros((5, 2)), np.full((5, 2), 3.0))
    assert len(still.usable(np.ones((2, 1), dtype=bool))) == 0


# -- missing values ---------------------------------------------------------------------------


KNOWN = np.array([[1, 1], [0, 1], [0, 0], [1, 0]], dtype=bool)


@pytest.mark.parametrize("which", ["whitened", "correlated"])
def test_imputed_values_follow_the_conditional_normal(X, whitened, which):
    rows = X.reshape(800, 8).astype(np.float64)
    mean, covariance, flow, x = rows.mean(axis=0), np.cov(rows.T, bias=True), whitened, X[:3]
    if which == "correlated":
        mean, covariance = np.zeros(8), 0.3 * covariance_of(8) + 0.7
        flow, x = normal_flow(covariance, (4, 2)), X[:3] / 2 - 1.5
    drawn = flow.impute(with_gaps(x, KNOWN), n_samples=700)
    assert drawn.shape == (700, 3, 4, 2)
    assert np.array_equal(drawn[:, :, KNOWN], np.tile(x[:, KNOWN], (700, 1, 1)))
    centre, spread = given(mean, covariance, KNOWN.ravel(), x.reshape(3, 8).astype(np.float64))
    unknown = drawn[:, :, ~KNOWN]
    assert np.abs((unknown.mean(axis=0) - centre) / spread).max() < 0.2
    assert unknown.std(axis=0) / spread == pytest.approx(np.ones((3, 4)), abs=0.12)
    if which == "correlated":  # by what all cells have in common, the known ones say a lot
        assert (spread < 0.7 * np.sqrt(np.diag(covariance)[~KNOWN.ravel()])).any()


def test_the_view_may_bend_series():
    """Monotone cells of normal series: their quantiles are those of the normal ones."""
    X = normal_series(1000, (3, 1))
    flow = known_flow(np.exp(X / 4), representation="pca-quantile")
    known = np.array([[1], [0], [1]], dtype=bool)
    # At the edges, quantiles of the sample are not those of the distribution.
    rows = X.reshape(1000, 3).astype(np.float64)
    inner = np.flatnonzero((np.abs(rows - rows.mean(axis=0)) < rows.std(axis=0)).all(axis=1))[:20]
    drawn = flow.impute(with_gaps(np.exp(X[inner] / 4), known), n_samples=300)
    centre, spread = given(rows.mean(axis=0), np.cov(rows.T), known.ravel(), rows[inner])
    median = 4 * np.log(np.median(drawn[:, :, 1, 0], axis=0))
    error = np.abs((median - centre[:, 0]) / spread)
    assert np.median(error) < 0.4
    assert error.max() < 1.5


def test_known_values_come_back_bit_by_bit(learned, sines):
    known = np.random.default_rng(SEED).random(sines.shape) < 0.5
    known[0] = True
    known[1] = False
    known[2, :, 1] = False
    gaps = with_gaps(sines, known)
    filled = learned.impute(gaps)
    assert filled.shape == sines.shape
    assert filled.dtype == np.float32
    assert np.array_equal(filled[known], sines[known])
    assert np.isfinite(filled).all()
    assert np.array_equal(filled[0], sines[0])
    assert not np.isclose(filled[~known], 0, atol=1e-6).all()
    assert np.array_equal(learned.impute(gaps), filled)
    assert not np.array_equal(learned.impute(gaps, random_state=SEED + 1), filled)
    assert np.isnan(gaps).any()  # what was passed stays
    many = learned.impute(gaps, n_samples=3)
    assert many.shape == (3, *sines.shape)
    assert (many[:, known] == sines[known]).all()
    assert not np.array_equal(many[0][~known], many[1][~known])


def test_with_nothing_known_series_are_samples(whitened, X):
    drawn = whitened.impute(np.full((600, 4, 2), np.nan)).reshape(600, 8)
    rows = X.reshape(800, 8)
    assert drawn.mean(axis=0) == pytest.approx(rows.mean(axis=0), abs=0.3)
    assert drawn.std(axis=0) / rows.std(axis=0) == pytest.approx(np.ones(8), abs=0.12)
    assert np.array_equal(whitened.impute(X[:5]), X[:5])  # nor is anything drawn if all is known


def test_channels_that_follow_from_others_stay_so(X):
    more = np.concatenate([X[:, :, :1], np.full((800, 4, 1), 7, np.float32), X[:, :, :1]], axis=2)
    flow = known_flow(more, representation="pca")
    gaps = more[:20].copy()
    gaps[:, 1:3] = np.nan
    gaps[:, 3, 2] = np.nan
    filled = flow.impute(gaps)
    assert (filled[:, :, 1] == 7).all()
    assert filled[:, 1:3, 0] == pytest.approx(filled[:, 1:3, 2], abs=1e-5)
    assert filled[:, 3, 0] == pytest.approx(filled[:, 3, 2], abs=0.02)


def test_frames_and_flat_layouts(X):
    frame = pd.DataFrame(X[:, :, 0].astype(np.float64), columns=list("abcd"))
    flow = known_flow(frame, representation="standard")
    gaps = frame[:6].copy()
    gaps.loc[[0, 3], "b"] = np.nan
    filled = flow.impute(gaps)
    assert filled.shape == (6, 4)
    assert np.array_equal(filled[[1, 2, 4, 5]], X[[1, 2, 4, 5], :, 0])
    assert np.isfinite(filled).all()
    with pytest.raises(ValueError, match="feature names"):
        flow.impute(gaps[list("dcba")])
    flat = known_flow(X.reshape(800, 8), n_channels=2)
    assert flat.impute(with_gaps(X[:2], KNOWN).reshape(2, 8), n_samples=3).shape == (3, 2, 8)
    assert flat.impute(with_gaps(X[:2], KNOWN)).shape == (2, 8)
    with_objects = X[:2, :, 0].astype(object)
    with_objects[0, 1] = None
    assert np.isfinite(flow.impute(pd.DataFrame(with_objects, columns=list("abcd")))).all()


def test_imputed_values_keep_bounds(X):
    flow = known_flow(np.abs(X), representation="standard", bounds=(0, 5 + np.abs(X).max()))
    gaps = np.abs(X[:50]).copy()
    gaps[:, 1:] = np.nan
    assert flow.impute(gaps).min() >= 0
    gaps[3, 0, 1] = -0.25
    with pytest.raises(ValueError, match="is below 0"):
        flow.impute(gaps)


@pytest.mark.parametrize("representation", ["standard", "quantile", "cosine-quantile"])
def test_diffusion_completes_too(representation, sines):
    X = make_sines(60, 8, 2, random_state=SEED)
    fixed = {"network": Dense, "max_epochs": 3, "random_state": SEED}
    flow = Diffusion(**fixed, representation=representation).fit(X)
    sines = sines.copy()
    sines[:, 5:] = np.nan
    filled = flow.impute(sines)
    assert np.isfinite(filled).all()
    assert np.array_equal(filled[:, :5], sines[:, :5])


# -- futures ----------------------------------------------------------------------------------


def autoregression(n_timesteps, a=0.8):
    """The covariance of a stationary autoregression of unit variance."""
    steps = np.arange(n_timesteps)
    return a ** np.abs(steps[:, None] - steps)


def test_futures_follow_the_conditional_normal():
    """An autoregression forgets all but its last value; its windows tell all there is."""
    flow = normal_flow(autoregression(6), (6, 1))
    past = np.array([[0.3, -1.0, 0.5, 1.5], [0.0, 0.5, 1.0, -1.2]])
    drawn = flow.forecast(past[:, :, None], 6, 3000)
    assert drawn.shape == (3000, 2, 6, 1)
    ahead = 0.8 ** np.arange(1, 7)
    # The ensemble of the gains has a mean of its own: 0.08 off here, whichever the draws.
    assert drawn[..., 0].mean(axis=0) == pytest.approx(past[:, -1:] * ahead, abs=0.15)
    spread = np.sqrt(1 - ahead**2)
    assert drawn[..., 0].std(axis=0) / spread == pytest.approx(np.ones((2, 6)), abs=0.1)
    near = np.corrcoef(drawn[:, 0, 2, 0], drawn[:, 0, 3, 0])[0, 1]  # over the seam of two blocks
    assert near == pytest.approx(0.8 * spread[2] / spread[3], abs=0.06)


@pytest.mark.parametrize(("n_past", "n_timesteps"), [(1, 1), (1, 5), (4, 1), (11, 3)])
def test_shapes_of_futures(whitened, n_past, n_timesteps):
    past = np.zeros((3, n_past, 2))
    one = whitened.forecast(past, n_timesteps)
    assert one.shape == (3, n_timesteps, 2)
    assert np.array_equal(whitened.forecast(past.reshape(3, -1), n_timesteps, 1), one[None])
    assert whitened.forecast(past, n_timesteps, 2).shape == (2, 3, n_timesteps, 2)


def test_layouts_of_futures(X):
    rows = known_flow(X[:, :, 0], representation="standard")
    assert rows.forecast(X[:3, :2, 0], 5).shape == (3, 5)
    assert rows.forecast(X[:3, :2, :1], 5, 2).shape == (2, 3, 5)
    flat = known_flow(X.reshape(800, 8), n_channels=2, representation="standard")
    assert flat.forecast(X[:3, :2].reshape(3, 4), 5, 2).shape == (2, 3, 10)
    two = known_flow(X[:, :2, :1], representation="standard")
    assert two.forecast(X[:3, :1, :1], 3).shape == (3, 3, 1)


def test_of_a_long_past_only_the_end_counts(whitened, X):
    past = X[:3, [0, 1, 2, 3, 0, 1, 2]]
    future = whitened.forecast(past, 2)  # beside two timesteps of the past, in windows of four
    changed = past.copy()
    changed[:, :5] += 100
    assert np.array_equal(whitened.forecast(changed, 2), future)
    assert not np.array_equal(whitened.forecast(past + 1, 2), future)
    assert np.array_equal(whitened.forecast(past, 2), future)
    assert not np.array_equal(whitened.forecast(past, 2, random_state=SEED + 1), future)


# -- the ensemble -----------------------------------------------------------------------------


def test_ensembles_are_made_once_and_anew_after_training(X):
    """What was completed before does not count, neither for values nor for the work."""
    X, gaps = X[:, :2], X[:2, :2].copy()
    gaps[:, 1] = np.nan
    fixed = {"network": Counted, "max_epochs": 3, "lr": 3e-2, "batch_size": 100}
    flow = known_flow(X, representation="pca", **fixed)
    network = flow.net_.module_.network

    def n_calls_of(imputed):
        network.n_calls = 0
        imputed(gaps)
        return network.n_calls

    for further in (lambda f: f.set_params(warm_start=True).fit(X), lambda f: f.partial_fit(X)):
        fresh = pickle.loads(pickle.dumps(flow))
        before = flow.impute(gaps)
        assert np.array_equal(flow.impute(gaps), before)
        alone = n_calls_of(flow.impute)
        further(flow)
        with_ensemble = n_calls_of(flow.impute)
        assert with_ensemble > alone == n_calls_of(flow.impute) > 0
        after = flow.impute(gaps)
        assert np.array_equal(after, further(fresh).impute(gaps))
        assert np.abs(after - before).max() > 1e-3
    flow.set_params(warm_start=False, network=Zero, lr=1e-30, max_epochs=1).fit(10 * X[:, ::-1])
    other = known_flow(10 * X[:, ::-1], representation="pca", batch_size=100)
    assert np.array_equal(flow.impute(10 * gaps), other.impute(10 * gaps))


class Levels(Zero):
    """The two labels flow to different levels."""

    def forward(self, x, t, c=None):
        return super().forward(x, t) + 0.8 * (c[:, :1] - c[:, -2:-1])[:, None]


def test_completion_given_conditions(X):
    y, network = np.repeat([0, 1], 400), Levels
    flow = known_flow(X, y, network=network, conditional=True, condition_dropout=0.0)
    gaps = X[[0, 400]].copy()
    gaps[:, 2:] = np.nan
    first = flow.impute(gaps[:1], y=0)
    both = flow.impute(gaps, y=[0, 1])
    assert np.array_equal(flow.impute(gaps[:1], y=0), first)
    # What was asked before does not count.
    fresh = known_flow(X, y, network=network, conditional=True, condition_dropout=0.0)
    assert np.array_equal(fresh.impute(gaps, y=[0, 1]), both)
    assert fresh.forecast(X[:2, :2], 2, y=1).shape == (2, 2, 2)
    with pytest.raises(ValueError, match="y is missing"):
        flow.impute(gaps)
    vectors = known_flow(
        X, y[:, None] * 1.0, network=network, conditional=True, condition_dropout=0.0
    )
    assert np.isfinite(vectors.impute(gaps, y=[[0.0], [1.0]], n_samples=2)).all()


def test_guidance_and_steps_leave_completion_alone(learned, sines):
    gaps = sines.copy()
    gaps[:, 3:] = np.nan
    before = learned.impute(gaps)
    old = learned.n_steps
    assert np.array_equal(learned.set_params(n_steps=2, solver="euler").impute(gaps), before)
    learned.set_params(n_steps=old, solver="dpm")


# -- bad input --------------------------------------------------------------------------------


def test_what_cannot_be_imputed_is_refused(whitened, X):
    bad = X[:3].copy()
    bad[2, 1, 0] = np.inf
    bad[0, 0, 0] = np.nan
    with pytest.raises(ValueError, match="0 NaN and 1 inf.*sample 2, timestep 1, channel 0"):
        whitened.impute(bad)
    with pytest.raises(
        ValueError, match="series of 4 timesteps and 3 channels, but .* of 4 timesteps and 2"
    ):
        whitened.impute(np.zeros((2, 4, 3)))
    for n_samples in (0, 1.5, "two"):
        with pytest.raises(ValueError, match=f"n_samples must be .* got {n_samples!r}"):
            whitened.impute(X[:3], n_samples=n_samples)
    with pytest.raises(ValueError, match="X has series of 8 timesteps, but fit saw 4"):
        whitened.impute([["words"] * 8])


@pytest.mark.parametrize(
    ("past", "message"),
    [
        (np.zeros((2, 0, 2)), r"not empty, got \(2, 0, 2\)"),
        (np.zeros((0, 3, 2)), r"not empty, got \(0, 3, 2\)"),
        (np.zeros((0, 3)), r"not empty, got \(0, 3\)"),
        (np.zeros(4), r"got \(4,\)"),
        (np.zeros((2, 3, 3)), "X_past has 3 channels, but .* series of 2"),
        (np.zeros((2, 3)), "rows of 3 values, which n_channels=2 does not divide"),
        (np.full((2, 3, 2), np.nan), "not finite at series 0, timestep 0, channel 0"),
        (np.full((2, 3, 2), 1e300), "not finite at series 0, timestep 0, channel 0"),
        ([["a", "b"]], "X_past is not a numeric array"),
        ([[[1.0, 2.0]], [[1.0]]], "X_past is not a numeric array"),
    ],
)
def test_pasts_that_cannot_be_continued(whitened, past, message):
    with pytest.raises(ValueError, match=message):
        whitened.forecast(past, 2)


def test_counts_and_windows_that_cannot_be(whitened, X):
    with pytest.raises(ValueError, match="n_timesteps must be .* got 0"):
        whitened.forecast(X[:2], 0)
    with pytest.raises(ValueError, match="n_samples must be .* got -1"):
        whitened.forecast(X[:2], 2, -1)
    single = known_flow(X[:, :1])
    with pytest.raises(ValueError, match="windows of one timestep"):
        single.forecast(X[:2, :1], 2)
    gaps = X[:2, :1].copy()
    gaps[0, 0, 1] = np.nan
    assert np.isfinite(single.impute(gaps)).all()


def test_the_old_name_of_a_forecast_works_for_one_release(whitened):
    past = normal_series(3, (4, 2))[:, :2]
    with pytest.warns(FutureWarning, match="continue_ is called forecast now"):
        assert np.array_equal(whitened.continue_(past, 2), whitened.forecast(past, 2))
