"""Teacher and professor forcing: the network and its density against closed forms, the game."""

import numpy as np
import pytest
import torch
from scipy.special import logsumexp
from scipy.stats import multivariate_normal
from skorch.callbacks import Callback, LRScheduler
from torch.nn.functional import logsigmoid

from sklearn_timegen import ProfessorForcing, TeacherForcing
from sklearn_timegen.autoregressive import training
from sklearn_timegen.autoregressive.networks import BehaviourDiscriminator, RecurrentMixture
from sklearn_timegen.autoregressive.objectives import TeacherForcedLikelihood
from sklearn_timegen.data import Series
from sklearn_timegen.datasets import make_ar, make_labelled_sines, make_sines
from sklearn_timegen.representation import OwnScaleTransform, SeriesScaler

from .global_seed import GLOBAL_RANDOM_SEED as SEED

T, D, K = 5, 3, 4
SMALL = {"hidden_dim": 8, "n_components": 3, "max_epochs": 3, "rules": None, "random_state": SEED}


def network(n_layers=2, cell="lstm", coupled=True, n_conditions=0, fixed=()):
    """A network of random weights in float64, to whom some cells never vary."""
    varies, constant = torch.ones(T, D, dtype=torch.bool), torch.zeros(T, D)
    for t, d in fixed:
        varies[t, d], constant[t, d] = False, 0.3
    reach = torch.full((D,), 4.0)
    sizes = (D, 6, n_layers, K, n_conditions, cell, coupled, 0.05)
    torch_state = torch.get_rng_state()
    made = RecurrentMixture(*sizes, varies, constant, -reach, reach).double()
    rng = torch.Generator().manual_seed(SEED)
    with torch.no_grad():
        for parameter in made.parameters():
            parameter.copy_(0.5 * torch.randn(parameter.shape, generator=rng))
    torch.set_rng_state(torch_state)
    return made


def normal(*shape, seed=1):
    return torch.randn(
        shape, generator=torch.Generator().manual_seed(SEED + seed), dtype=torch.float64
    )


def noise(n):
    u = torch.rand(n, T, generator=torch.Generator().manual_seed(SEED + 2), dtype=torch.float64)
    return u, normal(n, T, D, seed=3)


# -- the network ------------------------------------------------------------------------------


@pytest.mark.parametrize("coupled", [True, False])
def test_the_likelihood_is_that_of_normals_with_full_covariance_matrices(coupled):
    made, x = network(coupled=coupled), normal(2, T, D)
    with torch.no_grad():
        p = made(x)
        loss = TeacherForcedLikelihood()(made, Series(x), None)
    for n in range(2):
        expected = 0.0
        for t in range(T):
            matrix = p.coupling[n, t].numpy() if coupled else np.zeros((D, D))
            assert not np.triu(matrix).any()
            inverse = np.linalg.inv(np.eye(D) - matrix)
            terms = [
                multivariate_normal.logpdf(
                    x[n, t].numpy(),
                    inverse @ p.mean[n, t, k].numpy(),
                    inverse @ np.diag(p.std[n, t, k].numpy() ** 2) @ inverse.T,
                )
                for k in range(K)
            ]
            expected += logsumexp(terms, b=p.log_weight[n, t].exp().numpy())
        assert float(loss[n]) == pytest.approx(-expected)


@pytest.mark.parametrize("cell", ["lstm", "gru"])
def test_a_prediction_knows_the_past_and_nothing_else(cell):
    made, x = network(cell=cell), normal(2, T, D)
    for t in range(T):
        other = x.clone()
        other[:, t] += 1.0
        with torch.no_grad():
            before, after = made(x), made(other)
        for a, b in zip(before[:4], after[:4], strict=True):
            assert torch.equal(a[:, : t + 1], b[:, : t + 1])
            assert t == T - 1 or not torch.equal(a[:, t + 1], b[:, t + 1])


