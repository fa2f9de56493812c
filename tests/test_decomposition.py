"""TimeVAE's components: found again, summed, fixed, bounded, dated and edited."""

import itertools
import pickle

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV

from sklearn_timegen import PCAMixture, TimeVAE
from sklearn_timegen.data import Series
from sklearn_timegen.representation import SeriesScaler

from .global_seed import GLOBAL_RANDOM_SEED as SEED

T = 12
X = np.random.default_rng(SEED).normal(size=(24, T, 2)).cumsum(axis=1).astype(np.float32)
STARTS = np.arange(24)


def tiny(**params):
    given = {"hidden_dims": (4,), "latent_dim": 3, "max_epochs": 2, "random_state": SEED}
    return TimeVAE(**given | params)


def close(a, b, rtol=1e-5):
    return np.allclose(a, b, rtol=0, atol=rtol * np.abs(b).max())


# -- components that sum to the series ---------------------------------------------------------

CYCLES = ((), ((3, 1),), ((3, 1), (2, 3)))
ALLOWED = [
    dict(zip(("level", "trend_degree", "seasonalities", "residual"), given, strict=True))
    for given in itertools.product((True, False), (0, 2), CYCLES, (True, False))
    if any(given)
]


@pytest.mark.parametrize("params", ALLOWED, ids=lambda p: "-".join(map(str, p.values())))
def test_components_sum_to_series(params):
    x = X if params["level"] else X[:, :, 0]
    fitted = tiny(**params).fit(x)
    parts = fitted.decompose(x)
    names = [name for name in ("level", "trend") if params.get(f"{name}_degree", True)]
    names += [f"season_{k + 1}" for k in range(len(params["seasonalities"]))]
    assert list(parts) == [*names, *["residual"] * params["residual"], "noise"]
    assert {part.shape for part in parts.values()} == {x.shape}
    assert close(sum(parts.values()), x)
    without = sum(part for name, part in parts.items() if name != "noise")
    assert close(without, fitted.reconstruct(x), 1e-4)
    drawn = fitted.sample_components(5, random_state=SEED + 3)
    assert close(sum(drawn.values()), fitted.sample(5, random_state=SEED + 3))
    assert np.abs(drawn["noise"]).max() < 1e-5
    scaled = tiny(**params).fit(1000 * x + 5e4).sample_components(5, random_state=SEED + 3)
    for name in drawn:
        assert np.allclose(scaled[name], 1000 * drawn[name] + 5e4 * (name == "level"), atol=5)
    # Nothing in the network is idle.
    module, v = (
        fitted.net_.module_,
        torch.from_numpy(
            fitted.representation_.transform(np.float32(x.reshape(*x.shape[:2], -1)))
        ),
    )
    module.train().zero_grad()
    noise = torch.Generator().manual_seed(SEED)
    fitted.net_.criterion_(module, Series(v), noise).mean().backward()
    idle = [n for n, w in module.named_parameters() if w.grad is None or not w.grad.any()]
    assert idle == []


@pytest.mark.parametrize("representation", ["auto", SeriesScaler("minmax", per="channel")])
def test_flat_rows_with_constant_and_copied_channels(representation):
    x = np.concatenate([X, np.full_like(X[:, :, :1], 7), X[:, :, :1]], axis=2)
    given = {"trend_degree": 1, "seasonalities": [(3, 1)], "representation": representation}
    shaped = tiny(**given).fit(x)
    flat = tiny(**given, n_channels=4).fit(x.reshape(24, -1))
    for name, part in flat.decompose(x.reshape(24, -1)).items():
        assert part.shape == (24, 4 * T)
        assert np.allclose(part.reshape(x.shape), shaped.decompose(x)[name], atol=1e-5)
        assert np.all(part[:, 2::4] == (7 if name == "level" else 0))
        assert name == "noise" or np.array_equal(part[:, 0::4], part[:, 3::4])
    drawn = sum(shaped.sample_components(3, random_state=SEED).values())
    assert close(drawn, shaped.sample(3, random_state=SEED))


