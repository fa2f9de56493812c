"""An error takes a fit back, all of it; Ctrl-C keeps what was trained."""

import pickle
from contextlib import contextmanager
from functools import cache

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from sklearn_timegen import (
    NSGAN,
    VAE,
    BlockBootstrap,
    FlowMatching,
    OneStepGenerator,
    PCAMixture,
    ProfessorForcing,
    TeacherForcing,
    TimeGAN,
)

from .fuses import Decoder, Encoder, Field, Scaler, Stages, cut_short, failing, given_up


def walks(seed, n_timesteps, n_channels):
    return np.random.default_rng(seed).normal(size=(120, n_timesteps, n_channels)).cumsum(axis=1)


X, OTHER = walks(0, 6, 2), walks(1, 4, 1)
GRID = (4 * X).round() / 4  # whose samples have to be calibrated

DENSE = {"hidden_dims": (8,), "latent_dim": 2}
COMMON = {"batch_size": 60, "max_epochs": 3, "lr": 1e-2, "random_state": 0}
OWN = {"representation": Scaler(), "callbacks": [Stages()]}
SMALL = {"hidden_dim": 8, "n_layers": 1, "warmup_steps": 0}

TEACHER = FlowMatching(**SMALL, **COMMON, **OWN, network=Field)

KINDS = {
    "vae": VAE(**DENSE, **COMMON, **OWN, encoder=Encoder, decoder="dense"),
    "gan": NSGAN(
        **DENSE, **COMMON, **OWN, generator=Decoder, discriminator="dense", encoder_steps=8
    ),
    "flow": TEACHER,
    "student": OneStepGenerator(teacher=TEACHER, **COMMON, callbacks=[Stages()], n_pairs=120),
    "player": OneStepGenerator(
        teacher=TEACHER,
        **COMMON,
        callbacks=[Stages()],
        method="adversarial",
        discriminator_hidden_dims=(8,),
    ),
    "taught": TeacherForcing(hidden_dim=8, n_components=2, **COMMON, **OWN),
    "professor": ProfessorForcing(
        hidden_dim=8, n_components=2, discriminator_hidden_dim=8, **COMMON, **OWN
    ),
    "timegan": TimeGAN(
        hidden_dim=6, n_layers=1, embedding_epochs=2, supervised_epochs=1, **COMMON, **OWN
    ),
}
FURTHER = ["warm fit", "partial_fit"]


@cache
def pickled(kind, on_grid=False):
    """A fitted generator of a kind."""
    return pickle.dumps(clone(KINDS[kind]).fit(GRID if on_grid else X))


def prepared(kind, call, on_grid=False):
    """Return a generator for a call, and the call itself, which is given series."""
    if call == "first fit":
        generator = clone(KINDS[kind])
        return generator, generator.fit
    generator = pickle.loads(pickled(kind, on_grid))
    if call == "partial_fit":
        return generator, generator.partial_fit
    if call == "warm fit":
        generator.set_params(warm_start=True)
    return generator, generator.fit


def number_of_fits(generator, call):
    """Which of the fits within one is the generator's own: a teacher comes first."""
    return 2 if call == "first fit" and hasattr(generator, "teacher") else 1


def drawn(generator):
    """All that a fitted generator gives."""
    result = [generator.sample(5, random_state=1)]
    if hasattr(generator, "transform"):
        result.append(generator.transform(X))
    if hasattr(generator, "history_"):
        result.append(np.array([len(generator.history_), generator.n_iter_]))
    return result


def same(a, b):
    return len(a) == len(b) and all(map(np.array_equal, a, b))


def weights(generator):
    state = generator.net_.module_.state_dict()
    return torch.cat([value.flatten().double() for value in state.values()])


@contextmanager
def untouched(generator):
    """Check that a block leaves a generator as it was, also for what is to come."""
    names, twin = set(vars(generator)), pickle.loads(pickle.dumps(generator))
    net = getattr(generator, "net_", None)
    yield
    assert set(vars(generator)) - {"interrupted_"} == names - {"interrupted_"}
    if not hasattr(generator, "series_shape_"):
        with pytest.raises(NotFittedError):
            generator.sample()
        return
    assert same(drawn(generator), drawn(twin))
    if net is not None:
        assert generator.net_ is net
        for one in (generator, twin):
            one.partial_fit(X)
        assert same(drawn(generator), drawn(twin))


