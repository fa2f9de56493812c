"""The series of ``python -m benchmarks.forecast``, and where they are forecast from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sklearn_timegen.datasets import load_energy, load_stocks

__all__ = ["CASES", "Case"]

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Case:
    """A series ``(T, D)`` and how it is forecast.

    Attributes
    ----------
    period : int
        Steps of a season, 1 for none.
    log, differenced : bool
        Whether all methods see logarithms, and windows changes.
    n_origins, stride : int, int
        The last origins that leave a horizon, ``stride`` apart.
    n_fits : int
        Into how many blocks the origins are split, each with a training of its own.
    n_batches : int
        Of a training of a flow.
    """

    name: str
    values: Array
    period: int
    log: bool
    differenced: bool
    n_origins: int
    stride: int
    n_fits: int
    n_batches: int

    def origins(self, horizon: int) -> list[int]:
        """Return the steps that are forecast first."""
        last = len(self.values) - horizon
        return [last - self.stride * k for k in range(self.n_origins)][::-1]

    @property
    def trended(self) -> bool:
        """Whether levels grow out of what was seen."""
        return self.differenced and self.period == 12

    def enter(self, values: Array) -> Array:
        """Return what methods see."""
        return np.log(values) if self.log else values

    def leave(self, values: Array) -> Array:
        """Return what methods' values mean."""
        return np.exp(values) if self.log else values

    def told(self, horizon: int) -> str:
        """Return the protocol in words."""
        where = self.origins(horizon)
        seen = ("changes of " if self.differenced else "") + (
            "logarithms" if self.log else "values"
        )
        return (
            f"{len(self.values)} steps of {self.values.shape[1]} channel(s), period "
            f"{self.period}; windows of {seen}; {len(where)} origins, {self.stride} apart from "
            f"step {where[0]} on; {self.n_fits} training(s) of {self.n_batches} batches."
        )


def airline() -> Case:
    from sktime.datasets import load_airline

    values = load_airline().to_numpy(dtype=float)[:, None]
    return Case("Airline, monthly", values, 12, True, True, 5, 12, 5, 500)


def co2() -> Case:
    from statsmodels.datasets import co2

    monthly = co2.load_pandas().data["co2"].resample("MS").mean().interpolate()
    return Case("CO2, monthly", monthly.to_numpy()[:, None], 12, False, True, 15, 13, 1, 2000)


def elnino() -> Case:
    from statsmodels.datasets import elnino

    table = elnino.load_pandas().data.drop(columns="YEAR")
    values = table.to_numpy(dtype=float).reshape(-1, 1)
    return Case("El Nino, monthly", values, 12, False, False, 20, 13, 1, 2000)


def stocks() -> Case:
    return Case("stocks, daily", load_stocks(), 1, True, True, 20, 37, 1, 2000)


def energy() -> Case:
    chosen = load_energy()[:, [2, 3, 20]]  # T1, RH_1, T_out
    n_hours = len(chosen) // 6
    hourly = chosen[: 6 * n_hours].reshape(n_hours, 6, -1).mean(axis=1)
    return Case(
        "energy, hourly means of T1, RH_1, T_out", hourly, 24, False, True, 20, 37, 1, 2000
    )


CASES: list[Callable[[], Case]] = [airline, co2, elnino, stocks, energy]
