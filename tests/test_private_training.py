"""Private training: the accountant, the mechanism, and that nothing else learns of the series."""

import math
import pickle
import warnings
import zipfile
from functools import partial

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import GridSearchCV
from sklearn.naive_bayes import GaussianNB

from sklearn_timegen import (
    RELBOVAE,
    VAE,
    BetaVAE,
    CategoricalForcing,
    Diffusion,
    FlowMatching,
    OneStepGenerator,
    PCAMixture,
    ProfessorForcing,
    RecurrentVAE,
    RenyiVAE,
    SeriesGenerator,
    TeacherForcing,
    TimeVAE,
    TSTRClassifier,
    load,
)
from sklearn_timegen.base.private import PrivateGenerator, PrivateNeuralGenerator
from sklearn_timegen.classical.private import (
    contributions,
    noisy_normal,
    rows_of_normal,
    without_noise,
)
from sklearn_timegen.data import Series
from sklearn_timegen.datasets import make_ar
from sklearn_timegen.metrics import shadow_attack
from sklearn_timegen.privacy import (
    PrivacyBudget,
    clip_factor,
    epsilon_spent,
    find_noise_multiplier,
    gaussian_noise,
    secret_rng,
)
from sklearn_timegen.training.owners import MOST_SERIES, OwnerGradients, OwnerSampler

from .generators import GENERATORS
from .global_seed import GLOBAL_RANDOM_SEED as SEED

pytest.importorskip("opacus")
# Noise has no seed: it may drown what so few owners tell.
pytestmark = pytest.mark.filterwarnings(
    "ignore:the covariance is drowned", "ignore:the posterior has collapsed"
)

N, T = 60, 8
BUDGET = PrivacyBudget(4.0, 1e-3)
FROM_BOUNDS = {
    "bounds": (-10, 10),
    "rules": None,
    "postprocess": None,
    "representation": "standard",
    "random_state": SEED,
}
DENSE = {"encoder": "dense", "decoder": "dense", "hidden_dims": (8,), "latent_dim": 2}
SMALL = {"hidden_dim": 8, "n_layers": 1}
PRIVATE = [
    VAE(**DENSE, max_epochs=2),
    VAE(hidden_dims=(4, 6), max_epochs=1, decoder_noise="learned"),
    BetaVAE(**DENSE, max_epochs=1),
    RenyiVAE(**DENSE, max_epochs=1),
    RELBOVAE(**DENSE, max_epochs=1),
    RecurrentVAE(hidden_dims=(4,), max_epochs=1),
    TimeVAE(hidden_dims=(4, 6), n_iter_no_change=None, max_epochs=1),
    FlowMatching(**SMALL, batch_size=32, max_epochs=2),
    FlowMatching(**SMALL, batch_size=32, max_epochs=1, coupling="optimal"),
    Diffusion(**SMALL, batch_size=32, max_epochs=1, n_steps=5),
    TeacherForcing(hidden_dim=4, n_components=2, max_epochs=1),
    CategoricalForcing(hidden_dim=4, head_dim=2, n_bins=8, max_epochs=1),
    PCAMixture(n_mixture_components=1),
]


def series(n=N, seed=SEED):
    return make_ar(n, T, random_state=seed)[:, :, 0]


def name_of(generator):
    return type(generator).__name__


def privately(generator, budget=BUDGET, **params):
    return clone(generator).set_params(**{"private": budget, **FROM_BOUNDS, **params})


def quick_vae(budget=BUDGET, **params):
    return privately(VAE(**DENSE, max_epochs=1), budget, **params)


# -- who can --------------------------------------------------------------------------------------


def test_what_cannot_be_private_does_not_have_the_parameter():
    able = {name_of(g) for g in GENERATORS if "private" in g.get_params(deep=False)}
    assert able == {name_of(generator) for generator in PRIVATE}
    with pytest.raises(TypeError, match="private"):
        ProfessorForcing(private=BUDGET)


@pytest.mark.parametrize("generator", PRIVATE, ids=name_of)
def test_a_private_generator_spends_its_budget_and_samples(generator):
    X = series()
    fitted = privately(generator).fit(X)
    assert 3.9 < fitted.epsilon_ <= 4.0
    drawn = fitted.sample(5)
    assert drawn.shape == (5, T)
    assert np.isfinite(drawn).all()
    assert (np.abs(drawn) <= 10).all()


