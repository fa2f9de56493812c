"""The command line, and the files it reads and writes."""

import re
import runpy
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from sklearn_timegen.__main__ import main
from sklearn_timegen._files import read_series, write_series
from sklearn_timegen.datasets import make_ar, make_labelled_sines
from sklearn_timegen.model_selection import make_windows

QUICK = ["--epochs", "1", "--folds", "2", "--jobs", "1"]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write_csv(path, n=60):
    series = make_ar(1, n, 2, random_state=0)[0]
    frame = pd.DataFrame(series, columns=["price", "volume"])
    frame.insert(0, "date", pd.date_range("2020-01-01", periods=n).astype(str))
    frame.to_csv(path, index=False)
    return series


def test_labelled_windows_end_to_end(folder, capsys):
    X, y = make_labelled_sines(60, 8, random_state=0)
    np.savez("mine.npz", X=X, y=y)
    assert main(["mine.npz", *QUICK, "--output", "new.npz", "--samples", "20"]) == 0
    shown = capsys.readouterr().out
    for word in ("TRTR", "TSTR", "both", "floor", "logistic regression", "gradient boosting"):
        assert word in shown
    assert str(folder / "timegen.png") in shown
    assert (folder / "timegen.png").stat().st_size > 10_000
    with np.load("new.npz") as made:
        assert made["X"].shape == (20, 8, 1)
        assert sorted(set(made["y"])) == ["fast", "slow"]


def test_one_long_series_end_to_end(folder, capsys):
    write_csv("prices.csv")
    arguments = ["prices.csv", "--window", "6", "--target", "volume", "--output", "new.csv"]
    assert main([*arguments, *QUICK, "--figure", "shown.png"]) == 0
    shown = capsys.readouterr().out
    assert "left out columns that are not numeric: date" in shown
    assert "r2 on held-out" in shown
    assert "ridge regression" in shown
    made = pd.read_csv("new.csv")
    assert list(made.columns) == ["sample", "timestep", "price", "volume"]
    assert len(made) == 55 * 6
    assert (folder / "shown.png").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["none.csv"], "there is no file none.csv"),
        (["prices.csv"], "give --window"),
        (["prices.csv", "--window", "61"], "holds no window of 61"),
        (["prices.csv", "--window", "6", "--output", "new.txt"], "must end in one of"),
        (["prices.csv", "--window", "6", "--output", "no/new.csv"], "no directory no"),
        (["prices.csv", "--window", "6", "--figure", "no/f.png"], "no directory no"),
        (["prices.csv", "--window", "6", "--target", "open"], "none of the channels"),
        (["prices.csv", "--window", "1"], "nothing to predict"),
        (["prices.csv", "--window", "6", "--folds", "1"], "n_splits"),
        (["words.csv", "--window", "6"], "no numeric column"),
        (
            ["holes.csv", "--window", "3"],
            "contains 1 NaN or infinite values, the first at row 2 of column 'x'",
        ),
        (["objects.npy"], "Python objects"),
        (["deep.npy", "--window", "3"], "holds windows already"),
        (["flat.npy"], "needs --window"),
        (["two.npz"], "call the windows X"),
        (["short.npz"], "4 windows, but 3 labels"),
        (["labelled.npz", "--window", "3"], "labels of windows"),
        (["prices.txt"], "must end in one of"),
        (["prices.csv", "--window", "6", "--figure", "f.xyz"], "must end in one of"),
        (["bare.csv", "--window", "6"], "has no header"),
        (["wide.csv", "--window", "6"], "more values in a row than names"),
        (["semicolons.csv", "--window", "6"], "has no numeric column (columns: a;b)"),
        (["commas.csv", "--window", "6"], "more values in a row than names"),
        (["typo.csv", "--window", "6"], "column 'x' is of numbers, but for 'bad'"),
        (["empty.csv", "--window", "6"], "empty.csv is no table"),
        (["empty.npy"], "is damaged"),
        (["broken.npz"], "is damaged"),
        (["nothing.npz"], "call the windows X"),
        (["misnamed.npz"], "call the windows X"),
        (["single.npz"], "needs two classes and 5 series of each"),
        (["labels.npz", "--samples", "1"], "cannot cover 2 classes"),
        (["fractions.npz"], "labels are wanted"),
    ],
)
def test_mistakes_are_answered_at_once(folder, capsys, arguments, message):
    write_csv("prices.csv")
    pd.DataFrame({"word": ["a"] * 9}).to_csv("words.csv", index=False)
    pd.DataFrame({"x": [1.0, 2.0, np.nan, 4.0, 5.0]}).to_csv("holes.csv", index=False)
    np.save("objects.npy", np.array([{}], dtype=object), allow_pickle=True)
    np.save("deep.npy", np.zeros((4, 3, 2)))
    np.save("flat.npy", np.zeros(9))
    np.savez("two.npz", a=np.zeros((4, 3)), b=np.zeros(4))
    np.savez("short.npz", X=np.zeros((4, 3)), y=np.zeros(3))
    np.savez("labelled.npz", X=np.zeros((4, 3)), y=np.zeros(4))
    (folder / "prices.txt").write_text("1\n2\n")
    (folder / "bare.csv").write_text("1.5,2\n" * 20)
    (folder / "wide.csv").write_text("a,b\n" + "1,2,3\n" * 20)
    (folder / "semicolons.csv").write_text("a;b\n" + "1;2\n" * 20)
    (folder / "commas.csv").write_text("a;b\n" + "1,5;2,5\n" * 20)
    (folder / "typo.csv").write_text("x,y\n" + "1,2\n" * 20 + "bad,3\n")
    (folder / "empty.csv").write_text("")
    (folder / "empty.npy").write_text("")
    (folder / "broken.npz").write_text("PK nonsense")
    np.savez("nothing.npz")
    X = np.random.default_rng(0).normal(size=(20, 4))
    np.savez("misnamed.npz", X=X, labels=np.arange(20))
    np.savez("single.npz", X=X, y=["a"] * 19 + ["b"])
    np.savez("labels.npz", X=X, y=["a", "b"] * 10)
    np.savez("fractions.npz", X=X, y=X[:, 0])
    assert main(arguments) == 1
    captured = capsys.readouterr()
    assert message in captured.err
    assert "epoch" not in captured.err, "training had begun"


