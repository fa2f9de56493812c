"""Whatever leaves the library in the units of the data keeps what the data keep.

One law over all doors: samples, latents, joined series, what is completed and forecast, what is
trained on. Settings are small, since rules have to hold whatever a generator has learned. Series
of all rules lie beside each other; one by one, they are exhaustive.
"""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.dummy import DummyClassifier

from sklearn_timegen import (
    R3GAN,
    AugmentedClassifier,
    Augmenter,
    BlockBootstrap,
    FlowMatching,
    NeighbourInterpolation,
    PCAMixture,
    SeriesGenerator,
    TeacherForcing,
    TimeVAE,
)
from sklearn_timegen.data import Series
from sklearn_timegen.data.checks import SeriesLayout
from sklearn_timegen.model_selection import make_windows
from sklearn_timegen.rules import find_rules
from sklearn_timegen.synthetic_training.pairs import PairSource
from sklearn_timegen.synthetic_training.sources import Trainer

from .doors import KINDS, LENGTH, RULED, WINDOW, rng, together, violations, windows
from .global_seed import GLOBAL_RANDOM_SEED as SEED

FLOW = {"hidden_dim": 8, "n_layers": 1, "max_epochs": 1, "n_steps": 2, "warmup_steps": 0}
GENERATORS = {
    "PCAMixture": PCAMixture(),
    "BlockBootstrap": BlockBootstrap(),
    "NeighbourInterpolation": NeighbourInterpolation(),
    "FlowMatching": FlowMatching(**FLOW, n_latent_steps=2),
    "TimeVAE": TimeVAE(hidden_dims=(4, 4), latent_dim=3, max_epochs=1),
    "R3GAN": R3GAN(hidden_dims=(8,), max_epochs=1, representation="quantile", encoder_steps=2),
    "TeacherForcing": TeacherForcing(hidden_dim=8, n_components=2, max_epochs=1),
}
LENGTHS = (1, 10, WINDOW, 60, 130)
ALL = tuple(RULED)
POSITIVE = ("prices", "parts")
ALONE = [pytest.param((name,), marks=pytest.mark.exhaustive, id=name) for name in RULED]
# Lines through known readings of two channels need not leave the one below the other: which of
# the two rules gives way is open.
COMPLETED = [param for param in ALONE if param.values != (("readings",),)]
SETS = [pytest.param(ALL, id="all"), *ALONE]


@pytest.fixture(scope="module")
def fitted():
    """Return generators that are fitted to windows, each to a set once."""
    known = {}

    def fit(kind, names):
        if (kind, names) not in known:
            generator = clone(GENERATORS[kind]).set_params(random_state=SEED)
            known[kind, names] = generator.fit(windows(together(names)))
        return known[kind, names]

    return fit


@pytest.mark.parametrize("name", RULED)
def test_series_keep_what_is_counted_and_it_is_found(name):
    x = together((name,))
    assert not violations(x, (name,))
    assert KINDS[name] in {rule.kind for rule in find_rules(windows(x).astype(np.float32))}
    noisy = x + x.std(axis=(0, 1)) * rng(200).normal(size=x.shape)
    assert violations(noisy, (name,))[name] > 100


@pytest.mark.parametrize("names", SETS)
@pytest.mark.parametrize("kind", GENERATORS)
def test_samples(kind, names, fitted):
    assert not violations(fitted(kind, names).sample(100), names)


@pytest.mark.parametrize("names", SETS)
@pytest.mark.parametrize("kind", ["PCAMixture", "FlowMatching", "TimeVAE", "R3GAN"])
def test_latents(kind, names, fitted):
    generator, x = fitted(kind, names), windows(together(names))[:12]
    n_latents = len(generator.get_feature_names_out())
    for size in (1, 30):
        z = size * rng(201).normal(size=(30, n_latents))
        assert not violations(generator.inverse_transform(z), names)
    assert not violations(generator.reconstruct(x), names)
    assert not violations(np.concatenate(generator.interpolate(x[:3], x[3:6], 4)), names)


@pytest.mark.parametrize(
    "names", [pytest.param(("prices", "meters", "flags"), id="some"), *COMPLETED]
)
def test_completions_and_forecasts(names, fitted):
    flow, x = fitted("FlowMatching", names), windows(together(names))[:6].astype(np.float32)
    gaps = np.where(rng(202).random(x.shape) < 0.4, np.nan, x)
    filled = flow.impute(gaps)
    assert not violations(filled, names)
    assert np.allclose(filled[~np.isnan(gaps)], gaps[~np.isnan(gaps)], rtol=1e-6)
    future = flow.forecast(x, 30)
    assert not violations(np.concatenate([x, future], axis=1), names)