def test_without_a_budget_nothing_is_promised():
    assert PCAMixture(random_state=0).fit(series()).epsilon_ == math.inf


# -- the accountant -------------------------------------------------------------------------------


@pytest.mark.parametrize(("q", "n_steps"), [(1.0, 1), (0.1, 200), (0.25, 40)])
@pytest.mark.parametrize("epsilon", [0.5, 1.0, 10.0])
def test_the_noise_is_what_opacus_says(epsilon, q, n_steps):
    from opacus.accountants import PRVAccountant, RDPAccountant

    sigma = find_noise_multiplier(epsilon, 1e-5, q, n_steps)
    accountant = RDPAccountant()
    for _ in range(n_steps):
        accountant.step(noise_multiplier=sigma, sample_rate=q)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with_its_orders = accountant.get_epsilon(1e-5)
    spent = epsilon_spent(sigma, q, n_steps, 1e-5)
    assert spent <= epsilon < spent + 0.011 * max(1.0, epsilon)
    assert spent == pytest.approx(with_its_orders, rel=0.02)
    if q < 1 and epsilon <= 1:
        tight = PRVAccountant()
        tight.history = [(sigma, q, n_steps)]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            assert tight.get_epsilon(1e-5) < spent + 0.01


def test_one_gaussian_mechanism_is_what_its_closed_form_says():
    # delta = Phi(1 / (2 s) - eps s) - e^eps Phi(-1 / (2 s) - eps s) (Balle and Wang 2018).
    from scipy.stats import norm

    for epsilon in (0.5, 2.0, 8.0):
        s = find_noise_multiplier(epsilon, 1e-5, 1.0, 1)
        delta = norm.cdf(0.5 / s - epsilon * s) - np.exp(epsilon) * norm.cdf(
            -0.5 / s - epsilon * s
        )
        assert delta <= 1e-5  # Renyi divergences are on the safe side
        assert s < 1.35 * np.sqrt(2 * np.log(1.25e5)) / epsilon


def test_steps_add_up():
    spent = [epsilon_spent(1.5, 0.1, n, 1e-5) for n in (0, 1, 10, 100)]
    assert spent[0] == 0
    assert np.all(np.diff(spent) > 0)


# -- the mechanism --------------------------------------------------------------------------------


def test_the_noise_has_the_variance_of_its_closed_form():
    rng = np.random.default_rng(SEED)
    noise = gaussian_noise(40_000, 1.7, 0.3, rng)
    assert noise.std() == pytest.approx(0.51, rel=0.02)
    assert abs(noise.mean()) < 5 * 0.51 / 200


def test_clipping_leaves_what_is_short_and_drops_what_is_none():
    assert clip_factor(0.5, 1.0) == 1.0
    assert clip_factor(0.0, 1.0) == 1.0
    assert 50.0 * clip_factor(50.0, 2.0) == pytest.approx(2.0)
    assert clip_factor(math.nan, 1.0) == clip_factor(math.inf, 1.0) == 0.0


def trained_net(generator, X, budget=BUDGET):
    """Return a private net, and the represented series that it was trained on."""
    fitted = privately(generator, budget).fit(X)
    v = fitted.representation_.transform(np.float32(X)[:, :, None])
    net = fitted.net_
    net.secret_, net.gradients_ = secret_rng(), OwnerGradients(net)
    return net, v


def sums(net, v, owners, sigma):
    net.noise_multiplier = sigma
    net.noise_.manual_seed(0)
    batch = Series(v, owners=owners).to("cpu")
    parameters = [p for group in net.optimizer_.param_groups for p in group["params"]]
    return net.noisy_sum(batch, parameters).double()


