"""skorch training: batches, seeds, callbacks, early ends of every kind."""

import os
import pickle
import signal
import warnings

import numpy as np
import pytest
import torch
from joblib import parallel_backend
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV
from skorch.callbacks import (
    Callback,
    EarlyStopping,
    EpochScoring,
    GradientNormClipping,
    LRScheduler,
)
from skorch.dataset import ValidSplit

from sklearn_timegen import VAE, TimeVAE
from sklearn_timegen.data import Series
from sklearn_timegen.datasets import make_labelled_sines, make_sines
from sklearn_timegen.representation import SeriesScaler
from sklearn_timegen.training import BatchIterator, resolve_device

from .generators import DENSE
from .global_seed import GLOBAL_RANDOM_SEED as SEED


@pytest.fixture(scope="module")
def X():
    return make_sines(40, 8, 2, random_state=SEED)


def vae(**params):
    return VAE(**{**DENSE, "max_epochs": 3, "random_state": SEED, **params})


def weights(fitted):
    return torch.cat([p.detach().flatten() for p in fitted.net_.module_.parameters()])


# -- batches ----------------------------------------------------------------------------------


def test_an_epoch_sees_every_series_once():
    x, c = torch.arange(10.0)[:, None, None], torch.arange(10.0)[:, None]
    iterator = BatchIterator(Series(x, c), 4, torch.Generator().manual_seed(SEED))
    batches = list(iterator)
    assert [len(batch) for batch in batches] == [4, 4, 2]
    assert len(iterator) == 3
    seen = torch.cat([batch.values.flatten() for batch in batches])
    assert not torch.equal(seen, x.flatten())
    assert torch.equal(seen.sort().values, x.flatten())
    assert all(torch.equal(batch.values[:, 0], batch.conditions) for batch in batches)


def test_cells_count_where_they_vary_and_were_observed():
    x = torch.arange(24.0).reshape(6, 2, 2)
    observed, varies = x % 3 > 0, np.array([[True, True], [False, True]])
    rng = torch.Generator().manual_seed(SEED)
    for batch in BatchIterator(Series(x, observed=observed), 4, rng, varies):
        expected = (batch.values % 3 > 0) & torch.from_numpy(varies)
        assert torch.equal(batch.weights, expected.float())
    (batch,) = BatchIterator(Series(x), 8, rng, varies)
    assert torch.equal(batch.weights, torch.from_numpy(varies).float().expand(6, 2, 2))
    for everything in (Series(x), Series(x, observed=x >= 0)):
        (batch,) = BatchIterator(everything, 8, rng, np.ones((2, 2), dtype=bool))
        assert batch.weights is None


def test_subsets_of_subsets_are_unwrapped():
    from torch.utils.data import Subset

    dataset = Series(torch.arange(10.0)[:, None, None])
    inner = Subset(dataset, np.array([9, 7, 5, 3]))
    batches = list(BatchIterator(Subset(inner, [2, 0]), 8))
    assert batches[0].values.flatten().tolist() == [5.0, 9.0]
    assert batches[0].conditions is None


class Beginning(Callback):
    """Keep the net as it was before any step, and what it is trained on."""

    def on_train_begin(self, net, X=None, y=None, **kwargs):
        self.net_, self.x_ = pickle.dumps(net), X.values


def test_training_equals_a_loop_by_hand(X):
    """The same weights as from a loop that anyone would write over the same network."""
    fitted = vae(batch_size=16, callbacks=[Beginning()]).fit(X)
    net, begun = fitted.net_, dict(fitted.net_.callbacks_)["Beginning"]
    fresh, x = pickle.loads(begun.net_), begun.x_
    assert np.array_equal(x, fitted.representation_.transform(X))
    module, loss = fresh.module_, fresh.criterion_
    optimizer = torch.optim.Adam(module.parameters(), lr=1e-3)
    for _ in range(3):
        for batch in x[torch.randperm(len(x), generator=fresh.shuffle_)].split(16):
            optimizer.zero_grad()
            loss(module, Series(batch), fresh.noise_).mean().backward()
            optimizer.step()
    by_loop = torch.cat([p.detach().flatten() for p in module.parameters()])
    assert torch.allclose(weights(fitted), by_loop, atol=1e-6)
    assert len(net.history) == 3


# -- seeds ------------------------------------------------------------------------------------


def test_weights_do_not_depend_on_the_number_of_epochs(X):
    short, long = vae(max_epochs=1).fit(X), vae(max_epochs=2).fit(X)
    assert long.history_[0]["train_loss"] == short.history_[0]["train_loss"]


