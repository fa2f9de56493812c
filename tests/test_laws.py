"""Every law of ours over every generator of ours, and on generators that break them."""

import re

import numpy as np
import pytest
from sklearn.base import clone

from sklearn_timegen import (
    FGAN,
    GAN,
    LSGAN,
    NSGAN,
    SNGAN,
    VAE,
    WGAN,
    WGANGP,
    FlowMatching,
    OneStepGenerator,
    TimeGAN,
    VanillaGAN,
    check_generator,
)
from sklearn_timegen.estimator_checks import generator_checks

from .generators import DENSE, KINDS, NAMED, SETTINGS, SIZES, Resampler, name, named_classes
from .global_seed import GLOBAL_RANDOM_SEED

# One of each kind is held to all laws at each run, its settings to those that their networks and
# losses can break; to the others they are held by ``make test-all``.
OF_SETTINGS = {
    "check_conditions_are_kept",
    "check_every_parameter_gets_a_gradient",
    "check_sample_has_the_shape_of_the_data",
    "check_seeds_repeat",
}

# These learn at rates, and by schedules, that are made for wide networks and thousands of steps:
# networks as small as ours have learned nothing after the few hundred that a test can take (the
# classes of a GAN are less than 0.1 apart, in the data 1). So with all their defaults they are
# held to what needs no learning, and to what does at a higher rate, which begins and stays so.
SCHEDULED = [
    one for one in NAMED if isinstance(one, GAN | FlowMatching | OneStepGenerator | TimeGAN)
]
HURRY = {"lr": 1e-2, "lr_end": 1.0, "warmup_steps": 0}
OWN_HURRY = {
    "Diffusion": {"hidden_dim": 64, "lr_end": 0.1, "max_epochs": 120},  # noise takes many units
    "GradientNormalizedGAN": {
        **{"hidden_dims": (32,), "max_epochs": 120},
        **{"lr": 2e-3, "discriminator_lr": 1e-2, "lr_end": 0.1},
    },
    "RCGAN": {"max_epochs": 120},
    **{
        game.__name__: {"hidden_dims": (32,)}
        for game in (FGAN, LSGAN, NSGAN, SNGAN, WGAN, WGANGP, VanillaGAN)
    },
    "TimeGAN": {"embedding_epochs": 20, "supervised_epochs": 20},
}


def hurried(generator):
    known = generator.get_params()
    hurry = HURRY | OWN_HURRY.get(type(generator).__name__, {})
    params = {prefix + key: value for prefix in ("", "teacher__") for key, value in hurry.items()}
    return clone(generator).set_params(**{key: params[key] for key in params.keys() & known})


LEARNERS = [hurried(generator) for generator in SCHEDULED]
FIRST = [*KINDS, *(one for one in LEARNERS if type(one) in map(type, KINDS))]


def cases():
    of_all = generator_checks([*NAMED, *SETTINGS, *LEARNERS], random_state=GLOBAL_RANDOM_SEED)
    for generator, check in of_all:
        if generator in (SCHEDULED if check.learns else LEARNERS):
            continue
        always = generator in FIRST or check.__name__ in OF_SETTINGS
        if check.learns and isinstance(generator, TimeGAN | OneStepGenerator):
            always = False  # for seconds, in several phases
        which = type(generator).__name__ if generator in NAMED else name(generator)
        marks = [] if always else [pytest.mark.exhaustive]
        yield pytest.param(generator, check, id=f"{which}-{check}", marks=marks)


# Networks this small, trained this shortly: laws are about behaviour, not about quality.
@pytest.mark.filterwarnings("ignore:the posterior has collapsed:UserWarning")
@pytest.mark.parametrize(("generator", "check"), list(cases()))
def test_law(generator, check):
    check(generator)


WITHIN = {"teacher", "generator", "classifier"}  # estimators, with parameters of their own


def test_all_named_classes_are_held_to_the_laws_with_their_own_defaults():
    assert {type(generator) for generator in NAMED} == named_classes()
    for generator in NAMED:
        defaults = type(generator)().get_params(deep=False)
        changed = {
            key
            for key, value in generator.get_params(deep=False).items()
            if key not in WITHIN and value is not defaults[key] and value != defaults[key]
        }
        assert changed <= SIZES, generator


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
    def _fit(self, series):
        if series.values.shape[1] == 1:
            raise RuntimeError("one timestep is not enough")
        super()._fit(series)


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
