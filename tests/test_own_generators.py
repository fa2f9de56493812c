"""Whoever writes a generator and errs is told what is wrong, not what stumbled over it."""

from functools import partial

import numpy as np
import pytest
import torch
from torch import nn

from sklearn_timegen import (
    LatentGenerator,
    NeuralGenerator,
    check_generator,
    estimator,
    param,
    pinned,
)
from sklearn_timegen.datasets import make_sines
from sklearn_timegen.training import GeneratorNet

from .generators import Resampler

X = make_sines(12, 6, 2, random_state=0)


@estimator
class Spoilt(Resampler):
    """Draws training series, and spoils them."""

    spoil: object = None

    def _draw(self, n_samples, c, rng):
        return self.spoil(super()._draw(n_samples, c, rng))


def cut(v):
    return v[1:]


def to_rows(v):
    return v.reshape(len(v), -1)


def swap_axes(v):
    return v.transpose(0, 2, 1)


def drop_channels(v):
    return v[:, :, 0]


def forget(v):
    return None


RETURNED = {
    cut: (ValueError, r"shape \(3, 6, 2\).* of shape \(2, 6, 2\)"),
    to_rows: (ValueError, r"shape \(3, 6, 2\).* of shape \(3, 12\)"),
    swap_axes: (ValueError, r"shape \(3, 6, 2\).* of shape \(3, 2, 6\)"),
    drop_channels: (ValueError, r"shape \(3, 6, 2\).* of shape \(3, 6\)"),
    forget: (TypeError, "None: it has no return statement"),
    np.ndarray.tolist: (TypeError, "returned a list"),
    torch.from_numpy: (TypeError, r"torch.Tensor: return tensor.detach\(\).cpu\(\).numpy\(\)"),
    partial(np.ndarray.astype, dtype=str): (TypeError, "dtype <U"),
    partial(np.ndarray.astype, dtype=complex): (TypeError, "dtype complex128"),
    partial(np.ndarray.astype, dtype=object): (TypeError, "dtype object"),
}


@pytest.mark.parametrize("spoil", RETURNED)
def test_what_draw_returned_is_named(spoil):
    kind, message = RETURNED[spoil]
    with pytest.raises(kind, match=rf"Spoilt\._draw has to return .*{message}"):
        Spoilt(spoil=spoil).fit(X).sample(3)
    with pytest.raises(AssertionError, match=r"Spoilt\._draw has to return"):
        check_generator(Spoilt(spoil=spoil))


@pytest.mark.parametrize("kind", [np.float64, np.float16, np.int64])
def test_real_numbers_of_any_type_may_be_drawn(kind):
    drawn = Spoilt(spoil=partial(np.ndarray.astype, dtype=kind)).fit(X).sample(3)
    assert drawn.dtype == np.float32


def test_draws_that_calibrate_are_looked_at_in_fit():
    counts = np.random.default_rng(0).poisson(0.5, (40, 6)).astype(float)
    with pytest.raises(
        ValueError, match=r"Spoilt\._draw has to return .* of shape \(1024, 6, 1\)"
    ):
        Spoilt(spoil=to_rows).fit(counts)


def test_not_finite_without_a_learning_rate():
    with pytest.raises(FloatingPointError, match="36 of 36 represented values") as caught:
        Spoilt(spoil=partial(np.multiply, np.nan)).fit(X).sample(3)
    assert "lr" not in str(caught.value)
    assert "diverged" not in str(caught.value)


def test_not_finite_by_the_representation():
    fitted = Spoilt(spoil=partial(np.multiply, 1e38)).fit(X * 1e6)
    with pytest.raises(FloatingPointError, match="of up to .*representation='standard' turns"):
        fitted.sample(3)


def test_arguments_are_compared_when_the_class_is_made():
    with pytest.raises(TypeError, match=r"Mine\._draw .*_draw\(self, n_samples, c, rng\).*but it"):

        class Mine(Resampler):
            def _draw(self, n_samples, rng):
                return self._rows[:n_samples]

    with pytest.raises(
        TypeError, match=r"Mine\._fit .*_fit\(self, series\).*but it is _fit\(self"
    ):

        class Mine(Resampler):
            def _fit(self, v, c):
                self._rows = v

    with pytest.raises(TypeError, match=r"Mine\._make_net .*n_conditions, \*\*params\)"):

        class Mine(NeuralGenerator):
            def _make_net(self, space, n_conditions):
                return None

    with pytest.raises(TypeError, match=r"Mine\._n_features_out has to be .*@property"):

        class Mine(LatentGenerator):
            def _n_features_out(self):
                return 3


@pytest.mark.parametrize("default", [[], {}, param(default=[1])])
def test_defaults_are_not_shared(default):
    class Mine(Resampler):
        sizes: object = default

    with pytest.raises(TypeError, match=r"Mine\.sizes has the default .*take a tuple"):
        estimator(Mine)


@estimator
class Scores(LatentGenerator, Resampler):
    """Its latents are the values."""

    spoil_latents: object = np.asarray
    spoil_series: object = np.asarray

    def _encode(self, v):
        return self.spoil_latents(v.reshape(len(v), -1))

    def _decode(self, z, c):
        return self.spoil_series(z.reshape(len(z), 6, 2))

    @property
    def _n_features_out(self):
        return 12


