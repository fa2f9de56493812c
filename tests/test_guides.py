"""The user guides run from top to bottom, and what they say of their results is true."""

import ast

import numpy as np
import pytest
from sklearn.decomposition import PCA

from . import pages
from .pages import ROOT

pytest.importorskip("sktime")
pytest.importorskip("imblearn")
pytest.importorskip("statsmodels")
pyplot = pytest.importorskip("matplotlib.pyplot")

GUIDES = ROOT / "docs" / "guides"

pytestmark = [
    # statsmodels' optimizer of exponential smoothing, on some versions of the series.
    pytest.mark.filterwarnings("ignore:Optimization failed to converge"),
]


def run(name, directory, monkeypatch, *tolerances):
    """Run a page, and compare what it says comes out with what does, block by block.

    A tolerance is how much numbers may differ (absolutely, or absolutely and relatively): by
    what trainings and draws differ from one processor to another. ``None`` is nothing.
    """
    monkeypatch.chdir(directory)
    path = GUIDES / f"{name}.md"
    page = pages.run(path, monkeypatch)
    pyplot.close("all")
    if "savefig" in path.read_text():
        assert (directory / f"{name}.png").stat().st_size < 150_000
    for (expected, printed), tolerance in zip(page.outputs, tolerances, strict=True):
        assert not pages.differences(expected, printed, *tolerance or ())
    return page


def test_every_page_is_tested_and_listed():
    guides = {page.stem for page in GUIDES.glob("*.md")}
    tested = {name.removeprefix("test_") for name in globals() if name.startswith("test_")}
    assert guides <= tested
    index = (GUIDES.parent / "index.md").read_text()
    assert all(f"guides/{page}\n" in index for page in guides)


def test_keep_and_share(tmp_path, monkeypatch):
    page = run("keep_and_share", tmp_path, monkeypatch, *[None] * 7)
    assert page["told"]["training_state"] is False


def test_attack_a_generator(tmp_path, monkeypatch):
    page = run("attack_a_generator", tmp_path, monkeypatch, *[(0.05,)] * 6)
    people, recordings = page["interpolated"], page["alone"]
    for name, attack in people.attacks.items():
        assert attack.auc > recordings.attacks[name].auc + 0.1
    assert (page["mixed"].signal, page["sampled"].signal) == ("density", "distance")
    assert page["mixed"].attacks["shadows, likelihood ratio"].auc > 0.9


@pytest.mark.exhaustive
def test_table_of_many_series(tmp_path, monkeypatch):
    tolerances = [None, None, (60, 0.9), None, (0.15,)]
    page = run("table_of_many_series", tmp_path, monkeypatch, *tolerances)
    sales, synthetic = page["sales"], page["synthetic"]
    assert not set(synthetic["shop"]) & set(sales["shop"])
    np.testing.assert_allclose(synthetic["revenue"], 2.49 * synthetic["sold"], atol=0.006)
    levels = page["levels"]
    assert np.log(levels[1].median() / levels[0].median()) == pytest.approx(0, abs=0.5)
    assert not (levels[0].to_numpy() == levels[1].to_numpy()).any()


@pytest.mark.exhaustive
def test_share_a_table(tmp_path, monkeypatch):
    tolerances = [None, None, (25,), (0.12,), (0.12,)]
    page = run("share_a_table", tmp_path, monkeypatch, *tolerances)
    known, synthetic, careless = page["known"], page["synthetic"], page["careless"]
    assert known(synthetic, "town", "born", "day") < 0.05
    assert known(careless, "town", "born", "day") == 1
    found = page["privacy"](synthetic)
    assert (
        found.loc["near_copy_fraction", "score"] < 0.2 < found.loc["near_copy_fraction", "copies"]
    )


