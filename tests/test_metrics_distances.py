"""Distances, dynamics and coverage against closed forms."""

import itertools
import math
from functools import partial

import numpy as np
import pytest
import scipy.stats
from scipy.linalg import sqrtm
from sklearn.preprocessing import FunctionTransformer

from sklearn_timegen.datasets import make_ar
from sklearn_timegen.metrics import (
    ContrastiveEncoder,
    autocorrelation,
    autocorrelation_difference,
    context_fid,
    correlational_score,
    coverage,
    cross_correlation_difference,
    density,
    effective_sample_ratio,
    encoder,
    frechet_distance,
    kurtosis_difference,
    marginal_difference,
    mmd,
    skewness_difference,
    sliced_wasserstein,
    spectral_distance,
)

from .global_seed import GLOBAL_RANDOM_SEED as SEED


def normal(*shape, seed=0):
    return np.random.default_rng(SEED + seed).normal(size=shape)


def assert_mean(values, expected, slack=0.0):
    error = np.std(values, ddof=1) / math.sqrt(len(values))
    assert abs(np.mean(values) - expected) < 4 * error + slack


# -- as wholes --------------------------------------------------------------------------------


@pytest.mark.parametrize(("shift", "scale"), [(0.0, 1.0), (1.5, 1.0), (0.0, 2.0), (0.7, 0.5)])
def test_mmd_of_normals(shift, scale):
    """If a - b ~ N(m, v), E k(a, b) is h / sqrt(h^2 + v) exp(-m^2 / 2(h^2 + v)); 2-d: squared."""
    h, unit, n = 0.8, 30.0, 250

    def mean_kernel(m, v):
        return (h / math.sqrt(h**2 + v) * math.exp(-(m**2) / (2 * (h**2 + v)))) ** 2

    expected = mean_kernel(0, 2) + mean_kernel(0, 2 * scale**2)
    expected -= 2 * mean_kernel(shift, 1 + scale**2)
    values = [
        mmd(
            unit * normal(n, 2, seed=2 * k),
            unit * (normal(n, 2, seed=2 * k + 1) * scale + shift),
            bandwidth=h,
        )
        for k in range(60)
    ]
    assert_mean(values, expected, slack=1e-3 * (shift != 0 or scale != 1))  # the unit is estimated
    assert expected > 0 or min(values) < 0


def test_mmd_by_plain_loops():
    x, s = normal(7, 3, 2), normal(5, 3, 2, seed=1)
    a, b = ((one / x.std(axis=(0, 1))).reshape(len(one), -1) for one in (x, s))
    median = np.median([np.linalg.norm(p - q) for p, q in itertools.combinations(a, 2)])

    def k(p, q):
        widths = [4, 2, 1, 0.5, 0.25]
        return np.mean([np.exp(-((p - q) ** 2).sum() / (2 * (w * median) ** 2)) for w in widths])

    expected = np.mean([k(p, q) for p, q in itertools.permutations(a, 2)])
    expected += np.mean([k(p, q) for p, q in itertools.permutations(b, 2)])
    expected -= 2 * np.mean([k(p, q) for p in a for q in b])
    assert mmd(x, s) == pytest.approx(expected, abs=1e-12)


def test_mmd_is_unbiased_with_unequal_numbers():
    x = normal(60, 50, 3, seed=3)
    assert_mean([mmd(one[:30], one[30:]) for one in x], 0.0)


def test_mmd_in_blocks_is_the_same():
    x, s = normal(1203, 2), normal(1001, 2, seed=1)
    whole = mmd(x, s, bandwidth=1.0)
    in_reverse = mmd(x[::-1], s[::-1], bandwidth=1.0)
    assert whole == pytest.approx(in_reverse, abs=1e-12)


