"""Tables of series for :mod:`benchmarks.tables`: made ones, and ones that sktime ships."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

__all__ = ["SHIPPED", "TABLES", "Table", "events", "visits"]


@dataclass(frozen=True)
class Table:
    """A table and how it is read.

    Parameters
    ----------
    make : callable
        From a seed to the table; shipped ones have one only, whatever the seed.
    ids : tuple of str
        Columns that name the series; none where the index does.
    time : str or None
        Column of times; ``None`` where the index holds them.
    static : tuple of str
        Columns that are constant in each series.
    irregular : bool
        Whether times have no step.
    ordered : tuple of pairs of str
        Columns of which the first is never above the second.
    rising : tuple of str
        Columns that never fall within a series.
    from_zero : tuple of str
        Columns that are never negative.
    """

    make: Callable[[int], Any]
    ids: tuple[str, ...] = ()
    time: str | None = None
    static: tuple[str, ...] = ()
    irregular: bool = False
    ordered: tuple[tuple[str, str], ...] = ()
    rising: tuple[str, ...] = ()
    from_zero: tuple[str, ...] = ()


def sales(seed: int, n: int = 40, n_days: int = 28) -> pd.DataFrame:
    """Return shops by the hour, 8 to 20; one is closed for three days."""
    rng = np.random.default_rng(seed)
    days = pd.date_range("2024-01-01", periods=n_days)
    stamps = pd.DatetimeIndex([d + pd.Timedelta(hours=h) for d in days for h in range(8, 21)])
    weather = _chain(rng, ["sun", "cloud", "rain"], len(stamps), 0.9)
    frames = []
    for k in range(n):
        town = rng.choice(["Bern", "Genf", "Zug"], p=[0.5, 0.3, 0.2])
        promotion = np.repeat(rng.random(n_days) < 0.15, 13)
        day = np.sin((stamps.hour.to_numpy() - 8) * np.pi / 12)
        peak = 1 + 0.5 * day + 0.2 * (stamps.dayofweek.to_numpy() == 5)
        rate = rng.gamma(9, 1) * peak * np.where(weather == "rain", 0.7, 1.0)
        customers = rng.poisson(rate * (1 + 0.4 * promotion))
        amount = customers * (8 + 4 * (town == "Zug")) * rng.lognormal(0, 0.3, len(stamps))
        frame = pd.DataFrame(
            {
                "shop": f"S{k:03d}",
                "town": town,
                "time": stamps,
                "customers": customers,
                "sales": amount.round(2),
                "promotion": promotion,
                "weather": pd.Categorical(weather, ["cloud", "rain", "sun"]),
            }
        )
        frames.append(frame if k != 3 else frame[(stamps < days[9]) | (stamps >= days[12])])
    return pd.concat(frames, ignore_index=True)


def visits(seed: int, n: int = 200) -> pd.DataFrame:
    """Return patients' visits on irregular days, with what is so for all of them."""
    rng = np.random.default_rng(seed)
    frames = []
    for k in range(n):
        length = int(rng.integers(4, 16))
        sex, born = rng.choice(["f", "m"]), int(rng.integers(1930, 2005))
        days = np.cumsum(1 + rng.negative_binomial(2, 0.05, length))
        base = 70 + 12 * (sex == "m") + rng.normal(0, 8)
        pressure = 100 + 0.4 * (2024 - born) + rng.normal(0, 8) + rng.normal(0, 6, length)
        weight = (base + rng.normal(0, 0.7, length).cumsum()).round(1)
        frames.append(
            pd.DataFrame(
                {
                    "patient": 1000 + k,
                    "sex": sex,
                    "birth_year": born,
                    "date": pd.Timestamp("2020-01-01") + pd.to_timedelta(days, unit="D"),
                    "weight": np.where(rng.random(length) < 0.08, np.nan, weight),
                    "pressure": pressure.round().astype(int),
                    "reason": _chain(rng, ["control", "acute", "referral"], length, 0.5),
                    "admitted": rng.random(length) < np.clip((pressure - 110) / 100, 0.02, 1),
                }
            )
        )
    return pd.concat(frames, ignore_index=True)