@pytest.mark.parametrize("generator", [PRIVATE[0], PRIVATE[7], PRIVATE[10]], ids=name_of)
def test_no_owner_changes_the_sum_of_gradients_by_more_than_the_norm(generator):
    X, norm = series(6), 0.37
    net, v = trained_net(generator, series(), PrivacyBudget(4.0, 1e-3, max_grad_norm=norm))
    owners = np.array([0, 1, 1, 2, 2, 2])
    v = v[:6].copy()
    sums(net, v, owners, 0.0)  # to know how owners are differentiated takes draws
    whole = sums(net, v, owners, 0.0)
    without = sums(net, v[:3], owners[:3], 0.0)  # the others come first, with the same draws
    assert (whole - without).norm() <= norm * (1 + 1e-5)
    for adversary in (1e3, 1e18, np.inf, np.nan):
        v[3:] = adversary
        hostile = sums(net, v, owners, 0.0)
        assert torch.isfinite(hostile).all()
        assert (hostile - without).norm() <= norm * (1 + 1e-5)
    assert X.shape == (6, T)


@pytest.mark.parametrize("generator", [PRIVATE[0], PRIVATE[1], PRIVATE[7]], ids=name_of)
def test_owners_are_differentiated_together_as_they_are_alone(generator):
    net, v = trained_net(generator, series())
    found = []
    for together in (None, False):
        net.gradients_.together = together
        found.append(sums(net, v[:3], np.zeros(3, np.int64), 0.0))
        if together is None:
            assert net.gradients_.together
            # Where that was tried, noise was drawn: from its beginning again.
            found = [sums(net, v[:3], np.zeros(3, np.int64), 0.0)]
    assert found[0].norm() > 1e-3
    assert torch.allclose(*found, atol=1e-6, rtol=1e-4)


def test_recurrent_layers_are_differentiated_owner_by_owner():
    net, v = trained_net(PRIVATE[10], series())
    sums(net, v[:4], np.arange(4), 0.0)
    assert net.gradients_.together is False


def test_the_noise_of_a_step_is_sigma_times_the_norm():
    net, v = trained_net(PRIVATE[0], series(), PrivacyBudget(4.0, 1e-3, max_grad_norm=0.2))
    owners = np.arange(4)
    exact = sums(net, v[:4], owners, 0.0)
    noise = torch.stack([sums(net, v[:4], owners, 3.0) - exact for _ in range(40)])
    assert float(noise.std()) == pytest.approx(0.6, rel=0.05)
    empty = sums(net, v[:0], owners[:0], 3.0)  # nobody was drawn, and noise is there
    assert float(empty.std()) == pytest.approx(0.6, rel=0.2)


def test_owners_are_drawn_independently_with_all_their_series():
    owners = np.repeat(np.arange(40), [1, 2, 3, 4] * 10)
    rng = np.random.default_rng(SEED)
    sampler = OwnerSampler(Series(np.zeros((100, T, 1)), owners=owners).to("cpu"), 0.2, rng)
    assert len(sampler) == 5
    seen = []
    for _ in range(200):
        for batch in sampler:
            drawn, counts = np.unique(batch.owners.numpy(), return_counts=True)
            assert (counts == drawn % 4 + 1).all()
            seen.append(np.isin(np.arange(40), drawn))
    seen = np.array(seen)
    assert seen.mean() == pytest.approx(0.2, abs=0.01)
    assert seen.sum(axis=1).var() == pytest.approx(40 * 0.2 * 0.8, rel=0.25)


def test_of_an_owner_with_many_series_some_take_part():
    owners = np.zeros(3 * MOST_SERIES, np.int64)
    series_ = Series(np.zeros((len(owners), T, 1)), owners=owners).to("cpu")
    (batch,) = OwnerSampler(series_, 1.0, np.random.default_rng(SEED))
    assert len(batch) == MOST_SERIES


def test_noise_is_not_what_a_known_seed_says():
    X = series()
    first, second = (quick_vae().fit(X).net_.module_.state_dict() for _ in range(2))
    assert any(not torch.equal(first[name], second[name]) for name in first)


def test_nobody_keeps_the_streams_of_a_training(tmp_path):
    fitted = quick_vae().fit(series())
    assert not hasattr(fitted.net_, "secret_")
    assert "_withheld" not in vars(fitted)
    fitted.save(tmp_path / "private.timegen", training_state=True)
    with zipfile.ZipFile(tmp_path / "private.timegen") as file:
        texts = [file.read(name) for name in file.namelist() if name.endswith(".json")]
    assert not any(b'noise_"' in text or b"shuffle_" in text for text in texts)


