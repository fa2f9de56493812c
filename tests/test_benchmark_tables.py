"""The laws that sampled tables are held to: real tables keep them, damaged ones do not."""

import pandas as pd
import pytest

from benchmarks.columns import columns_off
from benchmarks.tables_data import SHIPPED, TABLES
from benchmarks.tables_laws import (
    by_position,
    faults_of_form,
    faults_of_names,
    faults_of_time,
    faults_of_values,
)

MADE = [name for name in TABLES if name not in SHIPPED]


@pytest.mark.parametrize("name", MADE)
def test_another_real_table_keeps_the_laws(name):
    table = TABLES[name]
    real, other = table.make(0), table.make(1)
    assert faults_of_form(real, other, table) == []
    assert faults_of_time(real, other, table) == []
    assert faults_of_values(other, table) == []


@pytest.mark.parametrize("name", ["visits", "tracks", "quotes"])
def test_damage_is_named(name):
    table = TABLES[name]
    real = table.make(0)
    assert faults_of_names(real, real, table) != []
    column = real.select_dtypes("float").columns[0]
    assert faults_of_form(real, real.assign(**{column: real[column] + 0.0012345}), table) != []
    assert faults_of_form(real, real[real.columns[::-1]], table) != []
    back = real.copy()
    back.loc[5, table.time] = real[table.time].min() - pd.Timedelta(days=9)
    assert faults_of_time(real, back, table) != []


def test_values_that_break_what_a_table_keeps_are_named():
    table = TABLES["tracks"]
    real = table.make(0)
    assert faults_of_values(real.assign(speed=-real["speed"]), table) == ["speed is negative"]
    table = TABLES["quotes"]
    real = table.make(0)
    assert "bid > ask" in faults_of_values(real.assign(bid=real["ask"] + 1), table)


def test_times_make_way_for_positions():
    table = TABLES["events"]
    read, ids, when = by_position(table.make(0), table)
    assert ids == ["visit"]
    first = read.groupby("visit").head(1)
    assert (first[when] == 0).all()
    assert (first["seconds since"] == 0).all()
    assert (read["seconds since"] >= 0).all()


def test_columns_are_off_by_how_much_they_differ():
    real = pd.DataFrame({"word": ["a", "b"] * 50, "number": range(100)})
    made = real.assign(word="a")
    assert columns_off(real, made) == {"word": 0.5, "number": 0.0}