def test_named_streams_differ(X):
    fits = [vae(random_state=seed, max_epochs=1).fit(X) for seed in (0, 1, None, None)]
    streams = [stream for fitted in fits for stream in (fitted.net_.shuffle_, fitted.net_.noise_)]
    assert len({stream.initial_seed() for stream in streams}) == 8
    assert len({float(weights(fitted).sum()) for fitted in fits}) == 4


def test_weights_leave_the_global_stream_as_it_was(X):
    before = torch.get_rng_state()
    first = vae(max_epochs=1, random_state=SEED + 3).fit(X)
    assert torch.equal(torch.get_rng_state(), before)
    torch.rand(1)
    assert torch.equal(weights(vae(max_epochs=1, random_state=SEED + 3).fit(X)), weights(first))


@pytest.mark.parametrize(
    "backend", [pytest.param("loky", marks=pytest.mark.exhaustive), "threading"]
)
def test_parallel_grid_search_equals_the_sequential_one(X, backend):
    grid = {"latent_dim": [1, 2, 3], "lr": [1e-3, 1e-2]}
    search = GridSearchCV(vae(), grid, cv=2, error_score="raise")
    sequential = search.fit(X).cv_results_["mean_test_score"]
    with parallel_backend(backend, n_jobs=2):
        parallel = search.set_params(n_jobs=2).fit(X).cv_results_["mean_test_score"]
    assert np.array_equal(sequential, parallel)


# -- validation and early stopping ------------------------------------------------------------


def test_held_out_series_have_a_loss(X):
    fitted = vae(validation_fraction=0.25).fit(X)
    assert all(np.isfinite(row["valid_loss"]) for row in fitted.history_)
    assert fitted.history_[0]["train_batch_count"] == 1  # 30 of 40


def test_held_out_series_do_not_train(X):
    far = np.concatenate([X, X[:1] + 50])
    fits = [vae(validation_fraction=0.1, random_state=s, max_epochs=1).fit(far) for s in range(30)]
    data = Series(torch.from_numpy(far))
    apart = [fitted for fitted in fits if 40 in fitted.net_.train_split(data)[1].indices]
    assert 0 < len(apart) < 15
    for fitted in fits:  # the one that is far away is held out, or trained on with all others
        row = fitted.history_[0]
        assert (row["valid_loss"] > 3 * row["train_loss"]) == (fitted in apart)


def test_early_stopping_keeps_the_best_weights(X):
    fitted = vae(max_epochs=500, lr=0.05, validation_fraction=0.3, n_iter_no_change=5).fit(X)
    losses = [row["valid_loss"] for row in fitted.history_]
    best = int(np.argmin(losses)) + 1
    assert fitted.n_iter_ < 500
    assert fitted.n_iter_ - best >= 4
    shorter = vae(max_epochs=best, lr=0.05, validation_fraction=0.3).fit(X)
    assert torch.equal(weights(fitted), weights(shorter))


def test_early_stopping_without_validation_watches_the_training_loss(X):
    fitted = vae(max_epochs=500, n_iter_no_change=2, tol=10.0).fit(X)
    assert fitted.n_iter_ < 50


@pytest.mark.filterwarnings("ignore::sklearn_timegen.SingleSeriesWarning")
def test_nothing_left_to_train_on_is_refused(X):
    with pytest.raises(ValueError, match="validation_fraction=0.9 of 1 series"):
        vae(validation_fraction=0.9).fit(X[:1])
    with pytest.raises(ValueError, match="validation_fraction=0.9 of 1 series"):
        vae(validation_fraction=0.9, n_iter_no_change=5, verbose=1).fit(X[:1])


# -- callbacks --------------------------------------------------------------------------------


class Counter(Callback):
    def __init__(self):
        self.epochs_ = 0

    def on_epoch_end(self, net, **kwargs):
        self.epochs_ += 1


def test_callbacks_are_cloned(X):
    counter = Counter()
    fitted = vae(callbacks=[counter, ("named", counter)]).fit(X)
    assert counter.epochs_ == 0
    assert dict(fitted.net_.callbacks_)["named"].epochs_ == 3