@pytest.mark.parametrize("cell", ["lstm", "gru"])
def test_what_was_drawn_is_predicted_as_it_was_when_it_was_drawn(cell):
    made = network(cell=cell, n_conditions=2, fixed=[(0, 1), (3, 2)])
    (u, e), c = noise(7), normal(7, 2)
    with torch.no_grad():
        drawn, states = made.run_free(u, e, c)
        mixture, taught_states = made.behave(drawn, c)
        again = mixture.draw(u, e, made.constant)
    assert states.shape == (7, T, 12)
    assert torch.allclose(states, taught_states)
    assert torch.allclose(drawn, again)
    assert (drawn[:, 0, 1] == made.constant[0, 1]).all()
    assert (drawn[:, 3, 2] == made.constant[3, 2]).all()


def test_draws_follow_the_density():
    made, n = network(coupled=True), 40_000
    p = made(torch.zeros(1, T, D, dtype=torch.float64))
    first = type(p)(*[a[:, :1].expand(n, *[-1] * (a.ndim - 1)) for a in p[:4]], p.varies[:1])
    u = torch.rand(n, 1, generator=torch.Generator().manual_seed(SEED + 2), dtype=torch.float64)
    with torch.no_grad():
        drawn = first.draw(u, normal(n, 1, D), made.constant[:1])[:, 0].numpy()
    weight, mean, std, coupling = (a[0, 0].detach().numpy() for a in p[:4])
    inverse, weight = np.linalg.inv(np.eye(D) - coupling), np.exp(weight)
    means = mean @ inverse.T
    expected = weight @ means
    parts = inverse @ (std[:, :, None] ** 2 * np.eye(D)) @ inverse.T
    spread = means - expected
    covariance = np.einsum("k,kij->ij", weight, parts) + (weight[:, None] * spread).T @ spread
    assert drawn.mean(axis=0) == pytest.approx(expected, abs=5 * drawn.std() / np.sqrt(n))
    assert np.cov(drawn.T) == pytest.approx(covariance, rel=0.05, abs=0.05 * covariance.max())


def test_gradients_go_through_values_and_not_through_the_choice_of_a_component():
    made = network()
    mixture = made(normal(4, T, D))
    drawn = mixture.draw(*noise(4), made.constant)
    parts = (mixture.log_weight, mixture.mean, mixture.std, mixture.coupling)
    weight, *others = torch.autograd.grad(drawn.sum(), parts, allow_unused=True)
    assert weight is None
    assert all((gradient != 0).any() for gradient in others)


def test_draws_do_not_run_away():
    made = network(n_layers=1, coupled=False)
    with torch.no_grad():
        mean = slice(K, K + K * D)
        made.output.weight[mean, :D] = 10 * torch.eye(D, dtype=torch.float64).repeat(K, 1)
        made.constant = made.constant.expand(T, D)
        drawn, _ = made.run_free(*noise(50))
    # The last value is read as 4 at most, and the rest is what states and noise add.
    assert drawn.abs().max() < 10 * 4 + 40


@pytest.mark.parametrize("n_series", [8, 60])
@pytest.mark.parametrize(("n_channels", "n_seeds"), [(20, 3), (50, 3), (200, 1)])
def test_many_channels_stay_in_the_range_of_the_data(
    n_channels, n_seeds, n_series, global_random_seed
):
    """Each channel is moved by all before it, which multiplies what a network has yet to learn."""
    for seed in range(global_random_seed, global_random_seed + n_seeds):
        rng = np.random.default_rng(seed)
        factors = rng.standard_normal((n_series, 6, 3)).cumsum(axis=1)
        X = factors @ rng.standard_normal((3, n_channels))
        X += 0.3 * rng.standard_normal(X.shape)
        params = {"hidden_dim": 8, "n_components": 2, "max_epochs": 2, "random_state": seed}
        drawn = TeacherForcing(**params, rules=None).fit(X).sample(100, random_state=seed)
        scale = X.std(axis=(0, 1))
        assert 0.4 < (drawn / scale).std() < 2.5
        assert np.abs(drawn / scale).max() < 20 * np.abs(X / scale).max()


@pytest.mark.parametrize("n_channels", [2, 8, 9, 40])
def test_couplings_shrink_where_channels_are_many(n_channels):
    made = RecurrentMixture(
        *(n_channels, 4, 1, 2, 0, "lstm", True, 1e-3),
        *(torch.ones(T, n_channels).bool(), torch.zeros(T, n_channels)),
        *(-torch.full((n_channels,), 4.0), torch.full((n_channels,), 4.0)),
    )
    with torch.no_grad():
        made.output.weight.zero_()
        made.output.bias.fill_(0.5)
        coupling = made(torch.zeros(1, T, n_channels)).coupling[0, 0]
    expected = 0.5 * min(1, 8 / n_channels)
    assert torch.equal(coupling, expected * torch.ones_like(coupling).tril(-1))