# -- moments --------------------------------------------------------------------------------------


def test_no_owner_contributes_more_than_one_to_moments():
    rng = np.random.default_rng(SEED)
    rows = rng.normal(size=(50, 6)) * 10.0 ** rng.integers(-2, 6, size=(50, 1))
    told = contributions(rows, rng.permutation(np.arange(50) % 20), most=2.0)
    assert (np.linalg.norm(told, axis=1) <= 1 + 1e-12).all()
    assert np.linalg.norm(told, axis=1).max() > 0.5


def test_moments_without_noise_are_the_moments():
    rng = np.random.default_rng(SEED)
    rows = rng.normal(size=(400, 5)) @ rng.normal(size=(5, 5)) + 1
    normal = noisy_normal(rows, np.arange(400), 1e3, 1e-12, rng)
    made = rows_of_normal(*normal)
    assert np.allclose(made.mean(axis=0), rows.mean(axis=0))
    assert np.allclose(np.cov(made.T, bias=True), np.cov(rows.T, bias=True))


def test_the_noise_of_moments_has_the_variance_of_its_closed_form():
    rows, most, sigma, n = np.zeros((50, 4)), 3.0, 2.0, 50
    rng = np.random.default_rng(SEED)
    means = np.array([noisy_normal(rows, np.arange(n), most, sigma, rng)[0] for _ in range(400)])
    assert means.std() == pytest.approx(np.sqrt(2) * sigma * most / n, rel=0.1)


def test_owners_count_alike_however_many_series_they_have():
    rows = np.array([[1.0, 0.0]] * 9 + [[0.0, 1.0]])
    told = contributions(rows, np.array([0] * 9 + [1]), most=1.0)
    assert np.linalg.norm(told[0]) == pytest.approx(np.linalg.norm(told[1]))


def test_a_covariance_that_is_drowned_is_told_of(monkeypatch):
    fixed = partial(np.random.default_rng, SEED)  # one case of a hundred is not told of
    monkeypatch.setattr("sklearn_timegen.classical.mixture.secret_rng", fixed)
    generator = privately(PRIVATE[-1], PrivacyBudget(0.01, 1e-3))
    with pytest.warns(UserWarning, match="drowned in noise"):
        generator.fit(series(20))


def test_directions_beyond_the_noise_are_found_and_freed_of_it():
    rng, spread = np.random.default_rng(SEED), 0.05
    noise = rng.normal(size=(100, 100)) * spread
    noise = np.tril(noise, -1) + np.tril(noise, -1).T + np.diag(np.diag(noise)) * 2**0.5
    truth = np.diag([9.0, 4.0, *[0.0] * 98])
    found = without_noise(np.linalg.eigvalsh(truth + noise)[::-1], spread)
    assert found[:2] == pytest.approx([9, 4], rel=0.05)
    assert len(np.unique(found[4:])) == 1
    assert found.min() >= 0


# -- nothing else learns --------------------------------------------------------------------------


def test_hooks_of_a_family_never_see_private_series():
    """Whatever is learned beside the model is the same for any two private data sets."""
    public = series(40, SEED + 1)
    budget = PrivacyBudget(4.0, 1e-3, public=public)
    kept = {}
    for generator in (PRIVATE[0], PRIVATE[7], PRIVATE[10]):
        for factor in (1.0, 3.0):
            fitted = clone(generator).set_params(private=budget, random_state=SEED)
            fitted.set_params(representation="quantile").fit(factor * series())
            state = {"knots": fitted.representation_.knots_}
            state |= {n: b.numpy() for n, b in fitted.net_.module_.named_buffers()}
            state = {n: b for n, b in state.items() if not n.startswith("average")}
            before = kept.setdefault(name_of(generator), state)
            for name, value in state.items():
                np.testing.assert_array_equal(value, before[name])


