"""Lists, frames and flags come back as they went in, from latents and gaps, too."""

import numpy as np
import pandas as pd
import pytest

from sklearn_timegen import PCAMixture, TimeVAE

from .global_seed import GLOBAL_RANDOM_SEED as SEED

GENERATORS = [
    PCAMixture(random_state=SEED),
    TimeVAE(hidden_dims=(8,), latent_dim=2, max_epochs=2, random_state=SEED),
]
every_generator = pytest.mark.parametrize("model", GENERATORS, ids=lambda g: type(g).__name__)


def frames(lengths):
    rng = np.random.default_rng(SEED)
    return [
        pd.DataFrame({"state": rng.choice(["a", "b"], n), "x": rng.normal(size=n).cumsum()})
        for n in lengths
    ]


@every_generator
def test_ways_between_series_of_a_list_are_lists(model):
    X = frames(np.random.default_rng(SEED).integers(4, 9, 60))
    ways = model.fit(X).interpolate(X[:3], X[3:6], n=4)
    assert [len(way) for way in ways] == [4, 4, 4]
    assert all(list(x.columns) == ["state", "x"] for way in ways for x in way)
    assert {x["state"].dtype for way in ways for x in way} == {X[0]["state"].dtype}


@every_generator
def test_ways_between_rows_of_a_frame_are_frames(model):
    flags = np.random.default_rng(SEED).random((60, 6)) < 0.5
    X = pd.DataFrame(flags, columns=list("abcdef"))
    ways = model.fit(X).interpolate(X[:3], X[3:6], n=4)
    assert [way.shape for way in ways] == [(4, 6)] * 3
    assert all(list(way.columns) == list("abcdef") for way in ways)
    assert all((way.dtypes == X.dtypes).all() for way in ways)


@every_generator
def test_gaps_are_filled_up_to_the_end_of_a_series(model):
    X = frames(np.random.default_rng(SEED).integers(4, 9, 60))
    model.fit(X)
    asked = [x.copy() for x in X[:4]]
    for x in asked:
        x.loc[1, "x"] = np.nan
    filled = model.impute(asked)
    assert [len(x) for x in filled] == [len(x) for x in asked]
    for x, given in zip(filled, X, strict=False):
        assert x["x"].notna().all()
        assert (x["state"] == given["state"]).all()
    draws = model.impute(asked, n_samples=2)
    assert [[len(x) for x in draw] for draw in draws] == [[len(x) for x in asked]] * 2


def test_parts_of_whole_numbers_are_none():
    rng = np.random.default_rng(SEED)
    X = (100 + 20 * rng.normal(size=(60, 8, 2)).cumsum(axis=1)).astype(np.int64)
    model = TimeVAE(
        trend_degree=1, hidden_dims=(8,), latent_dim=2, max_epochs=2, random_state=SEED
    ).fit(X)
    parts = model.decompose(X[:5])
    assert all(part.shape == (5, 8, 2) and part.dtype == np.float32 for part in parts.values())
    assert np.allclose(sum(parts.values()), X[:5], atol=1e-3)
    drawn = model.sample_components(3)
    assert np.allclose(sum(drawn.values()), model.sample(3), atol=1e-3)
