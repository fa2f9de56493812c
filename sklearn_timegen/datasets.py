"""Seeded toy series, and loaders of real ones.

Toy series come as float32 arrays of shape ``(n_samples, n_timesteps, n_channels)``; those with
labels as ``(X, y)``.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from sklearn_timegen._random import RandomState, draw_seed
from sklearn_timegen.data.checks import check_count

__all__ = [
    "find_grunfeld",
    "load_energy",
    "load_italy_power",
    "load_stocks",
    "make_ar",
    "make_labelled_sines",
    "make_sines",
]

FloatArray = NDArray[np.float32]
DATA_VARIABLE = "SKLEARN_TIMEGEN_DATA"


def make_sines(
    n_samples: int = 1000,
    n_timesteps: int = 24,
    n_channels: int = 5,
    *,
    version: Literal["timegan", "timevae"] = "timegan",
    random_state: RandomState = None,
) -> FloatArray:
    """Sines with independent channels, in either of two published versions.

    ``"timegan"``: ``(sin(f t + p) + 1) / 2`` with f and p uniform on [0, 0.1], drawn for each
    series and channel. ``"timevae"``: ``a sin(2 pi f t + p)`` with a uniform on [1, 3] and p on
    [0, 2 pi], drawn for each series and channel, but f, uniform on [0.1, 0.15] periods a
    timestep, once for each channel of the whole set: the windows have rank ``2 n_channels``.

    Parameters
    ----------
    n_samples, n_timesteps, n_channels : int, default=1000, 24, 5
        Sizes; the papers use 10,000 x 24 x 5.
    version : {"timegan", "timevae"}, default="timegan"
        Which of the two.
    random_state : int, RandomState, Generator or None, default=None
        Seed.

    Returns
    -------
    X : ndarray of shape (n_samples, n_timesteps, n_channels)
        The series.

    References
    ----------
    J. Yoon, D. Jarrett and M. van der Schaar (2019), "Time-series generative adversarial
    networks", NeurIPS. A. Desai et al. (2021), "TimeVAE", https://arxiv.org/abs/2111.08095

    Examples
    --------
    >>> from sklearn_timegen.datasets import make_sines
    >>> make_sines(10, 24, 2, random_state=0).shape
    (10, 24, 2)
    """
    sizes = _check_sizes(n_samples, n_timesteps, n_channels)
    if not isinstance(version, str) or version not in ("timegan", "timevae"):
        raise ValueError(f"version must be 'timegan' or 'timevae', got {version!r}")
    rng = np.random.default_rng(draw_seed(random_state))
    t = np.arange(sizes[1])[None, :, None]
    size = (sizes[0], 1, sizes[2])
    if version == "timegan":
        f, p = rng.uniform(0, 0.1, size), rng.uniform(0, 0.1, size)
        return ((np.sin(f * t + p) + 1) / 2).astype(np.float32)
    f = rng.uniform(0.1, 0.15, (1, 1, sizes[2]))
    a, p = rng.uniform(1, 3, size), rng.uniform(0, 2 * np.pi, size)
    return (a * np.sin(2 * np.pi * f * t + p)).astype(np.float32)


def make_ar(
    n_samples: int = 1000,
    n_timesteps: int = 24,
    n_channels: int = 1,
    *,
    coefficients: Sequence[float] = (0.8,),
    noise_scale: float = 1.0,
    random_state: RandomState = None,
) -> FloatArray:
    """Stationary autoregressive series: ``x_t = sum_k a_k x_(t-k) + s e_t``, e ~ N(0, 1).

    Parameters
    ----------
    n_samples, n_timesteps, n_channels : int, default=1000, 24, 1
        Sizes; channels are independent.
    coefficients : sequence of float, default=(0.8,)
        a_1, a_2, ...
    noise_scale : float, default=1.0
        s, the standard deviation of the innovations.
    random_state : int, RandomState, Generator or None, default=None
        Seed.

    Returns
    -------
    X : ndarray of shape (n_samples, n_timesteps, n_channels)
        The series, begun in the stationary distribution (up to ``1e-8`` of memory).

    Raises
    ------
    ValueError
        If no stationary process has these coefficients.

    Examples
    --------
    >>> from sklearn_timegen.datasets import make_ar
    >>> X = make_ar(2000, 10, coefficients=(0.8,), random_state=0)
    >>> bool(abs(X.var() - 1 / (1 - 0.8**2)) < 0.1)
    True
    """
    sizes = _check_sizes(n_samples, n_timesteps, n_channels)
    a = np.asarray(coefficients, dtype=np.float64)
    if a.ndim != 1 or len(a) == 0:
        raise ValueError(f"coefficients must be a non-empty sequence, got {coefficients!r}")
    radius = float(np.abs(np.roots([1.0, *-a])).max(initial=0.0))
    if radius >= 1:
        raise ValueError(
            f"coefficients {tuple(coefficients)} are not stationary: a root has modulus "
            f"{radius:.3g}, which must be below 1"
        )
    burn_in = len(a) + (0 if radius == 0 else int(np.ceil(np.log(1e-8) / np.log(radius))))
    rng = np.random.default_rng(draw_seed(random_state))
    noise = noise_scale * rng.standard_normal((burn_in + sizes[1], sizes[0], sizes[2]))
    x = np.zeros_like(noise)
    for t in range(len(x)):
        x[t] = noise[t] + sum(a[k] * x[t - 1 - k] for k in range(min(t, len(a))))
    return x[burn_in:].swapaxes(0, 1).astype(np.float32)


def make_labelled_sines(
    n_samples: int = 200,
    n_timesteps: int = 24,
    *,
    noise_scale: float = 0.1,
    random_state: RandomState = None,
) -> tuple[FloatArray, NDArray[np.str_]]:
    """Two classes of univariate sines: ``"slow"`` with one period and level 0, ``"fast"``, 1.

    The fast ones have three periods and level 1; phases are uniform within a quarter period.

    Parameters
    ----------
    n_samples, n_timesteps : int, default=200, 24
        Sizes; the classes alternate.
    noise_scale : float, default=0.1
        Standard deviation of white noise that is added.
    random_state : int, RandomState, Generator or None, default=None
        Seed.

    Returns
    -------
    X : ndarray of shape (n_samples, n_timesteps)
        The series.
    y : ndarray of shape (n_samples,)
        Their labels.

    Examples
    --------
    >>> from sklearn_timegen.datasets import make_labelled_sines
    >>> X, y = make_labelled_sines(4, 24, random_state=0)
    >>> y.tolist()
    ['slow', 'fast', 'slow', 'fast']
    """
    sizes = _check_sizes(n_samples, n_timesteps, 1)
    rng = np.random.default_rng(draw_seed(random_state))
    fast = (np.arange(sizes[0]) % 2)[:, None]
    phase = rng.uniform(0, np.pi / 2, (sizes[0], 1))
    t = np.arange(sizes[1])[None] / sizes[1]
    noise = rng.standard_normal((sizes[0], sizes[1]))
    x = fast + np.sin(2 * np.pi * (1 + 2 * fast) * t + phase) + noise_scale * noise
    return x.astype(np.float32), np.where(fast[:, 0] == 1, "fast", "slow")


def load_italy_power() -> tuple[FloatArray, NDArray[np.str_]]:
    """Power demand in Italy: 1,096 days of 24 hours, ``"1"`` October to March, ``"2"`` the rest.

    It comes with sktime (``pip install sktime``); training and test parts of
    the UCR archive are put together.

    Returns
    -------
    X : ndarray of shape (1096, 24)
        Standardised hourly demand, a day a row.
    y : ndarray of shape (1096,)
        The half of the year.

    References
    ----------
    E. Keogh et al. (2006), "Intelligent icons: integrating lite-weight data mining and
    visualization into GUI operating systems", ICDM; UCR archive, data set ItalyPowerDemand.

    Examples
    --------
    >>> from sklearn_timegen.datasets import load_italy_power
    >>> X, y = load_italy_power()
    >>> X.shape, sorted(set(y.tolist()))
    ((1096, 24), ['1', '2'])
    """
    try:
        from sktime.datasets import load_italy_power_demand
    except ImportError as error:
        raise ImportError("ItalyPowerDemand comes with sktime: pip install sktime") from error
    X, y = load_italy_power_demand(return_type="numpy3D")  # (n, 1, 24): one variable
    return X[:, 0].astype(np.float32), np.asarray(y, dtype=str)


def find_grunfeld() -> Path:
    """Return the file of a table that statsmodels ships: yearly investment of eleven US firms.

    Its columns are ``invest``, ``value``, ``capital``, ``firm`` and ``year`` (1935 to 1954).

    Returns
    -------
    path : Path
        A CSV file.

    Raises
    ------
    ImportError
        If statsmodels is not installed.

    References
    ----------
    Y. Grunfeld (1958), "The determinants of corporate investment", University of Chicago.

    Examples
    --------
    >>> from sklearn_timegen.datasets import find_grunfeld
    >>> find_grunfeld().name
    'grunfeld.csv'
    """
    try:
        package = import_module("statsmodels.datasets.grunfeld")
    except ImportError as error:
        raise ImportError("the table comes with statsmodels: pip install statsmodels") from error
    return Path(str(package.__file__)).with_name("grunfeld.csv")


def load_stocks() -> NDArray[np.float64]:
    """Google's daily prices and volume, 2004 to 2019: TimeGAN's ``stocks``, in time order.

    Looked for in the directory that the environment variable ``SKLEARN_TIMEGEN_DATA`` names
    (``stocks.csv``), else downloaded once from TimeGAN's repository. The prices are from Yahoo
    Finance, with no licence stated: use them, do not ship them.

    Returns
    -------
    series : ndarray of shape (3685, 6)
        Open, high, low, close, adjusted close, volume.

    Raises
    ------
    OSError
        If the file is neither there nor to be had.
    ValueError
        If the file's content is not the published one.

    References
    ----------
    J. Yoon, D. Jarrett and M. van der Schaar (2019), "Time-series generative adversarial
    networks", NeurIPS.

    Examples
    --------
    >>> from sklearn_timegen.datasets import load_stocks
    >>> load_stocks().shape  # doctest: +SKIP
    (3685, 6)
    """
    return _load(_STOCKS)


def load_energy() -> NDArray[np.float64]:
    """Appliances' energy use in a house, every 10 minutes for 4.5 months: UCI 374, in time order.

    Looked for in the directory that the environment variable ``SKLEARN_TIMEGEN_DATA`` names
    (``energy.npz`` with an array ``data``, or ``energy.csv``), else downloaded once from the
    authors' repository. Licence: CC BY 4.0.

    Returns
    -------
    series : ndarray of shape (19735, 28)
        All columns but the date.

    Raises
    ------
    OSError
        If the file is neither there nor to be had.
    ValueError
        If the file's content is not the published one.

    References
    ----------
    L. M. Candanedo, V. Feldheim and D. Deramaix (2017), "Data driven prediction models of energy
    use of appliances in a low-energy house", Energy and Buildings 140.
    https://doi.org/10.24432/C5VC8G

    Examples
    --------
    >>> from sklearn_timegen.datasets import load_energy
    >>> load_energy().shape  # doctest: +SKIP
    (19735, 28)
    """
    return _load(_ENERGY)


@dataclass(frozen=True)
class _Source:
    """A public table: what its files are called, where it comes from, and its fingerprint.

    The fingerprint is that of the numbers, in float32, and not of a file, because the same table
    is published as text and kept as arrays.
    """

    file_names: tuple[str, ...]
    url: str
    shape: tuple[int, int]
    sha256: str


_STOCKS = _Source(
    ("stocks.csv", "stock_data.csv"),
    "https://raw.githubusercontent.com/jsyoon0823/TimeGAN/master/data/stock_data.csv",
    (3685, 6),
    "d732bf56ad37f2f6f1350689f4376c80d8561cb6a62712d706bafdf866bec905",
)
_ENERGY = _Source(
    ("energy.npz", "energy.csv", "energydata_complete.csv"),
    "https://raw.githubusercontent.com/LuisM78/Appliances-energy-prediction-data/master/"
    "energydata_complete.csv",
    (19735, 28),
    "23fb7ebf85489816cfa9f89b0d4ed604ba9d5219d1931c23cbb32bf83670f62c",
)


def _load(source: _Source) -> NDArray[np.float64]:
    path = _find(source) or _download(source)
    table = _read_npz(path) if path.suffix == ".npz" else _read_csv(path)
    if table.shape != source.shape or _fingerprint(table) != source.sha256:
        raise ValueError(
            f"{path} holds a table of shape {table.shape} that is not the published one (shape "
            f"{source.shape}, from {source.url}); remove it, or point {DATA_VARIABLE} elsewhere"
        )
    return table


def _find(source: _Source) -> Path | None:
    folder = os.environ.get(DATA_VARIABLE)
    if folder is None:
        return None
    found = [Path(folder) / name for name in source.file_names if (Path(folder) / name).is_file()]
    return found[0] if found else None


def _download(source: _Source) -> Path:
    import pooch

    name = source.file_names[-1]
    try:
        # No hash of the file: the numbers themselves are checked after reading.
        return Path(pooch.retrieve(source.url, None, name, pooch.os_cache("sklearn-timegen")))
    except Exception as error:
        raise OSError(
            f"{name} could not be downloaded from {source.url}. Get it by other means and set "
            f"{DATA_VARIABLE} to the directory that holds it (as one of "
            f"{', '.join(source.file_names)})"
        ) from error


def _read_csv(path: Path) -> NDArray[np.float64]:
    import pandas as pd

    return pd.read_csv(path).select_dtypes("number").to_numpy(dtype=np.float64)


def _read_npz(path: Path) -> NDArray[np.float64]:
    with np.load(path, allow_pickle=False) as arrays:
        return np.asarray(arrays["data"], dtype=np.float64)


def _fingerprint(table: NDArray[np.float64]) -> str:
    return hashlib.sha256(table.astype("<f4").tobytes()).hexdigest()


def _check_sizes(n_samples: int, n_timesteps: int, n_channels: int) -> tuple[int, int, int]:
    return (
        check_count(n_samples, "n_samples"),
        check_count(n_timesteps, "n_timesteps"),
        check_count(n_channels, "n_channels"),
    )
