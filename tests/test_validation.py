"""The door: what is let in, what is refused, and in which words."""

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from sklearn_timegen import VAE, PCAMixture, SeriesGenerator, SingleSeriesWarning
from sklearn_timegen.datasets import make_labelled_sines, make_sines

from .generators import DENSE, Resampler


@pytest.fixture(scope="module")
def X():
    return make_sines(20, 8, 2, random_state=0)


@pytest.fixture(scope="module")
def fitted(X):
    return VAE(**DENSE, max_epochs=1, random_state=0).fit(X)


def vae(**params):
    return VAE(**DENSE, max_epochs=1, random_state=0).set_params(**params)


def test_nan_and_inf_are_counted_and_the_first_is_located(X):
    bad = X.copy()
    bad[2, 3, 1] = np.inf
    bad[5] = np.nan
    message = "16 NaN and 1 inf .*sample 2, timestep 3, channel 1"
    with pytest.raises(ValueError, match=message):
        vae(missing="error").fit(bad)
    with pytest.raises(ValueError, match="1 inf .*sample 2, timestep 3, channel 1"):
        vae().fit(bad)


def test_too_large_for_float32_is_refused():
    with pytest.raises(ValueError, match=r"1e\+39 \(sample 1, timestep 0\).*divide it by 1e39"):
        vae().fit([[1.0, 2.0], [1e39, 2.0]])


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ([["a", 1.0, True], ["c", "d", 2.0]], "values of several kinds, such as 'a' and"),
        ([[1.0, 2.0], []], "series 1 of X is empty"),
        ([[[1.0, 2.0], [3.0]], [[1.0, 2.0]]], "series 0 of X"),
        (np.zeros(5), "got 1-d of shape"),
        (np.zeros((2, 3, 4, 5)), "got 4-d of shape"),
        (np.zeros((0, 5)), "0 sample"),
        (np.zeros((5, 0, 2)), "at least one timestep"),
        (np.zeros((3, 4)) + 1j, "Complex data not supported"),
        (3.0, "got 0-d"),
    ],
)
def test_what_is_no_series_is_refused(bad, message):
    with pytest.raises(ValueError, match=message):
        vae().fit(bad)


def test_sparse_is_refused():
    with pytest.raises(TypeError, match="[Ss]parse"):
        vae().fit(sparse.csr_matrix(np.eye(4)))


@pytest.mark.parametrize("method", ["transform", "score", "score_samples", "reconstruct"])
def test_other_sizes_are_refused(fitted, X, method):
    with pytest.raises(ValueError, match="7 timesteps and 2 channels.*8 timesteps"):
        getattr(fitted, method)(X[:, :7])
    with pytest.raises(ValueError, match="1 channels.*2 channels"):
        getattr(fitted, method)(X[:, :, :1])
    strict = clone(fitted).set_params(missing="error").fit(X)
    with pytest.raises(ValueError, match="16 NaN"):
        getattr(strict, method)(np.full_like(X[:1], np.nan))


def test_n_channels_lets_flat_rows_in(X):
    flat = X.reshape(len(X), -1)
    fitted = vae(n_channels=2).fit(flat)
    assert fitted.series_shape_ == (8, 2)
    assert fitted.n_features_in_ == 16
    assert fitted.sample(3).shape == (3, 16)
    assert np.array_equal(fitted.transform(flat), vae().fit(X).transform(X))
    with pytest.raises(ValueError, match="16 values, which n_channels=3 does not divide"):
        vae(n_channels=3).fit(flat)
    with pytest.raises(ValueError, match="n_channels=3, but X of shape"):
        vae(n_channels=3).fit(X)


def test_layouts_may_differ_between_fit_and_transform(X):
    one = X[:, :, 0]
    flat, deep = vae().fit(one), vae().fit(one[:, :, None])
    assert np.array_equal(flat.transform(one[:, :, None]), deep.transform(one[:, :, None]))
    assert deep.inverse_transform(deep.transform(one)).shape == (20, 8, 1)


def test_data_frames_and_their_names(X):
    frame = pd.DataFrame(X[:, :, 0], columns=[f"h{k}" for k in range(8)])
    fitted = vae().fit(frame)
    assert list(fitted.feature_names_in_) == list(frame.columns)
    assert np.isfinite(fitted.score(frame))
    with pytest.raises(ValueError, match="feature names"):
        fitted.transform(frame[frame.columns[::-1]])