def test_learned_noise_and_bounds_are_noise():
    x = np.abs(X)
    given = {"trend_degree": 1, "decoder_noise": "per-channel", "bounds": (0, None)}
    fitted = tiny(**given).fit(x)
    drawn = fitted.sample_components(1500, random_state=SEED)  # more than a batch
    assert np.abs(drawn["noise"]).max() > 0.01
    assert close(sum(drawn.values()), fitted.sample(1500, random_state=SEED))
    assert close(sum(fitted.decompose(x).values()), x)


# -- components that are the true ones ---------------------------------------------------------


def made(cycles, n_timesteps, n_channels, n_samples=300):
    """Series of known level, slope and seasons of varying amplitude, with a little noise."""
    rng, t = np.random.default_rng(SEED), np.arange(n_timesteps)
    each = (n_samples, 1, n_channels)
    parts = {
        "level": rng.normal(5, 2, size=each) * np.ones((n_timesteps, 1)),
        "trend": rng.normal(0, 3, size=each) * (t / n_timesteps)[:, None],
    }
    for k, (n_seasons, length) in enumerate(cycles):
        profile = rng.normal(size=(n_seasons, n_channels))
        profile = (profile - profile.mean(axis=0)) / profile.std(axis=0)
        parts[f"season_{k + 1}"] = (
            rng.uniform(0.3, 2, size=each) * profile[t // length % n_seasons]
        )
    noise = rng.normal(0, 0.1, size=(n_samples, n_timesteps, n_channels))
    return parts, sum(parts.values()) + noise


def correlation(a, b):
    return np.corrcoef(np.ravel(a), np.ravel(b))[0, 1]


def centred(x):
    return x - x.mean(axis=1, keepdims=True)


LEARNING = {"hidden_dims": (16,), "lr": 1e-2, "reconstruction_weight": 30.0, "random_state": SEED}


@pytest.mark.parametrize(
    ("cycles", "n_timesteps", "n_channels", "max_epochs", "residual"),
    [
        ([(6, 1)], 36, 1, 12, True),
        ([(6, 1)], 36, 1, 12, False),
        ([(4, 2)], 32, 2, 25, True),
        pytest.param([(4, 2)], 32, 2, 25, False, marks=pytest.mark.exhaustive),
        ([(4, 1), (3, 4)], 48, 1, 25, True),
        pytest.param([(4, 1), (3, 4)], 48, 1, 25, False, marks=pytest.mark.exhaustive),
    ],
)
def test_true_components_are_found(cycles, n_timesteps, n_channels, max_epochs, residual):
    truth, x = made(cycles, n_timesteps, n_channels)
    given = {"trend_degree": 1, "seasonalities": cycles, "residual": residual}
    generator = TimeVAE(**given, **LEARNING, latent_dim=6, max_epochs=max_epochs)
    found = generator.fit(x).decompose(x)
    for name, part in truth.items():
        by_series = centred if name.startswith("season") else np.asarray
        assert correlation(by_series(part), by_series(found[name])) > 0.95, name


@pytest.mark.parametrize(("n_timesteps", "residual"), [(24, True), (24, False), (36, True)])
def test_seasons_of_windows_that_start_anywhere(n_timesteps, residual):
    rng, period = np.random.default_rng(SEED), 24
    profile = np.sin(np.arange(period) / period * 2 * np.pi) + 0.5 * rng.normal(size=period)
    starts = rng.integers(0, 900, size=200)
    dates = (starts[:, None] + np.arange(n_timesteps)) % period
    season = rng.uniform(0.5, 1.5, size=(200, 1)) * profile[dates]
    x = rng.normal(5, 1, size=(200, 1)) + season + 0.1 * rng.normal(size=season.shape)
    given = {"seasonalities": [(24, 1)], "residual": residual, "conditional": True}
    given |= LEARNING | {"latent_dim": 3, "max_epochs": 20, "batch_size": 16}
    fitted = TimeVAE(**given, calendar="start").fit(x, starts % period)
    found = fitted.decompose(x, starts)["season_1"]
    assert correlation(centred(found), centred(season)) > 0.95
    drawn = {
        s: fitted.sample_components(50, y=s, random_state=SEED)["season_1"] for s in (0, 5, 17)
    }
    for start, seasons in drawn.items():
        dates = (start + np.arange(n_timesteps)) % period
        assert correlation(seasons.mean(axis=0), profile[dates]) > 0.95
        assert close(seasons, drawn[0][:, dates])  # the same latents, and another phase


def test_calendars_agree():
    t = STARTS[:, None] + np.arange(T)
    cycles = [(4, 1), (2, 3)]
    index = np.stack([t % 4, t // 3 % 2], axis=2)
    given = {"seasonalities": cycles, "trend_degree": 1, "conditional": True}
    by_start = tiny(**given, calendar="start").fit(X, STARTS)
    by_index = tiny(**given, calendar="index").fit(X, index)
    drawn = by_start.sample(24, y=STARTS, random_state=SEED)
    assert np.array_equal(drawn, by_index.sample(24, y=index, random_state=SEED))
    assert np.array_equal(drawn, by_start.sample(24, y=STARTS[:, None] + 12, random_state=SEED))
    assert np.array_equal(drawn, by_index.sample(24, y=index.reshape(24, -1), random_state=SEED))
    parts = by_start.decompose(X, STARTS)
    for name, part in by_index.decompose(X, index.astype(float)).items():
        assert np.array_equal(parts[name], part)
    one = by_start.sample(3, y=7, random_state=SEED)
    assert np.array_equal(one, by_start.sample(3, y=[7, 7, 7], random_state=SEED))
    assert np.array_equal(one, by_index.sample(3, y=index[7], random_state=SEED))
    single = tiny(seasonalities=[(4, 1)], conditional=True, calendar="index").fit(
        X, index[:, :, 0]
    )
    one = single.sample(3, y=index[5, :, 0], random_state=SEED)
    assert np.array_equal(one, single.sample(3, y=index[5][None, :, :1], random_state=SEED))
    # A calendar for all in training is a season that starts at once.
    everywhere = tiny(**given, calendar="start").fit(X, 0).sample(3, y=0, random_state=SEED)
    nowhere = tiny(**given | {"conditional": False}).fit(X).sample(3, random_state=SEED)
    assert close(everywhere, nowhere, 1e-3)
    for method in (by_start.reconstruct, by_start.denoise, by_start.score_samples):
        assert np.isfinite(method(X, STARTS)).all()
    assert by_start.interpolate(X[:2], X[2:4], 3, y=STARTS[:2]).shape == (2, 3, T, 2)
    for prior in ("mixture", "flow"):
        dated = tiny(**given, calendar="start", prior=prior).fit(X, STARTS)
        assert np.isfinite(dated.sample(3, y=[1, 2, 3], random_state=SEED)).all()


# -- what components are ------------------------------------------------------------------------


@pytest.mark.parametrize("level", [True, False])
@pytest.mark.parametrize("calendar", [None, "start"])
def test_components_are_what_they_are_called(level, calendar):
    x = 1000 * np.random.default_rng(SEED + 1).normal(size=(24, 30, 2)).cumsum(axis=1) + 5
    cycles, starts = [(3, 1), (5, 2)], STARTS if calendar else STARTS * 0
    given = {"trend_degree": 2, "seasonalities": cycles, "level": level, "calendar": calendar}
    at = starts if calendar else None
    fitted = tiny(**given, conditional=calendar is not None).fit(x, at)
    drawn = fitted.sample_components(24, y=at, random_state=SEED)
    for parts in (fitted.decompose(x, at), drawn):
        assert np.ptp(parts["level"], axis=1).max() == 0
        assert np.abs(parts["trend"][:, 0]).max() == 0
        bends = np.diff(parts["trend"].astype(float), n=3, axis=1)
        assert np.abs(bends).max() < 1e-5 * np.abs(parts["trend"]).max()
        t = np.arange(30)
        for i, start in enumerate(starts):
            columns = [np.ones(30), t, t**2]
            for k, (n_seasons, length) in enumerate(cycles):
                seasons = (start + t) // length % n_seasons
                profile = parts[f"season_{k + 1}"][i]
                first = np.array([np.flatnonzero(seasons == s)[0] for s in range(n_seasons)])
                assert np.array_equal(profile, profile[first[seasons]])
                if level:
                    assert np.abs(profile[first].mean(axis=0)).max() < 1e-5 * np.abs(profile).max()
                columns.extend(np.equal.outer(range(n_seasons), seasons))
            basis = np.stack(columns, axis=1).astype(float)
            residual = parts["residual"][i]
            fit = basis @ np.linalg.lstsq(basis, residual, rcond=1e-10)[0]
            assert np.abs(fit).max() < 1e-3 * np.abs(residual).max()


# -- what is known of them ------------------------------------------------------------------------


def slopes(trend):
    return (trend[:, 1] - trend[:, 0]) * T


KNOWN_TREND = [
    (2.5, [2.5, 2.5]),
    ([-1.0], [-1.0, -1.0]),
    ([[0.5, -3.0]], [0.5, -3.0]),
    (0, [0.0, 0.0]),
]


@pytest.mark.parametrize(("coefficients", "expected"), KNOWN_TREND)
def test_fixed_trends(coefficients, expected):
    fitted = tiny(trend_degree=1, trend_coefficients=coefficients).fit(50 * X + 9)
    trend = fitted.sample_components(20, random_state=SEED)["trend"]
    wanted = np.arange(T)[:, None] / T * np.array(expected)
    assert np.allclose(trend, wanted[None], rtol=1e-6, atol=1e-6)
    assert np.allclose(fitted.decompose(50 * X + 9)["trend"], wanted[None], rtol=1e-6, atol=1e-6)


BOUNDED = [(0, None), (None, 0), (1, 2), ([[0, None]], [[None, -5]]), ([[1, 3]], [[1, 4]])]


@pytest.mark.parametrize("between", BOUNDED)
def test_bounded_trends(between):
    fitted = tiny(trend_degree=1, trend_bounds=between).fit(50 * X + 9)
    found = slopes(fitted.sample_components(500, random_state=SEED)["trend"])
    sides = zip(between, (-np.inf, np.inf), strict=True)
    low, high = (np.array(s, dtype=object) if s is not None else free for s, free in sides)
    for d in range(2):
        for limit, sign in ((low, 1), (high, -1)):
            least = np.broadcast_to(limit, (1, 2))[0, d]
            if least is not None:
                assert (sign * (found[:, d] - least) >= -1e-5 * (1 + abs(least))).all()
    assert np.ptp(found[:, 1]) > 0


def test_fixed_and_bounded_seasons():
    profiles = [None, np.array([[1.0, 10.0], [2.0, 20.0]])]
    given = {"seasonalities": [(3, 1), (2, 3)], "season_profiles": profiles}
    fitted = tiny(**given, season_bounds=[([-1, 0, 2], [1, 5, None]), None]).fit(50 * X)
    parts = fitted.sample_components(200, random_state=SEED)
    t = np.arange(T)
    assert np.allclose(parts["season_2"], profiles[1][t // 3 % 2], rtol=1e-6)
    for season, (low, high) in enumerate([(-1, 1), (0, 5), (2, np.inf)]):
        values = parts["season_1"][:, t % 3 == season]
        assert values.min() >= low - 1e-5
        assert values.max() <= high + 1e-5
        assert np.ptp(values) > 0
    only = tiny(seasonalities=[(2, 3)], season_profiles=[[1.0, -1.0]], residual=False).fit(X)
    assert np.allclose(only.decompose(X)["season_1"][0, :, 1], [1, 1, 1, -1, -1, -1] * 2)


BOUNDS = [(0, None), (0.1, None), (None, [0.1, None]), (-0.3, 0.7), ([0.1, None], [None, 0.1])]


@pytest.mark.parametrize("bounds", BOUNDS)
def test_bounds_hold_in_float64(bounds):
    low, high = (
        np.broadcast_to([free if b is None else b for b in np.ravel(side)], 2).astype(float)
        for side, free in zip(bounds, (-np.inf, np.inf), strict=True)
    )
    x = np.clip(X.astype(float), low, high)

    def holds(*arrays):
        for a in arrays:
            assert a.dtype == np.float32
            wide = a.astype(float).reshape(-1, 2)
            assert (wide >= low).all()
            assert (wide <= high).all()

    for generator in (tiny(trend_degree=1), tiny(decoder_noise="learned"), PCAMixture()):
        rules = None if isinstance(generator, TimeVAE) else "auto"  # components have units then
        given = {"bounds": bounds, "rules": rules, "random_state": SEED}
        fitted = clone(generator).set_params(**given).fit(x)
        holds(fitted.sample(500))
        if isinstance(fitted, TimeVAE):
            z = 5 * fitted.transform(x)
            edits = {"level": lambda level: level * 3 - 1, "residual": lambda residual: -residual}
            holds(fitted.inverse_transform(z), fitted.inverse_transform(z, components=edits))
            holds(fitted.reconstruct(x), fitted.denoise(x, n_samples=4))
            holds(fitted.interpolate(x[:5], x[5:10], 3))
    flat = PCAMixture(bounds=bounds, n_channels=2, random_state=SEED).fit(x.reshape(24, -1))
    holds(flat.sample(100))


# -- edits ---------------------------------------------------------------------------------------


def test_edited_components():
    given = {"trend_degree": 1, "seasonalities": [(3, 1)]}
    for x, params in ((X, {}), (X[:, :, 0], {}), (X.reshape(24, -1), {"n_channels": 2})):
        fitted = tiny(**given, **params).fit(x)
        parts, z = fitted.decompose(x), fitted.transform(x)
        edits = {"trend": 1.2 * parts["trend"], "noise": parts["noise"]}
        edited = fitted.inverse_transform(z, components=edits)
        assert close(edited, x + 0.2 * parts["trend"])
        edits["trend"] = lambda trend: (1.2 * trend).tolist()
        assert close(fitted.inverse_transform(z, components=edits), edited)
        assert close(fitted.inverse_transform(z, components={}), fitted.inverse_transform(z))
        same = {"season_1": parts["season_1"][3]}
        same["level"], same["residual"] = parts["level"][:1], np.zeros(x.shape)
        shared = fitted.inverse_transform(z, components=same)
        assert close(shared, same["season_1"] + parts["level"][0] + parts["trend"])
        known = "there is no component 'season_2'.* level, trend, season_1, residual, noise"
        with pytest.raises(ValueError, match=known):
            fitted.inverse_transform(z, components={"season_2": x})
        for wrong in (x[:5], x[:, :5], 1.0, lambda part: part[:, :-1]):
            with pytest.raises(
                ValueError, match=r"component 'trend' must have the shape \(24, 1?"
            ):
                fitted.inverse_transform(z, components={"trend": wrong})
        with pytest.raises(ValueError, match="component 'trend' contains NaN"):
            fitted.inverse_transform(z, components={"trend": x * np.nan})
        with pytest.raises(ValueError, match="Z has 2 columns, but TimeVAE has 3 latents"):
            fitted.inverse_transform(z[:, :2], components={"trend": x})
    with pytest.raises(TypeError, match="representation='quantile' is not affine"):
        tiny(representation="quantile").fit(X).decompose(X)


# -- scikit-learn ---------------------------------------------------------------------------


def test_searched_cloned_and_pickled():
    params = {"trend_degree": 2, "seasonalities": [(3, 1)], "season_bounds": [(0, None)]}
    fitted = tiny(**params, trend_bounds=([None, 0], None)).fit(X)
    again = clone(fitted)
    for name, value in params.items():
        assert again.get_params()[name] == value
    loaded = pickle.loads(pickle.dumps(fitted))
    drawn = loaded.sample_components(4, random_state=SEED)
    for name, part in fitted.sample_components(4, random_state=SEED).items():
        assert np.array_equal(part, drawn[name])
    assert np.array_equal(again.fit(X).sample(4), fitted.sample(4))
    assert again.partial_fit(X).n_iter_ == 3
    grid = {"trend_degree": [0, 2], "seasonalities": [(), [(3, 1)], np.array([[3, 1], [2, 3]])]}
    search = GridSearchCV(tiny(), grid, cv=2, error_score="raise").fit(X)
    assert len(search.cv_results_["params"]) == 6
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    assert search.best_estimator_.decompose(X)["level"].shape == X.shape