def test_sliced_wasserstein_on_a_line():
    x = normal(200, 1)
    x -= x.mean()
    assert sliced_wasserstein(x, x + 3 * x.std()) == pytest.approx(3)
    assert sliced_wasserstein(x, 2 * x) == pytest.approx(1)
    assert sliced_wasserstein(5 * x, 10 * x) == pytest.approx(1)
    assert sliced_wasserstein(x, np.repeat(x, 2, axis=0)) == pytest.approx(0, abs=1e-7)
    y = normal(200, 1, seed=1)
    sorted_gap = np.sqrt(((np.sort(x[:, 0]) - np.sort(y[:, 0])) ** 2).mean()) / x.std()
    assert sliced_wasserstein(x, y) == pytest.approx(sorted_gap)


def test_sliced_wasserstein_of_a_shift_in_d_dimensions():
    x, shift = normal(50, 4, 2), np.array([[0.5, 0], [0, 1], [2, 0], [0, 0]])
    expected = np.linalg.norm(shift / x.std(axis=(0, 1))) / math.sqrt(8)
    found = sliced_wasserstein(x, x + shift, n_projections=20_000, random_state=SEED)
    # The squared cosine to a line has mean 1 / d and standard deviation below sqrt(2) / d.
    assert found == pytest.approx(expected, rel=4 * math.sqrt(2) / math.sqrt(20_000) / 2)


# -- Frechet ----------------------------------------------------------------------------------

ROTATION = np.linalg.qr(normal(3, 3, seed=5))[0]
SPREADS = {
    "diagonal": (np.diag([1.0, 2.0, 3.0]), np.diag([2.0, 2.0, 0.5])),
    "commuting": (
        ROTATION @ np.diag([1.0, 4.0, 9.0]) @ ROTATION.T,
        ROTATION @ np.diag([4.0, 1.0, 0.0]) @ ROTATION.T,
    ),
    "general": (normal(3, 3, seed=6), normal(3, 3, seed=7)),
}


@pytest.mark.parametrize("kind", SPREADS)
def test_frechet_distance_of_normals(kind):
    """Features of exactly the covariances A A' and B B'."""
    a, b = SPREADS[kind]
    white = normal(50, 3)
    white -= white.mean(axis=0)
    white = np.linalg.solve(np.linalg.cholesky(np.cov(white.T)), white.T).T
    gap = np.array([1.0, -2.0, 0.5])
    found = frechet_distance(white @ a.T, white[::-1] @ b.T + gap)
    s_a, s_b = a @ a.T, b @ b.T
    if kind == "general":
        assert np.abs(s_a @ s_b - s_b @ s_a).max() > 0.1
        root = sqrtm(s_a)
        expected = np.trace(s_a + s_b - 2 * sqrtm(root @ s_b @ root)).real
    else:  # the roots of the covariances are a and b themselves
        expected = ((a - b) ** 2).sum()
    assert found == pytest.approx(gap @ gap + expected, abs=1e-5)  # roots of what is near 0


def test_frechet_distance_of_singular_and_equal_features():
    x = normal(5, 20)
    assert frechet_distance(x, x) == pytest.approx(0, abs=1e-6)
    assert frechet_distance(x, x + 2) == pytest.approx(4 * 20, abs=1e-6)
    with pytest.raises(ValueError, match="1 and 5 rows"):
        frechet_distance(x[:1], x)


def test_context_fid_of_flat_rows_and_its_floor():
    x, s = normal(4, 3, 2), normal(9, 3, 2, seed=1)
    rows = [(one / x.std(axis=(0, 1))).reshape(len(one), -1) for one in (x, s)]
    score = context_fid(x, s, encoder="flat", random_state=SEED)
    assert float(score) == pytest.approx(frechet_distance(*rows))
    halves = [
        frechet_distance(rows[0][[0, k]], rows[0][[j for j in (1, 2, 3) if j != k]])
        for k in (1, 2, 3)
    ]
    scale = (1 / 4 + 1 / 9) / (1 / 2 + 1 / 2)  # the bias goes with one over the numbers
    assert np.isclose(np.array(halves) * scale, score.floor).any()
    assert context_fid(x[:3], s, encoder="flat").floor is None
    with pytest.raises(ValueError, match="at least two"):
        context_fid(x[:1], s, encoder="flat")