def test_use_before_fit():
    for method, argument in (
        ("sample", 1),
        ("score", np.zeros((3, 4))),
        ("transform", np.zeros((3, 4))),
        ("inverse_transform", np.zeros((3, 3))),
        ("score_samples", np.zeros((3, 4))),
    ):
        with pytest.raises(NotFittedError):
            getattr(vae(), method)(argument)


def test_one_series_comes_back_with_a_warning():
    X = make_sines(1, 8, 1, random_state=0)
    with pytest.warns(SingleSeriesWarning, match="one series to learn from") as told:
        fitted = vae().fit(X)
    assert len(told) == 1
    assert told[0].filename == __file__
    assert np.allclose(fitted.sample(3), X, atol=1e-6)
    fitted.partial_fit(X)  # once is enough


def test_a_window_as_long_as_the_series_is_one_series():
    x = np.random.default_rng(0).normal(size=24)
    with pytest.warns(SingleSeriesWarning) as told:
        SeriesGenerator(PCAMixture(), window=24, random_state=0).fit(x)
    assert len(told) == 1
    SeriesGenerator(PCAMixture(), window=6, random_state=0).fit(x)


def test_large_values_survive():
    X = make_sines(30, 8, 1, random_state=0) * 1e8 + 1e10
    drawn = vae(max_epochs=20).fit(X).sample(50)
    assert X.min() - X.std() < drawn.min() < drawn.max() < X.max() + X.std()


@pytest.mark.parametrize("offset", [1e8, 1.7e9])
def test_what_float32_cannot_tell_apart_is_refused(offset):
    noise = np.random.default_rng(0).normal(size=(20, 8, 2))
    noise[:, :, 1] += offset
    with pytest.raises(ValueError, match=r"channel 1 of X varies by .*subtract an offset"):
        vae().fit(noise)
    with pytest.raises(ValueError, match="channel 0 of X varies"):
        vae().fit((noise[:, :, 1]).astype(np.int64))
    with pytest.raises(ValueError, match="channel 0 of X varies"):
        vae().fit(pd.DataFrame(noise[:, :, 1]).astype(object))
    assert vae().fit(np.full((5, 4), offset)).sample(1).shape == (1, 4)


def test_what_float32_can_tell_apart_is_not_refused():
    noise = np.random.default_rng(0).normal(size=(20, 8, 1))
    assert vae().fit(1e6 + 4 * noise).sample(2).shape == (2, 8, 1)
    rounded = np.concatenate([np.full((20, 4, 1), 0.3), np.full((20, 4, 1), 0.1 * 3)], axis=1)
    assert np.ptp(rounded) > 0
    assert np.allclose(vae().fit(rounded).sample(2), 0.3)


def test_flat_and_deep_rows_of_several_channels_are_the_same(X):
    flat = X.reshape(len(X), -1)
    from_flat, from_deep = vae(n_channels=2).fit(flat), vae().fit(X)
    assert np.array_equal(from_flat.transform(X), from_deep.transform(flat))


def test_read_only_latents(fitted, X):
    Z = fitted.transform(X)
    Z.flags.writeable = False
    assert fitted.inverse_transform(Z).shape == X.shape


# -- conditions -------------------------------------------------------------------------------


def test_labels_of_every_kind():
    X, y = make_labelled_sines(20, 8, random_state=0)
    for labels in (
        y,
        (y == "fast").astype(int),
        y == "fast",
        y.astype(object),
        list(y),
        y[:, None],
    ):
        fitted = vae(conditional=True).fit(X, labels)
        assert len(fitted.classes_) == 2
        assert fitted.sample(2, y=fitted.classes_[0]).shape == (2, 8)


def test_one_class_is_enough():
    X, y = make_labelled_sines(20, 8, random_state=0)
    assert vae(conditional=True).fit(X[::2], y[::2]).sample(2, y="slow").shape == (2, 8)


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (None, "y is missing"),
        (["a"] * 19, "19 entries, but X has 20"),
        (np.full(20, np.nan), "NaN or inf"),
        (np.zeros((20, 2, 2)), "3-d"),
    ],
)
def test_bad_conditions_are_refused_in_fit(y, message):
    X, _ = make_labelled_sines(20, 8, random_state=0)
    with pytest.raises(ValueError, match=message):
        vae(conditional=True).fit(X, y)