@pytest.mark.exhaustive
def test_series_with_dates(tmp_path, monkeypatch):
    tolerances = [None, (20, 0.1), None, (15,), (3,), None, None, (0.01, 0.15)]
    page = run("series_with_dates", tmp_path, monkeypatch, *tolerances)
    actual, synthetic = page["passengers"], page["synthetic"]
    assert synthetic.index.equals(actual.index)
    assert (synthetic.name, synthetic.dtype) == (actual.name, actual.dtype)
    assert page["table"]["calendar"].dtype == np.int64
    assert page["sampled"].shape == page["noises"].shape  # the last one that the figure drew
    ends = page["ends"].std()
    assert ends["log, difference"] > 2 * ends["log, stl-remainder"]
    profiles = {name: page["profile"](one) for name, one in page["table"].items()}
    off = {
        name: np.abs(one - profiles["actual"]).to_numpy().max() for name, one in profiles.items()
    }
    assert off["calendar, 48 normals"] < 10 < off["no calendar"]
    assert "longer than the shortest series" in page["refused"](actual[:20])
    judged = page["judged"]
    assert judged["score"]["spectral_distance"] < 1.1 * judged["floor"]["spectral_distance"]
    assert judged["score"]["nearest_record_ratio"] > 1.3


@pytest.mark.exhaustive
def test_holes_words_and_ends(tmp_path, monkeypatch):
    tolerances = [None, None, (0.2, 0.1), None, (19,), (0.05,), (6,), None, (0.5,)]
    page = run("holes_words_and_ends", tmp_path, monkeypatch, *tolerances)
    spoken, mean_length = page["spoken"], page["mean_length"]
    assert {series.shape[1] for series in spoken} == {12}
    assert mean_length(spoken) == pytest.approx(mean_length(page["X"]), abs=1)
    assert page["table"].loc["temperature, ill", "synthetic"] > 37.4
    assert page["trained_on"]["synthetic"] > 0.9


@pytest.mark.exhaustive
def test_augment_a_forecaster(tmp_path, monkeypatch):
    # statsmodels' optimizer of exponential smoothing ends elsewhere on another processor.
    tolerances = [(0, 0.65), (0.05, 0.1), (0.5, 0.1), (0.5, 0.05)]
    page = run("augment_a_forecaster", tmp_path, monkeypatch, *tolerances)
    table = page["table"]
    assert table.notna().all(axis=None)
    assert (np.ptp(table, axis=1) > np.ptp(table.mean(axis=1))).all()
    errors = {amount: found.mean() for amount, found in page["augmented"].errors_.items()}
    assert set(errors) == {0, 1, 5}
    # The best amount, or none where its gain is not shown.
    assert page["augmented"].n_series_ in (0, min(errors, key=errors.get))
    tried = page["search"].cv_results_
    name = "bootstrap_transformer__generator__n_components"
    assert [row[name] for row in tried["params"]] == [2, 20]
    assert tried.filter(like="mean_test").notna().all(axis=None)
    reduced = page["reduced"].mean(axis=1)
    assert reduced["n_synthetic=1.0"] > reduced["n_synthetic=0.0"] == reduced["n_synthetic=auto"]


@pytest.mark.exhaustive
def test_balance_classes(tmp_path, monkeypatch):
    tolerances = [None, (0.02,), (0.03,), (0.03,), (0.03,)]
    page = run("balance_classes", tmp_path, monkeypatch, *tolerances)
    assert np.unique(page["y_balanced"], return_counts=True)[1].tolist() == [400, 400]
    assert np.array_equal(page["X_balanced"][:420], page["X"])
    means = page["table"].map(np.mean)
    assert (means.loc["synthetic series"] > means.loc["nothing"]).all()
    spreads = page["table"].map(np.std)
    gain = means.loc["synthetic series"] - means.loc["class_weight"]
    assert (abs(gain) < spreads.loc["synthetic series"]).all()
    assert page["aside"]["synthetic series"] > page["aside"]["nothing"] + 0.05


@pytest.mark.exhaustive
def test_tstr_in_cross_validation(tmp_path, monkeypatch):
    tolerances = [(0.01,), (0.3,), (1.0, 0.25)]
    page = run("tstr_in_cross_validation", tmp_path, monkeypatch, *tolerances)
    assert (page["accuracy"].loc["PCAMixture"].map(np.mean) > 0.94).all()
    r2 = page["r2"]
    assert r2["real"]["shuffled KFold"] > 0.1 > 0 > r2["real"]["WindowKFold"]
    assert min(r2[way]["WindowKFold"] for way in r2) == r2["real"]["WindowKFold"]
    assert max(r2[way]["WindowKFold"] for way in r2) < 0
    errors = page["errors"].map(np.mean)
    smoothing, ridge = errors.loc["exponential smoothing"], errors.loc["ridge, pooled"]
    assert (smoothing["synthetic"] > 1.2 * smoothing["real"]).all()
    assert (abs(ridge["synthetic"] - ridge["real"]) < 0.1 * ridge["real"]).all()


