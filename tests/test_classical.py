"""The classical generators against densities and rules known by hand."""

import itertools
import sys

import numpy as np
import pytest
from scipy.special import logsumexp
from scipy.stats import multivariate_normal, norm
from sklearn.decomposition import PCA

from sklearn_timegen import BlockBootstrap, NeighbourInterpolation, PCAMixture
from sklearn_timegen.datasets import make_labelled_sines
from sklearn_timegen.representation import SeriesScaler

from .global_seed import GLOBAL_RANDOM_SEED as SEED

PER_CHANNEL = SeriesScaler("standard", per="channel")
GIVEN = {"representation": PER_CHANNEL, "random_state": SEED}


def mixture(k, size, **params):
    params = {"random_state": SEED, **params}
    return PCAMixture(n_components=k, n_mixture_components=size, **params)


def gaussian(n, n_cells):
    """Rows of a normal with correlated cells."""
    rng = np.random.default_rng(SEED)
    return rng.normal(size=(n, n_cells)) @ rng.normal(size=(n_cells, n_cells)) + 10


def assert_moments(drawn, mean, covariance):
    unit = np.sqrt(np.diag(covariance) / len(drawn))
    assert (np.abs(drawn.mean(axis=0) - mean) < 4 * unit).all()
    gap = np.cov(drawn.T.astype(np.float64)) - covariance
    assert (np.abs(gap) < 4 * np.sqrt(2 * len(drawn)) * np.outer(unit, unit)).all()


def clusters(n, seed=0):
    """Two clusters of two channels of very different units, and which series is in which."""
    rng = np.random.default_rng(SEED + seed)
    which = np.arange(n) % 2
    x = rng.normal(size=(n, 4, 2)).cumsum(axis=1) + 12 * which[:, None, None]
    return (x * [1, 100] + [0, 7]).astype(np.float32), which


# -- PCAMixture -------------------------------------------------------------------------------


def scores_of(generator, x):
    """Coordinates of the represented series along all principal directions."""
    scaler, pca = generator.representation_, generator.pca_
    rows = ((x - scaler.shift_) / scaler.scale_).reshape(len(x), -1)
    return (rows - pca.mean_) @ pca.components_.T


def density_by_hand(generator, x, trained, key=0):
    """log p of a mixture over K principal scores times normals of the others, by scipy.

    The latter have the moments of the series that were trained on, by their shares in the normals.
    """
    scale = np.broadcast_to(generator.representation_.scale_, x.shape[1:]).ravel()
    mixture, k = generator.mixtures_[key], generator.n_components_
    scores, seen = scores_of(generator, x), scores_of(generator, trained)
    share = mixture.predict_proba(seen[:, :k])
    terms = []
    for j, weight in enumerate(mixture.weights_):
        lead = multivariate_normal(mixture.means_[j], mixture.covariances_[j])
        mean = np.average(seen[:, k:], axis=0, weights=share[:, j])
        variance = np.average((seen[:, k:] - mean) ** 2, axis=0, weights=share[:, j])
        rest = norm(mean, np.sqrt(variance + generator.reg_covar))
        terms.append(
            np.log(weight) + lead.logpdf(scores[:, :k]) + rest.logpdf(scores[:, k:]).sum(axis=1)
        )
    return logsumexp(terms, axis=0) - np.log(scale).sum()


@pytest.mark.parametrize(("n_components", "n_mixture_components"), [(3, 2), (1, 3), (8, 1)])
def test_density_is_scipys(n_components, n_mixture_components):
    x, _ = clusters(120)
    generator = mixture(n_components, n_mixture_components, **GIVEN).fit(x[:100])
    assert generator.n_components_ == n_components
    assert len(generator.mixtures_[0].weights_) == n_mixture_components
    assert np.allclose(
        generator.score_samples(x), density_by_hand(generator, x, x[:100]), atol=1e-3
    )


def test_residual_has_the_moments_of_its_mixture_component():
    x, which = clusters(200)
    generator = mixture(1, 2, **GIVEN).fit(x)
    drawn = generator.sample(20_000, random_state=SEED + 1)
    first = drawn[:, :, 0].mean(axis=1) < 6  # the clusters are told by their levels
    for rows, cluster in ((first, 0), (~first, 1)):
        own, rest = (scores_of(generator, a)[:, 1:] for a in (x[which == cluster], drawn[rows]))
        assert_moments(rest, own.mean(axis=0), np.diag(own.var(axis=0)))