def test_callbacks_that_listen_to_batches_and_gradients(X):
    class Batches(Callback):
        def on_train_begin(self, net, **kwargs):
            self.losses_ = []

        def on_batch_end(self, net, batch, training, loss, **kwargs):
            self.losses_.append((training, len(batch), float(loss)))

    callbacks = [
        Batches(),
        LRScheduler(torch.optim.lr_scheduler.StepLR, step_size=1, gamma=0.5),
        GradientNormClipping(1e-8),
    ]
    fitted = vae(callbacks=callbacks, validation_fraction=0.1, batch_size=20).fit(X)
    heard = dict(fitted.net_.callbacks_)["Batches"].losses_
    assert [training for training, _, _ in heard] == [True, True, False] * 3
    assert fitted.net_.optimizer_.param_groups[0]["lr"] == pytest.approx(1e-3 / 8)
    assert len(fitted.history_[-1]["batches"]) == 3
    quiet = vae(validation_fraction=0.1, batch_size=20).fit(X)
    assert "train_loss" not in (quiet.history_[0]["batches"] or [{}])[0]


def test_epoch_callbacks_of_skorch_work(X):
    def n_latents(net, X, y=None):
        return net.criterion_.latent_dim

    fitted = vae(
        max_epochs=200,
        callbacks=[
            EarlyStopping("train_loss", patience=2, threshold=10, threshold_mode="abs"),
            EpochScoring(n_latents, on_train=True, use_caching=False),
        ],
    )
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # a callback's stop is no interruption
        fitted.fit(X)
    assert fitted.n_iter_ < 100
    assert fitted.history_[0]["n_latents"] == 3


def test_progress_bar_shows_the_loss(X, capsys):
    vae(verbose=1).fit(X)
    shown = capsys.readouterr().err
    assert "3/3" in shown
    assert "train=" in shown
    fitted = vae(verbose=1).fit(X)
    capsys.readouterr()
    fitted.partial_fit(X)
    assert "1/1" in capsys.readouterr().err


# -- ends of every kind -----------------------------------------------------------------------


class PressCtrlC(Callback):
    def __init__(self, epoch, event):
        self.epoch = epoch
        self.event = event

    def on_epoch_end(self, net, **kwargs):
        self._press(net, "epoch end")

    def _press(self, net, event):
        if event == self.event and len(net.history) == self.epoch:
            os.kill(os.getpid(), signal.SIGINT)

    def on_epoch_begin(self, net, **kwargs):
        self._press(net, "epoch")

    def on_batch_end(self, net, **kwargs):
        self._press(net, "batch")