# -- errors -----------------------------------------------------------------------------------


@pytest.mark.parametrize("call", ["first fit", "refit", *FURTHER])
@pytest.mark.parametrize(
    ("step", "n"),
    [
        ("represent", 1),
        ("train begin", 1),
        ("step in training", 2),
        ("epoch end", 1),
        ("train end", 1),
        ("network after training", 1),
    ],
)
def test_an_error_takes_all_back(step, n, call):
    generator, run = prepared("vae", call)
    with untouched(generator), failing(step, n):
        run(X)


@pytest.mark.parametrize("call", ["first fit", "refit"])
@pytest.mark.parametrize("step", ["representation fit", "initialize"])
def test_an_error_before_there_is_a_net_takes_all_back(step, call):
    generator, run = prepared("vae", call)
    with untouched(generator), failing(step):
        run(OTHER)


@pytest.mark.parametrize(
    ("kind", "call"),
    [("vae", "refit"), ("student", "refit"), *((kind, "partial_fit") for kind in KINDS)],
)
def test_an_error_in_the_last_step_takes_all_back(kind, call):
    generator, run = prepared(kind, call, on_grid=True)
    with untouched(generator), failing("calibrate after training"):
        run(GRID + 1)


@pytest.mark.parametrize(("step", "n"), [("network", 1), ("step", 2), ("network", 2)])
def test_an_error_in_the_regression_of_latents_takes_all_back(step, n):
    generator, run = prepared("gan", "partial_fit")
    with untouched(generator), failing(f"{step} after training", n):
        run(X)


# -- Ctrl-C before training -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("step", "call"),
    [
        ("representation fit", "first fit"),
        ("represent", "refit"),
        ("initialize", "first fit"),
        ("initialize", "refit"),
        ("represent", "warm fit"),
        ("represent", "partial_fit"),
    ],
)
def test_ctrl_c_before_training_takes_all_back(step, call):
    generator, run = prepared("vae", call)
    with untouched(generator), given_up(step):
        run(X)


@pytest.mark.parametrize("generator", [PCAMixture(), BlockBootstrap(block_length=2)])
def test_ctrl_c_where_nothing_is_trained(generator):
    generator = clone(generator).set_params(representation=Scaler(), random_state=0).fit(X)
    with untouched(generator), given_up("represent"):
        generator.fit(OTHER)
    with cut_short("calibrate", "calibration"):
        generator.fit(GRID)
    assert generator.interrupted_
    assert set(np.unique(generator.sample(9))) <= set(np.unique(GRID.astype(np.float32)))
    assert not generator.fit(X).interrupted_


# -- Ctrl-C in training -----------------------------------------------------------------------


@pytest.mark.parametrize("call", FURTHER)
@pytest.mark.parametrize("kind", KINDS)
def test_ctrl_c_in_the_first_epoch_of_further_training_takes_it_back(kind, call):
    generator, run = prepared(kind, call)
    with untouched(generator):
        with cut_short("step in training", "after 0 of .* is what it was"):
            assert run(X) is generator
        assert generator.interrupted_


def test_ctrl_c_later_in_further_training_keeps_what_was_learned():
    generator, run = prepared("vae", "warm fit")
    before = weights(generator)
    with cut_short("epoch end", "after 1 of 3 epochs.*keeps what it has"):
        run(X)
    assert generator.interrupted_
    assert generator.n_iter_ == 4
    assert not torch.equal(weights(generator), before)


@pytest.mark.parametrize("call", ["first fit", "partial_fit"])
@pytest.mark.parametrize("kind", KINDS)
def test_ctrl_c_when_training_has_ended_changes_nothing(kind, call):
    (generator, run), (whole, train) = prepared(kind, call), prepared(kind, call)
    train(X)
    with cut_short("train end", r"after (\d+) of \1 epochs", number_of_fits(generator, call)):
        run(X)
    assert generator.interrupted_
    assert same(drawn(generator), drawn(whole))


