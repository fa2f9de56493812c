"""Series far from all that a generator has seen, and values that float32 cannot hold."""

import re

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.linear_model import Ridge

from sklearn_timegen import (
    RELBOVAE,
    VAE,
    AugmentedRegressor,
    BlockBootstrap,
    CategoricalForcing,
    Diffusion,
    FlowMatching,
    PCAMixture,
    ProfessorForcing,
    SeriesGenerator,
    TeacherForcing,
    TimeVAE,
)
from sklearn_timegen.datasets import make_sines
from sklearn_timegen.metrics import METRICS, ContrastiveEncoder, mmd

from .generators import BINNED, DENSE, KINDS, READING, SHORT, name

SERIES = make_sines(40, 8, 2, version="timevae", random_state=0).astype(np.float64)
QUICK = {**DENSE, "max_epochs": 2, "random_state": 0}
VIEWS = ("standard", "minmax", "cosine-quantile", "pca")
ALIKE = ("minmax", "pca")  # linear, as "standard" is

DIFFUSION = Diffusion(**SHORT, network="temporal-transformer", representation="standard")
FORCED = [
    TeacherForcing(**READING),
    TeacherForcing(**READING, cell="gru", n_layers=2, coupled=False, representation="minmax"),
    ProfessorForcing(**READING, discriminator_hidden_dim=8),
    CategoricalForcing(**BINNED),
]
DENSITIES = [
    *[VAE(**QUICK, representation=view) for view in VIEWS],
    VAE(**QUICK, decoder_noise="per-cell", prior="mixture"),
    VAE(**QUICK, decoder_noise="learned", prior="flow"),
    VAE(**QUICK, alpha=0.5),
    VAE(hidden_dims=(4, 6), latent_dim=3, max_epochs=2),
    TimeVAE(hidden_dims=(4, 6), latent_dim=3, max_epochs=2, trend_degree=2),
    RELBOVAE(**QUICK),
    *[PCAMixture(representation=view) for view in VIEWS],
    FlowMatching(**SHORT, representation="standard"),
    FlowMatching(**SHORT, representation="cosine-quantile"),
    DIFFUSION,
    *FORCED,
]


def far_from(X, distance):
    """Series that lie far away, wholly, in one cell, and for some timesteps."""
    X = np.array(X[:3], dtype=np.float32)
    X[0] += np.float32(distance)
    X[1, 3, 1] = -np.float32(distance)
    X[2, 2:5, 0] = np.float32(distance)
    return X


def densities():
    for generator in DENSITIES:
        linear = isinstance(generator, VAE | PCAMixture) and generator.representation in ALIKE
        marks = [pytest.mark.exhaustive] if linear else []
        yield pytest.param(generator, id=name(generator), marks=marks)


@pytest.mark.parametrize("generator", list(densities()))
def test_the_farthest_series_are_the_least_likely(generator):
    fitted = clone(generator).set_params(random_state=0).fit(SERIES)
    near = fitted.score_samples(SERIES)
    assert np.isfinite(near).all()
    for distance in (1e4, 1e12, 3e38):
        far = fitted.score_samples(far_from(SERIES, distance))
        assert np.isfinite(far).all(), distance
        assert far.max() < near.min(), distance


def test_the_farther_the_less_likely():
    fitted = VAE(**QUICK).fit(SERIES)
    distances = [0.0, 10.0, 1e2, 1e3, 1e4, 1e6, 1e9]
    scores = [fitted.score_samples(SERIES[:5] + distance).mean() for distance in distances]
    assert (np.diff(scores) < 0).all()


def test_what_training_could_hardly_tell_apart_is_still_finite():
    # Beside a spread of 1e-3, 3e38 is more than float32 has room for.
    X = 1e-3 * SERIES
    for generator in (VAE(**QUICK), PCAMixture(), FORCED[0], DIFFUSION):
        fitted = clone(generator).set_params(random_state=0).fit(X)
        far = fitted.score_samples(far_from(X, 3e38))
        assert np.isfinite(far).all()
        assert far.max() < fitted.score_samples(X).min()


