"""The record that travels: rows, batches, arrays and tensors, and what must agree."""

import numpy as np
import pytest
import torch

from sklearn_timegen.data import Series

from .global_seed import GLOBAL_RANDOM_SEED as SEED

rng = np.random.default_rng(SEED)
WHOLE = Series(
    rng.normal(size=(7, 5, 2)),
    conditions=rng.normal(size=(7, 3)),
    latents=rng.normal(size=(7, 4)),
    observed=rng.random((7, 5, 2)) < 0.8,
    lengths=rng.integers(1, 6, size=7),
    target=rng.integers(3, size=7),
)
PARTS = ("values", "conditions", "latents", "observed", "lengths", "target")


@pytest.mark.parametrize("rows", [slice(2, 5), [3, 0], np.array([6, 6]), np.arange(7) % 2 == 0])
def test_what_belongs_to_a_series_is_taken_with_it(rows):
    taken = WHOLE[rows]
    for name in PARTS:
        assert np.array_equal(getattr(taken, name), getattr(WHOLE, name)[rows])
    assert Series(WHOLE.values)[rows].conditions is None


def test_batches_are_the_series_in_order():
    batches = list(WHOLE.split(3))
    assert [len(batch) for batch in batches] == [3, 3, 1]
    for name in PARTS:
        joined = np.concatenate([getattr(batch, name) for batch in batches])
        assert np.array_equal(joined, getattr(WHOLE, name))


def test_there_and_back_between_numpy_and_torch():
    there = WHOLE.to("cpu")
    assert all(isinstance(getattr(there, name), torch.Tensor) for name in PARTS)
    assert there.observed.dtype == torch.bool
    back = there[torch.tensor([1, 4])].numpy()
    for name in PARTS:
        assert np.array_equal(getattr(back, name), getattr(WHOLE, name)[[1, 4]])


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"conditions": np.zeros((2, 1))}, "there are 3 series, but 2 conditions"),
        ({"latents": np.zeros((4, 1))}, "there are 3 series, but 4 latents"),
        (
            {"observed": np.ones((3, 5), bool)},
            r"observed has shape \(3, 5\), the values",
        ),
        ({"lengths": np.array([1, 6, 2])}, "between 1 and 5, the number of timesteps"),
        ({"lengths": torch.tensor([1, 0, 2])}, "between 1 and 5"),
        ({"lengths": np.array([1, 2])}, "there are 3 series, but 2 lengths"),
        ({"target": np.zeros((2, 2))}, "there are 3 series, but 2 target"),
    ],
)
def test_what_does_not_agree_is_refused(wrong, message):
    with pytest.raises(ValueError, match=message):
        Series(np.zeros((3, 5, 2)), **wrong)
