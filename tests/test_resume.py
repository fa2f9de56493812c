"""Trainings that were killed go on from their checkpoints, and end in the same bits."""

import errno
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from skorch.callbacks import LRScheduler

import sklearn_timegen
from sklearn_timegen import GAN, VAE, FlowMatching, OneStepGenerator, TimeGAN
from sklearn_timegen.base import checkpoints
from sklearn_timegen.base.checkpoints import Checkpoints
from sklearn_timegen.datasets import make_sines
from sklearn_timegen.estimator_checks._trial import Trial
from sklearn_timegen.io import CannotSave, describe
from sklearn_timegen.training import GeneratorNet
from tests.generators import CODED, FLOWING, KINDS, PHASED, PLAYING, TAUGHT, name

SEED = 0
X = make_sines(24, 12, 2, version="timevae", random_state=SEED)
LONG = {"max_epochs": 12, "random_state": SEED}
STOPPING = {"n_iter_no_change": 2, "tol": 1e9, "validation_fraction": 0.25}  # never improves

# Everything that training remembers: schedules, averages, warm-ups, patience, best weights.
REMEMBERING = {
    "vae": VAE(**{**CODED, **LONG}, kl_warmup=5, prior="mixture", n_iter_no_change=20),
    "stopped": VAE(**{**CODED, **LONG}, **{**STOPPING, "n_iter_no_change": 6}),
    "rates": VAE(**{**CODED, **LONG}, callbacks=[LRScheduler("StepLR", step_size=3, gamma=0.5)]),
    "gan": GAN(**{**PLAYING, **LONG}, n_iter_no_change=8),
    "flow": FlowMatching(**{**FLOWING, **LONG}, warmup_steps=4, n_iter_no_change=20),
    "timegan": TimeGAN(
        **{**PHASED, **LONG, "embedding_epochs": 6, "supervised_epochs": 5, "max_epochs": 4},
        n_iter_no_change=3,
        tol=1e9,
    ),
    "taught": OneStepGenerator(teacher=FlowMatching(**FLOWING), **{**TAUGHT, **LONG}),
}


class Killed(BaseException):
    """Ends a training as a kill does, at a moment of a test's choice."""


def outcome(fitted):
    rows = [{k: v for k, v in row.items() if k != "dur"} for row in fitted.history_]
    return rows, fitted.sample(4, random_state=1)


def assert_equal(whole, resumed):
    (rows, drawn), (same_rows, same_drawn) = outcome(whole), outcome(resumed)
    assert rows == same_rows
    assert np.array_equal(drawn, same_drawn, equal_nan=True)


def kept(generator, path, every=1):
    return generator.set_params(checkpoint=path, checkpoint_every=every)


def fit_until(generator, monkeypatch, n_files, data=X):
    """Fit until so many checkpoints were written; return whether that was an end."""
    write, written = Checkpoints.write, []

    def write_or_die(self, net):
        if len(written) == n_files:
            raise Killed
        write(self, net)
        written.append(1)

    with monkeypatch.context() as patch:
        patch.setattr(Checkpoints, "write", write_or_die)
        try:
            generator.fit(data)
        except Killed:
            return False
    return True


def go_on(path):
    return sklearn_timegen.load(path).set_params(warm_start=True)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "training.timegen"


@pytest.mark.parametrize("generator", KINDS, ids=name)
def test_every_kind_goes_on_as_if_nothing_had_happened(generator, path, monkeypatch):
    if not hasattr(generator, "partial_fit"):
        pytest.skip("has no training")
    trial = Trial(generator, SEED)
    holed = trial.with_holes()
    broken = kept(trial.fresh(), path)
    assert not fit_until(broken, monkeypatch, 2, holed)
    assert_equal(trial.fresh().fit(holed), go_on(path).fit(holed))


@pytest.mark.parametrize("key", REMEMBERING)
def test_all_that_training_remembers_is_there_again(key, path, monkeypatch):
    whole = clone(REMEMBERING[key]).fit(X)
    broken = kept(clone(REMEMBERING[key]), path)
    fit_until(broken, monkeypatch, 4)
    fit_until(go_on(path), monkeypatch, 3)  # and killed once more
    assert_equal(whole, go_on(path).fit(X))


def test_a_phase_that_has_ended_is_not_begun_again(path, monkeypatch):
    whole = clone(REMEMBERING["timegan"]).fit(X)
    for n_files in (3, 6, 9):
        broken = kept(clone(REMEMBERING["timegan"]), path)
        if fit_until(broken, monkeypatch, n_files):
            break
        assert_equal(whole, go_on(path).fit(X))


