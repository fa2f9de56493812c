"""Synthetic pairs of series and target: what a regressor learns from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sklearn_timegen._joining import WindowJoiner
from sklearn_timegen._random import derive_seed
from sklearn_timegen._types import GeneratorLike
from sklearn_timegen.data import Series
from sklearn_timegen.data.checks import as_3d, ends_of
from sklearn_timegen.model_selection import find_window_starts, make_windows
from sklearn_timegen.rules import find_rules
from sklearn_timegen.synthetic_training.sources import RecentFit, Source, as_numbers

__all__ = ["PairSource", "find_step"]

FloatArray = NDArray[np.float32]

# Fewer targets that agree with the series could do so by chance.
N_AGREEING = 5
# Windows from which the joiner learns how windows begin and end.
N_JOINED = 1500


@dataclass
class PairSource(Source):
    """Pairs of series and target, learned as one window.

    Targets of univariate series become further timesteps at their end, those of multivariate
    ones further channels, constant along time and averaged on the way back; so do targets that
    break a rule of the series, as the price of what a meter reads.

    Of a forecaster's window table (see :func:`find_step`), the windows that are learned are one
    timestep longer than a series, whatever step the target is: the same fit serves all steps,
    and ``recent`` hands it on. A target further ahead is had by letting the window go on.
    """

    recent: RecentFit | None = None

    def generate(self, real: Series, amounts: Sequence[int]) -> list[Series]:
        """Fit to real pairs and return, for each amount, as many synthetic ones."""
        x, y = real.values, real.target
        targets = y.reshape(len(y), -1).astype(np.float32)
        step = find_step(x, targets) if self.layout.flat else None
        if self.layout.schema is not None:
            drawn_x, drawn_y = self._draw_beside(x, targets, max(amounts))
        elif step is not None:
            drawn_x, drawn_y = self._draw_steps(x, step, max(amounts))
        elif (
            not self.layout.ragged
            and x.shape[2] == 1
            and _is_longer(
                self.trainer.generator,
                x,
                joint := np.concatenate([x, targets[:, :, None]], axis=1),
            )
        ):
            joined = self._draw_like(joint[:, :, 0] if self.layout.flat else joint, max(amounts))
            drawn_x, drawn_y = joined[:, : x.shape[1]], joined[:, x.shape[1] :, 0]
        else:
            along = np.repeat(targets[:, None, :], x.shape[1], axis=1)
            if self.layout.ragged:  # no series goes on because its target does
                along[np.arange(x.shape[1]) >= ends_of(x)[:, None]] = np.nan
            joined = self._draw_like(np.concatenate([x, along], axis=2), max(amounts))
            n_targets = targets.shape[1]
            drawn_x = joined[:, :, :-n_targets]
            drawn_y = _mean_along(joined[:, :, -n_targets:])
        synthetic = Series(drawn_x, target=drawn_y.reshape(-1, *y.shape[1:]).astype(y.dtype))
        return [synthetic[:amount] for amount in amounts]

    def _draw_like(
        self, joint: FloatArray, amount: int, recent: RecentFit | None = None
    ) -> FloatArray:
        own = self._as_joined(n_channels=1, layout="channels-last")
        self.generators.append(self.trainer.fit(joint, recent=recent, **own))
        return as_3d(np.asarray(self.trainer.draw(self.generators[0], amount), dtype=np.float32))

    def _as_joined(self, **told: Any) -> dict[str, Any]:
        """Return parameters by which the generator reads pairs, whatever the series came as."""
        known = self.trainer.generator.get_params()
        return {name: told[end] for name in known if (end := name.split("__")[-1]) in told}

    def _draw_beside(
        self, x: FloatArray, targets: FloatArray, amount: int
    ) -> tuple[FloatArray, FloatArray]:
        """Learn frames, whatever form the series had, with the targets as further columns."""
        plain = replace(self.layout, axes="channels-last")
        framed = replace(plain, form="list", framed=True, one_d=False)  # type: ignore[call-arg]
        names = [f"target {k}" for k in range(targets.shape[1])]
        frames = [
            frame.assign(**dict(zip(names, own.astype(np.float64), strict=True)))
            for frame, own in zip(framed.restore(x), targets, strict=True)
        ]
        own = self._as_joined(layout="channels-last")
        self.generators.append(self.trainer.fit(frames, **own))
        drawn = self.trainer.draw(self.generators[0], amount)
        y = np.array([frame[names].mean().to_numpy(np.float64) for frame in drawn])
        series = as_numbers([frame.drop(columns=names) for frame in drawn], plain)
        return series, y.astype(np.float32)

    def _draw_steps(self, x: FloatArray, step: int, amount: int) -> tuple[FloatArray, FloatArray]:
        n_timesteps = x.shape[1]
        learned, _ = make_windows(_uncut(x), n_timesteps + 1)
        windows = self._draw_like(learned[:, :, 0], amount, self.recent)
        if step > 1:
            windows = self._go_on(windows, n_timesteps + step)
        return windows[:, :n_timesteps], windows[:, -1]

    def _go_on(self, windows: FloatArray, n_timesteps: int) -> FloatArray:
        """Let drawn windows go on to ``n_timesteps``, in coordinates in which rules are free."""
        seed = self.trainer.seed
        structure = getattr(self.generators[0], "_structure", None)

        def draw(n: int, start: int) -> FloatArray:
            # Seeded in any case: the windows that go on must not meet themselves.
            own = derive_seed(seed, f"windows from {start}")
            return coordinates(as_3d(np.asarray(self.generators[0].sample(n, random_state=own))))

        def coordinates(x: FloatArray) -> FloatArray:
            return x if structure is None else structure.transform(x, tell=False)

        rng = np.random.default_rng(derive_seed(seed, "joiner"))
        joiner = WindowJoiner(windows.shape[1] // 2).fit(draw(N_JOINED, 0), rng)
        joined = joiner.extend(coordinates(windows), draw, n_timesteps, rng).astype(np.float32)
        if structure is None:
            return joined
        static = structure.coordinates_.static
        joined[:, :, static] = joined[:, :1, static]
        x: FloatArray = structure.inverse_transform(joined)
        return x


def _mean_along(targets: FloatArray) -> FloatArray:
    """Return the mean along time, of what is not beyond the end of a series."""
    known = np.isfinite(targets)
    if known.all():
        return targets.mean(axis=1)
    total: FloatArray = np.where(known, targets, 0).sum(axis=1)
    return total / np.maximum(known.sum(axis=1), 1)


def _is_longer(generator: GeneratorLike, x: FloatArray, joint: FloatArray) -> bool:
    """Whether series with their targets at the end keep what the series keep."""
    rules = generator.get_params().get("rules")
    if not isinstance(rules, str):
        return rules is None  # what is declared is declared of the series
    return not any(broken.any() for _, broken in find_rules(x).violations(joint))


def find_step(x: FloatArray, y: NDArray[Any]) -> int | None:
    """Return how many timesteps after each window of a series its target lies.

    Parameters
    ----------
    x : ndarray of shape (n_windows, n_timesteps, n_channels)
        Series.
    y : ndarray of shape (n_windows, n_targets)
        Their targets.

    Returns
    -------
    step : int or None
        1 or more if ``x`` is a forecaster's window table: all windows of one univariate series,
        and one target each, the value at that step of the same series; else ``None``.
    """
    if x.shape[2] != 1 or y.shape[1] != 1 or len(x) <= N_AGREEING:
        return None
    starts = find_window_starts(x)
    if starts is None or starts[1] != 1:
        return None
    ahead, targets = _uncut(x)[x.shape[1] :], y[:, 0].astype(np.float32)
    for step in range(1, len(ahead) - N_AGREEING + 2):
        known = ahead[step - 1 :]
        if known[0] == targets[0] and np.array_equal(known, targets[: len(known)]):
            return step
    return None


def _uncut(x: FloatArray) -> FloatArray:
    """Return the univariate series that was cut into ``x``, one timestep apart."""
    return np.concatenate([x[0, :, 0], x[1:, -1, 0]])
