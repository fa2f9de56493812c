"""Tables in files: read as what they are, and written as they were."""

import sys

import numpy as np
import pandas as pd
import pytest

from sklearn_timegen.io import read_table
from sklearn_timegen.io.cells import Numbers

SHAPES = {
    "semicolons and decimal commas": "shop;day;sold\n01;31.12.2024;1,50\n02;01.01.2025;20,25\n",
    "points between thousands": "day;sold\n2024-01-01;1.234,50\n2024-01-02;999,00\n",
    "commas between thousands": 'day,sold\n2024-01-01,"1,234"\n2024-01-02,999\n',
    "quoted words": '"shop","n"\n"a, or ""b""",1\n"c",2\n',
    "everything quoted": '"shop","n"\n"a","1"\n"c","2"\n',
    "line breaks in cells": 'shop,n\n"two\nlines",1\nc,2\n',
    "Windows": "shop;n\r\na;1\r\nb;2\r\n",
    "missing values": "s,n,x,ok,day\na,,1.5,True,2024-01-01\n,2,,,\nb,3,2.25,False,2024-01-03\n",
    "missing numbers of R": '"shop","x"\n"NA",NA\n"b",2.5\n',
    "whole numbers with a point": "x,y\n1.0,1\n2.5,2\n",
    "as many decimals as it takes": "x,y\n0.1234567890123456,1\n2e-07,2\n",
    "numbers of rows": ",x\n0,5\n1,7\n2,8\n",
    "an empty column": "x,note,y\n1,,2\n3,,4\n",
    "months": "month,x\n2024-01,1\n2024-02,2\n",
    "quarters": "quarter,x\n2024Q1,1\n2024Q2,2\n",
    "quarters apart": "quarter,x\n1970 Q1,1\n1970 Q2,2\n",
    "days and months without zeros": "day,x\n9/30/2024,1\n10/1/2024,2\n",
    "hours": "time,x\n2024-01-01 00:00,1\n2024-01-01 01:00,2\n",
    "ISO with an offset": "time,x\n2024-01-01T00:00:00+01:00,1\n2024-01-01T01:00:00+01:00,2\n",
    "ISO in UTC": "time,x\n2024-01-01T00:00:00Z,1\n2024-01-01T01:00:00Z,2\n",
    "fractions of seconds": "time,x\n2024-01-01 00:00:00.250,1\n2024-01-01 00:00:00.500,2\n",
    "days before 1678": "day,x\n1500-01-01,1\n1500-01-02,2\n",
    "names of months": "day,x\n01 Jan 2024,1\n02 Jan 2024,2\n",
    "half days": "time,x\n01/31/2024 09:05 AM,1\n01/31/2024 10:05 PM,2\n",
    "percent": "share,x\n12.5%,1\n7%,2\n",
    "euros": "price;x\n1.234,50 €;1\n5,00 €;2\n",
    "dollars": "price,x\n$5.00,1\n$12.50,2\n",
    "codes": "code,x\n007,1\n10,2\nA1,3\n",
    "long numbers": "card,x\n12345678901234567890,1\n22345678901234567890,2\n",
    "telephone numbers": "tel,x\n+4930123,1\n+4930124,2\n",
    "signs of other languages": "Straße,x\nGrünallee,1\n東京,2\n",
    "one column": "x\n1.5\n2.5\n",
    "bars": "a|b\n1|2\n3|4\n",
    "flags in capitals": "ok,x\nTRUE,1\nFALSE,2\n",
    "columns called as in windows": "sample,label,x\na,b,1\nc,d,2\n",
}


def write(folder, text, name="table.csv", encoding="utf-8"):
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode(encoding))
    return path


@pytest.mark.parametrize("text", SHAPES.values(), ids=SHAPES)
def test_what_is_read_is_written_as_it_was(tmp_path, text):
    path = write(tmp_path, text)
    table = read_table(path)
    assert table.write(tmp_path / "again.csv", table.frame).read_bytes() == path.read_bytes()


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "cp1252"])
def test_encodings_are_kept(tmp_path, encoding):
    path = write(tmp_path, "Straße;x\nGrünallee;1,5\n", encoding=encoding)
    table = read_table(path)
    assert list(table.frame) == ["Straße", "x"]
    assert table.write(tmp_path / "again.csv", table.frame).read_bytes() == path.read_bytes()
    assert any("Windows-1252" in note for note in table.notes) == (encoding == "cp1252")