# -- the estimator ----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def autoregression():
    X = make_ar(2000, 8, coefficients=(0.8,), random_state=SEED)
    generator = TeacherForcing(
        hidden_dim=4, n_components=1, max_epochs=12, lr=1e-2, random_state=0
    )
    return X, generator.fit(X)


def test_an_autoregressive_process_is_recovered(autoregression):
    _, generator = autoregression
    S = generator.sample(4000, random_state=SEED + 1)[:, :, 0]
    variance = 1 / (1 - 0.8**2)
    assert S.mean() == pytest.approx(0, abs=0.1)
    assert S.var(axis=0) == pytest.approx(np.full(8, variance), rel=0.1)
    lagged = [np.corrcoef(S[:, t], S[:, t + 1])[0, 1] for t in range(7)]
    assert lagged == pytest.approx(np.full(7, 0.8), abs=0.03)


def test_the_density_of_an_autoregressive_process_is_found(autoregression):
    _, generator = autoregression
    X = make_ar(1000, 8, coefficients=(0.8,), random_state=SEED + 1)
    x = X[:, :, 0].astype(np.float64)
    variance = 1 / (1 - 0.8**2)
    squares = x[:, 0] ** 2 / variance + ((x[:, 1:] - 0.8 * x[:, :-1]) ** 2).sum(axis=1)
    true = -0.5 * (squares + 8 * np.log(2 * np.pi) + np.log(variance))
    found = generator.score_samples(X)
    assert 0 < (true - found).mean() < 0.1  # a divergence: above 0, but for chance
    assert np.corrcoef(true, found)[0, 1] > 0.99


def test_the_density_is_in_the_units_of_the_series_and_integrates_to_one():
    X = 1000 + 50 * np.random.default_rng(SEED).standard_normal((200, 1))
    generator = TeacherForcing(**{**SMALL, "lr": 1e-2}).fit(X)
    grid = np.linspace(-500, 2500, 60_001)
    density = np.exp(generator.score_samples(grid[:, None]))
    assert np.trapezoid(density, grid) == pytest.approx(1, abs=1e-4)
    scaled = TeacherForcing(**{**SMALL, "lr": 1e-2}).fit(X / 50)
    gap = scaled.score_samples(X / 50) - generator.score_samples(X)
    assert gap == pytest.approx(np.full(200, np.log(50)), abs=1e-3)


def test_the_loss_is_the_density_of_represented_series():
    X = make_sines(40, 6, 2, random_state=SEED)
    generator = TeacherForcing(**SMALL).fit(X)
    v = generator.representation_.transform(X)
    jacobian = generator.representation_.log_abs_det_jacobian(X)
    with torch.no_grad():
        loss = generator.net_.criterion_(generator.net_.module_, Series(torch.from_numpy(v)), None)
    assert -loss.numpy() + jacobian == pytest.approx(generator.score_samples(X), rel=1e-4)


def test_without_labels_the_density_is_averaged_over_them():
    X, y = make_labelled_sines(40, 6, random_state=SEED)
    y[:10] = "fast"
    generator = TeacherForcing(**SMALL, conditional=True).fit(X, y)
    each = [generator.score_samples(X, label) for label in generator.classes_]
    shares = [np.mean(y == label) for label in generator.classes_]
    expected = np.log(sum(s * np.exp(e) for s, e in zip(shares, each, strict=True)))
    assert generator.score_samples(X) == pytest.approx(expected)


def test_repeated_values_have_a_bounded_density():
    X = np.repeat(np.random.default_rng(SEED).integers(0, 2, (60, 1)), 6, axis=1)
    generator = TeacherForcing(**{**SMALL, "lr": 2e-2, "max_epochs": 30}, min_std=0.1)
    generator.fit(X.astype(float))
    with torch.no_grad():
        assert generator.net_.module_(torch.zeros(1, 6, 1)).std.min() >= 0.1
    least = 6 * np.log(0.1 * np.sqrt(2 * np.pi)) - 1e-4
    assert generator.history_[-1]["train_loss"] > least


