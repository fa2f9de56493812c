"""The command line: tables in, tables like them out, and what is said on the way."""

import os
import re
import runpy
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from sklearn_timegen import _cli_run
from sklearn_timegen.__main__ import main
from sklearn_timegen.datasets import make_ar, make_labelled_sines
from sklearn_timegen.io import read_table

QUICK = ["--metrics", "mmd", "--splits", "2"]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def sales(n_shops=3, n=48, seed=0):
    """Hours of shops, as a German spreadsheet writes them."""
    rng = np.random.default_rng(seed)
    hours = pd.date_range("2024-01-01", periods=n, freq="h").strftime("%d.%m.%Y %H:%M")
    shops = []
    for k in range(n_shops):
        level = 1_000.0 * (k + 1)
        sold = level + 300 * np.sin(np.arange(n) / 24 * 2 * np.pi) + rng.normal(0, 50, n)
        shops.append(
            pd.DataFrame(
                {
                    "number": k * n + np.arange(n) + 1,
                    "shop": f"0{k}",
                    "hour": hours,
                    "sold": [f"{v:,.2f}".translate(str.maketrans(",.", ".,")) for v in sold],
                    "guests": rng.poisson(20, n),
                    "weather": rng.choice(["sun", "rain", "snow"], n),
                    "note": "",
                }
            )
        )
    return pd.concat(shops)


@pytest.fixture
def table(folder):
    sales().to_csv("sales.csv", sep=";", index=False)
    return folder / "sales.csv"


def test_a_table_comes_back_in_its_form(table, capsys):
    assert main(["sample", "sales.csv", "--output", "new.csv", "--rules"]) == 0
    shown = capsys.readouterr().out
    for words in (
        "3 by shop, of 48 timesteps",
        "hour, 2024-01-01 00:00 to 2024-01-02 23:00, every hour",
        "sold (number), guests (whole number), weather (3 words)",
        "note: empty",
        "number: numbers the rows",
        "semicolons, with decimal commas",
        "weather is one of rain, snow, sun",
    ):
        assert words in shown
    text = (table.parent / "new.csv").read_text().splitlines()
    assert text[0] == "number;shop;hour;sold;guests;weather;note"
    assert len(text) == 1 + 3 * 48
    real, new = read_table("sales.csv"), read_table("new.csv")
    assert (real.frame.dtypes == new.frame.dtypes).all()
    assert list(new.frame["hour"]) == list(real.frame["hour"])
    assert not set(new.frame["shop"]) & set(real.frame["shop"])
    assert new.frame["number"].tolist() == list(range(3 * 48 + 1, 6 * 48 + 1))
    assert new.frame["sold"].between(0, 5_000).all()


def test_what_is_asked_for_is_drawn(table, capsys):
    asked = ["--n-series", "2", "--n-timesteps", "30", "--start", "01.05.2030", "--seed", "1"]
    generator = ["--generator", "PCAMixture(n_components=4)", "--window", "12"]
    named = ["--id", "shop", "--time", "hour"]
    output = ["--output", "new.tsv"]
    assert main(["sample", "sales.csv", *named, *output, *asked, *generator]) == 0
    assert "PCAMixture(n_components=4)" in capsys.readouterr().out
    new = read_table("new.tsv").frame
    assert new.groupby("shop").size().tolist() == [30, 30]
    assert new["hour"].min() == pd.Timestamp("2030-05-01")
    again = (table.parent / "new.tsv").read_bytes()
    assert main(["sample", "sales.csv", *named, *output, *asked, *generator]) == 0
    assert (table.parent / "new.tsv").read_bytes() == again


def test_one_series_without_names_or_times(folder, capsys):
    series = make_ar(1, 200, 2, random_state=0)[0]
    pd.DataFrame(series.round(2), columns=["a", "b"]).to_csv("series.csv", index=False)
    arguments = ["sample", "series.csv", "--output", "new.csv"]
    assert main([*arguments, "--n-timesteps", "300"]) == 0
    shown = capsys.readouterr().out
    assert "one, of 200 timesteps" in shown
    assert "no column: the rows are in their order" in shown
    assert read_table("new.csv").frame.shape == (300, 2)
    assert main([*arguments, "--n-series", "2"]) == 1
    assert "needs a column that tells series apart" in capsys.readouterr().err