def test_context_fid_encodes_by_what_it_learned_from_real_series(monkeypatch):
    made = []

    class Small(ContrastiveEncoder):
        def fit(self, X, y=None):
            made.append((self, np.array(X)))
            return super().fit(X)

    small = partial(Small, 6, 4, n_steps=3)
    monkeypatch.setattr(encoder, "ContrastiveEncoder", small)
    x, s = normal(20, 5, 2), normal(31, 5, 2, seed=1)
    first, again, far = (context_fid(x, one, random_state=SEED) for one in (s, s, s + 5))
    assert float(first) == float(again) < float(far)
    assert all(np.array_equal(seen, x) for _, seen in made)
    assert np.array_equal(made[0][0].transform(x), made[2][0].transform(x))
    assert first.floor == far.floor
    fitted = made[0][0]
    assert float(context_fid(x, s, encoder=fitted)) == pytest.approx(float(first))
    with pytest.raises(ValueError, match="'contrastive', 'flat' or a fitted transformer"):
        context_fid(x, s, encoder="ts2vec")


# -- coverage and diversity -------------------------------------------------------------------


def test_coverage_and_density_of_equal_distributions():
    k, n = 3, 60
    samples = [(normal(n, 2, seed=2 * i), normal(n, 2, seed=2 * i + 1)) for i in range(60)]
    covered = [coverage(x, s, n_neighbors=k, encoder="flat") for x, s in samples]
    # The k nearest of 2n - 1 others are all real ones: drawn without replacement.
    missed = math.prod((n - 1 - j) / (2 * n - 1 - j) for j in range(k))
    assert missed == pytest.approx(2**-k, rel=0.1)
    assert_mean(covered, 1 - missed)
    assert_mean([density(x, s, n_neighbors=k, encoder="flat") for x, s in samples], 1.0)


def test_coverage_and_density_by_hand():
    x, s = np.array([[0.0], [1.0], [3.0], [10.0]]), np.array([[0.5], [0.6], [4.5], [30.0]])
    # Radii 1, 1, 2, 7: the intervals [-1, 1], [0, 2], [1, 5], [3, 17].
    assert coverage(x, s, n_neighbors=1, encoder="flat") == 1.0
    assert density(x, s, n_neighbors=1, encoder="flat") == (2 + 2 + 2 + 0) / 4
    assert coverage(x, s + 9, n_neighbors=1, encoder="flat") == 1 / 4
    with pytest.raises(ValueError, match="no 4 neighbours"):
        coverage(x, s, n_neighbors=4, encoder="flat")


def test_a_fitted_transformer_may_encode():
    first = FunctionTransformer(lambda X: X[:, 0]).fit(normal(2, 2, 2))
    x, s = normal(30, 4, 2), normal(30, 4, 2, seed=1)
    s[:, 0] = x[:, 0]
    assert coverage(x, s, encoder=first) == 1.0
    assert float(context_fid(x, s, encoder=first)) == pytest.approx(0, abs=1e-6)


def test_a_collapsed_generator_shows():
    x = normal(200, 12)
    collapsed = np.repeat(x[:1], 200, axis=0)
    assert coverage(x, collapsed, encoder="flat") < 0.1
    p = 0.25 * np.median([np.linalg.norm(a - b) for a, b in itertools.combinations(x, 2)])
    gaps = np.array([[((a - b) ** 2).sum() for b in x] for a in x])
    eigenvalues = np.linalg.eigvalsh(np.exp(-gaps / (2 * p**2)) / 200)
    effective = np.exp(scipy.stats.entropy(eigenvalues.clip(0)))
    assert effective_sample_ratio(x, collapsed) == pytest.approx(1 / effective, rel=1e-6)
    assert effective > 150


@pytest.mark.parametrize("sizes", [(12,), (4, 4, 4), (2, 3, 7)])
def test_effective_sample_ratio_counts_groups(sizes):
    x = 1e3 * np.eye(12)
    grouped = np.repeat(x[: len(sizes)], sizes, axis=0)
    effective = np.exp(scipy.stats.entropy(sizes))
    assert effective_sample_ratio(x, grouped) == pytest.approx(effective / 12, rel=0.01)


