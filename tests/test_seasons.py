"""Which calendar fields a generator of series takes by itself, and what they are worth."""

import numpy as np
import pandas as pd
import pytest

from sklearn_timegen import PCAMixture, SeriesGenerator

from .global_seed import GLOBAL_RANDOM_SEED as SEED


def meters(n=4, days=28, freq="h", daily=0.0, weekly=0.0, correlation=0.8):
    """Return readings of several meters at different levels, with noise that remembers."""
    rng = np.random.default_rng(SEED)
    times = pd.date_range("2024-01-01", periods=days * (24 if freq == "h" else 1), freq=freq)
    season = daily * np.cos(2 * np.pi * (times.hour - 18) / 24) + weekly * (times.weekday >= 5)
    frames = []
    for k in range(n):
        noise = rng.normal(size=len(times))
        for i in range(1, len(times)):
            noise[i] = correlation * noise[i - 1] + np.sqrt(1 - correlation**2) * noise[i]
        frames.append(pd.DataFrame({"id": k, "t": times, "x": 3 * k + season + 0.5 * noise}))
    return pd.concat(frames, ignore_index=True)


def fitted(table, generator=None, **params):
    params = {"id_columns": "id", "time_column": "t", "random_state": SEED, **params}
    return SeriesGenerator(generator, **params).fit(table)


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({"daily": 1.0}, ("hour",)),
        ({"daily": 1.0, "weekly": 1.5, "days": 42}, ("hour", "weekday")),
        ({"weekly": 1.5, "freq": "D", "days": 120}, ("weekday",)),
        ({}, ()),
        ({"correlation": 0.99}, ()),
        ({"freq": "D", "days": 120}, ()),
        ({"daily": 1.0, "days": 3}, ()),  # too few days to tell
    ],
)
def test_fields_are_taken_if_values_go_by_them(asked, found):
    assert fitted(meters(**asked), window=12).calendar_ == found


def test_samples_have_the_hours_of_their_dates():
    real = meters(daily=1.0)
    generator = fitted(real)
    assert "given the hour at which windows begin" in generator.describe()
    new = generator.sample(4, 24 * 14, start="2025-03-01 05:00")
    profiles = [x.groupby(x["t"].dt.hour)["x"].mean() for x in (real, new)]
    assert np.corrcoef(*profiles)[0, 1] > 0.9


def test_tables_without_a_season_are_sampled_as_without_a_calendar():
    table = meters()
    by_itself, none = (fitted(table, window=12, calendar=c).sample(4) for c in ("auto", ()))
    pd.testing.assert_frame_equal(by_itself, none)


def test_no_field_is_taken_where_nothing_could_be_done_with_it():
    real = meters(daily=1.0)
    assert fitted(real, window=12, transform="stl-remainder").calendar_ == ()
    assert fitted(real, window=12, transform="difference").calendar_ == ("hour",)
    counted = real.assign(t=np.tile(np.arange(28 * 24), 4))
    assert fitted(counted, window=12).calendar_ == ()
    rng = np.random.default_rng(SEED)
    irregular = real[rng.random(len(real)) < 0.2]
    assert fitted(irregular, window=12).calendar_ == ()


def test_normals_are_not_spent_on_the_conditions():
    rng = np.random.default_rng(SEED)
    hour = rng.integers(24, size=2000) * 2 * np.pi / 24
    c = np.column_stack([np.sin(hour), np.cos(hour)]).astype(np.float32)
    X = c @ rng.normal(size=(2, 8)) + rng.normal(size=(2000, 8)) / 3
    mixture = PCAMixture(n_components=4, conditional=True, random_state=SEED).fit(X, c)
    assert [part.n_components for part in mixture.mixtures_.values()] == [1]