def test_ctrl_c_before_the_first_step():
    generator, run = prepared("vae", "first fit")
    with cut_short("train begin", "after 0 of 3 epochs"):
        run(X)
    assert generator.interrupted_
    assert np.isfinite(generator.sample(3)).all()
    assert not generator.partial_fit(X).interrupted_


# -- Ctrl-C after training --------------------------------------------------------------------


@pytest.mark.parametrize("call", ["first fit", "partial_fit"])
@pytest.mark.parametrize("kind", ["vae", "student"])
def test_ctrl_c_in_calibration_keeps_the_training(kind, call):
    (generator, run), (whole, train) = (prepared(kind, call, on_grid=True) for _ in range(2))
    train(GRID)
    message = "calibration of channels that stand still was interrupted"
    with cut_short("calibrate after training", message, number_of_fits(generator, call)):
        run(GRID)
    assert generator.interrupted_
    assert torch.equal(weights(generator), weights(whole))
    assert set(np.unique(generator.sample(9))) <= set(np.unique(GRID.astype(np.float32)))


@pytest.mark.parametrize("call", ["first fit", "partial_fit"])
def test_ctrl_c_in_the_posterior_or_the_prior_leaves_the_normal_one(call):
    (generator, run), (whole, train) = prepared("vae", call), prepared("vae", call)
    train(X)
    for one in (generator, whole):
        one.set_params(prior="mixture")
    with cut_short("network after training", "prior was interrupted.*N.0, I"):
        run(X)
    assert generator.interrupted_
    # The prior of the whole one is the normal one, too: samples are the same.
    assert same(drawn(generator), drawn(whole))
    assert not generator.partial_fit(X).interrupted_
    assert type(generator.prior_) is not type(whole.prior_)


def test_ctrl_c_in_the_training_of_the_prior():
    generator = clone(KINDS["vae"]).set_params(prior="flow")
    with cut_short("step after training", "training of the prior was interrupted after 0 of"):
        generator.fit(X)
    assert generator.interrupted_
    assert np.isfinite(generator.sample(3)).all()


@pytest.mark.parametrize(("step", "n"), [("network", 1), ("step", 1), ("step", 7), ("network", 2)])
def test_ctrl_c_in_the_regression_of_latents_keeps_the_game(step, n):
    generator, whole = clone(KINDS["gan"]), clone(KINDS["gan"]).fit(X)
    with cut_short(f"{step} after training", "regression of latents was interrupted", n):
        generator.fit(X)
    assert generator.interrupted_
    assert np.isnan(generator.reconstruction_error_)
    assert np.array_equal(generator.sample(5), whole.sample(5))
    if (step, n) == ("network", 1):  # before the first step
        for method in (generator.transform, generator.reconstruct):
            with pytest.raises(NotFittedError, match="no encoder.*partial_fit"):
                method(X)
    else:
        assert np.isfinite(generator.transform(X)).all()
    generator.partial_fit(X)  # makes up for all of the regression
    assert len(generator.encoder_.optimizer_.state) > 0
    assert np.isfinite(generator.reconstruction_error_)
    assert not generator.interrupted_


def test_ctrl_c_while_pairs_are_drawn_keeps_the_teacher():
    student, whole = clone(KINDS["student"]), clone(KINDS["student"]).fit(X)
    with cut_short("network after training", "after 0 of 3 epochs"):
        student.fit(X)
    assert student.interrupted_
    assert student.n_iter_ == 0
    assert torch.equal(weights(student.teacher_), weights(whole.teacher_))
    assert np.isfinite(student.sample(3)).all()
    assert student.partial_fit(X).n_iter_ == 1


def test_a_student_of_an_interrupted_teacher_was_interrupted():
    student = clone(KINDS["student"])
    with cut_short("epoch end", "after 1 of 3 epochs"):
        student.fit(X)
    assert student.interrupted_
    assert student.n_iter_ == 3
    taught = clone(KINDS["student"]).set_params(teacher=student.teacher_)
    assert not taught.fit(X).interrupted_
