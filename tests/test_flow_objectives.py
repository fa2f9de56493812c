"""Paths from noise to data, predictions on the way, and the objective of flows."""

import numpy as np
import pytest
import torch
from scipy.optimize import linear_sum_assignment
from scipy.special import expit, ndtri
from scipy.stats import norm
from torch.autograd.functional import jvp

from sklearn_timegen.data import Series
from sklearn_timegen.flow.objectives import FlowLoss, couple, draw_times
from sklearn_timegen.flow.paths import PATHS, PREDICTIONS, expand_like

from .flows import field_of, seeded

PAIRS = [(path, prediction) for path in PATHS for prediction in PREDICTIONS]


def randn(*shape, seed=0):
    return torch.randn(*shape, dtype=torch.float64, generator=seeded(seed))


def some_times(n, seed=0):
    return 0.02 + 0.96 * torch.rand(n, dtype=torch.float64, generator=seeded(seed))


# -- paths ------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", PATHS)
def test_slopes_are_derivatives(path):
    t = some_times(50).requires_grad_(True)
    sizes = PATHS[path].alpha(t), PATHS[path].sigma(t)
    for size, slope in zip(sizes, PATHS[path].schedule_grad(t), strict=True):
        assert torch.allclose(torch.autograd.grad(size.sum(), t)[0], slope, rtol=1e-9)


@pytest.mark.parametrize("path", PATHS)
def test_paths_lead_from_noise_to_data(path):
    ends = torch.tensor([0.0, 1.0], dtype=torch.float64)
    alpha, sigma = PATHS[path].alpha(ends).tolist(), PATHS[path].sigma(ends).tolist()
    assert alpha == pytest.approx([0, 1], abs=0.01 if path == "ddpm" else 1e-12)
    assert sigma[0] == pytest.approx(1, abs=1e-4)
    assert sigma[1] == 0  # solvers divide by what is not
    t = some_times(50).sort().values
    assert (PATHS[path].alpha(t).diff() > 0).all()
    assert (PATHS[path].sigma(t).diff() < 0).all()
    if path != "linear":
        total = PATHS[path].alpha(t) ** 2 + PATHS[path].sigma(t) ** 2
        assert torch.allclose(total, torch.ones_like(t))


def test_the_path_of_ddpm_is_its_published_schedule():
    kept = np.sqrt(np.cumprod(1 - np.linspace(1e-4, 0.02, 1000)))  # alpha after k of 1000 steps
    t = torch.from_numpy(1 - np.arange(1, 1001) / 1000)
    assert np.abs(PATHS["ddpm"].alpha(t).numpy() - kept).max() < 2e-3


# -- predictions ------------------------------------------------------------------------------


@pytest.mark.parametrize(("path", "prediction"), PAIRS)
def test_a_perfect_prediction_gives_both_ends_and_the_velocity(path, prediction):
    way, kind = PATHS[path], PREDICTIONS[prediction]
    x, eps, t = randn(20, 3, 2), randn(20, 3, 2, seed=1), some_times(20)

    def point(t):
        return expand_like(way.alpha(t), x) * x + expand_like(way.sigma(t), x) * eps

    f = kind.target(way, x, eps, t)
    for found, true in zip(kind.predict_ends(way, point(t), f, t), (x, eps), strict=True):
        assert torch.allclose(found, true, atol=1e-8)
    slope = jvp(point, t, torch.ones_like(t))[1]
    for k in range(5):
        field = field_of(lambda *_, k=k: f[k : k + 1], (3, 2), path, prediction)
        velocity = field.velocity(point(t)[k : k + 1], float(t[k]), None)
        assert torch.allclose(velocity, slope[k : k + 1], atol=1e-7)


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("time", [0.05, 0.5, 0.9])
def test_preconditioning_leaves_unit_variance_that_x_t_does_not_tell(path, time):
    x, eps, t = randn(20_000, 1, 1), randn(20_000, 1, 1, seed=1), torch.tensor([time])
    way, kind = PATHS[path], PREDICTIONS["preconditioned"]
    f = kind.target(way, x, eps, t)
    x_t = way.alpha(t) * x + way.sigma(t) * eps
    assert float(f.var()) == pytest.approx(1, abs=0.05)
    assert float(torch.corrcoef(torch.stack([f.flatten(), x_t.flatten()]))[0, 1]) == (
        pytest.approx(0, abs=0.03)
    )
    # What F = 0 says is the regression of x_1 on x_t.
    slope = float((x * x_t).sum() / (x_t * x_t).sum())
    said = kind.predict_ends(way, torch.ones(1, 1, 1), torch.zeros(1, 1, 1), t)[0]
    assert float(said) == pytest.approx(slope, abs=0.03)


@pytest.mark.parametrize(("path", "prediction"), PAIRS)
def test_predictions_can_be_asked_at_both_ends(path, prediction):
    field = field_of(lambda x, t, c: x, (3, 2), path, prediction, reach=5.0)
    for time in (0.0, 1.0):
        for value in (
            *field.predict_ends(randn(4, 3, 2), time, None),
            field.velocity(randn(4, 3, 2), time, None),
        ):
            assert torch.isfinite(value).all()
            assert value.abs().max() < 1e4