@pytest.mark.parametrize("suffix", [".npz", ".csv"])
def test_windows_are_sampled_and_judged(folder, capsys, suffix):
    X, y = make_labelled_sines(60, 8, random_state=0)
    np.savez("windows.npz", X=X, y=y)
    windows = read_table("windows.npz")
    windows.write(f"real{suffix}", windows.frame)
    assert main(["sample", f"real{suffix}", "--output", f"new{suffix}"]) == 0
    assert "60 by sample, of 8 timesteps" in capsys.readouterr().out
    if suffix == ".npz":
        with np.load("new.npz") as new:
            assert new["X"].shape == X.shape
            assert sorted(set(new["y"])) == ["fast", "slow"]
    asked = ["--metrics", "mmd", "tstr_score", "--splits", "2", "--output", "t.csv"]
    assert main(["evaluate", f"real{suffix}", f"new{suffix}", *asked]) == 0
    scores = pd.read_csv("t.csv", index_col=0)["score"]
    assert scores["tstr_score"] > 0.8
    assert main(["evaluate", f"real{suffix}", f"new{suffix}", "--window", "4"]) == 1
    assert "windows already" in capsys.readouterr().err


def test_samples_are_judged_and_ranked(table, capsys):
    sales(seed=1).to_csv("ours.csv", sep=";", index=False)
    bad = sales(seed=2)
    bad["guests"] *= 30
    bad.drop(columns=["note", "number"])[["weather", "guests", "sold", "hour", "shop"]].to_csv(
        "theirs.csv", index=False
    )
    asked = ["--window", "8", *QUICK]
    assert main(["evaluate", "sales.csv", "ours.csv", *asked, "--output", "t.csv"]) == 0
    shown = capsys.readouterr().out
    for word in ("floor", "copies", "mmd"):
        assert word in shown
    assert (table.parent / "t.csv").read_text().startswith("metric,score,std,floor,copies")
    several = ["evaluate", "sales.csv", "theirs.csv", "ours.csv"]
    assert main([*several, *asked[:-1], "4"]) == 0
    shown = capsys.readouterr().out
    assert shown.index("\nmmd") < shown.index("ours") < shown.index("theirs")
    assert main(["evaluate", "sales.csv", "sales.csv", "sales.csv"]) == 1
    assert "rename one" in capsys.readouterr().err
    pd.DataFrame({"a": [1.5, 2.5]}).to_csv("other.csv", index=False)
    assert main(["evaluate", "sales.csv", "other.csv"]) == 1
    assert (
        "other.csv has no column 'shop', which the real series have; it has a"
        in capsys.readouterr().err
    )


@pytest.mark.parametrize("files", [["ours.csv"], ["ours.csv", "theirs.csv"]])
def test_a_report_beside_the_sample(table, files):
    pytest.importorskip("matplotlib")
    asked = ["--metrics", "mmd", "--splits", "4", "--report", "r.html"]
    for seed, file in enumerate(files, 1):
        sales(seed=seed).to_csv(file, sep=";", index=False)
    assert main(["evaluate", "sales.csv", *files, *asked, "--window", "8"]) == 0
    page = (table.parent / "r.html").read_text()
    assert "<html" in page
    assert all(file.removesuffix(".csv") in page for file in files[1:])


def test_columns_are_left_out_if_told_so(table, capsys):
    asked = ["--drop", "weather", "number", "--output", "new.csv"]
    assert main(["sample", "sales.csv", "--window", "8", *asked]) == 0
    shown = capsys.readouterr().out
    assert "weather: as it was asked for" in shown
    new = pd.read_csv("new.csv", sep=";")
    assert list(new) == list(read_table("sales.csv").form.names)
    assert new["weather"].isna().all()
    assert main(["sample", "sales.csv", "--drop", "wether", "--output", "new.csv"]) == 1
    assert "--drop: there is no column 'wether'; there are" in capsys.readouterr().err


def test_messages_name_options_and_no_code(table, capsys):
    rows = sales()
    pd.concat([rows, rows[:2]]).to_csv("twice.csv", sep=";", index=False)
    rows.assign(hour=rows["hour"].where(rows["guests"] > 12)).to_csv("holes.csv", sep=";")
    for file, message in (
        ("twice.csv", "drop the rows that are there twice.*by --id"),
        ("holes.csv", "hour is the time of each row, and is missing in"),
    ):
        assert main(["sample", file, "--output", "new.csv"]) == 1
        told = capsys.readouterr().err
        assert re.search(message, told)
        assert not re.search(r"id_columns|pd\.|X\.", told)