def test_bad_conditions_are_refused_in_sample():
    X, y = make_labelled_sines(20, 8, random_state=0)
    fitted = vae(conditional=True).fit(X, y)
    with pytest.raises(ValueError, match="'other'.*it saw 'fast', 'slow'"):
        fitted.sample(2, y=["fast", "other"])
    with pytest.raises(ValueError, match="y is missing.*'fast', 'slow'"):
        fitted.sample(2)
    with pytest.raises(ValueError, match="y is missing"):
        fitted.score(X)
    with pytest.raises(ValueError, match="labels must be a 1-d array"):
        fitted.sample(2, y=[["fast", "slow"], ["slow", "fast"]])


class Told(Resampler):
    """Keeps the encoded conditions that it learns and is asked to draw from."""

    def _fit(self, series):
        self.learned_, self.asked_ = series.conditions, []
        super()._fit(series)

    def _draw(self, n_samples, c, rng):
        self.asked_.append(c)
        return super()._draw(n_samples, c, rng)


@pytest.fixture(scope="module")
def generator():
    vectors = np.random.default_rng(0).normal(5, 3, (50, 2))
    return Told(conditional=True).fit(np.random.default_rng(1).normal(size=(50, 4)), vectors)


def test_vectors_are_standardised(generator):
    vectors = np.random.default_rng(0).normal(5, 3, (50, 2))
    assert np.allclose(generator.learned_, (vectors - vectors.mean(axis=0)) / vectors.std(axis=0))
    generator.sample(50, y=vectors)
    assert np.array_equal(generator.asked_[-1], generator.learned_)
    with pytest.raises(ValueError, match="3 values, but fit saw vectors of 2"):
        generator.sample(4, y=np.zeros((4, 3)))


@pytest.mark.parametrize("n_samples", [1, 2, 3])
def test_one_vector_for_all(generator, n_samples):
    vectors = np.random.default_rng(0).normal(5, 3, (50, 2))
    generator.sample(n_samples, y=vectors[7])
    assert np.array_equal(generator.asked_[-1], np.tile(generator.learned_[7], (n_samples, 1)))


def test_quantities_and_labels():
    X, _ = make_labelled_sines(40, 8, random_state=0)
    degrees = np.arange(40)
    with pytest.warns(UserWarning, match=r"40 distinct labels for 40 series.*astype\(float\)"):
        vae(conditional=True).fit(X, degrees)
    fitted = vae(conditional=True).fit(X, degrees[:, None].astype(float))
    assert not hasattr(fitted, "classes_")
    assert fitted.sample(2, y=21.5).shape == (2, 8)
    assert vae(conditional=True).fit(X, degrees + 0.5).sample(1, y=3.2).shape == (1, 8)


def test_labels_of_mixed_types_are_refused():
    X, y = make_labelled_sines(20, 8, random_state=0)
    with pytest.raises(ValueError, match="missing labels"):
        vae(conditional=True).fit(X, [None, "a"] * 10)
    with pytest.raises(ValueError, match="mixes labels of the types number, str"):
        vae(conditional=True).fit(X, np.array([1, "a"] * 10, dtype=object))
    mixed = np.array([0] * 10 + [np.int64(1)] * 10, dtype=object)
    assert vae(conditional=True).fit(X, mixed).sample(2, y=1).shape == (2, 8)
    column = pd.DataFrame({"y": [0, 1] * 10})
    assert list(vae(conditional=True).fit(X, column).classes_) == [0, 1]
    fitted = vae(conditional=True).fit(X, y)
    with pytest.raises(ValueError, match="missing labels"):
        fitted.sample(2, y=["fast", None])


def test_one_label_for_many_costs_one_row(X):
    fitted = Told(conditional=True).fit(X, np.arange(20) % 7)
    fitted.sample(3000, y=3)
    for c in fitted.asked_:
        assert c.shape[1:] == (7,)
        assert c.strides[0] == 0
