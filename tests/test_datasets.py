"""Toy series have the distribution they claim; loaders find, check or explain."""

import hashlib
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from sklearn_timegen import datasets
from sklearn_timegen.datasets import (
    load_energy,
    load_italy_power,
    load_stocks,
    make_ar,
    make_labelled_sines,
    make_sines,
)

from .global_seed import GLOBAL_RANDOM_SEED as SEED

MAKERS = {
    "timegan": make_sines,
    "timevae": lambda *sizes, **seed: make_sines(*sizes, version="timevae", **seed),
    "ar": make_ar,
}


@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)
def test_makers_are_seeded(make):
    X = make(7, 9, 3, random_state=SEED + 1)
    assert X.shape == (7, 9, 3)
    assert X.dtype == np.float32
    assert np.array_equal(X, make(7, 9, 3, random_state=SEED + 1))
    assert not np.array_equal(X, make(7, 9, 3, random_state=SEED + 2))
    with pytest.raises(ValueError, match="n_samples must be"):
        make(0, 9, 3)


def test_timegan_sines_lie_in_their_range():
    X = make_sines(2000, 24, 2, random_state=SEED)
    # sin(f t + p) with f, p in [0, 0.1]: at t = 0 between sin(0) and sin(0.1).
    assert 0.5 <= X[:, 0].min() < X[:, 0].max() <= (np.sin(0.1) + 1) / 2 + 1e-6
    assert X.max() <= 1


def test_timevae_sines_have_rank_two_a_channel():
    X = make_sines(500, 24, 5, version="timevae", random_state=SEED)
    singular = np.linalg.svd(X.reshape(500, -1), compute_uv=False)
    assert singular[9] > 1
    assert singular[10] < 1e-3


def test_unknown_version_is_refused():
    with pytest.raises(ValueError, match="'timegan' or 'timevae', got 'paper'"):
        make_sines(version="paper")


def test_ar_has_its_moments():
    X = make_ar(4000, 20, coefficients=(0.5, 0.3), noise_scale=2.0, random_state=SEED)[:, :, 0]
    # Yule-Walker: r1 = a1 / (1 - a2), r2 = a1 r1 + a2, variance = s^2 / (1 - a1 r1 - a2 r2).
    r1 = 0.5 / 0.7
    r2 = 0.5 * r1 + 0.3
    variance = 4 / (1 - 0.5 * r1 - 0.3 * r2)
    assert np.allclose(X.var(axis=0), variance, rtol=0.12)
    assert np.mean(X[:, 1:] * X[:, :-1]) / variance == pytest.approx(r1, abs=0.04)


def test_ar_must_be_stationary():
    with pytest.raises(ValueError, match="not stationary: a root has modulus 1.1"):
        make_ar(coefficients=(1.1,))
    assert make_ar(5, 4, coefficients=(0.0,), random_state=SEED).shape == (5, 4, 1)


def test_labelled_sines_differ_in_level():
    X, y = make_labelled_sines(100, 24, random_state=SEED)
    assert X[y == "fast"].mean() - X[y == "slow"].mean() == pytest.approx(1, abs=0.1)


def test_italy_power():
    X, y = load_italy_power()
    assert X.shape == (1096, 24)
    assert dict(zip(*np.unique(y, return_counts=True), strict=True)) == {"1": 547, "2": 549}
    assert np.allclose(X.mean(axis=1), 0, atol=1e-3)  # each day is standardised


def fake_source(monkeypatch, table, sha=None):
    numbers = hashlib.sha256(table.astype("<f4").tobytes()).hexdigest()
    source = replace(
        datasets._STOCKS,
        file_names=("table.csv", "table.npz"),
        url="https://nowhere.invalid/table.npz",
        shape=table.shape,
        sha256=sha or numbers,
    )
    monkeypatch.setattr(datasets, "_STOCKS", source)
    return source


def test_loader_reads_text_and_arrays(monkeypatch, tmp_path):
    table = np.random.default_rng(SEED).normal(size=(5, 3))
    fake_source(monkeypatch, table)
    monkeypatch.setenv("SKLEARN_TIMEGEN_DATA", str(tmp_path))
    np.savez(tmp_path / "table.npz", data=table)
    assert np.array_equal(load_stocks(), table)
    frame = pd.DataFrame(table, columns=list("abc"))
    frame.insert(0, "date", ["2020-01-01"] * 5)
    frame.to_csv(tmp_path / "table.csv", index=False)  # named first, so found first
    assert np.allclose(load_stocks(), table, rtol=1e-12)


def test_loader_refuses_another_table(monkeypatch, tmp_path):
    table = np.random.default_rng(SEED).normal(size=(5, 3))
    fake_source(monkeypatch, table, sha="0" * 64)
    monkeypatch.setenv("SKLEARN_TIMEGEN_DATA", str(tmp_path))
    np.savez(tmp_path / "table.npz", data=table)
    with pytest.raises(ValueError, match=r"table.npz .*not the published one"):
        load_stocks()


def test_loader_explains_what_is_missing(monkeypatch, tmp_path):
    import pooch

    def offline(*args):
        raise ConnectionError("no network")

    monkeypatch.setattr(pooch, "retrieve", offline)
    monkeypatch.setenv("SKLEARN_TIMEGEN_DATA", str(tmp_path))
    for load, name in ((load_stocks, "stock_data.csv"), (load_energy, "energydata_complete.csv")):
        with pytest.raises(OSError, match=f"{name} .*https://.*SKLEARN_TIMEGEN_DATA"):
            load()


def test_loader_downloads_once_and_checks(monkeypatch, tmp_path):
    import pooch

    table = np.random.default_rng(SEED).normal(size=(5, 3))
    np.savez(tmp_path / "table.npz", data=table)
    source = fake_source(monkeypatch, table)
    asked = []
    monkeypatch.delenv("SKLEARN_TIMEGEN_DATA", raising=False)
    monkeypatch.setattr(
        pooch, "retrieve", lambda *args: asked.append(args) or str(tmp_path / "table.npz")
    )
    assert np.array_equal(load_stocks(), table)
    assert asked[0][:3] == (source.url, None, "table.npz")