@pytest.mark.parametrize("names", [pytest.param(("parts", "counts"), id="parts and counts")])
def test_components(names):
    """Components sum to what keeps the rules, to rounding; edited, they are led there."""
    x = windows(together(names)).astype(np.float32)
    vae = TimeVAE(hidden_dims=(4, 4), latent_dim=3, max_epochs=1, trend_degree=1)
    vae.set_params(random_state=SEED).fit(x)
    for parts, whole in (
        (vae.decompose(x[:9]), x[:9]),
        (vae.sample_components(9, random_state=1), vae.sample(9, random_state=1)),
    ):
        assert not violations(whole, names)
        reach = np.max([np.abs(part) for part in parts.values()], axis=0)
        total = np.sum(list(parts.values()), axis=0, dtype=np.float64)
        assert (np.abs(total - whole) <= 4 * np.finfo(np.float32).eps * reach).all()
    bent = rng(203).normal(size=(9, *x.shape[1:])).astype(np.float32)
    edited = vae.inverse_transform(
        vae.transform(x[:9]), components={"trend": lambda trend: 3 * trend + bent}
    )
    assert not violations(edited, names)


# -- joined ---------------------------------------------------------------------------------------


JOINED = [  # searched among, as all are that cannot forecast
    *[pytest.param(kind, ALL, id=kind) for kind in ("PCAMixture", "TimeVAE")],
    pytest.param("FlowMatching", ("meters", "flags"), id="FlowMatching"),  # continued
    *[
        pytest.param(kind, names, marks=pytest.mark.exhaustive, id=f"{kind} {', '.join(names)}")
        for kind in GENERATORS
        for names in [ALL, *[(name,) for name in RULED]]
    ],
]


@pytest.mark.usefixtures("quick_joining")
@pytest.mark.parametrize(("kind", "names"), JOINED)
def test_joined_series(kind, names):
    series = list(together(names)[:20])
    generator = SeriesGenerator(GENERATORS[kind], WINDOW, stride=12, random_state=SEED)
    generator.fit(series)
    for length in LENGTHS:
        assert not violations(generator.sample(3, n_timesteps=length), names), length


TRANSFORMS = [
    pytest.param("log", POSITIVE, marks=pytest.mark.exhaustive),
    (["log", "difference"], POSITIVE),
    ("difference", ALL),
    pytest.param("stl-remainder", ALL, marks=pytest.mark.exhaustive),
    (["box-cox", "stl-remainder"], ALL),
]


@pytest.mark.usefixtures("quick_joining")
@pytest.mark.parametrize(("transform", "names"), TRANSFORMS)
def test_joined_series_transformed(transform, names):
    x = together(names)
    generator = SeriesGenerator(
        PCAMixture(), WINDOW, stride=12, transform=transform, period=6, random_state=SEED
    )
    generator.fit(list(x[:20]))
    for k, length in enumerate(LENGTHS):
        drawn = generator.sample(3, n_timesteps=length, match_spread=k % 2 == 0)
        assert not violations(drawn, names), length
    for like in (None, list(x[20:])):
        drawn = generator.sample(20, like=like, match_spread=True, anchor_end=True)
        assert not violations(drawn, names)


@pytest.mark.usefixtures("quick_joining")
def test_readings_of_meters_end_where_they_are():
    names = ("meters", "flags")
    x = together(names)
    generator = SeriesGenerator(PCAMixture(), WINDOW, stride=12, random_state=SEED).fit(list(x))
    drawn = np.asarray(generator.sample(len(x), anchor_end=True))
    assert not violations(drawn, names)
    assert np.allclose(drawn[:, -1], x[:, -1])
    assert not np.allclose(drawn[:, 0], x[:, 0], rtol=1e-4)


@pytest.mark.usefixtures("quick_joining")
@pytest.mark.parametrize("decomposition", ["stl", None])
def test_bootstraps(decomposition):
    forecasting = pytest.importorskip("sklearn_timegen.forecasting")
    x = np.concatenate(together(tuple(n for n in ALL if n != "meters"))[:10])
    used = rng(204).exponential(size=len(x)) * (rng(205).random(len(x)) < 0.7)
    times = pd.period_range("2000-01-01", periods=len(x), freq="D")
    names = ("meters", *(n for n in ALL if n not in ("meters", "readings")))
    frame = pd.DataFrame(np.column_stack([used.cumsum(), x[:, :-2]]), times).add_prefix("c")
    bootstrap = forecasting.GeneratorBootstrap(
        PCAMixture(), n_series=3, window=WINDOW, sp=6, decomposition=decomposition, random_state=1
    )
    panel = bootstrap.fit_transform(frame)
    versions = [one.to_numpy() for _, one in panel.groupby(level=0)]
    assert len(versions) == 4
    assert not violations(versions, names)