def test_public_series_tell_rules_and_private_ones_keep_them():
    rng = np.random.default_rng(SEED)
    low = rng.normal(size=(300, T, 1)).cumsum(axis=1)
    pairs = np.concatenate([low, low + rng.exponential(size=low.shape)], axis=2)
    budget = PrivacyBudget(4.0, 1e-3, public=pairs[:200])
    fitted = VAE(**DENSE, max_epochs=1, private=budget, random_state=SEED).fit(pairs[200:])
    assert "order" in {rule.kind for rule in fitted.rules_}
    drawn = fitted.sample(20)
    assert (drawn[:, :, 0] <= drawn[:, :, 1]).all()
    with pytest.warns(UserWarning, match="breaks the rule") as told:
        fitted.fit(pairs[200:, :, ::-1])
    assert len(told) == 1  # and not once an owner


def test_labels_are_those_that_were_declared():
    X, y = series(), np.arange(N) % 2
    budget = PrivacyBudget(4.0, 1e-3, public_y=["a", "b", "c"])
    fitted = quick_vae(budget, conditional=True).fit(X, np.array(["a", "b"])[y])
    assert fitted.classes_.tolist() == ["a", "b", "c"]
    assert fitted.sample(4, y="c").shape == (4, T)


LEAKS = {
    "rules": {"rules": "auto"},
    "postprocess": {"postprocess": "auto"},
    "bounds=None": {"bounds": None},
    "bounds=": {"bounds": (None, 1)},
    "representation": {"representation": "quantile"},
    "conditional": {"conditional": True},
}
LEAKS_OF_NETWORKS = {
    "validation_fraction": {"validation_fraction": 0.2},
    "n_iter_no_change": {"n_iter_no_change": 3},
    "callbacks": {"callbacks": [("hear", object())]},
    "checkpoint": {"checkpoint": "file.timegen"},
    "net_params": {"net_params": {"train_split": None}},
}


@pytest.mark.parametrize("generator", PRIVATE, ids=name_of)
def test_what_is_not_accounted_for_is_refused_by_name(generator):
    known = generator.get_params(deep=False)
    leaks = LEAKS | (LEAKS_OF_NETWORKS if isinstance(generator, PrivateNeuralGenerator) else {})
    if isinstance(generator, TeacherForcing | CategoricalForcing):
        leaks = {k: v for k, v in leaks.items() if k != "representation"} | {
            "representation": {"representation": "minmax", "bounds": (0, None)}
        }
    for params in leaks.values():
        assert params.keys() <= known.keys()
        (name,) = list(params)[:1]
        with pytest.raises(ValueError, match=f"private training refuses .*{name}|refuses bounds"):
            privately(generator, **params).fit(series(), np.arange(N) % 2)


def test_all_that_is_refused_is_said_at_once():
    with pytest.raises(ValueError, match="rules='auto'.*postprocess='auto'.*n_iter_no_change=50"):
        TimeVAE(private=BUDGET, bounds=(-10, 10)).fit(series())


def test_the_best_a_prior_and_mixtures_can_do_is_said():
    cases = [
        (quick_vae(prior="mixture"), "prior"),
        (privately(PRIVATE[7], baseline="mixture"), "baseline"),
        (privately(PCAMixture()), "n_mixture_components"),
        (privately(PCAMixture(n_mixture_components=1, residual="bootstrap")), "residual"),
        (quick_vae(PrivacyBudget(1, 1e-3, max_series_norm=1)), "max_grad_norm"),
        (privately(PRIVATE[-1], PrivacyBudget(1, 1e-3, max_grad_norm=1)), "max_series_norm"),
        (quick_vae(PrivacyBudget(1, 1e-3, public_y=[0, 1])), "public_y"),
    ]
    for generator, what in cases:
        with pytest.raises(ValueError, match=what):
            generator.fit(series())


class Normalizing(torch.nn.Module):
    """An encoder that keeps means of what it has seen."""

    def __init__(self, n_timesteps, n_channels, latent_dim, hidden_dims):
        super().__init__()
        self.norm = torch.nn.BatchNorm1d(n_timesteps)
        self.output = torch.nn.Linear(n_timesteps * n_channels, 2 * latent_dim)

    def forward(self, x):
        return self.output(self.norm(x).flatten(1)).chunk(2, dim=1)


def test_statistics_of_batches_are_refused():
    owners = np.arange(N) // 2  # batch normalisation takes two
    with pytest.raises(ValueError, match=r"buffers \(encoder.norm"):
        quick_vae(PrivacyBudget(4.0, 1e-3, owners=owners), encoder=Normalizing).fit(series())


