"""What errors say to do: in Python by parameters, at the command line by options."""

import pickle

import numpy as np
import pandas as pd
import pytest

from sklearn_timegen import SeriesGenerator
from sklearn_timegen.evaluation import evaluate_files
from sklearn_timegen.io import read_estimator, read_table, understand
from sklearn_timegen.rules import find_rules

DAYS = pd.date_range("2024-01-01", periods=40)
OPTION = "--{}".format


def told(action, kind=ValueError):
    """Return what is said in Python, and at a command line."""
    with pytest.raises(kind) as raised:
        action()
    return str(raised.value), raised.value.with_options(OPTION)


def test_parameters_are_options():
    short = pd.DataFrame({"day": DAYS, "x": np.sin(np.arange(40.0))})
    long = SeriesGenerator(window=60, time_column="day")
    in_python, with_file = told(lambda: long.fit(short))
    assert in_python.startswith("window=60 is longer than")
    assert with_file.startswith("--window 60 is longer than")
    in_python, with_file = told(lambda: understand(short, id_columns=["shop"]))
    assert in_python == "id_columns: there is no column 'shop'; there are day, x"
    assert with_file == "--id_columns: there is no column 'shop'; there are day, x"


def test_remedies_of_frames_and_of_files_differ():
    infinite = pd.DataFrame({"day": DAYS, "x": np.where(np.arange(40) == 3, np.inf, 1.0)})
    series = SeriesGenerator(time_column="day")
    in_python, with_file = told(lambda: series.fit(infinite))
    assert "X.replace" in in_python
    assert "X.replace" not in with_file
    assert "leave their cells empty" in with_file


def test_they_travel_between_processes():
    twice = pd.DataFrame({"day": [*DAYS, *DAYS[:1]], "x": np.arange(41.0)})
    with pytest.raises(ValueError, match="duplicated") as raised:
        SeriesGenerator(time_column="day").fit(twice)
    again = pickle.loads(pickle.dumps(raised.value))
    assert str(again) == str(raised.value)
    assert again.with_options(OPTION) == raised.value.with_options(OPTION)


def test_estimators_are_read_from_text():
    read = read_estimator("OneStepGenerator(teacher=FlowMatching(max_epochs=3), max_epochs=2)")
    assert read.teacher.max_epochs == 3
    assert read_estimator(repr(read)).get_params().keys() == read.get_params().keys()
    for text, words in (
        ("__import__('os').getcwd()", "is not of the form"),
        ("VAE(max_epochs=print)", "is not of the form"),
        ("Pipeline()", "there is no generator 'Pipeline'"),
    ):
        with pytest.raises(ValueError, match=words):
            read_estimator(text)


def test_rules_of_tables_have_names_words_and_gaps():
    rng = np.random.default_rng(0)
    low = rng.normal(size=120).cumsum()
    table = pd.DataFrame(
        {
            "shop": np.repeat([*"abc"], 40),
            "day": np.tile(DAYS, 3),
            "low": low,
            "high": low + rng.exponential(size=120) * (rng.random(120) > 0.1),
            "word": rng.choice(["x", "y"], 120),
        }
    )
    table.loc[7, "low"] = np.nan
    found = str(find_rules(table, id_columns="shop", time_column="day"))
    assert "low <= high" in found
    assert "word is one of x, y" in found
    by_order = find_rules(table, id_columns="shop", time_column="day", include="order")
    assert [rule.kind for rule in by_order if rule.kind != "category"] == ["order"]
    many = table.assign(word=rng.choice([f"w{k}" for k in range(25)], 120))
    codes = find_rules(many, id_columns="shop", time_column="day")
    assert "word in whole numbers" not in str(codes)
    with pytest.raises(ValueError, match="have names already"):
        find_rules(table.set_index("day")[["low"]], names=["a"])


def test_rows_of_a_file_without_times_are_timesteps(tmp_path):
    for seed, name in enumerate(["real", "new"]):
        x = np.random.default_rng(seed).normal(size=(160, 2)).round(3)
        pd.DataFrame(x, columns=["a", "b"]).to_csv(tmp_path / f"{name}.csv", index=False)
    real, new = tmp_path / "real.csv", tmp_path / "new.csv"
    assert read_table(real).understand().time is None
    how = {"metrics": "mmd", "n_splits": 2, "verbose": 0}
    by_itself = evaluate_files(real, new, **how)
    asked = evaluate_files(real, new, window=20, **how)
    assert by_itself.loc["mmd", "score"] == asked.loc["mmd", "score"]
