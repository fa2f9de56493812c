"""Every law of ours over every generator of ours, and on generators that break them."""

import re

import numpy as np
import pytest

from sklearn_timegen import VAE, check_generator
from sklearn_timegen.estimator_checks import generator_checks

from .generators import DENSE, GENERATORS, Resampler, name


@pytest.mark.parametrize(
    ("generator", "check"),
    [
        pytest.param(generator, check, id=f"{name(generator)}-{check.__name__}")
        for generator, check in generator_checks(GENERATORS)
    ],
)
def test_law(generator, check):
    check(generator)


class Global(Resampler):
    def _draw(self, n_samples, c, rng):
        return self._rows[np.random.randint(len(self._rows), size=n_samples)]  # noqa: NPY002


class Transposed(Resampler):
    def _draw(self, n_samples, c, rng):
        return super()._draw(n_samples, c, rng)[:, ::-1] * np.nan


def test_a_generator_of_anyone_can_be_held_to_the_laws():
    check_generator(Resampler())


@pytest.mark.parametrize(
    ("broken", "law"), [(Global(), "seeds repeat"), (Transposed(), "sample has the shape")]
)
def test_a_broken_generator_is_found_out(broken, law):
    with pytest.raises(AssertionError, match=re.escape(law)):
        check_generator(broken)


class Picky(Resampler):
    def _fit(self, v, c):
        if v.shape[1] == 1:
            raise RuntimeError("one timestep is not enough")
        super()._fit(v, c)


def test_an_error_names_the_law_too():
    with pytest.raises(AssertionError, match="where we check small data work: one timestep"):
        check_generator(Picky())


def test_too_few_series_are_found_out():
    class Short(Resampler):
        def _draw(self, n_samples, c, rng):
            return super()._draw(n_samples, c, rng)[:3]

    with pytest.raises(ValueError, match=r"Short\._draw has to .* \(3, 5, 1\)"):
        Short().fit(np.zeros((9, 5, 2))).sample(7)


def test_frozen_network_is_found_out():
    class Frozen(VAE):
        def _make_net(self, *sizes, **params):
            net = super()._make_net(*sizes, **params)
            made = net.initialize_module

            def frozen():
                made()
                net.module_.decoder.requires_grad_(False)
                return net

            net.initialize_module = frozen
            return net

    check = next(
        check
        for _, check in generator_checks([VAE()])
        if check.__name__ == "check_every_parameter_gets_a_gradient"
    )
    with pytest.raises(AssertionError, match="decoder"):
        check(Frozen(**DENSE))
