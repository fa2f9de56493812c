"""Columns of tables are told apart, or it is said which option tells them apart."""

import numpy as np
import pandas as pd
import pytest

from sklearn_timegen.io import understand

DAYS = pd.date_range("2024-01-01", periods=30)


def shops(names=("a", "b", "c"), n=30, **columns):
    rng = np.random.default_rng(0)
    rows = len(names) * n
    return pd.DataFrame(
        {
            "shop": np.repeat(names, n),
            "day": np.tile(DAYS[:n], len(names)),
            "sold": rng.normal(size=rows),
            "guests": rng.poisson(5, rows),
            **columns,
        }
    )


def told(frame, **given):
    found = understand(frame, **given)
    return found.ids, found.time


def test_names_and_times_are_found():
    assert told(shops()) == (["shop"], "day")
    assert told(shops(names=(17, 4, 99))) == (["shop"], "day")
    by_day = shops().sort_values("day", kind="stable")
    assert told(by_day) == (["shop"], "day")
    one = shops(names=("a",))
    assert told(one) == ([], "day")
    assert told(one.drop(columns=["shop", "day"])) == ([], None)
    counted = shops().assign(day=np.tile(np.arange(1990, 2020), 3)).rename(columns={"day": "year"})
    assert told(counted) == (["shop"], "year")
    seconds = counted.rename(columns={"year": "at"}).assign(at=np.tile(np.arange(30) * 60, 3))
    assert told(seconds) == (["shop"], "at")


def test_names_of_several_columns():
    frame = shops(names=range(6))
    frame["store"] = np.repeat([*"aabbcc"], 30)
    frame["item"] = np.repeat([*"xyxyxy"], 30)
    assert told(frame.drop(columns="shop")) == (["store", "item"], "day")
    numbered = shops(number=np.repeat([3, 5, 8], 30))
    assert told(numbered) == (["shop"], "day")
    found = understand(numbered)
    assert found.left_out == {"number": "another name, as shop is"}
    new = found.named(pd.DataFrame({"shop": ["x", "x", "y"]}))
    assert new["number"].tolist() == [9, 9, 10]
    words = understand(numbered[["number", "shop", "day", "sold"]])
    new = words.named(pd.DataFrame({"number": [11, 12, 12]}))
    assert new["shop"].tolist() == ["synthetic_0", "synthetic_1", "synthetic_1"]
    town = shops(names=(*"abcd",), town=np.repeat([*"xxyy"], 60)[:120])
    assert told(town) == (["shop"], "day")
    assert told(town, id_columns=["shop"], time_column="day") == (["shop"], "day")


def test_several_dates():
    opened = pd.Timestamp("2020-05-01")
    assert told(shops(opened=opened)) == (["shop"], "day")
    later = shops()
    later["shipped"] = later["day"] + pd.Timedelta("1D")
    assert told(later) == (["shop"], "day")
    later = later.rename(columns={"day": "ordered"})
    with pytest.raises(ValueError, match="ordered, shipped could all be the time.* time_column"):
        understand(later)
    assert told(later, time_column="ordered") == (["shop"], "ordered")


def test_what_is_in_doubt_is_asked_for():
    with pytest.raises(ValueError, match=r"same day, such as 2024-01-01.*id_columns"):
        understand(shops().drop(columns=["shop"]))
    with pytest.raises(
        ValueError, match=r"no column is the time of series named by shop.*time_column"
    ):
        understand(shops().drop(columns="day"), id_columns=["shop"])
    with pytest.raises(ValueError, match=r"no column 'store'; there are shop, day, sold, guests"):
        understand(shops(), id_columns=["store"])


def test_slips_are_left_to_the_reading():
    twice = pd.concat([shops(), shops().iloc[[5]]])
    assert told(twice) == (["shop"], "day")
    gap = shops()
    gap.loc[3, "shop"] = None
    assert told(gap) == (["shop"], "day")


def test_what_tells_nothing_is_left_out():
    frame = shops(record=np.arange(90) + 7, comment=[f"by {k}" for k in range(90)], gone=None)
    found = understand(frame, left_out={"note": "empty"})
    assert found.left_out == {
        "note": "empty",
        "record": "numbers the rows",
        "comment": "90 different texts",
        "gone": "empty",
    }
    assert found.channels == ["sold", "guests"]
    assert [len(part) for part in found.series(frame)] == [30, 30, 30]
    with pytest.raises(ValueError, match="no column is left to learn from"):
        understand(frame[["shop", "day", "comment"]])