def test_cells_that_never_vary_come_back_and_have_no_density():
    X = make_sines(40, 6, 2, random_state=SEED)
    X[:, 0, 0] = 0.25
    generator = TeacherForcing(**SMALL).fit(X)  # from there on, these short ones rise
    assert (generator.sample(5)[:, 0, 0] == np.float32(0.25)).all()
    moved = X.copy()
    moved[:, 0, 0] = 7.0  # which the representation maps to the constant, too
    assert np.array_equal(generator.score_samples(X), generator.score_samples(moved))


def test_representations_without_a_time_axis_or_density_are_refused():
    with pytest.raises(ValueError, match="TeacherForcing' slides along time"):
        TeacherForcing(**SMALL, representation="cosine").fit(make_sines(10, 6, random_state=SEED))
    assert not hasattr(TeacherForcing(representation=OwnScaleTransform()), "score_samples")
    assert not hasattr(TeacherForcing(representation="own-scale"), "score_samples")
    assert hasattr(TeacherForcing(representation=SeriesScaler("minmax")), "score_samples")


def test_a_second_timestep_is_not_needed():
    X = np.random.default_rng(SEED).standard_normal((64, 1, 2))
    for kind in (TeacherForcing, ProfessorForcing):
        assert kind(**SMALL).fit(X).sample(5).shape == (5, 1, 2)


class Rates(Callback):
    """Remember the rates of each epoch's steps: between steps, rates are the user's."""

    def on_train_begin(self, net, **kwargs):
        self.of_epochs = {}

    def on_grad_computed(self, net, **kwargs):
        rates = [group["lr"] for group in net.optimizer_.param_groups]
        assert self.of_epochs.setdefault(len(net.history), rates) == rates

    @property
    def seen(self):
        return list(self.of_epochs.values())


@pytest.mark.parametrize("kind", [TeacherForcing, ProfessorForcing])
def test_the_learning_rate_falls_along_a_cosine_and_comes_back(kind):
    X = make_sines(20, 4, random_state=SEED)
    generator = kind(**{**SMALL, "max_epochs": 4}, lr=0.1, lr_end=0.2, callbacks=[Rates()])
    rates = dict(generator.fit(X).net_.callbacks_)["Rates"]
    shares = 0.2 + 0.8 * (1 + np.cos(np.pi * np.arange(4) / 4)) / 2
    assert np.array(rates.seen) == pytest.approx(
        np.tile(0.1 * shares[:, None], len(rates.seen[0]))
    )
    generator.partial_fit(X)
    assert rates.seen == [pytest.approx([0.1] * len(rates.seen[0]))]


def test_a_scheduler_of_batches_goes_its_own_way():
    X = make_sines(20, 4, random_state=SEED)
    halved = LRScheduler(
        torch.optim.lr_scheduler.StepLR, step_size=1, gamma=0.5, step_every="batch"
    )
    fixed = {**SMALL, "max_epochs": 3, "batch_size": 10}
    generator = TeacherForcing(**fixed, lr=0.1, lr_end=0.2, callbacks=[halved]).fit(X)
    assert generator.net_.optimizer_.param_groups[0]["lr"] == pytest.approx(0.1 * 0.5**6)


# -- the game ---------------------------------------------------------------------------------


def test_the_discriminator_judges_each_timestep_by_all_others():
    torch_state = torch.get_rng_state()
    judge = BehaviourDiscriminator(T, 6, D, 2, 8)
    torch.set_rng_state(torch_state)
    behaviour, c = normal(3, T, 6 + D).float(), normal(3, 2).float()
    values = judge(behaviour, c)
    assert values.shape == (3, T)
    for t in range(T):
        other = behaviour.clone()
        other[:, t] += 1
        assert (judge(other, c) != values).all()
    assert (judge(behaviour, c + 1) != values).all()


