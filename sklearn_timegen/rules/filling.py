"""Draw what is missing of series, given the rest of them, from a normal distribution.

Symbols: ``u`` is a window of coordinates, flattened to ``d`` cells and standardised; ``mu`` and
``Sigma`` its mean and covariance, ``P`` the inverse of ``Sigma``; ``o`` are the cells that are
known, ``m`` those that are missing. Given the former, the latter are normal with the precision
``P_mm`` and the mean ``mu_m - P_mm^-1 P_mo (u_o - mu_o)``. Means in the place of what is missing
would narrow every spread; draws keep it.

References
----------
A. Dempster, N. Laird and D. Rubin (1977), "Maximum likelihood from incomplete data via the EM
algorithm", Journal of the Royal Statistical Society B 39.
https://doi.org/10.1111/j.2517-6161.1977.tb01600.x

O. Ledoit and M. Wolf (2004), "A well-conditioned estimator for large-dimensional covariance
matrices", Journal of Multivariate Analysis 88. https://doi.org/10.1016/S0047-259X(03)00096-4

N. Metropolis et al. (1953), "Equation of state calculations by fast computing machines", Journal
of Chemical Physics 21. https://doi.org/10.1063/1.1699114
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import solve_triangular
from scipy.special import ndtri

from sklearn_timegen.rules.latent import series_keys, uniforms

__all__ = ["NormalFiller", "moments"]

Array = NDArray[Any]  # of float64
Mask = NDArray[np.bool_]

MOST_CELLS = 300  # of a window
LONGEST = 32  # timesteps of a window
MOST_WINDOWS = 1000  # that are learned from
N_FULL = 300  # windows that are half known, before others are not learned from
N_ITERATIONS = 15
N_TO_CHOOSE = 5  # of these, to compare covariances by
CONVERGED = 2e-3  # change of the covariance, of cells with variance 1
LEAST = 1e-6  # share of a cell's variance that no other cell explains
APART = (0.0, 0.03, 0.1, 0.3, 1.0)  # weights of coordinates without each other, to choose from
TRIED = 0.1  # the one with which the others are compared
N_PARTS = 8  # of the windows, in their order: the second and the sixth are held out
N_HELD = 100  # windows that are held out, at most
BETWEEN_DRAWS = 1_000_003  # more than a series has timesteps
LOG_2_PI = float(np.log(2 * np.pi))
AT_ONCE = 2_000_000  # numbers of the matrices that are in memory


class NormalFiller:
    """A normal distribution of windows, from which missing cells are drawn given the others.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_timegen.rules.filling import NormalFiller
    >>> u = np.random.default_rng(0).normal(size=(500, 1, 1)) * [[[1.0], [1.0], [1.0]]]
    >>> u[::2, 1] = np.nan
    >>> filled = NormalFiller().fit([u]).draw(u)
    >>> bool(np.corrcoef(filled[:, 0, 0], filled[:, 1, 0])[0, 1] > 0.99)
    True
    """

    def fit(self, blocks: Sequence[Array]) -> NormalFiller:
        """Learn from series ``(n_series, n_timesteps, n_coordinates)`` with NaN in them."""
        n_coordinates = blocks[0].shape[2]
        longest = max(u.shape[1] for u in blocks)
        self.length_ = max(1, min(longest, LONGEST, MOST_CELLS // n_coordinates))
        rows = self._windows(blocks)
        known = np.isfinite(rows)
        self._learn_scale(rows)
        self._learn_range(rows)
        self._learn_covariance(self._scaled(rows, known), known)
        self._borrow(known.any(axis=0).reshape(self.length_, n_coordinates))
        self._precision: dict[int, Array] = {}
        return self

    def draw(self, u: Array) -> Array:
        """Return series with a draw in the place of each NaN.

        The draws are a function of what is known of a series: equal ones get equal draws,
        whatever stands beside them. None lies beyond what has been seen of its coordinate: few
        data are normal, and what is a little too far is much too far once it is the logarithm of
        an amount.
        """
        drawn = self.draw_with_density(u)[0]
        return np.where(np.isfinite(u), drawn, drawn.clip(self._least, self._greatest))

    def draw_with_density(self, u: Array, k: int = 0) -> tuple[Array, Array]:
        """Return the ``k``-th of draws as above, and the log-density of each ``(n_series,)``.

        The density is that of what was missing, given the rest; cells that never varied, of which
        there is none, are left out.
        """
        out: Array = u.astype(np.float64)
        density, salt = np.zeros(len(u)), k * BETWEEN_DRAWS
        last = u.shape[1] - self.length_
        if last <= 0:
            return self._drawn(out, salt, density), density
        # From left to right: half of a window is filled by then, and what it goes on from.
        for start in [*range(0, last, max(1, self.length_ // 2)), last]:
            part = slice(start, start + self.length_)
            out[:, part] = self._drawn(out[:, part], start + salt, density)
        return out, density

    def prefers(self, others: Array, drawn: Array) -> Mask:
        """Return where values of series may stand in the place of drawn ones.

        Values that are as likely may, others as much more rarely as they are less likely
        (Metropolis et al. 1953), as the distribution of their coordinate says; of a series, one
        chance decides on a coordinate at all timesteps.
        """
        centre, spread = self._typical
        far, near = (np.square((u - centre) / spread) for u in (others, drawn))
        chance = uniforms(series_keys(drawn.reshape(len(drawn), -1)), drawn.shape[2])[:, None]
        less: Mask = far - near <= -2 * np.log(chance)
        return less

    # -- windows -----------------------------------------------------------------------------

    def _windows(self, blocks: Sequence[Array]) -> Array:
        """Return windows as rows, series by series; those of shorter series end in NaN."""
        step = max(1, self.length_ // 2)
        cut: list[Array] = []
        for u in blocks:
            if u.shape[1] < self.length_:
                padded = np.full((len(u), self.length_, u.shape[2]), np.nan)
                padded[:, : u.shape[1]] = u
                cut.append(padded)
                continue
            starts = range(0, u.shape[1] - self.length_ + 1, step)
            windows = np.stack([u[:, start : start + self.length_] for start in starts], axis=1)
            cut.append(windows.reshape(-1, *windows.shape[2:]))
        rows = np.concatenate(cut).reshape(-1, self.length_ * blocks[0].shape[2])
        known = np.isfinite(rows).mean(axis=1)
        full = known >= 0.5
        rows = rows[full if full.sum() >= N_FULL else known > 0]
        chosen = np.linspace(0, len(rows) - 1, min(len(rows), MOST_WINDOWS)).round().astype(int)
        return rows[np.unique(chosen)].astype(np.float64)

    def _learn_scale(self, rows: Array) -> None:
        self._mean, variance = moments(rows)
        self._varies: Mask = variance > 1e-24
        self._scale: Array = np.where(self._varies, np.sqrt(variance), 1.0)

    def _learn_range(self, rows: Array) -> None:
        """Learn where values of each coordinate are, at any timestep: ends, centre and spread."""
        u = rows.reshape(-1, rows.shape[1] // self.length_)
        known = np.isfinite(u)
        self._least: Array = np.where(known, u, np.inf).min(axis=0)
        self._greatest: Array = np.where(known, u, -np.inf).max(axis=0)
        centre, variance = moments(u)
        self._typical = centre, np.sqrt(np.maximum(variance, 1e-24))

    def _scaled(self, rows: Array, known: Mask) -> Array:
        return np.where(known, (rows - self._mean[: rows.shape[1]]) / self._unit(rows), 0.0)

    def _unit(self, rows: Array) -> Array:
        return self._scale[: rows.shape[1]]

    # -- expectation and maximisation -----------------------------------------------------------

    def _learn_covariance(self, u: Array, known: Mask) -> None:
        apart = self._choose_apart(u, known)
        self._mu, raw, counts = self._expected(u, known, apart)
        self._sigma = self._regular(raw, counts, apart)

    def _choose_apart(self, u: Array, known: Mask) -> float:
        """Return the weight of coordinates without each other that windows held out ask for.

        Among hundreds of cells, some go by chance along with the little in which others differ;
        more, if the windows of a set are alike. What is drawn by that is far off.
        """
        held = np.isin(np.arange(len(u)) * N_PARTS // len(u), (1, 5))
        if u.shape[1] == self.length_ or held.sum() < 2:
            return TRIED
        mu, raw, counts = self._expected(u[~held], known[~held], TRIED, N_TO_CHOOSE)
        some = np.flatnonzero(held)
        some = some[np.linspace(0, len(some) - 1, min(len(some), N_HELD)).astype(int)]
        density = [
            _log_density(u[some] - mu, known[some], self._regular(raw, counts, apart))
            for apart in APART
        ]
        return APART[int(np.argmax(density))]

    def _expected(
        self, u: Array, known: Mask, apart: float, n_iterations: int = N_ITERATIONS
    ) -> tuple[Array, Array, Array]:
        """Return mean and covariance as windows say, and how many tell each entry of that."""
        d, counts = u.shape[1], known.T.astype(np.float64) @ known
        # From pairs that are both known, and then from everything.
        mu, raw = np.zeros(d), _positive(u.T @ u / np.maximum(counts, 1), 1e-3)
        for _ in range(n_iterations if not known.all() else 0):
            before = raw
            total, filled = np.zeros((d, d)), u.copy()
            precision: Array = np.linalg.inv(self._regular(raw, counts, apart))
            for rows, missing, mean, root in _conditionals(u, known, mu, precision):
                filled[rows[:, None], missing] = mean
                # What is uncertain of a row is part of the covariance: P_mm^-1, summed.
                inverse = np.linalg.inv(root)
                pair = (missing[:, :, None], missing[:, None, :])
                np.add.at(total, pair, np.swapaxes(inverse, 1, 2) @ inverse)
            mu = filled.mean(axis=0)
            centred = filled - mu
            raw = (centred.T @ centred + total) / len(u)
            if np.abs(raw - before).max() < CONVERGED:
                break
        return mu, raw, counts

    def _regular(self, sigma: Array, counts: Array, apart: float) -> Array:
        """Return a covariance brought nearer to one that does not know of the time.

        That one, whose long lags are known from the few series that are long enough, is brought
        nearer to one without correlations before: a nearly singular covariance that comes of
        chance would be amplified by each iteration, and lead draws away. Of the result, ``apart``
        is the weight of one that knows of each coordinate alone.
        """
        n_pairs = _along_lags(counts, self.length_, np.sum)
        # Averages of unequally many terms need be no covariance.
        target = _positive(_along_lags(sigma, self.length_, np.mean), LEAST)
        target = _shrunk(target, np.diag(np.diag(target)), n_pairs)
        out = _shrunk(sigma, target, counts)
        if apart > 0:
            own = np.eye(len(sigma) // self.length_)
            alone = np.tile(own, (self.length_, self.length_)) * out
            out = (1 - apart) * out + apart * alone
        np.fill_diagonal(out, np.maximum(np.diag(out), LEAST) * (1 + LEAST))
        return out

    def _borrow(self, seen: Mask) -> None:
        """Let cells of which nothing is known be like the nearest timestep that has some."""
        index = np.arange(seen.size).reshape(seen.shape)
        for j in range(seen.shape[1]):
            there = np.flatnonzero(seen[:, j])
            for t in np.flatnonzero(~seen[:, j]) if len(there) else ():
                nearest = index[there[np.abs(there - t).argmin()], j]
                for part in (self._mean, self._scale, self._mu, self._varies):
                    part[index[t, j]] = part[nearest]

    def _precision_of(self, d: int) -> Array:
        """Return the precision of the first ``d`` cells: of a series that ends before others."""
        if d not in self._precision:
            precision: Array = np.linalg.inv(self._sigma[:d, :d])
            self._precision[d] = precision
        return self._precision[d]

    # -- drawing -----------------------------------------------------------------------------

    def _drawn(self, u: Array, salt: int, density: Array) -> Array:
        """Fill windows, or beginnings of some; add the log-density of the draws to ``density``."""
        flat = u.reshape(len(u), -1).copy()
        holes = np.flatnonzero(~np.isfinite(flat).all(axis=1))
        if len(holes) == 0:
            return u
        rows = flat[holes]
        known, d = np.isfinite(rows), rows.shape[1]
        noise = ndtri(uniforms(series_keys(np.where(known, rows, 0.0), salt), d))
        scaled, precision = self._scaled(rows, known), self._precision_of(d)
        for some, missing, mean, root in _conditionals(scaled, known, self._mu[:d], precision):
            e = noise[some[:, None], missing][:, :, None]
            drawn = mean + np.linalg.solve(np.swapaxes(root, 1, 2), e)[:, :, 0]
            rows[some[:, None], missing] = self._mean[missing] + self._scale[missing] * drawn
            log_scale = np.log(np.diagonal(root, axis1=1, axis2=2)) - np.log(self._scale[missing])
            terms = log_scale - 0.5 * (e[:, :, 0] ** 2 + LOG_2_PI)
            density[holes[some]] += np.where(self._varies[missing], terms, 0.0).sum(axis=1)
        flat[holes] = rows
        return flat.reshape(u.shape)


def moments(rows: Array) -> tuple[Array, Array]:
    """Return means and variances of what is known of columns; 0 of those of which nothing is."""
    known = np.isfinite(rows)
    n = np.maximum(known.sum(axis=0), 1)
    mean = np.where(known, rows, 0.0).sum(axis=0) / n
    return mean, np.square(np.where(known, rows - mean, 0.0)).sum(axis=0) / n


def _log_density(u: Array, known: Mask, sigma: Array) -> float:
    """Return the log-density of what is known of rows, up to what does not depend on ``sigma``."""
    density = 0.0
    for row, there in zip(u, known, strict=True):
        root = np.linalg.cholesky(sigma[np.ix_(there, there)])
        e = solve_triangular(root, row[there], lower=True)
        density -= float(0.5 * e @ e + np.log(np.diag(root)).sum())
    return density


def _along_lags(sigma: Array, n_timesteps: int, collect: Any) -> Array:
    """Return a matrix of cells that depends on how far apart two timesteps are: means, or sums."""
    n_coordinates = len(sigma) // n_timesteps
    cells = sigma.reshape(n_timesteps, n_coordinates, n_timesteps, n_coordinates)
    out = np.empty_like(cells)
    for lag in range(n_timesteps):
        t = np.arange(n_timesteps - lag)
        collected = collect(cells[t, :, t + lag, :], axis=0)
        out[t, :, t + lag, :] = collected
        out[t + lag, :, t, :] = collected.T
    return out.reshape(sigma.shape)


def _shrunk(sigma: Array, target: Array, counts: Array) -> Array:
    """Return a covariance brought nearer to a target.

    How near is what the error of a covariance of so few pairs asks for (Ledoit and Wolf 2004,
    with other targets). What both share is no error of the one.
    """
    variance = np.diag(sigma)
    error = (sigma**2 + variance[:, None] * variance) / np.maximum(counts, 1)
    distance = np.square(sigma - target)
    differs = distance > 0
    weight = min(1.0, error[differs].sum() / max(float(distance.sum()), 1e-12))
    return (1 - weight) * sigma + weight * target


def _positive(sigma: Array, least: float) -> Array:
    """Return a nearby covariance of one that was made of pairs."""
    variance, direction = np.linalg.eigh(sigma)
    if variance[0] >= least:
        return sigma
    return (direction * variance.clip(least)) @ direction.T


def _conditionals(
    u: Array, known: Mask, mu: Array, precision: Array
) -> Iterator[tuple[NDArray[Any], NDArray[Any], Array, Array]]:
    """Yield the distributions of what is missing, of rows that miss equally many cells.

    These are the rows, their missing cells ``(n, n_missing)``, the conditional means, and the
    lower roots of ``P_mm``.
    """
    n_missing = (~known).sum(axis=1)
    centred = np.where(known, u - mu, 0.0)
    # Row by row: of a product of matrices, rounding depends on what stands beside a row, and the
    # last bit matters, since scores and choices are drawn by hashes of what is drawn here.
    pull = (centred[:, None] @ precision)[:, 0]
    for m in np.unique(n_missing[n_missing > 0]):
        alike = np.flatnonzero(n_missing == m)
        at_once = max(1, AT_ONCE // int(m) ** 2)
        for start in range(0, len(alike), at_once):
            rows = alike[start : start + at_once]
            missing = np.nonzero(~known[rows])[1].reshape(len(rows), m)
            block = precision[missing[:, :, None], missing[:, None, :]]
            root: Array = np.linalg.cholesky(block)
            b = pull[rows[:, None], missing][:, :, None]
            shift = np.linalg.solve(block, b)[:, :, 0]
            yield rows, missing, mu[missing] - shift, root