@pytest.fixture
def keyboard():
    """Let Ctrl-C through: a shell's background jobs inherit that it is ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("keyboard")
@pytest.mark.parametrize(("epoch", "event"), [(3, "epoch"), (2, "batch"), (1, "batch")])
def test_ctrl_c_keeps_what_was_learned(X, epoch, event):
    generator = vae(max_epochs=10, callbacks=[PressCtrlC(epoch, event)], n_iter_no_change=5)
    with pytest.warns(UserWarning, match=f"interrupted after {epoch - 1} of 10 epochs"):
        generator.fit(X)
    assert generator.n_iter_ == epoch - 1
    assert generator.interrupted_
    drawn = generator.sample(5)
    assert np.isfinite(drawn).all()
    assert np.array_equal(pickle.loads(pickle.dumps(generator)).sample(5), drawn)
    dict(generator.net_.callbacks_)["PressCtrlC"].event = "never"
    generator.set_params(warm_start=True, max_epochs=2).fit(X)  # it can be gone on with
    assert generator.n_iter_ == epoch + 1
    assert not generator.interrupted_
    assert not np.array_equal(generator.sample(5), drawn)


@pytest.mark.usefixtures("keyboard")
def test_ctrl_c_at_the_end_of_an_epoch_is_no_early_stopping(X):
    generator = vae(max_epochs=10, callbacks=[PressCtrlC(3, "epoch end")])
    before = signal.getsignal(signal.SIGINT)
    with pytest.warns(UserWarning, match="interrupted after 3 of 10 epochs"):
        generator.fit(X)
    assert signal.getsignal(signal.SIGINT) is before
    assert not vae().fit(X).interrupted_


def test_divergence_is_an_error_that_says_what_to_try(X):
    with pytest.raises(FloatingPointError, match=r"train loss became (nan|inf) in epoch \d+.*lr"):
        vae(lr=1e12, max_epochs=20).fit(X)


def test_divergence_in_further_training_loses_nothing(X):
    fitted = vae().fit(X)
    before = fitted.sample(3)
    fitted.set_params(lr=1e12)
    with pytest.raises(FloatingPointError, match="epoch 4"):
        fitted.partial_fit(X)
    assert np.array_equal(fitted.sample(3), before)
    assert fitted.n_iter_ == 3
    assert fitted.set_params(lr=1e-3).partial_fit(X).n_iter_ == 4
    assert np.isfinite(fitted.history_[-1]["train_loss"])


class Fails(Callback):
    def __init__(self, epoch):
        self.epoch = epoch

    def on_epoch_end(self, net, **kwargs):
        if len(net.history) == self.epoch:
            raise RuntimeError("the disk is full")


def test_any_failure_of_further_training_is_undone(X):
    fitted = vae(callbacks=[Fails(6)], warm_start=True).fit(X)
    before, state = fitted.sample(3), weights(fitted).clone()
    with pytest.raises(RuntimeError, match="disk is full"):
        fitted.fit(X)
    assert torch.equal(weights(fitted), state)
    assert fitted.n_iter_ == 3
    assert np.array_equal(fitted.sample(3), before)
    straight = vae(max_epochs=1).fit(X)
    for _ in range(3):
        straight.partial_fit(X)
    assert torch.equal(weights(fitted.partial_fit(X)), weights(straight))


def test_divergence_closes_the_progress_bar(X, capsys):
    fitted = vae(verbose=1).fit(X).set_params(lr=1e12)
    with pytest.raises(FloatingPointError):
        fitted.partial_fit(X)
    assert pickle.loads(pickle.dumps(fitted)).sample(2).shape == (2, 8, 2)


def test_a_last_step_that_diverges_is_found(X):
    # The loss is computed before the step, so that it is still finite here.
    generator = vae(max_epochs=1, batch_size=1000, lr=1e38)
    with pytest.raises(FloatingPointError, match="the weights .* no longer finite in epoch 1"):
        generator.fit(X)


def test_weights_that_only_just_are_numbers_draw_nothing(X):
    generator = vae(max_epochs=1, batch_size=1000, lr=1e20).fit(X)
    with pytest.raises(FloatingPointError, match="drew series that are not finite"):
        generator.sample(5)


def test_a_failed_fit_is_not_fitted(X):
    generator = vae(lr=1e12, max_epochs=20)
    with pytest.raises(FloatingPointError):
        generator.fit(X)
    assert not hasattr(generator, "net_")
    with pytest.raises(NotFittedError):
        generator.sample()


@pytest.mark.parametrize(
    ("params", "data", "message"),
    [
        ({"lr": 1e12, "max_epochs": 20}, slice(None), "train loss became|no longer finite"),
        ({"device": "gpu"}, slice(None), "device must be .* 'gpu'"),
        ({"conditional": True}, slice(5), "y is missing"),
        ({"hidden_dims": ()}, slice(5), "hidden_dims must name at least one layer"),
        ({"net_params": {"lr": 3.0}}, slice(5), "net_params holds"),
    ],
)
def test_a_refused_refit_changes_nothing(X, params, data, message):
    fitted = vae().fit(X)
    before = fitted.sample(3)
    fitted.set_params(**params)
    with pytest.raises((ValueError, FloatingPointError), match=message):
        fitted.fit(X[:, data])
    fitted.set_params(**{name: getattr(vae(), name) for name in params})
    assert np.array_equal(fitted.sample(3), before)
    assert np.isfinite(fitted.score(X))


# -- going on ---------------------------------------------------------------------------------


def test_partial_fit_equals_fit(X):
    steps = vae()
    for _ in range(3):
        steps.partial_fit(X)
    assert torch.equal(weights(steps), weights(vae().fit(X)))


def test_partial_fit_keeps_sizes_and_labels():
    X, y = make_labelled_sines(20, 8, random_state=SEED)
    fitted = vae(conditional=True).partial_fit(X, y)
    with pytest.raises(ValueError, match="did not see: 'other'"):
        fitted.partial_fit(X, np.full(20, "other"))
    with pytest.raises(ValueError, match="5 timesteps"):
        fitted.partial_fit(X[:, :5, None], y)


def test_warm_start_hands_on_changed_parameters(X):
    fitted = vae(warm_start=True).fit(X)
    fitted.set_params(lr=0.5, batch_size=7).fit(X)
    assert fitted.net_.optimizer_.param_groups[0]["lr"] == 0.5
    assert fitted.history_[-1]["train_batch_count"] == 6
    assert fitted.n_iter_ == 6


@pytest.mark.parametrize(
    "changed",
    [
        {"latent_dim": 5},
        {"reconstruction_weight": 9.0},
        {"representation": "minmax"},
        {"validation_fraction": 0.2},
        {"callbacks": [LRScheduler()]},
    ],
)
def test_what_training_cannot_follow_is_refused(X, changed):
    fitted = vae(warm_start=True).fit(X)
    name = next(iter(changed))
    with pytest.raises(ValueError, match=f"{name} changed from .*warm_start=False"):
        fitted.set_params(**changed).fit(X)
    assert fitted.set_params(warm_start=False).fit(X).n_iter_ == 3


def test_unchanged_arrays_and_objects_are_no_change(X):
    generator = vae(
        hidden_dims=np.array([8, 4]), representation=SeriesScaler(), callbacks=[LRScheduler()]
    )
    again = pickle.loads(pickle.dumps(generator.fit(X)))
    assert again.partial_fit(X).n_iter_ == 4
    same = {"hidden_dims": [8, 4], "representation": SeriesScaler(), "callbacks": (LRScheduler(),)}
    assert again.set_params(**same).partial_fit(X).n_iter_ == 5
    with pytest.raises(ValueError, match="representation changed"):
        again.set_params(representation__per="channel").partial_fit(X)
    again.set_params(representation__per="cell")
    with pytest.raises(ValueError, match="hidden_dims changed"):
        again.set_params(hidden_dims=np.array([8, 5])).partial_fit(X)


def test_an_optimizers_own_lr_survives_further_training(X):
    params = {"optimizer": torch.optim.Adam, "optimizer__lr": 0.1}
    fitted = vae(net_params=params).fit(X).partial_fit(X)
    assert fitted.net_.optimizer_.param_groups[0]["lr"] == 0.1


# -- device and net ---------------------------------------------------------------------------


def test_device(X):
    assert resolve_device("auto") == ("cuda" if torch.cuda.is_available() else "cpu")
    if not torch.cuda.is_available():
        with pytest.raises(ValueError, match="no CUDA device.*device='auto'"):
            vae(device="cuda").fit(X)
    for other in ("tpu9", "meta", "mps", "cuda:"):
        with pytest.raises(ValueError, match=f"device must be .*'{other}'"):
            vae(device=other).fit(X)


def test_devices_beyond_those_there_are(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert resolve_device("auto") == "cuda"
    assert resolve_device("cuda:1") == "cuda:1"
    with pytest.raises(ValueError, match=r"'cuda:7' was asked for, but torch sees 2 CUDA"):
        resolve_device("cuda:7")


def test_weights_leave_the_devices_streams_alone(X, monkeypatch):
    seeded = []
    monkeypatch.setattr(torch.cuda, "manual_seed_all", seeded.append)
    vae(max_epochs=1).fit(X)
    assert not seeded


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device here")
def test_cuda(X):
    fitted = vae(device="cuda").fit(X)
    assert pickle.loads(pickle.dumps(fitted)).partial_fit(X).sample(3).shape == (3, 8, 2)


def test_net_params_reach_skorch(X):
    fitted = vae(net_params={"optimizer": torch.optim.SGD, "optimizer__momentum": 0.9}).fit(X)
    assert isinstance(fitted.net_.optimizer_, torch.optim.SGD)
    assert fitted.net_.optimizer_.defaults["momentum"] == 0.9
    split = vae(net_params={"train_split": ValidSplit(4)}).fit(X)
    assert "valid_loss" in split.history_[0]
    with pytest.raises(ValueError, match=r"net_params holds \['lr'\]: set them as parameters"):
        vae(net_params={"lr": 1.0}).fit(X)
    watched = vae(net_params={"train_split": ValidSplit(4)}, n_iter_no_change=3).fit(X)
    assert dict(watched.net_.callbacks_)["EarlyStopping"].monitor == "valid_loss"
    for own in ("module__x", "criterion", "iterator_train__batch_size"):
        with pytest.raises(ValueError, match=f"net_params holds .*{own}.*made by VAE"):
            vae(net_params={own: 3}).fit(X)
    with pytest.raises(ValueError, match="callbacks must hold skorch callbacks .*got 3"):
        vae(callbacks=[3]).fit(X)
    with pytest.raises(ValueError, match="colour"):
        vae(net_params={"colour": 1}).fit(X)


def test_the_fitted_net_pickles_without_the_data(X):
    small, large = vae(max_epochs=1).fit(X), vae(max_epochs=1).fit(np.tile(X, (50, 1, 1)))
    assert len(pickle.dumps(large)) < 1.1 * len(pickle.dumps(small))


def test_timevae_fits_and_stops_by_itself():
    X = make_sines(16, 8, 1, random_state=SEED)
    fitted = TimeVAE(hidden_dims=(4,), latent_dim=2, tol=5.0, n_iter_no_change=3).fit(X)
    assert fitted.n_iter_ < 1000