def quotes(seed: int, n: int = 30, n_days: int = 20) -> pd.DataFrame:
    """Return quotes of symbols every half hour of trading, over a change to summer time."""
    rng = np.random.default_rng(seed)
    days = pd.bdate_range("2024-02-26", periods=n_days)
    minutes = np.arange(570, 961, 30)
    stamps = pd.DatetimeIndex([d + pd.Timedelta(minutes=int(m)) for d in days for m in minutes])
    stamps = stamps.tz_localize("America/New_York")
    frames = []
    for k in range(n):
        middle = np.exp(rng.normal(4, 0.5) + rng.normal(0, 0.004, len(stamps)).cumsum())
        half = np.ceil(rng.gamma(2, 1.5, len(stamps))) / 100
        bid = np.round(middle - half, 2)
        ask = np.round(bid + 2 * half, 2)
        share = rng.random(len(stamps))
        frames.append(
            pd.DataFrame(
                {
                    "time": stamps,
                    "symbol": f"SYM{k}",
                    "bid": bid,
                    "ask": ask,
                    "last": np.clip(np.round(bid + share * (ask - bid), 2), bid, ask),
                    "volume": (rng.lognormal(5, 0.6, len(stamps))).astype(int),
                }
            )
        )
    return pd.concat(frames).sort_values(["time", "symbol"], ignore_index=True)


def trades(seed: int, n: int = 100) -> pd.DataFrame:
    """Return trades at irregular times, a series for each symbol and session."""
    rng = np.random.default_rng(seed)
    frames = []
    for k in range(n):
        length = int(rng.integers(20, 61))
        session = pd.bdate_range("2024-03-04", periods=20)[k % 20]
        seconds = np.cumsum(rng.exponential(300, length)).round(3)
        opening = session + pd.Timedelta(hours=9, minutes=30)
        price = np.exp(rng.normal(3, 0.3) + rng.normal(0, 0.002, length).cumsum())
        frames.append(
            pd.DataFrame(
                {
                    "symbol": f"SYM{k // 20}",
                    "session": session.strftime("%Y-%m-%d"),
                    "time": (opening + pd.to_timedelta(seconds, unit="s")).as_unit("ns"),
                    "price": price.round(2),
                    "size": 100 * (1 + rng.geometric(0.4, length)),
                    "side": _chain(rng, ["buy", "sell"], length, 0.6),
                }
            )
        )
    return pd.concat(frames, ignore_index=True)


def meters(seed: int, n: int = 40, n_days: int = 10) -> pd.DataFrame:
    """Return meters by the hour, whose readings never fall; times are strings."""
    rng = np.random.default_rng(seed)
    stamps = pd.date_range("2024-05-01", periods=24 * n_days, freq="h")
    frames = []
    for k in range(n):
        load = rng.gamma(3, 0.3) * (1.2 + np.sin((stamps.hour.to_numpy() - 9) * 2 * np.pi / 24))
        used = load * rng.gamma(4, 0.25, len(stamps))
        voltage = np.round(230 + rng.normal(0, 1.5, len(stamps)), 1)
        frames.append(
            pd.DataFrame(
                {
                    "meter": k,
                    "time": stamps.strftime("%Y-%m-%d %H:%M"),
                    "reading": (rng.uniform(100, 9000) + used.cumsum()).round(1),
                    "voltage": np.where(rng.random(len(stamps)) < 0.03, np.nan, voltage),
                }
            )
        )
    return pd.concat(frames, ignore_index=True)


def tracks(seed: int, n: int = 80) -> pd.DataFrame:
    """Return trips by the five seconds, of unequal length, in two ways of going."""
    rng = np.random.default_rng(seed)
    frames = []
    for k in range(n):
        length = int(rng.integers(30, 91))
        way = rng.choice(["bike", "car"])
        speed = np.empty(length)
        speed[0] = 0.0
        for t in range(1, length):
            aim = 5.0 if way == "bike" else 13.0
            speed[t] = max(0.0, 0.85 * speed[t - 1] + 0.15 * aim + rng.normal(0, 0.8))
        heading = rng.uniform(0, 2 * np.pi) + rng.normal(0, 0.1, length).cumsum()
        north, east = (speed * np.cos(heading)).cumsum(), (speed * np.sin(heading)).cumsum()
        start = pd.Timestamp("2024-06-01", tz="UTC") + pd.Timedelta(
            minutes=int(rng.integers(10000))
        )
        frames.append(
            pd.DataFrame(
                {
                    "trip": f"t{k:04d}",
                    "way": way,
                    "time": pd.date_range(start, periods=length, freq="5s"),
                    "latitude": (46.9 + rng.normal(0, 0.02) + north * 5 / 111_000).round(5),
                    "longitude": (7.4 + rng.normal(0, 0.02) + east * 5 / 76_000).round(5),
                    "speed": speed.round(1),
                }
            )
        )
    return pd.concat(frames, ignore_index=True)