@pytest.mark.parametrize("option", ["--epochs", "--samples", "--jobs", "--folds", "--window"])
def test_numbers_are_checked_by_the_parser(capsys, option):
    with pytest.raises(SystemExit) as exit_:
        main([option, "0"])
    assert exit_.value.code == 2
    assert f"{option}: the value must be an integer of at least 1" in capsys.readouterr().err


def test_ordinary_tables_are_read(folder):
    values = make_ar(1, 30, 3, random_state=0)[0].astype(float)
    pd.DataFrame(values).to_csv("numbered.CSV", index=False)
    assert read_series("numbered.CSV", window=5).channels == ["0", "1", "2"]
    frame = pd.DataFrame(values, columns=["a", "b", "c"])
    frame.insert(0, "seconds", np.arange(30) * 60 + 1_700_000_000)
    frame.to_csv("timed.csv", index=False)
    held = read_series("timed.csv", window=5)
    assert held.channels == ["a", "b", "c"]
    assert "'seconds': it is an index" in held.notes[0]
    (folder / "trailing.csv").write_text("a,b,\n" + "1,2,\n2,5,\n7,1,\n" * 4)
    assert read_series("trailing.csv", window=5).channels == ["a", "b"]
    np.savez("column.npz", X=values, y=np.arange(30)[:, None] % 2)
    assert read_series("column.npz").y.shape == (30,)


def test_series_that_begin_and_end_alike_do_not_overlap(folder):
    X = np.random.default_rng(0).normal(size=(40, 12))
    X[:, :3], X[:, -3:] = 0, 0
    np.save("padded.npy", X)
    np.save("constant.npy", np.ones((40, 12)))
    assert read_series("padded.npy").starts is None
    assert read_series("constant.npy").starts is None


def test_labels_in_blocks_of_time_must_not_be_whole_folds(folder, capsys):
    windows, _ = make_windows(make_ar(1, 65, 1, random_state=0)[0], 6)
    np.savez("blocks.npz", X=windows, y=np.arange(60) // 30)
    assert main(["blocks.npz", "--folds", "2"]) == 1
    assert "folds are blocks of time; one of them has all" in capsys.readouterr().err


def test_an_index_is_no_channel(folder):
    frame = pd.DataFrame(make_ar(1, 30, 2, random_state=0)[0], columns=["a", "b"])
    frame.to_csv("indexed.csv")
    held = read_series("indexed.csv", window=5)
    assert held.channels == ["a", "b"]
    assert "index" in held.notes[0]


@pytest.mark.parametrize("stride", [1, 3])
def test_overlapping_windows_are_noticed(folder, capsys, stride):
    windows, starts = make_windows(make_ar(1, 90, 1, random_state=0)[0], 6, stride)
    np.save("windows.npy", windows)
    assert np.array_equal(read_series("windows.npy").starts, starts)
    np.save("apart.npy", make_windows(windows[:, 0], 6, 6)[0])
    assert read_series("apart.npy").starts is None
    if stride == 1:
        assert main(["windows.npy", *QUICK]) == 0
        assert "folds are blocks of time" in capsys.readouterr().out


def test_ctrl_c_ends_the_command(folder, monkeypatch, capsys):
    def press(*args, **kwargs):
        raise KeyboardInterrupt

    write_csv("prices.csv")
    monkeypatch.setattr("sklearn_timegen.vae.TimeVAE.fit", press)
    assert main(["prices.csv", "--window", "6"]) == 130
    assert "interrupted" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["windows.npz", "--stride", "2"], "--stride 2 is of windows that --window cuts"),
        (["windows.npz", "--target", "0"], "--target 0 names a channel .* have labels"),
        (["--window", "6"], "--window 6 .* ItalyPowerDemand"),
        (["evaluate", "windows.npz", "windows.npz", "--window", "4"], "hold windows already"),
        (["evaluate", "windows.npz", "windows.npz", "--stride", "4"], "--stride 4 is of windows"),
    ],
)
def test_options_that_would_change_nothing_are_refused(folder, capsys, argv, message):
    X, y = make_labelled_sines(40, 8, random_state=0)
    np.savez("windows.npz", X=X, y=y)
    assert main(argv) == 1
    assert re.search(message, capsys.readouterr().err)


