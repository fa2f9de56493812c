"""The representation that takes level, scale and shape of windows apart."""

import numpy as np
import pytest

from sklearn_timegen import FlowMatching
from sklearn_timegen.representation import OwnScaleTransform

from .global_seed import GLOBAL_RANDOM_SEED as SEED


def wild(n=400, n_timesteps=12, seed=0):
    """Windows of a walk, each on a scale of its own."""
    rng = np.random.default_rng(SEED + seed)
    steps = rng.normal(size=(n, n_timesteps, 2)) * np.exp(rng.normal(size=(n, 1, 1)))
    return (steps.cumsum(axis=1) + 5 * rng.normal(size=(n, 1, 2))).astype(np.float32)


def apart(transform, x):
    """Level, log-scale and shape of each channel: what is mapped to normals."""
    return transform.scaler_.inverse_transform(transform.transform(x))


def test_series_come_back():
    x = wild()
    transform = OwnScaleTransform().fit(x)
    v = transform.transform(x)
    assert v.shape == (400, 13, 2)
    assert np.abs(v.std(axis=0) - 1).max() < 0.02
    assert transform.inverse_transform(v) == pytest.approx(x, abs=1e-4 * float(np.abs(x).max()))


def test_a_scale_multiplies_what_is_not_level():
    x = wild()
    transform = OwnScaleTransform().fit(x)
    level = x.mean(axis=1, keepdims=True)
    parts = apart(transform, x)
    wider = apart(transform, level + 2 * (x - level))
    assert wider[:, 0] == pytest.approx(parts[:, 0], rel=1e-4, abs=1e-4)
    assert wider[:, 1] - parts[:, 1] == pytest.approx(np.full((400, 2), np.log(2)), abs=1e-3)
    assert wider[:, 2:] == pytest.approx(parts[:, 2:], abs=1e-3)


def test_a_shape_of_any_size_is_brought_to_the_scale():
    x = wild()
    transform = OwnScaleTransform().fit(x)
    parts = apart(transform, x)
    parts[:, 2:] *= 3
    assert transform.inverse_transform(transform.scaler_.transform(parts)) == pytest.approx(
        x, abs=1e-3 * float(np.abs(x).max())
    )


def test_scales_of_channels_no_longer_go_together():
    x = wild(2000)
    v = OwnScaleTransform().fit(x).transform(x)
    shapes = np.abs(v[:, 2:]).reshape(len(v), -1)
    plain = np.abs((x - x.mean(axis=0)) / x.std(axis=0)).reshape(len(x), -1)
    between = [np.corrcoef(a.T)[np.triu_indices(a.shape[1], 1)].mean() for a in (shapes, plain)]
    assert abs(between[0]) < 0.06 < between[1]
    assert np.corrcoef(v[:, 1].T)[0, 1] > 0.8  # it is the scales that do


def test_positive_channels_of_a_wide_range_are_logarithmic():
    x = wild()
    x[:, :, 1] = np.exp(x[:, :, 1] / 5)
    transform = OwnScaleTransform().fit(x)
    assert np.isfinite(transform.shift_).tolist() == [False, True]
    assert transform.inverse_transform(transform.transform(x)) == pytest.approx(
        x, rel=1e-3, abs=1e-3
    )
    far = transform.inverse_transform(np.full((1, 13, 2), 50.0, np.float32))
    assert far[0, :, 1].min() > 0
    assert far[0, :, 1].max() <= x[:, :, 1].max() * 1.0001
    new = x[:1] * [1.0, -1.0]
    assert np.isfinite(transform.transform(new.astype(np.float32))).all()


@pytest.mark.parametrize("n_timesteps", [1, 2, 3])
def test_short_windows(n_timesteps):
    x = wild(50, n_timesteps)
    transform = OwnScaleTransform().fit(x)
    v = transform.transform(x)
    assert v.shape == (50, n_timesteps + (n_timesteps > 2), 2)
    assert transform.inverse_transform(v) == pytest.approx(x, abs=1e-3)


def test_what_never_varies_or_stands_still_comes_back():
    x = wild(100)
    x[:, :, 0] = np.linspace(0, 1, 12)  # a profile that all share
    x[:40, :, 1] = 2.0  # windows that stand still
    transform = OwnScaleTransform().fit(x)
    back = transform.inverse_transform(transform.transform(x))
    assert back == pytest.approx(x, abs=1e-3)
    one = wild(1)
    alone = OwnScaleTransform().fit(one)
    assert alone.inverse_transform(alone.transform(one)) == pytest.approx(one, abs=1e-4)


def test_a_density_needs_another_representation():
    flow = FlowMatching(hidden_dim=4, n_layers=1, max_epochs=1, random_state=SEED).fit(wild(30))
    with pytest.raises(AttributeError, match="no attribute 'score_samples'"):
        flow.score_samples(wild(3))
    assert not hasattr(FlowMatching(), "score_samples")
    assert hasattr(FlowMatching(representation="cosine-quantile"), "score_samples")