def test_effective_sample_ratio_of_groups():
    x = 1e3 * np.eye(12)
    assert effective_sample_ratio(x, x) == 1.0
    assert effective_sample_ratio(np.repeat(x[:3], 4, axis=0), x) == pytest.approx(4, rel=0.01)


# -- cell by cell -----------------------------------------------------------------------------


def test_mass_outside_the_real_range_counts():
    x = normal(100, 4)
    moved = x.copy()
    moved[:25] += 1e6
    assert marginal_difference(x, moved) == pytest.approx(0.25)
    moved[25:40] -= 1e6
    assert marginal_difference(x, moved) == pytest.approx(0.40)
    assert marginal_difference(x, x - 100) == marginal_difference(x, x + 100) == 1.0
    one_cell = x.copy()
    one_cell[:, 2] += 100
    assert marginal_difference(x, one_cell) == pytest.approx(1 / 4)


@pytest.mark.parametrize("n_levels", [2, 4, 10])
def test_values_off_the_grid_are_seen(n_levels):
    grid = np.repeat(np.arange(n_levels) * 0.1, 30).reshape(-1, 1)
    assert marginal_difference(grid, grid + 0.05) == pytest.approx(1.0)
    assert marginal_difference(grid, grid - 0.01) == pytest.approx(1.0)
    half = grid.copy()
    half[::2] += 0.05
    assert marginal_difference(grid, half) == pytest.approx(0.5)


@pytest.mark.parametrize("n_levels", [2, 10, 20])
def test_rounding_to_float32_keeps_a_grid(n_levels):
    grid = np.repeat(np.arange(n_levels) * 0.1, 30).reshape(-1, 1)
    assert marginal_difference(grid, grid.astype(np.float32)) == pytest.approx(0, abs=1e-9)


def test_shares_of_common_values_count():
    real, synthetic = np.repeat([0.0, 1.0], [60, 40]), np.repeat([0.0, 1.0], [10, 90])
    assert marginal_difference(real[:, None], synthetic[:, None]) == pytest.approx(0.5)


def test_marginals_of_constants():
    x = np.full((20, 3), 0.1)
    assert marginal_difference(x, x.astype(np.float32)) == 0.0
    assert marginal_difference(x, x + 0.01) == 1.0
    assert marginal_difference(np.zeros((20, 3)), np.zeros((7, 3))) == 0.0


def test_marginal_difference_of_uniform_distributions():
    real = (np.arange(2000) / 2000)[:, None]
    # All of the lower half: each of the upper bins lacks 1/20, each of the lower has as much more.
    assert marginal_difference(real, real / 2) == pytest.approx(0.5, abs=0.01)
    assert marginal_difference(real, real / 2, n_bins=2) == pytest.approx(0.5, abs=0.01)
    assert marginal_difference(real, real / 2, n_bins=1) == 0.0


# -- how series move --------------------------------------------------------------------------


def test_autocorrelation_by_plain_loops():
    x = normal(5, 6, 2) + 3
    centred = x - x.mean(axis=(0, 1))
    for lag, channel in itertools.product(range(6), range(2)):
        values = centred[:, :, channel]
        products = [v[t] * v[t + lag] for v in values for t in range(6 - lag)]
        expected = np.mean(products) / np.mean(values**2)
        assert autocorrelation(x, 5)[lag, channel] == pytest.approx(expected)


def test_autocorrelation_of_an_autoregression():
    ar, noise = make_ar(4000, 12, 2, coefficients=(0.7,), random_state=SEED), normal(4000, 12, 2)
    for lags in (1, 3):
        expected = np.mean(0.7 ** np.arange(1, lags + 1))
        # A lag has at least 9 x 4000 products, of which an autoregression has a sixth to tell.
        found = autocorrelation_difference(ar, noise, max_lag=lags)
        assert found == pytest.approx(expected, abs=4 * math.sqrt(6 / 36_000))
    with pytest.raises(ValueError, match="max_lag=12 must be below the 12 timesteps"):
        autocorrelation_difference(ar, noise, max_lag=12)


