"""What TimeVAE refuses of structures and calendars, and what it says."""

import numpy as np
import pytest

from sklearn_timegen import TimeVAE
from sklearn_timegen.representation import SeriesScaler

X = np.random.default_rng(0).normal(size=(24, 12, 2)).cumsum(axis=1)
STARTS = np.arange(24)

ONE = {"seasonalities": [(3, 1)]}
DATED = {**ONE, "calendar": "start", "conditional": True}
INDEX = DATED | {"calendar": "index"}
SLOPE = {"trend_degree": 1}
PAIR = "seasonalities[0] must be a pair"
BAD = [
    ({"seasonalities": [(13, 1)]}, None, "seasonalities[0]=(13, 1) does not fit: series of 12"),
    ({"seasonalities": [(3, 1), (2, 12)]}, None, "seasonalities[1]=(2, 12) does not fit"),
    ({"seasonalities": [(1, 3)]}, None, "n_seasons must be an integer of at least 2, got 1"),
    ({"seasonalities": [(3, 0)]}, None, "season_length must be an integer of at least 1, got 0"),
    ({"seasonalities": [(-3, 1)]}, None, "at least 2, got -3"),
    ({"seasonalities": [(3, -1)]}, None, "at least 1, got -1"),
    ({"seasonalities": [(3.0, 1)]}, None, "at least 2, got 3.0"),
    ({"seasonalities": [(3, True)]}, None, "at least 1, got True"),
    ({"seasonalities": [(3, None)]}, None, "at least 1, got None"),
    ({"seasonalities": (3, 1)}, None, f"{PAIR} (n_seasons, season_length), got 3"),
    ({"seasonalities": [(3, 1, 1)]}, None, f"{PAIR} (n_seasons, season_length), got (3, 1, 1)"),
    ({"seasonalities": ["31"]}, None, f"{PAIR} (n_seasons, season_length), got '31'"),
    ({"seasonalities": 3}, None, "'seasonalities' parameter"),
    ({"trend_degree": -1}, None, "-1"),
    ({"trend_degree": 1.5}, None, "1.5"),
    ({"trend_degree": 12}, None, "trend_degree=12 needs series of more than 12 timesteps"),
    ({"trend_degree": 11}, None, "(12 curves), which leaves residual=True nothing"),
    ({"seasonalities": [(6, 1), (2, 6)], **SLOPE, "trend_degree": 5}, None, "(12 curves)"),
    ({"seasonalities": [(2, 1), (4, 1)]}, None, "cannot be told apart"),
    ({"seasonalities": [(3, 1), (3, 1)]}, None, "cannot be told apart"),
    *[
        (SLOPE | {"representation": name}, None, f"got '{name}'")
        for name in ("cosine", "cosine-quantile", "quantile", "minmax", "standard")
    ],
    (ONE | {"representation": SeriesScaler("minmax")}, None, "treats all timesteps alike"),
    ({"level": False, "residual": False}, None, "draws nothing: leave one on"),
    ({"trend_coefficients": 1.0}, None, "trend_coefficients is given, but neither"),
    ({"season_bounds": [(0, None)]}, None, "season_bounds is given, but neither"),
    (ONE | {"trend_coefficients": [1, 2]}, None, "trend_coefficients or trend_bounds is given"),
    (ONE | {"trend_bounds": (0, None)}, None, "but trend_degree is 0"),
    (SLOPE | {"trend_coefficients": [1, 2]}, None, "shape (1, 2) (coefficients"),
    (SLOPE | {"trend_coefficients": [[1, 2, 3]]}, None, "got [[1, 2, 3]]"),
    ({"trend_degree": 3, "trend_coefficients": [1]}, None, "3 numbers"),
    (SLOPE | {"trend_coefficients": [[1, np.nan]]}, None, "must be finite, got [[1, nan]]"),
    (SLOPE | {"trend_coefficients": [np.inf]}, None, "must be finite, got [inf]"),
    (SLOPE | {"trend_coefficients": [[1], [2, 3]]}, None, "got [[1], [2, 3]]"),
    (SLOPE | {"trend_coefficients": 1.0, "trend_bounds": (0, None)}, None, "not both"),
    (SLOPE | {"trend_bounds": (2, 1)}, None, "low 2 is above high 1 (coefficient 0, channel 0)"),
    (SLOPE | {"trend_bounds": (0, 1, 2)}, None, "must be a pair (low, high), got (0, 1, 2)"),
    (SLOPE | {"trend_bounds": ([0, 1], None)}, None, "got [0, 1]"),
    (SLOPE | {"trend_bounds": ("a", None)}, None, "got 'a'"),
    (SLOPE | {"trend_bounds": (np.nan, None)}, None, "must be numbers or None, got (nan, None)"),
    (SLOPE | {"trend_bounds": (np.inf, None)}, None, "must be numbers or None, got (inf, None)"),
    (ONE | {"season_profiles": [1, 2, 3]}, None, "each of 1 seasonality(s), got [1, 2, 3]"),
    (ONE | {"season_profiles": [[1, 2]]}, None, "season_profiles[0] must be a number, 3 numbers"),
    (ONE | {"season_bounds": [(1, 0)]}, None, "season_bounds[0]: low 1 is above high 0"),
    (ONE | {"season_bounds": [0, 1]}, None, "got [0, 1]"),
    (ONE | {"season_bounds": [3]}, None, "season_bounds[0] must be a pair (low, high), got 3"),
    (ONE | {"season_bounds": [(0, 1)], "season_profiles": [[1, 2, 3]]}, None, "not both"),
    ({"bounds": (0, None)}, None, "value(s) beyond bounds; the first, -"),
    ({"bounds": (None, [9, -9])}, None, "is above -9"),
    (ONE | {"calendar": "start"}, STARTS, "set conditional=True"),
    ({"calendar": "start", "conditional": True}, STARTS, "calendar='start' needs seasonalities"),
    (ONE | {"calendar": "weekly", "conditional": True}, STARTS, "'weekly'"),
    (DATED, None, "y is missing: calendar='start'"),
    (DATED, STARTS[:23], "y has 23 entries, but there are 24 series"),
    (DATED, STARTS + 0.5, "whole numbers of at least 0, the calendar; got 0.5"),
    (DATED, STARTS - 1, "got -1"),
    (DATED, np.where(STARTS == 3, np.nan, STARTS), "got nan"),
    (DATED, np.where(STARTS == 3, np.inf, STARTS), "got inf"),
    (DATED, STARTS + 1e300, "got 1e+300"),
    (DATED, STARTS.astype(str), "got <U"),
    (DATED, np.zeros((24, 2)), "one position for each window; got shape (24, 2)"),
    (INDEX, np.zeros((24, 11)), "all 12 timesteps of each window"),
    (INDEX, STARTS, "got (24,)"),
    (INDEX, np.full((24, 12), 3), "season 3 at timestep 0 of window 0, but seasonality 0"),
    (INDEX, np.full((24, 12), -1), "got -1"),
    (INDEX, np.zeros((23, 12)), "y has 23 entries"),
    (INDEX | {"seasonalities": [(3, 1), (2, 3)]}, np.zeros((24, 13)), "got (24, 13)"),
    (INDEX | {"seasonalities": [(3, 1), (2, 3)]}, np.zeros((24, 12, 1)), "got (24, 12, 1)"),
]


@pytest.mark.parametrize(("params", "y", "message"), BAD)
def test_bad_input_is_named_before_training(params, y, message):
    generator = TimeVAE(hidden_dims=(4,), max_epochs=1, **params)
    with pytest.raises(ValueError) as error:  # noqa: PT011 (checked below)
        generator.fit(X, y)
    assert message in str(error.value)
    assert not hasattr(generator, "net_")
