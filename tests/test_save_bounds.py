"""Files that ask for too much: memory, calls of other classes, places of others."""

import warnings

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.linear_model import LogisticRegression, Ridge

import sklearn_timegen
from sklearn_timegen import VAE, PCAMixture, TSTRClassifier
from sklearn_timegen.io import CannotSave, describe, save

from .global_seed import GLOBAL_RANDOM_SEED as SEED
from .test_save import CODED, Forged, X


@pytest.fixture
def path(tmp_path):
    return tmp_path / "saved.timegen"


@pytest.fixture
def forged(tmp_path, path):
    good = tmp_path / "good.timegen"
    VAE(**CODED, max_epochs=1, random_state=SEED).fit(X).save(good)
    return Forged(good, path)


def module_of(forged):
    return forged.state["net_"]["state"]["params"]["entries"]["module"]


@pytest.mark.parametrize(
    "hidden",
    [
        [300_000, 300_000],  # 360 GB in one array
        [2_000] * 100,  # 1.6 GB in many
        [1] * 2_000,  # arrays without end
    ],
)
def test_a_network_larger_than_its_weights_is_refused_before_it_takes_memory(
    forged, hidden, monkeypatch
):
    module_of(forged)["items"][3]["items"][3]["items"] = hidden
    uniform, filled = torch.nn.init.kaiming_uniform_, []

    def fill(tensor, *args, **kwargs):
        filled.append(0 if tensor.is_meta else tensor.numel())
        return uniform(tensor, *args, **kwargs)

    monkeypatch.setattr(torch.nn.init, "kaiming_uniform_", fill)
    forged.write().refused("describes a network of more than")
    assert sum(filled) == 0


@pytest.mark.parametrize(
    ("name", "node"),
    [
        ("module", {"@": "class", "name": "sklearn_timegen.vae.general:VAE"}),
        ("optimizer", {"@": "class", "name": "sklearn_timegen.nn.dense:DenseEncoder"}),
        ("iterator_valid", {"@": "class", "name": "sklearn_timegen.data.series:Series"}),
        ("train_split", {"@": "class", "name": "sklearn_timegen.vae.general:VAE"}),
        (
            "callbacks",
            {"@": "list", "items": [{"@": "class", "name": "skorch.callbacks:PrintLog"}]},
        ),
    ],
)
def test_a_net_is_built_of_its_parts_only(forged, name, node):
    forged.state["net_"]["state"]["params"]["entries"][name] = node
    forged.write().refused("its net (would call|has)")


def test_no_part_of_a_net_is_another_class(forged):
    module_of(forged)["items"][0] = {
        "@": "class",
        "name": "sklearn_timegen.classical.mixture:PCAMixture",
    }
    forged.write().refused("its net would call PCAMixture for its module")


def test_places_of_files_are_forgotten_and_told(tmp_path, path):
    elsewhere = tmp_path / "elsewhere"
    y = np.repeat(["slow", "fast"], 12)
    fitted = TSTRClassifier(
        PCAMixture(), LogisticRegression(), memory=str(elsewhere), random_state=SEED
    ).fit(X, y)
    fitted.save(path)
    with pytest.warns(UserWarning, match="saved with memory='.*elsewhere', and is loaded"):
        loaded = sklearn_timegen.load(path)
    assert loaded.memory is None
    assert list(loaded.predict(X)) == list(fitted.predict(X))


def test_a_checkpoint_goes_on_being_written_where_it_was_loaded_from(tmp_path, path):
    generator = VAE(**CODED, max_epochs=1, random_state=SEED, checkpoint=str(path)).fit(X)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert sklearn_timegen.load(path).checkpoint == str(path)
    generator.save(tmp_path / "other.timegen")
    with pytest.warns(UserWarning, match="checkpoint='.*saved.timegen', and is loaded without"):
        assert sklearn_timegen.load(tmp_path / "other.timegen").checkpoint is None


def test_a_bootstrap_of_sktime_is_saved_without_code(path):
    pytest.importorskip("sktime")
    from sklearn_timegen.forecasting import GeneratorBootstrap

    months = pd.period_range("2010-01", periods=72, freq="M")
    season = np.sin(np.arange(72) * np.pi / 6)
    y = pd.Series(season + np.random.default_rng(SEED).normal(size=72) / 5, months)
    bootstrap = GeneratorBootstrap(PCAMixture(), window=12, random_state=SEED)
    for fitted in (False, True):
        if fitted:
            bootstrap.fit(y)
        save(bootstrap, path)
        assert describe(path)["fitted"] == fitted
        loaded = sklearn_timegen.load(path)
        assert loaded.get_params()["window"] == 12
    pd.testing.assert_frame_equal(loaded.transform(y), bootstrap.transform(y))


def test_a_forecaster_of_sktime_is_refused_in_words(path):
    pytest.importorskip("sktime")
    from sktime.forecasting.compose import make_reduction

    from sklearn_timegen.forecasting import AugmentedForecaster

    pooled = make_reduction(Ridge(), window_length=3, pooling="global")
    with pytest.raises(CannotSave, match=r"AugmentedForecaster.forecaster is a sktime.*joblib"):
        save(AugmentedForecaster(pooled, PCAMixture(), window=12), path)