def test_further_training_is_kept_too(path, monkeypatch):
    given = {**CODED, **LONG, "warm_start": True}
    whole, broken = VAE(**given).fit(X), VAE(**given).fit(X)
    whole.fit(X)
    assert not fit_until(kept(broken, path), monkeypatch, 5)
    assert len(broken.history_) == 12  # an error takes the second training back
    assert_equal(whole, go_on(path).fit(X))


def test_what_is_finished_stays_so(path):
    fitted = kept(VAE(**{**CODED, **LONG}), path, every=5).fit(X)
    again = go_on(path).fit(X)
    assert len(again.history_) == 12
    assert_equal(fitted, again)


def test_files_are_written_as_often_as_was_asked_for(path, monkeypatch):
    epochs = []
    monkeypatch.setattr(Checkpoints, "write", lambda self, net: epochs.append(len(net.history)))
    kept(VAE(**{**CODED, **LONG}), path, every=5).fit(X)
    assert epochs == [0, 5, 10, 12]


# -- what is told ---------------------------------------------------------------------------------


@pytest.fixture
def half(path, monkeypatch):
    fit_until(kept(VAE(**{**CODED, **LONG}), path), monkeypatch, 4)
    return sklearn_timegen.load(path)


def test_a_checkpoint_is_not_fitted_yet(half, path):
    assert not describe(path)["fitted"]
    assert describe(path)["training_state"]
    with pytest.raises(NotFittedError):
        half.sample(2)
    with pytest.raises(ValueError, match="warm_start=True finishes it"):
        half.partial_fit(X)


def test_without_warm_start_training_begins_anew_and_says_so(half):
    with pytest.warns(UserWarning, match="begun anew"):
        half.fit(X)
    assert_equal(VAE(**{**CODED, **LONG}).fit(X), half)


def test_other_series_are_refused(half):
    with pytest.raises(ValueError, match="others than those"):
        half.set_params(warm_start=True).fit(X[::-1])
    half.fit(X)  # it is a checkpoint still
    assert len(half.history_) == 12


def test_ctrl_c_tells_the_epochs_of_before_too(half, monkeypatch):
    def interrupt(self, net):
        if len(net.history) == 5:
            signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(Checkpoints, "after_epoch", interrupt)
    with pytest.warns(UserWarning, match="after 5 of 12 epochs"):
        half.set_params(warm_start=True, max_epochs=7).fit(X)
    assert len(half.history_) == 5


def test_ctrl_c_before_an_epoch_leaves_a_checkpoint_and_says_so(half, monkeypatch):
    def interrupt(self, batch):
        signal.raise_signal(signal.SIGINT)

    half.set_params(warm_start=True)
    with monkeypatch.context() as patch:
        patch.setattr(GeneratorNet, "batch_loss", interrupt)
        with pytest.warns(
            UserWarning, match=r"after 3 of 12 epochs.* is the checkpoint.*fit\(X\)"
        ):
            half.fit(X)
    with pytest.raises(NotFittedError):
        half.sample(2)
    assert_equal(VAE(**{**CODED, **LONG}).fit(X), half.fit(X))


@pytest.mark.parametrize(
    ("given", "words"),
    [({"checkpoint": 3}, "checkpoint"), ({"checkpoint_every": 0}, "checkpoint_every")],
)
def test_bad_parameters_are_named(given, words):
    with pytest.raises(ValueError, match=words):
        VAE(**CODED, **given).fit(X)


def test_what_cannot_be_written_is_said_before_training(tmp_path):
    generator = kept(VAE(**CODED), tmp_path / "nowhere" / "a.timegen")
    with pytest.raises(OSError, match="checkpoint='.*nowhere"):
        generator.fit(X)
    with pytest.raises(ValueError, match="is a directory"):
        kept(generator, str(tmp_path)).fit(X)
    assert not hasattr(generator, "net_")


def test_what_cannot_be_saved_is_said_before_training(path):
    from sklearn_timegen.nn.dense import DenseEncoder

    def own(*args):
        return DenseEncoder(*args)

    with pytest.raises(CannotSave, match=r"VAE.encoder is the function"):
        kept(VAE(**{**CODED, "encoder": own}), path).fit(X)
    assert not path.exists()