def test_types_are_those_of_the_cells(tmp_path):
    text = "code,word,n,m,x,flag,day,time\n" + "".join(
        f"0{k},w{k},{k},{k if k else ''},{k}.5,{k > 1},2024-01-0{k + 1},2024-01-01T0{k}:00Z\n"
        for k in range(4)
    )
    frame = read_table(write(tmp_path, text)).frame
    kinds = [str(dtype).split("[")[0] for dtype in frame.dtypes]
    expected = ["str", "str", "int64", "Int64", "float64", "bool", "datetime64", "datetime64"]
    assert kinds == expected
    assert frame["code"].tolist() == ["00", "01", "02", "03"]
    assert frame["m"].isna().tolist() == [True, False, False, False]
    assert str(frame["time"].dt.tz) == "UTC"


def test_other_values_are_written_in_the_same_form(tmp_path):
    table = read_table(write(tmp_path, SHAPES["points between thousands"]))
    assert "separated by semicolons, with decimal commas" in table.notes[0]
    days = pd.to_datetime(["2030-12-31", None])
    others = pd.DataFrame({"sold": [-1234567.891, np.nan], "day": days})
    path = table.write(tmp_path / "new.csv", others)
    assert path.read_text() == "day;sold\n2030-12-31;-1.234.567,89\n;\n"
    path = table.write(tmp_path / "new.tsv", others)
    assert path.read_text() == "day\tsold\n2030-12-31\t-1.234.567,89\n\t\n"


@pytest.mark.parametrize(
    ("value", "form", "text"),
    [
        (0.1 + 0.2, Numbers(least=1, most=3), "0.3"),
        (1234.5, Numbers(least=2, most=2), "1234.50"),
        (1234.5, Numbers(",", ".", 0, 2), "1.234,5"),
        (-0.0, Numbers(least=1, most=1), "0.0"),
        (2.0, Numbers(least=0, most=2), "2"),
        (1e-9, Numbers(",", most=None), "1e-09"),
        (12345.0, Numbers(".", " "), "12 345"),
    ],
)
def test_numbers(value, form, text):
    assert form.write(pd.Series([value])) == [text]


def test_windows_are_tables(tmp_path):
    X = np.random.default_rng(0).normal(size=(5, 4, 2)).astype(np.float32)
    y = np.array(["p", "q", "p", "p", "q"])
    np.savez(tmp_path / "windows.npz", X=X, y=y)
    table = read_table(tmp_path / "windows.npz")
    assert list(table.frame) == ["sample", "timestep", "label", "channel 0", "channel 1"]
    table.write(tmp_path / "again.npz", table.frame)
    with np.load(tmp_path / "again.npz") as again:
        np.testing.assert_array_equal(again["X"], X)
        assert again["X"].dtype == np.float32
        np.testing.assert_array_equal(again["y"], y)
    table.write(tmp_path / "again.csv", table.frame)
    read = read_table(tmp_path / "again.csv").frame
    np.testing.assert_allclose(read["channel 1"].to_numpy().reshape(5, 4), X[:, :, 1])
    with pytest.raises(ValueError, match="no labels"):
        table.write(tmp_path / "again.npy", table.frame)
    np.save(tmp_path / "rows.npy", X[:, :, 0])
    rows = read_table(tmp_path / "rows.npy")
    assert "5 rows are taken for windows of 4 timesteps" in rows.notes[0]
    rows.write(tmp_path / "again.npy", rows.frame)
    np.testing.assert_array_equal(np.load(tmp_path / "again.npy"), X[:, :, 0])
    long = read_table(tmp_path / "rows.npy", rows_are_time=True)
    assert list(long.frame) == [f"channel {k}" for k in range(4)]
    long.write(tmp_path / "long.npy", long.frame)
    np.testing.assert_array_equal(np.load(tmp_path / "long.npy"), X[:, :, 0])