def events(seed: int, n: int = 200) -> pd.DataFrame:
    """Return visits of a web shop: pages, things in the basket, seconds between."""
    rng = np.random.default_rng(seed)
    pages = ["home", "search", "product", "basket", "pay"]
    to = np.array(
        [
            [0.1, 0.5, 0.3, 0.05, 0.05],
            [0.1, 0.3, 0.5, 0.05, 0.05],
            [0.1, 0.25, 0.35, 0.25, 0.05],
            [0.05, 0.15, 0.3, 0.2, 0.3],
            [0.5, 0.2, 0.2, 0.05, 0.05],
        ]
    )
    frames = []
    for k in range(n):
        device = rng.choice(["phone", "desk", "tablet"], p=[0.6, 0.3, 0.1])
        length = int(np.clip(rng.geometric(0.12) + 2, 3, 40))
        state, items, rows = 0, 0, []
        for _ in range(length):
            items += int(pages[state] == "basket")
            rows.append((pages[state], items))
            state = int(rng.choice(5, p=to[state]))
        seconds = np.ceil(rng.lognormal(3 - 0.4 * (device == "phone"), 0.8, length)).cumsum()
        start = pd.Timestamp("2024-09-01") + pd.Timedelta(seconds=int(rng.integers(2_000_000)))
        frames.append(
            pd.DataFrame(
                {
                    "visit": 5000 + k,
                    "device": device,
                    "time": start + pd.to_timedelta(seconds, unit="s"),
                    "page": [row[0] for row in rows],
                    "items": [row[1] for row in rows],
                    "from_advert": bool(rng.random() < 0.3),
                }
            )
        )
    return pd.concat(frames, ignore_index=True)


def scripts(seed: int) -> pd.Series:
    """Return sktime's monthly scripts of the Pharmaceutical Benefits Scheme, one series."""
    from sktime.datasets import load_PBS_dataset

    return load_PBS_dataset()


def hierarchy(seed: int) -> pd.DataFrame:
    """Return sktime's hierarchical sales with all sums."""
    from sktime.datasets import load_hierarchical_sales_toydata
    from sktime.transformations.hierarchical.aggregate import Aggregator

    return Aggregator().fit_transform(load_hierarchical_sales_toydata())


def vowels(seed: int) -> pd.DataFrame:
    """Return sktime's Japanese vowels: 270 series of 7 to 26 timesteps and 12 channels."""
    from sktime.datasets import load_japanese_vowels

    return load_japanese_vowels(split="train", return_X_y=True, return_type="pd-multiindex")[0]


def _chain(rng: Any, names: list[str], length: int, stay: float) -> Any:
    """Return a state that is drawn anew where it does not stay."""
    drawn = rng.choice(names, size=length)
    last = np.where(rng.random(length) >= stay, np.arange(length), 0)
    return drawn[np.maximum.accumulate(last)]


TABLES = {
    "sales": Table(sales, ("shop",), "time", ("town",), from_zero=("customers", "sales")),
    "visits": Table(visits, ("patient",), "date", ("sex", "birth_year"), irregular=True),
    "quotes": Table(
        quotes, ("symbol",), "time", ordered=(("bid", "ask"), ("bid", "last"), ("last", "ask"))
    ),
    "trades": Table(trades, ("symbol", "session"), "time", irregular=True),
    "meters": Table(meters, ("meter",), "time", rising=("reading",)),
    "tracks": Table(tracks, ("trip",), "time", ("way",), from_zero=("speed",)),
    "events": Table(
        events,
        ("visit",),
        "time",
        ("device", "from_advert"),
        irregular=True,
        rising=("items",),
    ),
    "scripts": Table(scripts),
    "hierarchy": Table(hierarchy),
    "vowels": Table(vowels),
}
SHIPPED = ("scripts", "hierarchy", "vowels")