@pytest.mark.exhaustive
def test_domain_knowledge(tmp_path, monkeypatch):
    tolerances = [None, (0.12, 0.08), (0.3,), (0.05,), (0.3,), (0.1,), (0.05, 0.2)]
    page = run("domain_knowledge", tmp_path, monkeypatch, *tolerances)
    read = page["read"]
    for what, tolerance in (("rise in a year", 0.15), ("swing of the season", 0.1)):
        found, reference = read[what, "TimeVAE"].mean(), read[what, "STL"].mean()
        assert abs(found - reference) < tolerance * reference
        assert read[what, "TimeVAE"][-55:].mean() > read[what, "TimeVAE"][:55].mean()
    assert page["parts"]["noise"].std() > 2 * page["stl"].resid.std()
    assert page["rise"](page["drawn"]["trend"]).min() >= 0
    assert np.abs(page["same"] - page["X"]).max() < 1e-3
    lifted = (page["steeper"] - page["X"])[0, :, 0]
    np.testing.assert_allclose(lifted, 0.2 * page["parts"]["trend"][-1, :, 0], atol=1e-3)
    given = page["of_later"]["season_1"][0, :, 0]
    np.testing.assert_allclose(given, page["as_given"], atol=1e-4)
    assert page["dark"]["free"]["most at night"] > 0.05
    assert page["dark"]["told"]["least"] == page["dark"]["told"]["most at night"] == 0
    scores = page["scores"]
    distance, spectrum = scores["sliced_wasserstein"], scores["spectral_distance"]
    networks = scores.loc[["structure", "no structure, month", "no structure", "nine months"]]
    assert spectrum["structure"] == networks["spectral_distance"].min()
    assert (networks.loc["structure"] < 0.8 * networks.loc["no structure"]).all()
    assert distance["no structure, month"] < distance["no structure"]
    assert distance["nine months"] > (distance["structure"] + distance["no structure"]) / 2
    assert spectrum["floor"] < spectrum["PCAMixture, month"] < spectrum["structure"]


@pytest.mark.exhaustive
def test_latents(tmp_path, monkeypatch):
    tolerances = [(0.15,), (0.02,), (0.05,), (0.02,), (0.05,)]
    page = run("latents", tmp_path, monkeypatch, *tolerances)
    few = page["few"]
    assert few[5]["24 raw values"] > 0.9
    assert few[25]["8 latents"] > 0.9
    assert few[5]["8 latents"] < few[5]["8 principal components"] + 0.01
    assert page["near"]["half-way in the latents"] < page["near"]["mean of the days"]
    error = page["error"]
    assert error["denoise"] < 0.7 * error["as it is"]
    assert error["denoise"] < error["mean of 3 hours"]
    assert max(error["reconstruct"], error["4 principal components"]) < 1.05 * error["denoise"]
    for n_components in (2, 8):
        pca = PCA(n_components).fit(page["noisy_train"])
        back = pca.inverse_transform(pca.transform(page["noisy"]))
        worse = np.sqrt(np.mean((back - page["test"]) ** 2))
        assert worse > error["4 principal components"]
    auc = page["auc"]
    assert (auc["VAE"] > 0.7).all()
    assert (np.ptp(auc, axis=1) < 0.1).all()


@pytest.mark.exhaustive
def test_own_generator(tmp_path, monkeypatch):
    run("own_generator", tmp_path, monkeypatch, *[None] * 5, (0.03, 0.2))


def test_a_generator_of_ones_own_is_short():
    text = (GUIDES / "own_generator.md").read_text()
    code = [block for language, _, block in pages.blocks(text) if language == "python"]
    lengths = {
        node.name: node.end_lineno - node.lineno + 1 + len(node.decorator_list)
        for block in code
        for node in ast.parse(block).body
        if isinstance(node, ast.ClassDef)
    }
    network = ("NoiseToSeries", "EnergyScore", "EngressionGenerator")
    for parts in (("NormalGenerator",), ("PrincipalGenerator",), network):
        assert sum(lengths[part] for part in parts) < 40