def outcome(call, X):
    """Return the arrays that a call makes, and what it says where it makes none."""
    try:
        made = call(X)
    except FloatingPointError as error:
        return [], str(error)
    return (list(made.values()) if isinstance(made, dict) else [made]), ""


CALLS = ("score", "transform", "reconstruct", "denoise", "decompose")


@pytest.mark.parametrize("generator", KINDS, ids=name)
@pytest.mark.parametrize("scale", [1.0, pytest.param(1e-3, marks=pytest.mark.exhaustive)])
def test_far_series_give_finite_numbers_or_an_error_that_says_so(generator, scale):
    fitted = clone(generator).set_params(random_state=0).fit(scale * SERIES)
    for distance in (1e4, 1e15, 3e38):
        X = far_from(scale * SERIES, distance)
        for call in CALLS:
            if not hasattr(fitted, call):
                continue
            made, said = outcome(getattr(fitted, call), X)
            assert made or "far outside of what it was fitted to" in said
            assert all(np.isfinite(part).all() for part in made), (call, distance)


@pytest.mark.parametrize("metric", ["context_fid", "coverage", "density", "mmd", "tstr_score"])
@pytest.mark.parametrize("distance", [1e4, 1e10, 1e20, 1e37])
def test_metrics_of_far_samples_are_finite(metric, distance):
    encoder = ContrastiveEncoder(8, 8, n_steps=2, random_state=0).fit(SERIES)
    context = {"encoder": encoder, "random_state": 0}
    assert np.isfinite(METRICS[metric](SERIES, SERIES + distance, **context))


# -- what float32 cannot hold --------------------------------------------------------------------


@pytest.mark.parametrize("factor", [1e-300, 1e-60, 1e-45, 1e-40])
def test_values_that_float32_loses_are_refused(factor):
    X = factor * SERIES
    words = rf"channel 0 of X varies by .*e-{abs(int(np.log10(factor))) // 10}.*multiply it by 1e"
    for data in (X, pd.DataFrame(X[:, :, 0]), X.tolist()):
        with pytest.raises(ValueError, match=words):
            PCAMixture().fit(data)
    if factor > 1e-45:  # in float32, too
        with pytest.raises(ValueError, match=words):
            PCAMixture().fit(X.astype(np.float32))
    with pytest.raises(ValueError, match="channel 0 of X_real varies by"):
        mmd(X, X)
    regressor = AugmentedRegressor(Ridge(), PCAMixture())
    with pytest.raises(ValueError, match="channel 0 of y varies by"):
        regressor.fit(SERIES, X[:, 0, 0])


@pytest.mark.parametrize("factor", [1e33, 1e37, 1e300])
def test_values_that_leave_samples_no_room_are_refused(factor):
    words = r"channel 0 of X holds values of .*divide it by 1e"
    with pytest.raises(ValueError, match=words):
        PCAMixture().fit(10 * factor * SERIES)
    if factor < 1e38:
        with pytest.raises(ValueError, match=words):
            PCAMixture().fit((10 * factor * SERIES).astype(np.float32))


def test_the_factor_that_is_advised_helps():
    for factor in (1e-300, 1e-41, 1e36, 1e250):
        X = factor * SERIES
        with pytest.raises(ValueError, match="first") as caught:
            BlockBootstrap().fit(X)
        by, power = re.search(r"(multiply|divide) it by (1e\d+) first", str(caught.value)).groups()
        scaled = X * float(power) if by == "multiply" else X / float(power)
        drawn = BlockBootstrap(random_state=0).fit(scaled).sample(20)
        assert np.isclose(drawn.std(), scaled.std(), rtol=0.2)


@pytest.mark.parametrize("generator", KINDS, ids=name)
def test_small_and_large_units_are_held(generator):
    plain = clone(generator).set_params(random_state=0).fit(SERIES).sample(20)
    for factor in (2.0**-110, 2.0**100):
        drawn = clone(generator).set_params(random_state=0).fit(factor * SERIES).sample(20)
        assert np.abs(drawn / factor - plain).max() < 0.05 * SERIES.std()