class Steps(Callback):
    """Keep weights and gradients as each step begins, whose step it is, and the last weights."""

    def on_train_begin(self, net, **kwargs):
        self.whose_, self.weights_, self.gradients_ = [], [], []

    def on_grad_computed(self, net, named_parameters, **kwargs):
        self.whose_.append({name for name, _ in named_parameters})
        held = dict(net.networks.named_parameters())
        self.gradients_.append(
            {n: None if p.grad is None else p.grad.clone() for n, p in held.items()}
        )
        self._keep_weights(net)

    def on_train_end(self, net, **kwargs):
        self._keep_weights(net)

    def _keep_weights(self, net):
        self.weights_.append({n: p.detach().clone() for n, p in net.networks.named_parameters()})


def test_each_player_takes_its_own_step(monkeypatch):
    monkeypatch.setattr(training, "TRUSTED_ABOVE", -1.0)
    made = ProfessorForcing(**SMALL, batch_size=16, game_interval=1, callbacks=[Steps()])
    steps = dict(made.fit(make_sines(32, 6, 2, random_state=SEED)).net_.callbacks_)["Steps"]
    own = [
        {name for name in steps.weights_[0] if name.startswith(player)}
        for player in ("discriminator", "generator")
    ]
    assert steps.whose_ == own * 6
    assert own[0] | own[1] == set(steps.weights_[0])
    for k, moved in enumerate(steps.whose_):
        before, after = steps.weights_[k : k + 2]
        assert {name for name in before if not torch.equal(before[name], after[name])} == moved
        assert all((steps.gradients_[k][name] != 0).any() for name in moved)
        if k > 0:  # the other one's gradients stay for those who look
            held, now = steps.gradients_[k - 1], steps.gradients_[k]
            assert all(torch.equal(held[name], now[name]) for name in before.keys() - moved)


def judging(monkeypatch, of_taught, of_free):
    """Let the discriminator return these values, though with its own gradients."""
    judge, n_seen = BehaviourDiscriminator.forward, []

    def forward(self, behaviour, c=None):
        values = judge(self, behaviour, c)
        if not behaviour.requires_grad:  # in its own step, which begins with what was taught
            n_seen.append(1)
        verdict = of_taught if len(n_seen) % 2 else of_free
        return 1e-2 * (values - values.detach()) + verdict

    monkeypatch.setattr(BehaviourDiscriminator, "forward", forward)


@pytest.mark.parametrize(("accuracy", "learns"), [(0.5, True), (0.75, True), (1.0, False)])
def test_who_learns_depends_on_how_often_the_discriminator_is_right(monkeypatch, accuracy, learns):
    X = make_sines(32, 6, 2, random_state=SEED)
    right = torch.arange(32) / 32 < 2 * accuracy - 1  # of the free ones; of the taught ones all
    judging(monkeypatch, torch.ones(32, 6), torch.where(right, -1.0, 1.0)[:, None].expand(-1, 6))
    professor = ProfessorForcing(**SMALL, game_interval=1).fit(X)
    teacher = TeacherForcing(**SMALL).fit(X)
    assert [row["discriminator_accuracy"] for row in professor.history_] == [accuracy] * 3
    moved = [row["discriminator_gradient"] > 0 for row in professor.history_]
    assert moved == [learns] * 3
    pairs = zip(
        professor.net_.module_.generator.parameters(),
        teacher.net_.module_.parameters(),
        strict=True,
    )
    alike = all(torch.equal(a, b) for a, b in pairs)
    # Up to 75 %, the generator is the one that teacher forcing alone would have made.
    assert alike == (accuracy <= 0.75)


def test_accuracy_counts_series(monkeypatch):
    judging(monkeypatch, torch.tensor([[-1.0, 2], [-1, -1]]), torch.tensor([[0.0, -1], [0, 0]]))
    X = make_sines(2, 2, 2, random_state=SEED)
    made = ProfessorForcing(**{**SMALL, "max_epochs": 1}, game_interval=1).fit(X)
    assert made.history_[0]["discriminator_accuracy"] == pytest.approx((1 + 0 + 1 + 0.5) / 4)