def test_what_blows_errors_up_stays_within_reach():
    field = field_of(lambda x, t, c: 0 * x, (3, 2), prediction="noise", reach=0.5)
    x_t = randn(4, 3, 2)
    x_1, eps = field.predict_ends(x_t, 0.25, None)
    assert torch.allclose(x_1, (x_t / 0.25).clamp(-0.5, 0.5))
    assert torch.allclose(0.25 * x_1 + 0.75 * eps, x_t)


# -- the objective ----------------------------------------------------------------------------


def test_times_are_stratified():
    t = draw_times(64, 0.4, 1.3, seeded(0))
    level = norm.cdf((torch.logit(t).numpy() - 0.4) / 1.3)
    assert sorted(np.floor(level * 64).astype(int)) == list(range(64))
    assert not np.array_equal(np.sort(level), level)
    assert torch.equal(t, draw_times(64, 0.4, 1.3, seeded(0)))
    assert not torch.equal(t, draw_times(64, 0.4, 1.3, seeded(1)))


def test_times_are_logit_normal():
    t = np.sort(draw_times(2000, -0.5, 0.7, seeded(0)).numpy())
    middles = expit(-0.5 + 0.7 * ndtri((np.arange(2000) + 0.5) / 2000))
    assert np.abs(t - middles)[20:-20].max() < 2e-3


def test_coupling_is_the_best_assignment():
    x, eps = randn(17, 3, 2), randn(17, 3, 2, seed=1)
    paired = couple(eps, x)
    assert torch.equal(paired.flatten(1).sum(1).sort().values, eps.flatten(1).sum(1).sort().values)
    cost = torch.cdist(x.flatten(1), eps.flatten(1)).square().numpy()
    best = cost[linear_sum_assignment(cost)].sum()
    assert float((x - paired).square().sum()) == pytest.approx(best)
    assert best < 0.8 * float((x - eps).square().sum())


def test_coupling_leaves_each_label_its_noise():
    x, eps = randn(30, 3, 2), randn(30, 3, 2, seed=1)
    labels = torch.arange(30) % 3
    labels[0] = 3  # one of its own
    paired = couple(eps, x, torch.eye(4)[labels])
    for label in range(4):
        rows = labels == label
        assert torch.equal(
            paired[rows].flatten(1).sum(1).sort().values, eps[rows].flatten(1).sum(1).sort().values
        )
        assert torch.equal(couple(eps[rows], x[rows]), paired[rows])


class Recorder(torch.nn.Module):
    """A field that answers as told, and remembers what it was asked."""

    def __init__(self, answer, path="linear", prediction="data"):
        super().__init__()
        self.answer, self.path, self.prediction = answer, PATHS[path], PREDICTIONS[prediction]

    def forward(self, x_t, t, c, given):
        self.x_t, self.t, self.given = x_t, t, given
        return self.answer


def test_the_loss_is_the_mean_squared_error_of_what_varies():
    x = randn(6, 4, 2).float()
    varies = torch.ones(4, 2)
    varies[1, 0] = 0
    error = randn(6, 4, 2, seed=1).float()
    batch = Series(x, weights=varies.expand_as(x))
    loss = FlowLoss()(Recorder(x + error), batch, seeded(0))
    assert torch.allclose(loss, (error.square() * varies).mean((1, 2)))


def test_the_point_of_the_path_is_between_noise_and_series():
    x = torch.zeros(400, 4, 2) + 100.0
    field = Recorder(x)
    assert FlowLoss()(field, Series(x), seeded(0)).abs().max() == 0
    t = field.t[:, None, None]
    eps = (field.x_t - 100 * t) / (1 - t)
    assert float(eps[field.t < 0.5].std()) == pytest.approx(1, abs=0.05)


def test_the_fourier_term_by_hand():
    x = randn(6, 8, 2).float()
    term = FlowLoss(fourier_weight=0.3)
    assert term(Recorder(x), Series(x), seeded(0)).abs().max() == 0
    impulse = torch.zeros(6, 8, 2)
    impulse[:, 0, 0] = 1.0  # all of its coefficients are 1 / sqrt(8), and real
    loss = term(Recorder(x + impulse), Series(x), seeded(0))
    assert torch.allclose(loss, torch.full((6,), 1 / 16 + 0.3 * 0.5 / 8**0.5))
    # Squares are left what they are by the transform: they would say nothing new.
    bins = torch.fft.fft(x, dim=1, norm="ortho")
    assert torch.allclose(bins.abs().square().sum(1), x.square().sum(1), rtol=1e-4)


@pytest.mark.parametrize("share", [0.0, 0.25])
def test_conditions_are_withheld(share):
    x, c = torch.zeros(4000, 1, 1), torch.ones(4000, 2)
    field = Recorder(x)
    loss = FlowLoss(condition_dropout=share)
    loss(field, Series(x, c), seeded(0))
    if share == 0:
        assert field.given is None
    else:
        assert float(1 - field.given.mean()) == pytest.approx(share, abs=0.03)
        assert set(field.given.tolist()) == {0.0, 1.0}
    loss(field, Series(x), seeded(0))
    assert field.given is None


@pytest.mark.parametrize(("path", "prediction"), PAIRS)
def test_times_stay_where_targets_are_finite(path, prediction):
    x = randn(200, 3, 1).float()
    for mean in (-40.0, 40.0):
        field = Recorder(torch.zeros_like(x), path, prediction)
        assert FlowLoss(mean, 1.0)(field, Series(x), seeded(0)).max() < 1e4