def correlated(rho, n=500):
    """Three channels whose sample correlations are exactly those of ``rho``."""
    white = normal(n, 3)
    white -= white.mean(axis=0)
    white = np.linalg.solve(np.linalg.cholesky(np.cov(white.T)), white.T).T
    return (white @ np.linalg.cholesky(rho).T * [1, 10, 0.1] + [0, 5, 1]).reshape(-1, 5, 3)


def test_correlations_of_channels():
    rho = np.array([[1, 0.6, -0.3], [0.6, 1, 0.2], [-0.3, 0.2, 1]])
    real, synthetic = correlated(rho), correlated(np.eye(3), n=400)
    assert cross_correlation_difference(real, synthetic) == pytest.approx((0.6 + 0.3 + 0.2) / 3)
    assert correlational_score(real, synthetic) == pytest.approx((0.6 + 0.3 + 0.2) / 10)
    assert cross_correlation_difference(real[:, :, :1], real[:, :, :1]) == 0
    constant = synthetic.copy()
    constant[:, :, 0] = 0.1
    assert cross_correlation_difference(real, constant) == pytest.approx((0.6 + 0.3 + 0.2) / 3)


def test_spectral_distance_of_scale_and_level():
    x = normal(30, 9, 2)
    for k in (0.5, 3.0):
        assert spectral_distance(x, k * x + 7) == pytest.approx(20 * abs(math.log10(k)))
    one = x * [1, 10]
    assert spectral_distance(x, one) == pytest.approx(20 / 2)
    flat = np.zeros_like(x)
    assert spectral_distance(flat, flat + 1) == 0
    assert spectral_distance(x, flat) <= 60 + 1e-9 >= spectral_distance(flat, x) > 30


def test_spectrum_of_an_autoregression():
    phi, n_timesteps = 0.8, 16
    ar = make_ar(20_000, n_timesteps, coefficients=(phi,), random_state=SEED)
    covariance = phi ** np.abs(np.subtract.outer(np.arange(n_timesteps), np.arange(n_timesteps)))
    waves = np.exp(2j * np.pi * np.outer(np.arange(1, 9), np.arange(n_timesteps)) / n_timesteps)
    power = np.einsum("ft,ts,fs->f", waves, covariance, waves.conj()).real / n_timesteps
    expected = np.sqrt(((10 * np.log10(power)) ** 2).mean())
    unit = 1 / math.sqrt(1 - phi**2)
    noise = unit * normal(20_000, n_timesteps)
    assert spectral_distance(ar[:, :, 0], noise) == pytest.approx(expected, abs=0.1)


MOMENTS = {"normal": (0.0, 3.0), "uniform": (0.0, 1.8), "exponential": (2.0, 9.0)}


@pytest.mark.parametrize(("a", "b"), list(itertools.combinations(MOMENTS, 2)))
def test_skewness_and_kurtosis_of_known_laws(a, b):
    x, s = (5 * getattr(np.random.default_rng(SEED), law)(size=(5000, 20)) + 3 for law in (a, b))
    assert skewness_difference(x, s) == pytest.approx(abs(MOMENTS[a][0] - MOMENTS[b][0]), abs=0.1)
    assert kurtosis_difference(x, s) == pytest.approx(abs(MOMENTS[a][1] - MOMENTS[b][1]), abs=1.0)


def test_skewness_and_kurtosis_are_scipys():
    x, s = np.random.default_rng(SEED).gamma(2.0, size=(2, 9, 4, 2))
    stats = scipy.stats
    for ours, theirs in ((skewness_difference, stats.skew), (kurtosis_difference, stats.kurtosis)):
        a, b = (theirs(one.reshape(-1, 2)) for one in (x, s))
        assert ours(x, s) == pytest.approx(np.abs(a - b).mean())
    flat = np.full_like(x, 0.1)
    assert kurtosis_difference(x, flat) == pytest.approx(
        np.abs(stats.kurtosis(x.reshape(-1, 2), fisher=False) - 3).mean()
    )
    assert skewness_difference(flat, flat + 1) == 0