def test_missing_values_are_refused():
    X = series()
    X[3, 2] = np.nan
    with pytest.raises(ValueError, match="missing values"):
        quick_vae().fit(X)


def test_kinds_of_channels_need_public_series():
    import pandas as pd

    frames = [pd.DataFrame({"a": row, "b": np.arange(T) % 2 == 0}) for row in series()]
    with pytest.raises(ValueError, match="public series"):
        quick_vae().fit(frames)


def test_forms_of_series_stay_what_they_were():
    import pandas as pd

    frame = pd.DataFrame(series(), columns=[f"t{k}" for k in range(T)])
    fitted = privately(PRIVATE[-1]).fit(frame)
    assert fitted.feature_names_in_.tolist() == list(frame.columns)
    first = np.transpose(make_ar(N, T, 2, random_state=SEED), (0, 2, 1))
    drawn = privately(PRIVATE[-1], layout="channels-first").fit(first).sample(3)
    assert drawn.shape == (3, 2, T)


def test_a_refused_fit_leaves_a_generator_as_it_was():
    generator = quick_vae().fit(series())
    epsilon = generator.epsilon_
    with pytest.raises(ValueError, match="rules"):
        generator.set_params(rules="auto").fit(series())
    assert generator.epsilon_ == epsilon
    assert "_withheld" not in vars(generator)


def test_history_tells_of_no_loss():
    fitted = quick_vae(max_epochs=2).fit(series())
    assert len(fitted.history_) == 2
    assert not {"train_loss", "valid_loss", "dur"} & {k for row in fitted.history_ for k in row}


def test_who_learns_beside_a_private_generator_is_refused():
    inner, X = quick_vae(), series()
    with pytest.raises(ValueError, match="private"):
        SeriesGenerator(inner, window=4).fit(X[0])
    with pytest.raises(ValueError, match="private"):
        TSTRClassifier(inner, GaussianNB()).fit(X, np.arange(N) % 2)
    with pytest.raises(ValueError, match="private"):
        OneStepGenerator(teacher=privately(PRIVATE[7])).fit(X)


# -- further training, interruption, files --------------------------------------------------------


def test_training_does_not_go_on():
    fitted = quick_vae().fit(series())
    with pytest.raises(ValueError, match="does not go on"):
        fitted.partial_fit(series())
    with pytest.raises(ValueError, match="does not go on"):
        fitted.set_params(warm_start=True).fit(series())
    with pytest.raises(ValueError, match="does not go on"):
        fitted.set_params(private=None).fit(series())
    with pytest.raises(ValueError, match="partial_fit"):
        quick_vae().partial_fit(series())
    with pytest.raises(ValueError, match="pays for"):
        fitted.net_.partial_fit(Series(np.zeros((4, T, 1)), owners=np.arange(4)).to("cpu"))


def test_what_was_spent_before_an_interruption_is_told(monkeypatch):
    step, taken = torch.optim.Adam.step, []

    def pressed(self, *args):
        taken.append(1)
        if len(taken) == 3:
            raise KeyboardInterrupt
        return step(self, *args)

    monkeypatch.setattr(torch.optim.Adam, "step", pressed)
    fitted = quick_vae(max_epochs=5).fit(series())
    net = fitted.net_
    spent = epsilon_spent(net.noise_multiplier, net.sample_rate, 3, BUDGET.delta)
    assert fitted.epsilon_ == spent < 4.0


def test_files_keep_the_budget_and_leave_data_out(tmp_path):
    X, owners = series(), np.repeat(np.arange(20), 3) + 1234567
    budget = PrivacyBudget(4.0, 1e-3, owners=owners, public=series(30, SEED + 1))
    fitted = VAE(**DENSE, max_epochs=1, private=budget, random_state=SEED).fit(X)
    fitted.save(tmp_path / "private.timegen", real_data="thin")
    again = load(tmp_path / "private.timegen")
    assert again.epsilon_ == fitted.epsilon_
    assert (again.private.epsilon, again.private.delta) == (4.0, 1e-3)
    assert again.private.owners == again.private.public == "left out of the file"
    np.testing.assert_array_equal(again.sample(3), fitted.sample(3))
    with pytest.raises(ValueError, match="left|leaves"):
        again.fit(X)
    assert isinstance(pickle.loads(pickle.dumps(fitted)), PrivateGenerator)