def test_a_disk_that_is_full_stops_no_training(path, monkeypatch):
    save, calls = checkpoints.save, []

    def fails_twice(*args, **kwargs):
        calls.append(1)
        if len(calls) in (4, 5):
            raise OSError(errno.ENOSPC, "No space left on device", str(path))
        save(*args, **kwargs)

    monkeypatch.setattr(checkpoints, "save", fails_twice)
    generator = kept(VAE(**{**CODED, **LONG}), path)
    with pytest.warns(UserWarning, match="after epoch 3: .*No space left") as told:
        generator.fit(X)
    assert len(told) == 1
    assert len(calls) == 13
    assert_equal(VAE(**{**CODED, **LONG}).fit(X), generator)


def test_a_disk_that_is_full_when_a_phase_begins_stops_no_training(path, monkeypatch):
    save, calls = checkpoints.save, []

    def fails_but_once(*args, **kwargs):
        calls.append(1)
        if len(calls) > 1:
            raise OSError(errno.ENOSPC, "No space left on device", str(path))
        save(*args, **kwargs)

    monkeypatch.setattr(checkpoints, "save", fails_but_once)
    whole = clone(REMEMBERING["timegan"]).fit(X)
    with pytest.warns(UserWarning, match="no checkpoint was written"):
        assert_equal(whole, kept(clone(REMEMBERING["timegan"]), path).fit(X))
    monkeypatch.undo()
    assert_equal(whole, go_on(path).fit(X))


# -- SIGKILL --------------------------------------------------------------------------------------

IN_ANOTHER_PROCESS = """
import sys, time
from skorch import NeuralNet
from tests.test_resume import KILLED, X, kept
run = NeuralNet.notify
def slowly(self, name, **kwargs):
    run(self, name, **kwargs)
    if name == "on_epoch_begin":
        time.sleep(0.01)  # so that there is a training to be killed
NeuralNet.notify = slowly
kept(KILLED[sys.argv[1]], sys.argv[2]).fit(X)
"""

MANY = {"max_epochs": 25, "random_state": SEED}
KILLED = {
    "vae": VAE(**{**CODED, **MANY}, kl_warmup=20),
    "gan": GAN(**{**PLAYING, **MANY}),
    "flow": FlowMatching(**{**FLOWING, **MANY}),
    "timegan": TimeGAN(**{**PHASED, **MANY, "embedding_epochs": 8, "supervised_epochs": 8}),
}


def start(key, path):
    command = [sys.executable, "-c", IN_ANOTHER_PROCESS, key, str(path)]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    return subprocess.Popen(command, env=environment, stderr=subprocess.PIPE)


def kill(process, path, wait):
    """Kill a process some time after its first checkpoint; return whether it was at work."""
    limit = time.monotonic() + 120
    while not path.exists():
        assert process.poll() is None, process.stderr.read().decode()
        assert time.monotonic() < limit, "no checkpoint was written"
        time.sleep(0.005)
    time.sleep(wait)
    process.send_signal(signal.SIGKILL)
    process.stderr.close()
    return process.wait() == -signal.SIGKILL


def whole_of(key):
    return clone(KILLED[key]).fit(X)


@pytest.mark.skipif(os.name != "posix", reason="there is no SIGKILL")
def test_killed_trainings_go_on_and_end_in_the_same_bits(tmp_path):
    rng = np.random.default_rng()  # at other moments each time: it has to hold at any
    paths = {key: tmp_path / f"{key}.timegen" for key in KILLED}
    processes = {key: start(key, path) for key, path in paths.items()}
    for key, process in processes.items():
        kill(process, paths[key], rng.uniform(0, 0.4))
    for key, path in paths.items():
        assert_equal(whole_of(key), go_on(path).fit(X))


@pytest.mark.exhaustive
@pytest.mark.skipif(os.name != "posix", reason="there is no SIGKILL")
@pytest.mark.parametrize("key", KILLED)
def test_ten_kills(key, tmp_path):
    rng, whole, at_work, epochs = np.random.default_rng(), whole_of(key), 0, []
    for turn in range(10):
        path = tmp_path / f"{turn}.timegen"
        at_work += kill(start(key, path), path, rng.uniform(0, 0.4))
        loaded = go_on(path)
        epochs.append(len(loaded.net_.history))
        assert_equal(whole, loaded.fit(X))
    print(f"{key}: {at_work} of 10 killed at work, after {sorted(epochs)} epochs")
    assert at_work >= 5