@pytest.mark.parametrize("n_components", [1, 2])
def test_density_integrates_to_one(n_components):
    x = np.random.default_rng(SEED).normal(size=(80, 2)) @ [[3, 1], [0, 0.5]] + [5, -2]
    generator = mixture(n_components, 2).fit(x)
    a, b = np.linspace(-13, 23, 300), np.linspace(-12, 8, 300)
    grid = np.array(list(itertools.product(a, b)))
    mass = np.exp(generator.score_samples(grid)).sum() * (a[1] - a[0]) * (b[1] - b[0])
    assert mass == pytest.approx(1, abs=1e-3)


def test_density_given_labels_is_that_of_the_class():
    x, which = clusters(120)
    generator = mixture(2, 2, conditional=True, **GIVEN).fit(x, which)
    assert list(generator.mixtures_) == [0, 1]
    mixed = np.where(np.arange(120) % 3 == 0, 1 - which, which)
    by_class = [density_by_hand(generator, x, x[which == key], key) for key in (0, 1)]
    expected = np.where(mixed == 0, *by_class)
    assert np.allclose(generator.score_samples(x, mixed), expected, rtol=1e-4, atol=1e-2)
    level = generator.sample(60, [0, 1] * 30, random_state=SEED)[:, :, 0].mean(axis=1)
    assert level[0::2].max() < 6 < level[1::2].min()


def test_vectors_condition_a_normal_exactly():
    """x given c is N(m + B c, S), which a mixture of one normal over (c, x) has to find."""
    rng = np.random.default_rng(SEED)
    n, slope = 1500, rng.normal(size=(2, 4))
    root = np.linalg.qr(rng.normal(size=(4, 4)))[0] * [0.5, 1, 2, 3]  # far from singular
    c = rng.normal(size=(n, 2)) * [1, 5] + [0, 3]
    x = c @ slope + rng.normal(size=(n, 4)) @ root.T + 7
    generator = mixture(4, 1, conditional=True).fit(x, c)
    # Least squares of x on (1, c) is the conditional normal of the sample.
    design = np.column_stack([np.ones(n), c])
    fitted = np.linalg.lstsq(design, x, rcond=None)[0]
    spread = np.cov((x - design @ fitted).T, bias=True)
    expected = multivariate_normal(np.zeros(4), spread).logpdf(x - design @ fitted)
    assert np.allclose(generator.score_samples(x, c), expected, atol=1e-2)
    asked = np.array([2.0, -4.0])
    drawn = generator.sample(4000, asked, random_state=SEED)
    assert_moments(drawn, [1, *asked] @ fitted, spread)


def test_vectors_condition_a_mixture_exactly():
    """log p(x | c) = log p(c, x) - log p(c), for two normals of unequal spreads."""
    rng = np.random.default_rng(SEED)
    c = np.repeat([[-2.0], [2.0]], 150, axis=0)
    c += np.repeat([[0.3], [2.0]], 150, axis=0) * rng.normal(size=(300, 1))
    x = 4 * c + rng.normal(size=(300, 3)) * (1 + c**2)
    generator = mixture(3, 2, conditional=True, **GIVEN).fit(x, c)
    z = generator.pca_.transform(generator.representation_.transform(x[:, :, None])[:, :, 0])
    given = (c - c.mean()) / c.std()
    made, joint, alone = generator.mixtures_[0], [], []
    for weight, mean, spread in zip(made.weights_, made.means_, made.covariances_, strict=True):
        whole = multivariate_normal(mean, spread).logpdf(np.column_stack([given, z]))
        joint.append(np.log(weight) + whole)
        alone.append(np.log(weight) + norm(mean[0], np.sqrt(spread[0, 0])).logpdf(given[:, 0]))
    expected = logsumexp(joint, axis=0) - logsumexp(alone, axis=0) - 3 * np.log(x.std())
    assert np.allclose(generator.score_samples(x, c), expected, atol=1e-2)


def test_latents_lead_back_and_between():
    X = np.random.default_rng(SEED).normal(size=(40, 6)).cumsum(axis=1)
    fitted = PCAMixture(n_components=6).fit(X)
    assert np.allclose(fitted.reconstruct(X), X, atol=1e-4)
    ways = fitted.interpolate(X[:2], X[2:4], n=3)
    assert np.allclose(ways[:, 1], (X[:2] + X[2:4]) / 2, atol=1e-4)