def test_an_unexpected_failure_is_not_hidden(folder, monkeypatch):
    write_csv("prices.csv")
    monkeypatch.setattr("sklearn_timegen.plotting.EmbeddingDisplay.from_samples", None)
    with pytest.raises(TypeError):
        main(["prices.csv", "--window", "6", *QUICK])


def test_help_explains(monkeypatch, capsys):
    # As ``python -m sklearn_timegen --help``, but for the seconds that importing torch takes.
    monkeypatch.setattr(sys, "argv", ["sklearn_timegen", "--help"])
    monkeypatch.delitem(sys.modules, "sklearn_timegen.__main__")
    with pytest.raises(SystemExit) as exit_:
        runpy.run_module("sklearn_timegen", run_name="__main__", alter_sys=True)
    assert exit_.value.code == 0
    shown = capsys.readouterr().out
    for word in ("TSTR", "--window", "--output", "rows are time", "examples"):
        assert word in shown


@pytest.mark.parametrize("suffix", [".npy", ".npz", ".csv"])
def test_files_keep_their_numbers(tmp_path, suffix):
    X = make_ar(5, 4, 2, random_state=0)
    path = tmp_path / f"made{suffix}"
    write_series(path, X, None, ["a", "b"])
    if suffix == ".csv":
        table = pd.read_csv(path)
        assert np.allclose(table[["a", "b"]].to_numpy().reshape(5, 4, 2), X, rtol=1e-6)
    else:
        assert np.array_equal(read_series(path).X, X)


def test_windows_are_read_back_from_csv(tmp_path):
    X = make_ar(5, 4, 2, random_state=0)
    write_series(tmp_path / "new.csv", X, np.array(["p", "q", "p", "p", "q"]), ["a", "b"])
    held = read_series(tmp_path / "new.csv")
    assert np.allclose(held.X, X)
    assert list(held.y) == ["p", "q", "p", "p", "q"]
    assert held.channels == ["a", "b"]
    ragged = (tmp_path / "new.csv").read_text().rsplit("\n", 2)[0]
    (tmp_path / "ragged.csv").write_text(ragged)
    with pytest.raises(ValueError, match="between 3 and 4 timesteps"):
        read_series(tmp_path / "ragged.csv")


def test_two_dimensional_arrays(tmp_path):
    path = tmp_path / "table.npy"
    np.save(path, np.arange(20.0).reshape(10, 2))
    assert read_series(path).X.shape == (10, 2, 1)
    held = read_series(path, window=4, stride=3)
    assert held.X.shape == (3, 4, 2)
    assert held.starts.tolist() == [0, 3, 6]


def test_import_is_light():
    code = (
        "import sys, sklearn_timegen; "
        "print([m for m in ('torch', 'sklearn', 'sktime', 'matplotlib', 'pandas') "
        "if m in sys.modules]); from sklearn_timegen import TimeVAE; "
        "print([m for m in ('sktime', 'matplotlib', 'statsmodels', 'pooch') if m in sys.modules])"
    )
    command = [sys.executable, "-c", code]
    shown = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert shown.split("\n")[:2] == ["[]", "[]"]


def test_inputs_are_not_overwritten_unless_told(folder, capsys):
    X, y = make_labelled_sines(60, 8, random_state=0)
    np.savez("real.npz", X=X, y=y)
    before = (folder / "real.npz").read_bytes()
    (folder / "link.npz").symlink_to("real.npz")
    assert main(["real.npz", *QUICK, "--output", "link.npz"]) == 1
    assert "link.npz is the file real.npz that is read" in capsys.readouterr().err
    pd.DataFrame({"sample": [0], "timestep": [0], "a": [1.0]}).to_csv("train.csv", index=False)
    asked = ["evaluate", "real.npz", "real.npz", "--train", "train.csv", "--output", "train.csv"]
    assert main(asked) == 1
    assert "train.csv is the file train.csv that is read" in capsys.readouterr().err
    assert (folder / "real.npz").read_bytes() == before
    assert main(["real.npz", *QUICK, "--output", "link.npz", "--overwrite"]) == 0
    assert (folder / "real.npz").read_bytes() != before