@pytest.mark.parametrize("mutual", [False, True])
def test_history_tells_of_the_likelihood_and_of_the_game(mutual):
    X = make_sines(64, 6, 2, random_state=SEED)
    generator = ProfessorForcing(
        **{**SMALL, "max_epochs": 15},
        lr=1e-2,
        mutual=mutual,
        game_interval=1,
        validation_fraction=0.25,
    ).fit(X)
    losses = [row["train_loss"] for row in generator.history_]
    assert losses[-1] < losses[0]
    row = generator.history_[-1]
    game = {
        f"{player}_{what}"
        for player in ("discriminator", "generator")
        for what in ("loss", "gradient")
    }
    assert game | {"discriminator_accuracy", "valid_loss"} <= set(row)
    assert 0 <= row["discriminator_accuracy"] <= 1
    assert generator.score_samples(X).shape == (64,)


@pytest.mark.parametrize("mutual", [False, True])
def test_what_the_game_adds_is_what_the_free_network_pays(monkeypatch, mutual):
    """Where the discriminator is trusted, the loss of the network grows by that."""
    X = make_sines(16, 6, 2, random_state=SEED)
    monkeypatch.setattr(training, "TRUSTED_ABOVE", -1.0)
    u = torch.rand(16, 6, generator=torch.Generator().manual_seed(SEED + 2))
    fixed = (u, normal(16, 6, 2).float())
    monkeypatch.setattr(RecurrentMixture, "noise", lambda *_: fixed)
    made = ProfessorForcing(
        **{**SMALL, "max_epochs": 1},
        lr=1e-30,  # so that the first gradients can be found again
        adversarial_weight=0.5,
        mutual=mutual,
        game_interval=3,
    ).fit(X)
    networks, x = made.net_.networks, torch.from_numpy(made.representation_.transform(X))
    mixture, states = networks.generator.behave(x, None)
    drawn, free_states = networks.generator.run_free(*fixed, None)
    of_free = networks.discriminator(torch.cat([free_states, drawn], dim=2))
    of_taught = networks.discriminator(torch.cat([states, x], dim=2))
    paid = -logsigmoid(of_free).mean() - mutual * logsigmoid(-of_taught).mean()
    loss = made.net_.criterion_.of(mixture, Series(x)).mean() + 3 * 0.5 * paid
    parameters = list(networks.generator.parameters())
    found = [p.grad for p in parameters]
    for gradient, expected in zip(found, torch.autograd.grad(loss, parameters), strict=True):
        assert torch.allclose(gradient, expected, rtol=1e-3, atol=1e-5)
    (row,) = made.history_
    assert row["generator_loss"] == pytest.approx(
        float(-logsigmoid(of_free.detach()).mean()), rel=1e-4
    )
    expected = -logsigmoid(of_taught).mean() - logsigmoid(-of_free).mean()
    assert row["discriminator_loss"] == pytest.approx(float(expected.detach()), rel=1e-4)


def test_the_game_is_played_with_some_batches_only():
    X = make_sines(48, 6, 2, random_state=SEED)
    generator = ProfessorForcing(**SMALL, batch_size=48, game_interval=2).fit(X)
    generator.partial_fit(X).partial_fit(X)  # the count goes on
    played = ["discriminator_loss" in row for row in generator.history_]
    assert played == [True, False, True, False, True]


def test_going_on_at_other_rates():
    X = make_sines(32, 6, 2, random_state=SEED)
    made = ProfessorForcing(**SMALL, discriminator_lr=1e-5, warm_start=True).fit(X)
    made.set_params(lr=5e-4).fit(X)
    assert [group["lr"] for group in made.net_.optimizer_.param_groups] == [5e-4, 1e-5]


def test_schedulers_that_set_rates_find_them_as_they_left_them():
    schedule = LRScheduler("LambdaLR", lr_lambda=constant_rate)
    made = TeacherForcing(**SMALL, lr=2e-3, callbacks=[schedule])
    made.fit(make_sines(32, 6, 2, random_state=SEED))
    assert made.net_.optimizer_.param_groups[0]["lr"] == 2e-3


def constant_rate(epoch):
    return 1.0


def test_the_old_module_still_has_the_names():
    from sklearn_timegen import forcing

    with pytest.warns(FutureWarning, match="forcing.TeacherForcing is sklearn_timegen.Teacher"):
        assert forcing.TeacherForcing is TeacherForcing
    with pytest.raises(AttributeError, match="other"):
        forcing.other
