"""The user guides run from top to bottom, and what they say of their results is true."""

import re
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("sktime")
pytest.importorskip("imblearn")
pytest.importorskip("statsmodels")
pyplot = pytest.importorskip("matplotlib.pyplot")

GUIDES = Path(__file__).parents[1] / "docs" / "guides"
BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)

pytestmark = [
    # sktime announces a default of its own BaseObject's config, at every clone: not ours to set.
    pytest.mark.filterwarnings("ignore:The default of config:FutureWarning"),
    # sktime's reduction asks pandas for something that pandas is about to drop.
    pytest.mark.filterwarnings("ignore:The copy keyword is deprecated:DeprecationWarning"),
    # statsmodels' optimizer of exponential smoothing, on some versions of the series.
    pytest.mark.filterwarnings("ignore:Optimization failed to converge"),
]


def run(name, directory, monkeypatch):
    """Execute the python blocks of a page in their order; return its names."""
    text = (GUIDES / f"{name}.md").read_text()
    monkeypatch.chdir(directory)
    names = {"__name__": "guide"}
    for block in BLOCK.finditer(text):
        # Empty lines before the block, so that a traceback has the page's line numbers.
        line = text[: block.start(1)].count("\n")
        exec(compile("\n" * line + block[1], f"{name}.md", "exec"), names)
    pyplot.close("all")
    assert (directory / f"{name}.png").stat().st_size < 150_000
    return names


def test_every_page_is_tested_and_listed():
    pages = {page.stem for page in GUIDES.glob("*.md")}
    tested = {name.removeprefix("test_") for name in globals() if name.startswith("test_")}
    assert pages <= tested
    index = (GUIDES.parent / "index.md").read_text()
    assert all(f"guides/{page}\n" in index for page in pages)


def test_series_with_dates(tmp_path, monkeypatch):
    page = run("series_with_dates", tmp_path, monkeypatch)
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


def test_augment_a_forecaster(tmp_path, monkeypatch):
    page = run("augment_a_forecaster", tmp_path, monkeypatch)
    assert page["table"].notna().all(axis=None)
    assert page["augmented"].n_series_ in (0, 1, 5)
    assert set(page["augmented"].errors_) == {0, 1, 5}
    assert page["search"].best_params_ in (
        {"bootstrap_transformer__generator__n_components": n} for n in (2, 20)
    )


def test_balance_classes(tmp_path, monkeypatch):
    page = run("balance_classes", tmp_path, monkeypatch)
    assert np.unique(page["y_balanced"], return_counts=True)[1].tolist() == [400, 400]
    assert np.array_equal(page["X_balanced"][:420], page["X"])
    means = page["table"].map(np.mean)
    assert (means.loc["synthetic series"] > means.loc["nothing"]).all()


def test_tstr_in_cross_validation(tmp_path, monkeypatch):
    page = run("tstr_in_cross_validation", tmp_path, monkeypatch)
    assert (page["accuracy"].loc["PCAMixture"].map(np.mean) > 0.94).all()
    r2 = page["r2"]
    assert r2["real"]["shuffled KFold"] > 0.1 > 0 > r2["real"]["WindowKFold"]
    assert page["errors"].map(np.mean).max(axis=None) < 40


def test_domain_knowledge(tmp_path, monkeypatch):
    page = run("domain_knowledge", tmp_path, monkeypatch)
    read = page["read"]
    for what, tolerance in (("rise in a year", 0.15), ("swing of the season", 0.1)):
        found, reference = read[what, "TimeVAE"].mean(), read[what, "STL"].mean()
        assert abs(found - reference) < tolerance * reference
    assert page["rise"](page["drawn"]["trend"]).min() >= 0
    assert np.abs(page["same"] - page["X"]).max() < 1e-3
    lifted = (page["steeper"] - page["X"])[0, :, 0]
    np.testing.assert_allclose(lifted, 0.2 * page["parts"]["trend"][-1, :, 0], atol=1e-3)
    given = page["of_later"]["season_1"][0, :, 0]
    np.testing.assert_allclose(given, page["as_given"], atol=1e-4)
    assert page["dark"]["free"]["most at night"] > 0.05
    assert page["dark"]["told"]["least"] == page["dark"]["told"]["most at night"] == 0
    distance = page["scores"]["sliced_wasserstein"]
    assert distance["structure"] < 0.8 * distance["no structure"]


def test_latents(tmp_path, monkeypatch):
    page = run("latents", tmp_path, monkeypatch)
    few = page["few"]
    assert few[5]["24 raw values"] > 0.9
    assert few[25]["8 latents"] > 0.9
    assert page["near"]["half-way in the latents"] < page["near"]["mean of the days"]
    error = page["error"]
    assert error["denoise"] < 0.7 * error["as it is"]
    assert error["denoise"] < error["mean of 3 hours"]
    auc = page["auc"]
    assert (auc["VAE"] > 0.7).all()
    assert (auc["VAE"] > auc["PCAMixture"] - 0.08).all()