@pytest.mark.parametrize(
    ("freq", "words"),
    [
        ("h", "every hour"),
        ("15min", "every 15 minutes"),
        ("MS", "every month"),
        ("B", "business day"),
    ],
)
def test_frequencies_are_told_in_words(freq, words):
    times = pd.date_range("2024-01-01", periods=20, freq=freq)
    found = understand(pd.DataFrame({"at": times, "x": np.sin(np.arange(20))}))
    assert words in found.lines()[1]


def test_gaps_are_told():
    times = pd.date_range("2024-01-01", periods=20, freq="h")
    gaps = pd.DataFrame({"at": times[[0, 1, 2, 5, 6]], "x": np.arange(5.0)})
    assert "every hour, with gaps" in understand(gaps).lines()[1]
    irregular = pd.DataFrame({"at": times[[0, 1, 4, 9, 11]], "x": np.arange(5.0)})
    assert "at irregular times" in understand(irregular).lines()[1]


def test_lines():
    frame = shops(word=["x", "y", None] * 30, ok=[True, False, True] * 30)
    assert understand(frame.iloc[:-5]).lines() == [
        "series    3 by shop, of 25 to 30 timesteps",
        "time      day, 2024-01-01 to 2024-01-30, every day",
        "channels  sold (number), guests (whole number), word (2 words, 32.9% missing), ok (flag)",
        "left out  nothing",
    ]


@pytest.mark.parametrize("n_series", [1, 3])
def test_newest_first_is_turned_there_and_back(n_series):
    frame = shops().iloc[: 30 * n_series]
    oldest_first = frame if n_series > 1 else frame.drop(columns="shop")
    ids = ["shop"] if n_series > 1 else []
    newest_first = oldest_first.sort_values([*ids, "day"], ascending=[True] * len(ids) + [False])
    found = understand(newest_first)
    assert found.newest_first
    assert found.lines()[1].endswith("every day, newest first")
    pd.testing.assert_frame_equal(found.frame, oldest_first.reset_index(drop=True))
    written = found.named(found.frame)
    pd.testing.assert_frame_equal(written, newest_first.reset_index(drop=True))
    assert not understand(oldest_first).newest_first
    for other in (oldest_first, newest_first):
        read = found.alike(other).reset_index(drop=True)
        pd.testing.assert_frame_equal(read, found.frame)


@pytest.mark.parametrize("n_per_second", [1, 1000])
@pytest.mark.parametrize("step", [7, 3600])
def test_events_at_unix_times_of_numbered_sessions(n_per_second, step):
    rng = np.random.default_rng(0)
    begins = 1_700_000_000 + np.repeat(rng.permutation(30), 4) * step
    times = (begins + np.tile([0, 5, 9, 30], 30)) * n_per_second
    events = pd.DataFrame({"session_id": np.repeat(np.arange(30), 4) * 3 + 900, "ts": times})
    events["event"] = rng.choice(["view", "cart", "pay"], len(events))
    assert told(events) == (["session_id"], "ts")
    plain = events.rename(columns={"session_id": "amount"}).drop(columns="ts")
    assert told(plain) == ([], None)


def test_words_that_change_where_times_go_back_name_series():
    rng = np.random.default_rng(0)
    gaps = rng.exponential(size=(3, 20)).cumsum(axis=1).ravel()
    events = pd.DataFrame({"user": np.repeat(["a", "b", "c"], 20), "x": rng.normal(size=60)})
    events["at"] = pd.Timestamp("2024-01-01") + pd.to_timedelta((gaps * 1e4).round(2), "s")
    events["kind"] = np.repeat(["p", "q", "p", "q", "p", "q"], 10)
    assert told(events) == (["user"], "at")
    assert told(events.iloc[:20]) == ([], "at")
    found = understand(events.assign(called="Mr " + events["user"]))
    assert (found.ids, list(found.aliases)) == (["user"], ["called"])


def test_rows_without_a_time_are_told():
    frame = shops()
    frame["day"] = frame["day"].where(frame.index % 50 != 7)
    with pytest.raises(ValueError, match="day is the time .* missing in .* the first .* row 8"):
        understand(frame)


def test_gaps_are_told_beside_the_frequency():
    days = pd.bdate_range("2024-01-01", periods=80).delete([20, 21, 50])
    frame = pd.DataFrame({"day": days, "x": np.arange(77) / 4})
    assert understand(frame).lines()[1].endswith("every business day, with gaps")
    assert understand(frame[:20]).lines()[1].endswith("every business day")