def test_latents_are_principal_scores():
    x, _ = clusters(60)
    generator = PCAMixture(n_components=3, representation=PER_CHANNEL, random_state=SEED).fit(x)
    scaler = generator.representation_
    rows = ((x - scaler.shift_) / scaler.scale_).reshape(60, -1)
    pca = PCA(3, svd_solver="full").fit(rows)
    back = pca.inverse_transform(pca.transform(rows)).reshape(x.shape)
    expected = back * scaler.scale_ + scaler.shift_
    z = generator.transform(x)
    assert np.allclose(np.abs(z), np.abs(pca.transform(rows)), atol=1e-4)
    assert np.allclose(generator.inverse_transform(z) / [1, 100], expected / [1, 100], atol=1e-3)
    assert list(generator.get_feature_names_out()) == [f"pcamixture{k}" for k in range(3)]


@pytest.mark.parametrize("n_components", [2, 6])
def test_samples_of_normal_data_have_its_mean_and_covariance(n_components):
    x = gaussian(3000, 6)
    generator = mixture(n_components, 1).fit(x)
    # Principal scores are uncorrelated, so that independent residuals keep the covariance.
    assert_moments(generator.sample(8000, random_state=SEED + 1), x.mean(axis=0), np.cov(x.T))


def test_without_residual_samples_are_too_smooth():
    x, _ = clusters(300)

    def roughness(series):
        return (np.diff(series[:, :, :1], n=2, axis=1) ** 2).mean()

    drawn = {
        residual: PCAMixture(n_components=2, residual=residual, random_state=SEED)
        .fit(x)
        .sample(500)
        for residual in ("gaussian", "bootstrap", None)
    }
    assert roughness(drawn[None]) < 0.3 * roughness(x)
    for residual in ("gaussian", "bootstrap"):
        assert roughness(drawn[residual]) == pytest.approx(roughness(x), rel=0.2)


def test_bootstrapped_residuals_are_those_of_training_series():
    x, _ = clusters(40)
    generator = mixture(2, 1, residual="bootstrap", **GIVEN).fit(x)
    drawn, real = (scores_of(generator, one)[:, 2:] for one in (generator.sample(30), x))
    assert (np.abs(drawn[:, None] - real).max(axis=2).min(axis=1) < 1e-4).all()


@pytest.mark.parametrize(("centres", "size"), [(1, 1), (2, 2), (4, 4)])
def test_bic_finds_the_number_of_clusters(centres, size):
    rng = np.random.default_rng(SEED)
    corners = 30 * np.array([[0, 0], [1, 0], [0, 1], [1, 1]])
    x = rng.normal(size=(400, 2)) + corners[np.arange(400) % centres]
    generator = mixture(2, "bic", rules=None).fit(x)
    assert len(generator.mixtures_[0].weights_) == size


def test_number_of_components():
    x = gaussian(50, 6)
    shares = np.cumsum(PCA().fit((x - x.mean(axis=0)) / x.std(axis=0)).explained_variance_ratio_)
    for share in (0.3, 0.8, 0.99):
        found = PCAMixture(n_components=share).fit(x).n_components_
        assert shares[found - 1] >= share - 1e-6
        assert found == 1 or shares[found - 2] < share
    assert PCAMixture(n_components=4).fit(x).n_components_ == 4
    assert PCAMixture(n_components=100).fit(x).n_components_ == 6
    assert PCAMixture(n_components=100).fit(x[:3]).n_components_ <= 3
    assert PCAMixture(n_mixture_components=100).fit(x[:9]).mixtures_[0].n_components == 4
    for wrong in (0, 1.0, -0.5, "mle"):
        with pytest.raises(ValueError, match="n_components"):
            PCAMixture(n_components=wrong).fit(x)


@pytest.mark.parametrize("residual", ["bootstrap", None])
def test_no_density_without_a_normal_residual(residual):
    generator = PCAMixture(residual=residual).fit(gaussian(20, 4))
    assert not hasattr(generator, "score_samples")
    with pytest.raises(AttributeError) as caught:
        generator.score_samples(gaussian(20, 4))
    assert "has no density" in str(caught.value.__cause__ or caught.value)


# -- BlockBootstrap ---------------------------------------------------------------------------

# Every value says which series, timestep and channel it comes from.
CODED = (
    1000.0 * np.arange(1, 7)[:, None, None] + 10 * np.arange(20)[:, None] + np.arange(2)
).astype(np.float32)


def decoded(drawn):
    """Series, timestep and channel that each value was taken from."""
    values = np.round(drawn).astype(int)
    assert np.allclose(values, drawn, atol=0.05)
    return values // 1000, values % 1000 // 10, values % 10