def test_rules_are_told(table, capsys):
    assert main(["rules", "sales.csv"]) == 0
    shown = capsys.readouterr().out
    assert "weather is one of rain, snow, sun: 144 cells, none broken" in shown
    assert "guests in whole numbers" in shown


def test_rules_are_told_of_rows_with_gaps_and_at_irregular_times(folder, capsys):
    rng, hours = np.random.default_rng(0), pd.date_range("2024-01-01", periods=400, freq="h")
    low = rng.normal(size=400).round(3)
    whole = pd.DataFrame({"hour": hours, "low": low, "twice": 2 * low})
    for kept in (rng.random(400) < 0.9, rng.random(400) < 0.2):
        whole[kept].to_csv("t.csv", index=False)
        assert main(["rules", "t.csv"]) == 0
        assert "twice = 2 low" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["none.csv"], "there is no file none.csv"),
        (["sales.csv", "--output", "new.doc"], "must end in one of"),
        (["sales.csv", "--output", "no/new.csv"], "no directory no"),
        (["sales.csv", "--report", "new.pdf"], "must end in one of .html"),
        (["sales.csv", "--output", "link.csv"], "link.csv is the file sales.csv that is read"),
        (["sales.csv", "--id", "store"], "there is no column 'store'; there are"),
        (["sales.csv", "--generator", "TimeWAVE"], "there is no generator 'TimeWAVE'; there are"),
        (["sales.csv", "--generator", "VAE(depth=3)"], "VAE(depth=3): "),
        (["sales.csv", "--generator", "1 + 1"], "is not of the form FlowMatching"),
        (["sales.csv", "--generator", "VAE(3)"], "is not of the form FlowMatching"),
        (["sales.csv", "--metrics", "quick"], "--metrics are of the report: give --report"),
        (["sales.csv", "--window", "49"], "--window 49 is longer than the shortest series"),
        (["sales.csv", "--start", "soon"], "'soon' is no time as column hour has them"),
        (["twins.csv"], "several rows have the same day, such as 2024-01-01"),
        (["two.csv"], "could be named by a or b: say by which, with --id"),
        (["times.csv"], "the columns first, second could all be the time: name it with --time"),
        (["sales.csv", "--id", "shop", "--time", "guests"], "duplicated"),
        (["sales.csv", "--date-format", "%Y"], "no column of dates of the format '%Y'"),
    ],
)
def test_mistakes_are_answered_at_once(table, capsys, arguments, message):
    days = pd.date_range("2024-01-01", periods=4)
    twice = pd.DataFrame({"day": [*days, *days], "x": np.linspace(0, 1, 8)})
    twice.to_csv("twins.csv", index=False)
    mixed = twice.sort_values("day").assign(a=[*"pqpqpqpq"], b=[*"pqqppqqp"])
    mixed.to_csv("two.csv", index=False)
    pair = pd.DataFrame({"first": days, "second": days, "x": [1.5, 2, 3, 4]})
    pair.to_csv("times.csv", index=False)
    (table.parent / "link.csv").symlink_to("sales.csv")
    before = table.read_bytes()
    arguments = arguments if "--output" in arguments else [*arguments, "--output", "new.csv"]
    assert main(["sample", *arguments]) == 1
    captured = capsys.readouterr()
    assert message in captured.err
    assert len(captured.err.splitlines()) == 1
    assert not (table.parent / "new.csv").exists()
    assert table.read_bytes() == before


def test_attributes_of_many_series_are_drawn_and_those_of_few_are_told_to_be_real(folder, capsys):
    rng = np.random.default_rng(0)
    days = pd.date_range("2024-01-01", periods=30)
    shops = pd.concat(
        pd.DataFrame(
            {
                "shop": f"S{k}",
                "day": days,
                "size": round(float(rng.lognormal(5)), 3),
                "sold": rng.normal(size=30).round(2),
            }
        )
        for k in range(20)
    )
    few = shops[shops["shop"].isin([f"S{k}" for k in range(9)])]
    for X, are_drawn in ((shops, True), (few, False)):
        X.to_csv("shops.csv", index=False)
        arguments = ["sample", "shops.csv", "--output", "new.csv", "--window", "8", "--overwrite"]
        assert main(arguments) == 0
        shown = capsys.readouterr().out
        assert ("are drawn from a model of all series" in shown) == are_drawn
        assert ("stands in for a real one" in shown) != are_drawn
        made = pd.read_csv("new.csv").groupby("shop", sort=False)["size"].first()
        real = X.groupby("shop", sort=False)["size"].first()
        same = made.to_numpy() == real.to_numpy()
        assert same.mean() < 0.2 if are_drawn else same.all()