# -- budgets --------------------------------------------------------------------------------------


def test_budgets_are_checked():
    for epsilon, delta in ((0, 1e-5), (-1, 1e-5), (math.inf, 1e-5), (1, 0), (1, 1.0), (True, 0.1)):
        with pytest.raises(ValueError, match="epsilon|delta"):
            PrivacyBudget(epsilon, delta)
    with pytest.raises(ValueError, match="max_grad_norm"):
        PrivacyBudget(1, 1e-5, max_grad_norm=0)
    with pytest.raises(ValueError, match="one over the number of owners"):
        quick_vae(PrivacyBudget(1, 0.1)).fit(series())
    with pytest.raises(ValueError, match="one entry for each"):
        quick_vae(PrivacyBudget(1, 1e-3, owners=[1, 2, 3])).fit(series())
    assert "owners" not in repr(PrivacyBudget(1, 1e-3, owners=[1, 2, 3]))


def test_without_opacus_the_error_says_what_to_install(monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "opacus.accountants", None)
    with pytest.raises(ImportError, match="pip install opacus"):
        quick_vae().fit(series())


def test_clones_have_budgets_of_their_own():
    generator = quick_vae(PrivacyBudget(2.0, 1e-3, owners=np.arange(N)))
    again = clone(generator)
    assert again.private is not generator.private
    assert again.fit(series()).epsilon_ <= 2.0


def test_a_search_fits_private_generators_each_with_a_budget():
    X = series()
    search = GridSearchCV(quick_vae(), {"latent_dim": [1, 2]}, cv=2).fit(X)
    assert search.best_estimator_.epsilon_ <= 4.0
    named = quick_vae(PrivacyBudget(4.0, 1e-3, owners=np.arange(N)))
    with pytest.raises(ValueError, match=r"take\(rows\) makes those of folds"):
        GridSearchCV(named, {"latent_dim": [1]}, cv=2, error_score="raise").fit(X)


# -- what it is for -------------------------------------------------------------------------------


def test_an_attack_that_finds_members_finds_none_with_privacy():
    """A covariance of few series is narrow where they lie; with noise it is not."""
    X = make_ar(60, 24, random_state=SEED)
    open_, private = [], []
    for seed in range(SEED, SEED + 3):
        plain = PCAMixture(n_mixture_components=1, n_components=24, representation="standard")
        members = np.random.default_rng(seed).permutation(60) < 30
        plain.set_params(random_state=seed).fit(X[members])
        closed = privately(plain, PrivacyBudget(1.0, 1e-3), random_state=seed).fit(X[members])
        open_.append(roc_auc_score(members, plain.score_samples(X)))
        private.append(roc_auc_score(members, closed.score_samples(X)))
    assert np.mean(open_) > 0.85
    assert np.mean(private) < 0.65


def test_attacks_leave_each_shadow_the_owners_that_it_sees():
    owners = np.repeat(np.arange(20), 3)
    closed = privately(PRIVATE[-1], PrivacyBudget(1.0, 1e-3, owners=owners))
    result = shadow_attack(closed, series(), owners=owners, n_shadows=4, random_state=SEED)
    assert result.n_members == 20
    assert closed.private.owners is owners
    with pytest.raises(ValueError, match="one entry for each of the 57 series"):
        shadow_attack(closed, series()[:57], owners=owners[:57], random_state=SEED)


@pytest.mark.exhaustive
def test_shadows_find_members_of_a_vae_but_not_of_a_private_one():
    X = make_ar(64, T, random_state=SEED)
    vae = VAE(
        encoder="dense",
        decoder="dense",
        hidden_dims=(64,),
        max_epochs=400,
        lr=3e-3,
        decoder_noise="learned",
        prior="normal",
    )
    known = shadow_attack(vae.set_params(representation="standard"), X, random_state=SEED)
    closed = privately(vae, PrivacyBudget(1.0, 1e-3), max_epochs=20, random_state=None)
    unknown = shadow_attack(closed, X, random_state=SEED)
    assert known.auc > 0.7
    assert unknown.auc < 0.6