@pytest.mark.parametrize("dtype", ["int32", "uint32", "int64", "uint64"])
def test_whole_numbers_that_float32_rounds_are_refused(dtype):
    steps = np.random.default_rng(0).integers(0, 3, (30, 8))
    with pytest.raises(ValueError, match=r"varies by .* around values of about .*e\+09"):
        PCAMixture().fit((steps + 2_000_000_000).astype(dtype))
    assert np.isfinite(PCAMixture().fit((steps * 100_000_000).astype(dtype)).sample(3)).all()


def test_counters_that_float64_rounds_are_refused():
    steps = np.random.default_rng(0).integers(0, 3, (30, 8)) + 2**62
    with pytest.raises(ValueError, match="subtract an offset first"):
        PCAMixture().fit(steps)


def test_constants_may_be_of_any_size():
    X = np.stack([SERIES[:, :, 0], np.full((40, 8), 1e-42), np.full((40, 8), 1e35)], axis=2)
    drawn = PCAMixture(random_state=0).fit(X).sample(4)
    assert (drawn[:, :, 1:] == X.astype(np.float32)[:4, :, 1:]).all()


def test_a_representation_that_fails_on_new_series_is_named():
    class Root:
        def fit(self, x):
            return self

        def transform(self, x):
            with np.errstate(invalid="ignore"):
                return np.sqrt(x)

        def inverse_transform(self, v):
            return v**2

        def log_abs_det_jacobian(self, x):
            return np.zeros(len(x))

    fitted = PCAMixture(representation=Root()).fit(np.abs(SERIES))
    X = np.abs(SERIES)
    X[2, 1, 0] = -1
    with pytest.raises(ValueError, match=r"Root.* turned 1 of 40 series, the first at sample 2"):
        fitted.score_samples(X)


def at_levels(movement, level=1e6, seed=0):
    """Series that move little around levels that are far apart."""
    rng = np.random.default_rng(seed)
    steps = rng.normal(size=(40, 48)).cumsum(axis=1)
    return level + 0.1 * level * rng.normal(size=(40, 1)) + movement * steps


@pytest.mark.parametrize("rules", ["auto", None])
def test_movement_that_float32_loses_beside_its_level_is_refused(rules):
    said = "channel 0 of X moves by .* within series, around values of about .*: most of that"
    with pytest.raises(ValueError, match=said):
        PCAMixture(rules=rules).fit(at_levels(1e-4))
    # What came in float32 had lost it before, and what float32 holds is no error.
    PCAMixture(rules=rules).fit(at_levels(1e-4).astype(np.float32))
    PCAMixture(rules=rules).fit(at_levels(10.0))
    PCAMixture(rules=rules).fit(np.where(np.arange(48) < 24, 1e8, 1e-3) * np.ones((9, 1)))


def test_series_keep_movement_that_float32_loses():
    x = at_levels(1e-4)
    fitted = SeriesGenerator(PCAMixture(), 12, random_state=0).fit(list(x))
    assert [rule.kind for rule in fitted.rules_] == ["level"]
    for rules in ("auto", None):  # levels belong to series, whether they are a rule or not
        fitted = fitted.set_params(rules=rules).fit(list(x))
        stood_in_for = np.asarray(fitted.sample(40, like=list(range(40))))
        assert np.allclose(stood_in_for.mean(axis=1), x.mean(axis=1), rtol=1e-6)
        for drawn in (stood_in_for, np.asarray(fitted.sample(40))):
            assert np.diff(drawn, axis=1).std() == pytest.approx(np.diff(x, axis=1).std(), rel=0.2)


def test_what_float32_loses_is_no_constant_copy_or_grid():
    x = at_levels(1e-4, seed=1)[0] + 1e-4 * np.random.default_rng(2).normal(size=(2, 48))
    level = float(x[0].min())
    fitted = SeriesGenerator(PCAMixture(), 12, transform="difference", random_state=0)
    drawn = fitted.fit(x.T).sample()
    assert len(fitted.rules_) == 0
    assert 0 < np.abs(drawn - level).max() < 0.1
    assert len(np.unique(drawn[:, 0] - drawn[:, 1])) > 30