def test_parquet_keeps_types(tmp_path):
    pytest.importorskip("pyarrow")
    frame = pd.DataFrame(
        {
            "shop": pd.Categorical(["a", "b", "a"]),
            "day": pd.date_range("2024-01-01", periods=3),
            "n": pd.array([1, None, 3], dtype="Int16"),
        }
    )
    frame.to_parquet(tmp_path / "table.parquet")
    table = read_table(tmp_path / "table.parquet")
    table.write(tmp_path / "again.parquet", table.frame.iloc[::-1])
    again = pd.read_parquet(tmp_path / "again.parquet")
    pd.testing.assert_frame_equal(again, frame.iloc[::-1].reset_index(drop=True))
    table.write(tmp_path / "again.csv", table.frame)
    assert (tmp_path / "again.csv").read_text().startswith("shop,day,n\na,2024-01-01,1\n")


def test_parquet_without_pyarrow(tmp_path, monkeypatch):
    path = write(tmp_path, b"PAR1" + b"\0" * 20, "table.parquet")
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(ImportError, match="pip install pyarrow"):
        read_table(path)


BAD = {
    "none.csv": (None, "there is no file"),
    "table.doc": ("a,b\n1,2\n", "must end in one of .csv, .tsv"),
    "empty.csv": ("", "is empty"),
    "blank.csv": ("\n \n", "is empty"),
    "header.csv": ("a,b\n", "a header and no rows"),
    "bare.csv": ("1.5,2\n" * 20, "has no header: its first row is 1.5, 2"),
    "wide.csv": ("a,b\n1,2\n1,2,3\n", "its row 2 has 3 cells, its header 2"),
    "cut.csv": ("a,b\n1,2\n1", "its row 2 has 1 cells, its header 2"),
    "open.csv": ('a,b\n1,2\n"1,2\n3,4\n', "damaged after its row 1"),
    "twice.csv": ("a,a\n1,2\n", "two columns that are called 'a'"),
    "nothing.csv": ("a,b\n,\n,\n", "every column is empty"),
    "zeros.csv": (b"a,b\n1,\0\0\n", "no text"),
    "workbook.csv": (b"PK\x03\x04" + b"\0" * 50, "Excel workbook: save that as CSV"),
    "page.csv": ("<html><table></table></html>", "HTML or XML: save its table as CSV"),
    "gone.csv": ("version https://git-lfs.github.com/spec/v1\n", "git lfs pull"),
    "slip.csv": ("x\n" + "\n".join(map(str, range(60))) + "\nbad\n", "but for 'bad' in row 61"),
    "dates.csv": ("day,x\n01/02/2024,1\n01/03/2024,2\n", "may be %d/%m/%Y or %m/%d/%Y"),
    "table.npz": ("a,b\n1,2\n", "no .npz file, or damaged"),
    "table.npy": (b"PK\x03\x04" + b"\0" * 50, "an archive"),
    "table.parquet": ("a,b\n1,2\n", "no .parquet file, or damaged"),
    "short.npy": (b"\x93NUMPY\x01\x00", "is damaged"),
    "short.npz": (b"PK\x03\x04nonsense", "is damaged"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_files_are_answered_in_a_line(tmp_path, name):
    content, message = BAD[name]
    path = tmp_path / name if content is None else write(tmp_path, content, name)
    with pytest.raises((ValueError, OSError)) as caught:
        read_table(path)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_dates_in_two_ways(tmp_path):
    path = write(tmp_path, "day,x\n01/02/2024,1\n01/03/2024,2\n")
    months = read_table(path, date_format="%d/%m/%Y")
    assert months.frame["day"].dt.month.tolist() == [2, 3]
    assert months.write(tmp_path / "again.csv", months.frame).read_text() == path.read_text()
    rows = "01/01/2024,1\n01/02/2024,1\n02/01/2024,1\n02/02/2024,1\n"
    rising = write(tmp_path, f"day,x\n{rows}")
    assert read_table(rising).frame["day"].dt.month.tolist() == [1, 1, 2, 2]
    with pytest.raises(ValueError, match="no column of dates of the format '%Y'"):
        read_table(rising, date_format="%Y")


def test_a_slip_among_dates_is_told(tmp_path):
    days = pd.date_range("2024-01-01", periods=60).strftime("%d.%m.%Y").tolist()
    for slip in ("soon", "31.02.2024"):
        days[40] = slip
        path = write(tmp_path, "day,x\n" + "".join(f"{day},1\n" for day in days))
        with pytest.raises(ValueError, match=f"'day' is of dates, but for '{slip}' in row 41"):
            read_table(path)


def test_times_are_read_as_they_are_written(tmp_path):
    rows = "01.12.2024 00:00;1\n01.12.2024 01:00;2\n"
    table = read_table(write(tmp_path, f"hour;x\n{rows}"))
    for text in ("05.02.2030 00:00", "05.02.2030", "2030-02-05", "2030-02-05 00:00"):
        assert table.time_of("hour", text) == pd.Timestamp(2030, 2, 5)
    for text in ("02/05/2030", "5", "", "soon"):
        with pytest.raises(ValueError, match="no time as column hour has them"):
            table.time_of("hour", text)
    years = read_table(write(tmp_path, "year,x\n1990,1\n1991,2\n"))
    assert years.time_of("year", "2030") == 2030
    quarters = read_table(write(tmp_path, SHAPES["quarters"]))
    assert quarters.time_of("quarter", "2030Q2") == pd.Timestamp(2030, 4, 1)


def test_hours_of_several_offsets_are_written_in_utc(tmp_path):
    path = write(tmp_path, "time,x\n2024-03-31T01:00+01:00,1\n2024-03-31T03:00+02:00,2\n")
    table = read_table(path)
    assert table.frame["time"].diff().iloc[1] == pd.Timedelta("1h")
    assert "UTC" in table.notes[0]
    text = table.write(tmp_path / "again.csv", table.frame).read_text()
    assert text == "time,x\n2024-03-31T00:00+00:00,1\n2024-03-31T01:00+00:00,2\n"


def test_arrays_of_other_things_are_refused(tmp_path):
    np.save(tmp_path / "objects.npy", np.array([{}], dtype=object), allow_pickle=True)
    np.save(tmp_path / "flat.npy", np.zeros(9))
    np.save(tmp_path / "deep.npy", np.zeros((4, 3, 2)))
    np.savez(tmp_path / "two.npz", a=np.zeros((4, 3)), b=np.zeros(4))
    np.savez(tmp_path / "short.npz", X=np.zeros((4, 3)), y=np.zeros(3))
    np.savez(tmp_path / "nothing.npz")
    np.save(tmp_path / "words.npy", np.array([["a"]]))
    for name, message in [
        ("objects.npy", "Python objects"),
        ("flat.npy", r"shape \(9,\)"),
        ("two.npz", "call the windows X"),
        ("short.npz", "4 windows, but 3 labels"),
        ("nothing.npz", "call the windows X|empty archive"),
        ("words.npy", "not numbers"),
    ]:
        with pytest.raises(ValueError, match=message):
            read_table(tmp_path / name)
    with pytest.raises(ValueError, match="holds windows already"):
        read_table(tmp_path / "deep.npy", rows_are_time=True)


def test_series_that_fit_into_no_array(tmp_path):
    table = read_table(write(tmp_path, "sample,timestep,x\n0,0,1.5\n0,1,2\n1,0,3\n"))
    with pytest.raises(ValueError, match="series of 1 to 2 timesteps"):
        table.write(tmp_path / "windows.npz", table.frame)
    table = read_table(write(tmp_path, "shop,x\na,1.5\nb,2\n"))
    with pytest.raises(ValueError, match="fits into no array"):
        table.write(tmp_path / "windows.npz", table.frame)


@pytest.mark.parametrize("kind", ["csv", "npz", "npy"])
def test_damaged_files_end_in_a_message(tmp_path, kind):
    """Bytes changed, lost and added anywhere: a table comes of it, or one line of a message."""
    rng = np.random.default_rng()
    good = {"csv": SHAPES["missing values"].encode()}
    X = np.arange(24.0).reshape(4, 3, 2)
    np.savez_compressed(tmp_path / "good.npz", X=X, y=np.arange(4))
    np.save(tmp_path / "good.npy", X)
    whole = good.get(kind) or (tmp_path / f"good.{kind}").read_bytes()
    for _ in range(300):
        data = bytearray(whole)
        for _ in range(rng.integers(1, 4)):
            at = int(rng.integers(len(data)))
            change = rng.integers(4)
            if change == 0:
                data[at] = rng.integers(256)
            elif change == 1:
                del data[at:]
            elif change == 2:
                del data[at : at + int(rng.integers(1, 20))]
            else:
                data[at:at] = rng.bytes(int(rng.integers(1, 9)))
            if not data:
                break
        path = write(tmp_path, bytes(data), f"damaged.{kind}")
        message = ""
        try:
            read_table(path)
        except (ValueError, OSError) as error:
            message = str(error)
        assert "\n" not in message, data