@pytest.mark.parametrize("method", ["moving", "stationary"])
def test_a_sample_is_made_of_one_series(method):
    generator = BlockBootstrap(block_length=4, method=method, **GIVEN).fit(CODED)
    series, times, channels = decoded(generator.sample(200))
    assert (series == series[:, :1, :1]).all()
    assert (times[:, :, 0] == times[:, :, 1]).all()
    assert (channels == [0, 1]).all()


def test_moving_blocks_are_contiguous():
    generator = BlockBootstrap(block_length=6, representation=PER_CHANNEL).fit(CODED)
    _, times, _ = decoded(generator.sample(300, random_state=SEED))
    steps = np.diff(times[:, :, 0], axis=1)
    within = np.arange(1, 20) % 6 != 0
    assert (steps[:, within] == 1).all()
    assert (steps[:, ~within] != 1).mean() > 0.8
    starts = times[:, [0, 6, 12], 0]
    assert set(starts.ravel()) == set(range(15))
    shares = np.bincount(starts.ravel()) / starts.size
    assert np.abs(shares - 1 / 15).max() < 4 * np.sqrt(1 / 15 / 900)


@pytest.mark.parametrize("block_length", [20, 99])
def test_one_moving_block_is_the_series_itself(block_length):
    generator = BlockBootstrap(block_length=block_length, representation=PER_CHANNEL).fit(CODED)
    assert generator.block_length_ == 20
    assert BlockBootstrap().fit(np.eye(3, 1000)).block_length_ == 10  # the cube root
    drawn = generator.sample(30, random_state=SEED)
    assert np.allclose(drawn, CODED[decoded(drawn)[0][:, 0, 0] - 1], atol=1e-2)


@pytest.mark.filterwarnings("ignore::sklearn_timegen.SingleSeriesWarning")
def test_stationary_blocks_go_on_around_the_end_and_have_the_mean_length():
    n, length, mean_length = 300, 400, 8
    series = np.arange(length)[None]  # which tell of each value when it was
    generator = BlockBootstrap(
        method="stationary", block_length=mean_length, representation=PER_CHANNEL, random_state=0
    ).fit(series)
    drawn = generator.sample(n)
    times = np.rint(drawn).astype(int)
    assert np.abs(drawn - times).max() < 1e-3
    goes_on = np.diff(times, axis=1) % length == 1
    n_seams = (~goes_on).sum()
    # A new block may by chance begin where the old one would have gone on.
    p = (1 / mean_length) * (1 - 1 / length)
    n_steps = n * (length - 1)
    assert n_seams / n_steps == pytest.approx(p, abs=4 * np.sqrt(p / n_steps))
    assert (goes_on & (times[:, 1:] == 0)).any()
    assert np.bincount(times.ravel(), minlength=length).min() > 0


def test_labels_choose_the_series():
    y = np.array(["a", "b", "a", "b", "b", "a"])
    generator = BlockBootstrap(conditional=True, representation=PER_CHANNEL).fit(CODED, y)
    asked = np.array(["a", "b"] * 50)
    series, _, _ = decoded(generator.sample(100, asked, random_state=SEED))
    assert (y[series[:, 0, 0] - 1] == asked).all()
    assert set(series.ravel()) == {1, 2, 3, 4, 5, 6}


def test_nearest_vectors_choose_the_series():
    c = np.arange(6.0)[:, None] * 10
    x = np.repeat(CODED, 3, axis=0)
    generator = BlockBootstrap(conditional=True, **GIVEN).fit(x, np.repeat(c, 3, axis=0))
    series, _, _ = decoded(generator.sample(80, [[50.0]] * 80))
    assert set(series.ravel()) == {5, 6}  # the five nearest, and those as near as the last


def seasonal(n=6):
    rng = np.random.default_rng(SEED)
    t = np.arange(48)
    season = 10 * np.sin(2 * np.pi * t / 12)
    noise = 5 * rng.normal(size=(n, 1)) + 0.3 * rng.normal(size=(n, 48))
    return (season + 0.5 * t + noise).astype(np.float32), season


def test_stl_moves_the_remainder_only():
    from statsmodels.tsa.seasonal import STL

    x, _ = seasonal()
    drawn = BlockBootstrap(decomposition="stl", period=12, **GIVEN).fit(x).sample(40)
    fits = [STL(one.astype(np.float64), period=12, robust=True).fit() for one in x]
    kept = np.array([fit.trend + fit.seasonal for fit in fits])
    which = np.abs(drawn[:, None] - kept).mean(axis=2).argmin(axis=1)
    assert set(which) == set(range(len(x)))
    for moved, rest in zip(drawn - kept[which], (x - kept)[which], strict=True):
        assert np.abs(moved[:, None] - rest).min(axis=1).max() < 1e-3