def test_what_encode_and_decode_returned_is_named():
    with pytest.raises(ValueError, match=r"_encode has to .*\(12, 12\).*of shape \(12, 12, 1\)"):
        Scores(spoil_latents=partial(np.expand_dims, axis=2)).fit(X).transform(X)
    fitted = Scores(spoil_series=swap_axes).fit(X)
    for call in (fitted.reconstruct, partial(fitted.interpolate, X)):
        with pytest.raises(ValueError, match=r"_decode has to .*6, 2\).* of shape \(\d+, 2, 6\)"):
            call(X)


# -- networks -----------------------------------------------------------------------------------


class Bias(nn.Module):
    """Draws one series that is learned, with noise."""

    def __init__(self, n_timesteps, n_channels):
        super().__init__()
        self.bias = nn.Parameter(torch.zeros(n_timesteps, n_channels))


class Hidden(nn.Module):
    """Holds its layers where torch does not see them."""

    def __init__(self, n_timesteps, n_channels):
        super().__init__()
        self.layers = [nn.Linear(n_timesteps, n_channels)]


class SquaredError(nn.Module):
    def forward(self, module, batch, rng):
        return (batch.values - module.bias).square().mean(dim=(1, 2))


class Detached(SquaredError):
    def forward(self, *args):
        return super().forward(*args).detach()


class Arrays(SquaredError):
    def forward(self, *args):
        return super().forward(*args).detach().numpy()


@estimator
class Biased(NeuralGenerator):
    """One learned series, with normal noise."""

    module: object = Bias
    objective: object = SquaredError
    net: object = GeneratorNet
    max_epochs: int = 1

    def _make_net(self, space, n_conditions, **params):
        return self.net(partial(self.module, *space.shape), self.objective, **params)

    def _draw(self, n_samples, c, rng):
        with self._inference() as module:
            shape = (n_samples, *module.bias.shape)
            noise = torch.randn(shape, generator=rng, device=rng.device)
            return (module.bias + noise).cpu().numpy()


def function(module, batch, rng):
    return SquaredError()(module, batch, rng)


def no_net(module, objective, **params):
    return None


@pytest.mark.parametrize(
    ("wrong", "kind", "message"),
    [
        ({"net": no_net}, TypeError, r"Biased\._make_net has to return a net.*returned None"),
        ({"module": Hidden}, ValueError, "Hidden has no parameters.*ModuleList"),
        ({"objective": lambda: function}, TypeError, r"objective has to be a torch.nn.Module"),
        ({"objective": Detached}, ValueError, "Detached returned a loss that no parameter"),
        ({"objective": Arrays}, TypeError, "Arrays has to return a tensor.*a ndarray"),
    ],
)
def test_what_a_network_lacks_is_named(wrong, kind, message):
    with pytest.raises(kind, match=message):
        Biased(**wrong).fit(X)
    assert Biased().fit(X).sample(3).shape == (3, 6, 2)


class Coders(nn.Module):
    def __init__(self, n_timesteps, n_channels):
        super().__init__()
        n_cells = n_timesteps * n_channels
        self.encoder = nn.Sequential(nn.Flatten(), nn.Linear(n_cells, 3))
        self.decoder = nn.Sequential(
            nn.Linear(3, n_cells), nn.Unflatten(1, (n_timesteps, n_channels))
        )


class Reconstruction(nn.Module):
    def forward(self, module, batch, rng):
        x = batch.values
        return (x - module.decoder(module.encoder(x))).square().mean(dim=(1, 2))


@estimator
class Linear(LatentGenerator, NeuralGenerator):
    """A linear autoencoder, with standard normal latents."""

    conditional: bool = pinned(False)
    max_epochs: int = 2

    def _make_net(self, space, n_conditions, **params):
        return GeneratorNet(partial(Coders, *space.shape), Reconstruction, **params)

    def _draw(self, n_samples, c, rng):
        z = torch.randn(n_samples, self._n_features_out, generator=rng, device=rng.device)
        return self._decode(z.cpu().numpy(), c)

    def _encode(self, v):
        with self._inference(torch.float64) as module:
            return module.encoder(self._tensor(v, torch.float64)).cpu().numpy().astype(np.float32)

    def _decode(self, z, c):
        with self._inference() as module:
            return module.decoder(self._tensor(z)).cpu().numpy()

    @property
    def _n_features_out(self):
        return 3


def test_a_network_may_have_latents():
    check_generator(Linear())


# -- laws ---------------------------------------------------------------------------------------


class OwnConstructor(Resampler):
    """Not decorated, with a constructor as scikit-learn's estimators have it."""

    def __init__(self, length=3):
        self.length = length


def test_a_constructor_that_lacks_the_shared_parameters_is_named():
    with pytest.raises(AssertionError, match=r"no \['bounds', .*'random_state'.*@estimator"):
        check_generator(OwnConstructor())


def test_a_class_is_no_instance():
    with pytest.raises(TypeError, match=r"pass an instance, not the class: Resampler\(\)"):
        check_generator(Resampler)


def test_randomness_from_elsewhere_is_named():
    with pytest.raises(AssertionError, match="another seed gives the same .*the rng that it is"):
        check_generator(Spoilt(spoil=partial(np.multiply, 0.0)))


def test_an_error_in_a_law_is_no_broken_law():
    with pytest.raises(AssertionError, match="Spoilt raises TypeError where we check.*NoneType"):
        check_generator(Spoilt())
