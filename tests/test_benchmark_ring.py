import json

import numpy as np
import pytest

from benchmarks import ring
from benchmarks.ring import N_MODES, STD, centres, covered, load, run


def placed(counts, offset=0.0):
    """Series at the modes' centres, so many at each, all moved outwards."""
    points = np.repeat(centres(), counts, axis=0)
    return (points * (1 + offset / ring.RADIUS))[:, None]


def test_real_series_are_covered():
    modes, share = covered(ring.ring(50_000, 0))
    assert modes == N_MODES
    assert share == pytest.approx(1 - np.exp(-4.5), abs=0.003)  # of a normal in the plane


@pytest.mark.parametrize(
    ("counts", "modes"),
    [
        ([100] * 8, 8),
        ([100] * 7 + [0], 7),
        ([800] + [0] * 7, 1),
        ([110] * 7 + [30], 8),  # 30 of 800: more than a quarter of 100
        ([110] * 7 + [20], 7),
    ],
)
def test_modes_are_counted(counts, modes):
    assert covered(placed(counts)) == (modes, 1.0)


@pytest.mark.parametrize(("offset", "inside"), [(2.9 * STD, True), (3.1 * STD, False)])
def test_the_share_ends_at_three_standard_deviations(offset, inside):
    assert covered(placed([10] * 8, offset)) == (8 * inside, float(inside))


def test_the_spread_is_relative_to_the_data():
    assert ring.spread_of(ring.ring(50_000, 0)) == pytest.approx(0.97, abs=0.01)  # cut at 3
    assert ring.spread_of(placed([10] * 8)) == pytest.approx(0, abs=1e-9)
    assert np.isnan(ring.spread_of(np.zeros((5, 1, 2))))


@pytest.mark.filterwarnings("ignore")
def test_a_fit_is_kept_and_reported(tmp_path, monkeypatch):
    monkeypatch.setattr(ring, "N_TRAINING", 256)
    monkeypatch.setattr(ring, "N_SAMPLES", 2000)
    assert list(run(["R3GAN"], True, tmp_path)) == ["R3GAN / 0"]
    path = tmp_path / "r3gan.json"
    kept = path.read_text()
    list(run(["R3GAN"], True, tmp_path))  # it is there
    assert path.read_text() == kept
    changed = json.loads(kept) | {"params": {}}
    path.write_text(json.dumps(changed))
    list(run(["R3GAN"], True, tmp_path))  # of another setting: not it
    assert json.loads(path.read_text())["params"] == json.loads(kept)["params"]
    report = ring.as_markdown(load(tmp_path), "a test")
    assert "| *real, held out* | | | 8 / 8 / 8 |" in report
    assert "| R3GAN | " in report
    ring.draw(load(tmp_path), tmp_path / "ring.png")
    assert (tmp_path / "ring.png").stat().st_size > 10_000
