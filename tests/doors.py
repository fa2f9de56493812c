"""Series that keep rules of many kinds, and code of its own that counts where they are broken.

It knows nothing of the rules that the library finds: a rule that is found wrong, or lost on the
way, shows here.
"""

import numpy as np

from .global_seed import GLOBAL_RANDOM_SEED as SEED

N_SERIES, LENGTH, WINDOW = 40, 72, 24
SHAPE = N_SERIES, LENGTH


def rng(seed):
    return np.random.default_rng(SEED + seed)


def prices():
    """Open, high, low and close of a day, of which some touch."""
    walk = 0.02 * rng(0).normal(size=SHAPE).cumsum(axis=1)
    last = np.exp(walk + rng(1).normal(size=(N_SERIES, 1)))
    low = last * np.exp(-0.01 * rng(2).exponential(size=SHAPE) * (rng(3).random(SHAPE) > 0.02))
    high = last * np.exp(0.01 * rng(4).exponential(size=SHAPE))
    return np.stack([low + (high - low) * rng(5).random(SHAPE), high, low, last], axis=2)


def meters():
    used = rng(6).exponential(size=SHAPE) * (rng(7).random(SHAPE) < 0.7)
    return (used.cumsum(axis=1) + rng(8).uniform(1e2, 1e4, (N_SERIES, 1)))[..., None]


def parts():
    """A total and its three parts."""
    pieces = np.exp(0.1 * rng(9).normal(size=(*SHAPE, 3)).cumsum(axis=1)) * [1e5, 3e4, 2e3]
    return np.concatenate([pieces.sum(axis=2, keepdims=True), pieces], axis=2)


def states():
    """Four states, one of which is on; they stay for a while."""
    chosen = rng(10).choice(4, p=[0.5, 0.3, 0.15, 0.05], size=SHAPE)
    for t in range(1, LENGTH):
        stays = rng(11 + t).random(N_SERIES) < 0.6
        chosen[:, t] = np.where(stays, chosen[:, t - 1], chosen[:, t])
    return np.eye(4)[chosen]


def flags():
    return (rng(100).random((*SHAPE, 1)) < 0.2) * 1.0


def counts():
    return rng(101).poisson(2, (*SHAPE, 1)) * 1.0


def readings():
    """Temperature and a dew point never above it, straight between readings every 6 timesteps."""
    knots = rng(102).normal(size=(N_SERIES, 14)).cumsum(axis=1)
    warm = 15 + knots.round(1)
    gap = rng(103).exponential(size=warm.shape) * (rng(104).random(warm.shape) < 0.8)
    dew = warm - gap.round(1)
    at, grid = np.arange(LENGTH) / 6, np.arange(14)
    return np.stack(
        [np.stack([np.interp(at, grid, one) for one in rows]) for rows in (warm, dew)], axis=2
    )


def broken_prices(x):
    first, high, low, last = x.T
    return (low > np.minimum(first, last)) | (high < np.maximum(first, last)) | (low <= 0)


def broken_meters(x):
    return np.diff(x[:, 0]) < 0


def broken_parts(x):
    off = np.abs(x[:, 0] - x[:, 1:].sum(axis=1)) > 4e-7 * np.abs(x[:, 0])
    return off | (x <= 0).any(axis=1)


def broken_states(x):
    return (x.sum(axis=1) != 1) | ((x != 0) & (x != 1)).any(axis=1)


def broken_flags(x):
    return ~np.isin(x, (0, 1))


def broken_counts(x):
    return (x < 0) | (x != np.rint(x))


def broken_readings(x):
    """Kinks at more than one remainder of six, and dew points above the temperature."""
    rounding = 1e-3 + 1e-6 * np.abs(x).max(initial=0)
    bent = np.flatnonzero((np.abs(np.diff(x, n=2, axis=0)) > rounding).any(axis=1)) % 6
    off_clock = bent != np.bincount(bent).argmax() if len(bent) else bent
    return np.concatenate([off_clock, x[:, 1] > x[:, 0]])


# Name: the series, and where one of them breaks what they keep.
RULED = {
    "prices": (prices, broken_prices),
    "meters": (meters, broken_meters),
    "parts": (parts, broken_parts),
    "states": (states, broken_states),
    "flags": (flags, broken_flags),
    "counts": (counts, broken_counts),
    "readings": (readings, broken_readings),
}
WIDTHS = {name: make().shape[2] for name, (make, _) in RULED.items()}
KINDS = {
    "prices": "order",
    "meters": "monotone",
    "parts": "parts",
    "states": "one of",
    "flags": "normal score",
    "counts": "normal score",
    "readings": "clock",
}


def together(names=tuple(RULED)):
    """Return the series of several sets beside each other, as channels."""
    return np.concatenate([RULED[name][0]() for name in names], axis=2)


def violations(series, names=tuple(RULED)):
    """Count, by set, at how many timesteps of series what they keep is broken."""
    found = dict.fromkeys(names, 0)
    for x in series:
        x, at = np.asarray(x, dtype=np.float64), 0
        for name in names:
            width = WIDTHS[name]
            found[name] += int(np.sum(RULED[name][1](x[:, at : at + width])))
            at += width
        assert at == x.shape[1]
    return {name: n for name, n in found.items() if n}


def windows(x):
    """Cut series into windows side by side."""
    return x.reshape(-1, WINDOW, x.shape[2])
