"""What lies behind zeros, flags and holes stays where it is as long as it does in the data."""

import numpy as np
import pytest

from sklearn_timegen import PCAMixture
from sklearn_timegen.rules import latent_paths
from sklearn_timegen.rules.latent import draw_between
from sklearn_timegen.rules.latent_paths import END, estimate_correlation

from .global_seed import GLOBAL_RANDOM_SEED as SEED

SEEDS = range(SEED, SEED + 3)
WET = 1.4  # of a normal, exceeded in 8%


def autoregression(n, n_timesteps, rho, seed):
    rng = np.random.default_rng(seed)
    z = rng.normal(size=(n, n_timesteps))
    for t in range(1, n_timesteps):
        z[:, t] = rho * z[:, t - 1] + np.sqrt(1 - rho**2) * z[:, t]
    return z


def known(z, threshold=WET):
    """Return what is known of a process of which only what exceeds a threshold is seen."""
    above = z > threshold
    return np.where(above, z, -END), np.where(above, z, threshold)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("rho", [0.0, 0.6, 0.9, 0.97])
def test_correlation_is_known_behind_a_threshold(rho, seed):
    estimate = estimate_correlation(*known(autoregression(2000, 24, rho, seed)))
    assert abs(estimate - rho) < 0.15 - 0.1 * rho  # from 5,000 pairs, most of them two zeros


def test_flags_tell_the_correlation_too():
    z = autoregression(2000, 24, 0.9, SEED)
    flag = z > WET
    estimate = estimate_correlation(np.where(flag, WET, -END), np.where(flag, END, WET))
    assert abs(estimate - 0.9) < 0.06


def test_negative_correlation():
    estimate = estimate_correlation(*known(autoregression(2000, 24, -0.8, SEED), 0.0))
    assert abs(estimate + 0.8) < 0.06


@pytest.mark.parametrize(("shape", "longest"), [((500, 40), 100), ((10, 1007), 500)])
def test_draws_are_those_of_the_process(shape, longest, monkeypatch):
    """However seldom anything is seen, and also where series are cut."""
    monkeypatch.setattr(latent_paths, "LONGEST", longest)
    rho = 0.9
    a, b = known(autoregression(*shape, rho, SEED))
    z = draw_between(a, b, rho)
    assert (a <= z).all()
    assert (z <= b).all()
    hidden = a < b
    assert np.array_equal(z[~hidden], a[~hidden])
    # As many of all values, and as alike at every distance, as those of another such process.
    for lag in (1, 3, 10):
        assert abs(np.mean(z[:, lag:] * z[:, :-lag]) - rho**lag) < 0.12
    assert abs(z.mean()) < 0.15
    assert abs(z.std() - 1) < 0.15


def test_cells_of_which_nothing_is_known_are_drawn_freely():
    nothing = np.full((300, 30), -END)
    z = draw_between(nothing, -nothing, 0.8, keys=np.arange(300, dtype=np.uint64))
    assert abs(np.mean(z[:, 1:] * z[:, :-1]) - 0.8) < 0.08


@pytest.mark.parametrize("seed", SEEDS)
def test_spells_last_whatever_falls_in_them(seed):
    """How much it rains in an hour says nothing of the next one, and that it rains says much."""
    wet = autoregression(1500, 24, 0.9, seed) > WET
    amounts = np.random.default_rng(seed).exponential(size=wet.shape)
    rain = np.where(wet, amounts, 0).astype(np.float32)[:, :, None]
    drawn = PCAMixture(random_state=seed).fit(rain).sample(1500, random_state=seed)
    stays, dry = [], []
    for x in (rain, drawn):
        wet = x[:, :, 0] > 0
        stays.append((wet[:, 1:] & wet[:, :-1]).sum() / wet[:, :-1].sum())
        dry.append((~wet.any(axis=1)).mean())
    assert abs(stays[1] - stays[0]) < 0.15  # of 0.67; 0.45 came of correlations found in steps
    assert abs(dry[1] - dry[0]) < 0.15  # of 0.6