def test_series_that_a_forecaster_is_trained_on():
    forecasting = pytest.importorskip("sklearn_timegen.forecasting")
    base = pytest.importorskip("sktime.forecasting.base")

    class Recorder(base.BaseForecaster):
        """Sees what it is fitted to."""

        _tags = {
            "y_inner_mtype": ["pd.DataFrame", "pd-multiindex"],
            "X_inner_mtype": ["pd.DataFrame", "pd-multiindex"],
            "requires-fh-in-fit": False,
        }
        seen = None

        def _update(self, y, X=None, update_params=True):
            return self

        def _fit(self, y, X=None, fh=None):
            Recorder.seen = pd.concat([y, X], axis=1)
            return self

        def _predict(self, fh, X=None):
            raise NotImplementedError

    names = ("prices", "meters")
    x = together(names)[:8]
    times = pd.period_range("2000-01-01", periods=LENGTH, freq="D")
    frame = pd.concat({k: pd.DataFrame(one, times).add_prefix("c") for k, one in enumerate(x)})
    frame.index.names = ["series", "time"]
    augmented = forecasting.TSTRForecaster(
        Recorder(), PCAMixture(), n_series=2, window=WINDOW, sp=6, random_state=0
    )
    augmented.fit(frame[["c0"]], X=frame.drop(columns="c0"), fh=[1])
    drawn = [one.to_numpy() for _, one in Recorder.seen.groupby(level=0)]
    assert len(drawn) == 16
    assert not violations(drawn, names)


# -- trained on -----------------------------------------------------------------------------------


@pytest.mark.parametrize("conditional", [False, True])
def test_series_of_rare_classes(conditional):
    """Few series of a class are no evidence of a rule that those of all classes show."""
    x = windows(together())
    y = np.repeat(["usual", "rare"], [len(x) - 8, 8])
    generator = PCAMixture(conditional=conditional)
    resampled, labels = Augmenter(generator, mode="balance", random_state=0).fit_resample(x, y)
    assert np.sum(labels == "rare") == len(x) - 8
    assert not violations(resampled[len(x) :])


def test_classes_in_which_channels_are_constant_or_alike():
    x = windows(together(("prices", "flags")))
    y = np.arange(len(x)) % 3
    x[y == 1, :, 4] = 0  # never on
    x[y == 2, :, 0] = x[y == 2, :, 2]  # opens at the lowest
    resampled, labels = Augmenter(PCAMixture(), random_state=0).fit_resample(x, y)
    drawn, labels = resampled[len(x) :], labels[len(x) :]
    assert not violations(drawn, ("prices", "flags"))
    assert (drawn[labels == 1, :, 4] == 0).all()
    assert np.allclose(drawn[labels == 2, :, 0], drawn[labels == 2, :, 2], rtol=1e-4)


def test_rows_that_a_classifier_is_trained_on():
    seen = []

    class Recorder(DummyClassifier):
        def fit(self, X, y, sample_weight=None):
            seen.append(X)
            return super().fit(X, y)

    x = windows(together())
    y = np.repeat(["usual", "rare"], [len(x) - 8, 8])
    AugmentedClassifier(Recorder(), PCAMixture(), n_synthetic=0.5, random_state=0).fit(x, y)
    rows = seen[-1].reshape(len(seen[-1]), *x.shape[1:])
    assert not violations(rows[len(x) :].astype(np.float32))


@pytest.mark.parametrize("name", ["meters", "flags", "counts"])
def test_series_with_numbers(name):
    """Targets that break what their series keep do not cost the rule."""
    x = windows(together((name,)))
    y = rng(206).normal(size=len(x))
    for X in (x, x[:, :, 0]):
        resampled, targets = Augmenter(PCAMixture(), random_state=0).fit_resample(X, y)
        drawn = resampled[len(X) :].reshape(-1, WINDOW, 1)
        assert not violations(drawn, (name,))
        assert targets[len(X) :].std() == pytest.approx(y.std(), rel=0.3)


@pytest.mark.parametrize("name", ["meters", "flags", "counts"])
def test_windows_of_a_table_that_go_on_to_a_later_target(name):
    x = np.concatenate(together((name,)))
    if name == "meters":
        x = np.abs(np.diff(x, axis=0, prepend=0)).clip(0, 5).cumsum(axis=0)
    cut, _ = make_windows(x, 12)
    series, targets = cut[:400].astype(np.float32), x[12 + 4 : 416, 0]
    source = PairSource(Trainer(PCAMixture(), 0, seeded=True), SeriesLayout(12, 1, flat=True))
    (drawn,) = source.generate(Series(series, target=targets), [200])
    joint = np.concatenate([drawn.values[:, :, 0], drawn.target[:, None]], axis=1)
    assert not violations(joint[:, :, None], (name,))