def test_stl_of_constant_and_perfectly_seasonal_series():
    x, season = seasonal(3)
    x[0], x[1] = 3.0, season
    drawn = BlockBootstrap(decomposition="stl", period=12, **GIVEN).fit(x).sample(30)
    assert np.isfinite(drawn).all()
    assert (np.abs(drawn - 3.0).max(axis=1) < 1e-3).any()


@pytest.mark.parametrize("period", [None, 25])
def test_stl_needs_two_periods(period):
    with pytest.raises(ValueError, match=f"two fit into the 48 timesteps, got period={period}"):
        BlockBootstrap(decomposition="stl", period=period).fit(seasonal()[0])


def test_stl_says_what_is_missing(monkeypatch):
    monkeypatch.setitem(sys.modules, "statsmodels.tsa.seasonal", None)
    with pytest.raises(ImportError, match="needs statsmodels: pip install"):
        BlockBootstrap(decomposition="stl", period=12).fit(seasonal()[0])


@pytest.mark.parametrize("name", ["cosine", "cosine-quantile"])
def test_representation_without_a_time_axis_is_refused(name):
    with pytest.raises(ValueError, match=f"representation='{name}' has no time axis"):
        BlockBootstrap(representation=name).fit(CODED)


# -- NeighbourInterpolation -------------------------------------------------------------------


def segment(sample, rows):
    """The pairs (i, j) on whose segment a sample lies."""
    found = []
    for i, j in itertools.permutations(range(len(rows)), 2):
        along = rows[j] - rows[i]
        u = (sample - rows[i]) @ along / max(along @ along, 1e-12)
        if -1e-4 <= u <= 1 + 1e-4 and np.abs(rows[i] + u * along - sample).max() < 1e-4:
            found.append((i, j))
    return found


@pytest.mark.parametrize("n_neighbors", [1, 3, 50])
def test_samples_lie_between_near_neighbours_of_a_class(n_neighbors):
    x, y = make_labelled_sines(14, 6, random_state=SEED)
    generator = NeighbourInterpolation(n_neighbors=n_neighbors, conditional=True, **GIVEN)
    generator.fit(x, y)
    rows = generator.representation_.transform(x).reshape(14, -1).astype(np.float64)
    distances = np.linalg.norm(rows[:, None] - rows, axis=2)
    distances[y[:, None] != y] = np.inf
    np.fill_diagonal(distances, np.inf)
    rank = distances.argsort(axis=1).argsort(axis=1)
    asked = y[np.arange(60) % 14]
    samples = generator.representation_.transform(generator.sample(60, asked)).reshape(60, -1)
    for sample, label in zip(samples, asked, strict=True):
        pairs = segment(sample, rows)
        assert any(y[i] == y[j] == label and rank[i, j] < n_neighbors for i, j in pairs)


def test_interpolation_is_uniform_along_the_segment():
    x = np.array([[0.0, 10.0], [4.0, 18.0]])
    drawn = NeighbourInterpolation().fit(x).sample(2000, random_state=SEED)
    u = drawn[:, 0] / 4
    assert np.allclose(drawn[:, 1], 10 + 8 * u, atol=1e-4)
    assert np.abs(np.sort(u) - np.arange(2000) / 2000).max() < 2 / np.sqrt(2000)


@pytest.mark.filterwarnings("ignore::sklearn_timegen.SingleSeriesWarning")
def test_one_series_and_duplicates_come_back():
    one = np.random.default_rng(SEED).normal(size=(1, 5))
    drawn = NeighbourInterpolation().fit(one).sample(4)
    assert np.allclose(drawn, one, atol=1e-5)
    x = np.concatenate([one, one, one, one + 1])
    drawn = NeighbourInterpolation(n_neighbors=2).fit(x).sample(50, random_state=SEED)
    along = (drawn - one).mean(axis=1)
    assert np.allclose(drawn, one + along[:, None], atol=1e-4)
    assert (np.abs(along) < 1e-4).mean() > 0.5
    alone = NeighbourInterpolation(conditional=True).fit(CODED, [0, 0, 0, 0, 0, 1])
    assert np.allclose(alone.sample(9, 1, random_state=SEED), CODED[5], atol=1e-2)