def test_inputs_are_overwritten_if_told_so(table, capsys):
    before = table.read_bytes()
    arguments = ["sales.csv", "--window", "8"]
    assert main(["evaluate", *arguments, "sales.csv", *QUICK, "--output", "sales.csv"]) == 1
    assert "sales.csv is the file sales.csv that is read" in capsys.readouterr().err
    assert table.read_bytes() == before
    (table.parent / "link.csv").symlink_to("sales.csv")
    assert main(["sample", *arguments, "--output", "link.csv", "--overwrite"]) == 0
    assert table.read_bytes() != before
    assert (table.parent / "link.csv").is_symlink()


def test_numbers_are_checked_by_the_parser(capsys):
    for value in ("0", "-1", "many", "²"):
        with pytest.raises(SystemExit) as exit_:
            main(["sample", "t.csv", "--output", "n.csv", f"--window={value}"])
        assert exit_.value.code == 2
        assert "a whole number of at least 1 is expected" in capsys.readouterr().err


def test_ctrl_c_ends_the_command(table, monkeypatch, capsys):
    def press(*args, **kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr("sklearn_timegen.SeriesGenerator.fit", press)
    assert main(["sample", "sales.csv", "--output", "new.csv"]) == 130
    assert "interrupted" in capsys.readouterr().err


def test_an_unexpected_failure_is_not_hidden(table, monkeypatch):
    monkeypatch.setattr("sklearn_timegen.SeriesGenerator.fit", None)
    with pytest.raises(TypeError):
        main(["sample", "sales.csv", "--output", "new.csv"])


@pytest.mark.filterwarnings("ignore:the posterior has collapsed")
def test_the_demo_runs(folder, monkeypatch, capsys):
    pytest.importorskip("sktime")
    pytest.importorskip("matplotlib")
    X, y = make_labelled_sines(60, 24, random_state=0)
    monkeypatch.setattr("sklearn_timegen.datasets.load_italy_power", lambda: (X, y))
    monkeypatch.setattr(_cli_run, "EPOCHS", 1)
    monkeypatch.setattr(_cli_run, "FOLDS", 2)
    assert main(["demo", "--jobs", "1"]) == 0
    shown = capsys.readouterr().out
    for word in ("11 by firm", "TRTR", "TSTR", "both", "floor", "logistic regression"):
        assert word in shown
    assert (folder / "timegen.png").stat().st_size > 10_000
    new = read_table("timegen.csv").frame
    assert list(new) == ["invest", "value", "capital", "firm", "year"]
    assert new["year"].agg(["min", "max"]).tolist() == [1935, 1954]
    assert not set(new["firm"]) & {"General Motors", "US Steel", "IBM"}


def test_help_explains(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["sklearn_timegen", "--help"])
    monkeypatch.delitem(sys.modules, "sklearn_timegen.__main__")
    with pytest.raises(SystemExit) as exit_:
        runpy.run_module("sklearn_timegen", run_name="__main__", alter_sys=True)
    assert exit_.value.code == 0
    shown = capsys.readouterr().out
    for word in ("sample", "evaluate", "rules", "demo", "Parquet".lower(), "examples"):
        assert word in shown
    for command in ("sample", "evaluate", "rules", "demo"):
        with pytest.raises(SystemExit):
            main([command, "--help"])
        assert "options:" in capsys.readouterr().out


def test_help_comes_at_once():
    command = [sys.executable, "-X", "importtime", "-m", "sklearn_timegen", "sample", "--help"]
    spent = os.times()
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    now = os.times()
    # Time of the processor, so that what else runs on the machine does not count.
    assert now.children_user - spent.children_user < 1
    imported = {line.split("|")[-1].strip() for line in run.stderr.splitlines()}
    assert not imported & {"torch", "sklearn", "pandas", "numpy"}


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
