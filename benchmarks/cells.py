"""Cells of a table that are computed once: what is done is on disk, and not done again."""

from __future__ import annotations

import json
import platform
import warnings
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tqdm.auto import tqdm

from sklearn_timegen import __version__

__all__ = ["Done", "Table", "Work", "has_result", "last_attempt", "page_head", "table_head"]

Work = tuple[str, str, Callable[[], Any]]  # part, key, what is to be done
Done = dict[str, dict[str, Any]]  # by part and key


@dataclass(frozen=True)
class Table:
    """A table of cells, kept in one file a part, and the page that is written from it.

    Parameters
    ----------
    module : str
        The module whose ``TABLE`` it is.
    folder : Path
        Where the files are; the page lies beside, under the folder's name.
    work : callable
        Yields part, key and what is to be done of all cells.
    page : callable
        Makes the page of what is done, by part and key.
    needs : tuple of str, default=()
        What a cell has to hold; one that lacks it was measured before, and is missing.
    """

    module: str
    folder: Path
    work: Callable[[], Iterable[Work]]
    page: Callable[[Done], str]
    needs: tuple[str, ...] = ()

    def read(self, part: str) -> dict[str, Any]:
        """Return the cells of a part."""
        path = self.folder / f"{part}.json"
        return json.loads(path.read_text()) if path.exists() else {}

    def keep(self, part: str, key: str, value: Any) -> None:
        """Put a cell beside those that are there; a failure takes no older result away."""
        self.folder.mkdir(parents=True, exist_ok=True)
        cells = self.read(part)
        old = cells.get(key)
        if old and has_result(old) and not has_result(value):
            value = old | {"tried since": value}
        cells[key] = value
        fresh = self.folder / f"{part}.new"
        fresh.write_text(json.dumps(cells, indent=1) + "\n")
        fresh.replace(self.folder / f"{part}.json")  # whole or not at all

    def is_done(self, cell: dict[str, Any] | None) -> bool:
        """Whether a cell was had, with all that it has to hold."""
        if cell is None or not has_result(cell):
            return False
        return all(name in cell for name in self.needs)

    def do(self, part: str, key: str, do: Callable[[], Any]) -> dict[str, Any]:
        """Do a cell, and keep what came of it: the result, or why there is none."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                cell = json.loads(json.dumps(do(), default=_plain))
            except (ImportError, FileNotFoundError, OSError) as error:
                cell = {"left out": f"{type(error).__name__}: {error}"[:200]}
            except Exception as error:
                cell = {"error": f"{type(error).__name__}: {error}"[:400]}
        self.keep(part, key, cell)
        return cell

    def run(self, work: Iterable[Work]) -> str:
        """Do what was neither had nor failed, write the page, and return it."""
        for part, key, do in tqdm(list(work), unit="cell"):
            cell = self.read(part).get(key)
            if not self.is_done(cell) and "error" not in last_attempt(cell):
                self.do(part, key, do)
        return self.write_page()

    def write_page(self) -> str:
        """Write the page of what is done, and return it."""
        parts = dict.fromkeys(part for part, _, _ in self.work())
        text = self.page({part: self.read(part) for part in parts})
        self.folder.with_suffix(".md").write_text(text)
        return text


def has_result(cell: dict[str, Any]) -> bool:
    """Whether a cell holds what came of it; one that failed or was left out says why."""
    return "left out" not in cell and "error" not in cell


def last_attempt(cell: dict[str, Any] | None) -> dict[str, Any]:
    """Return what came of trying a cell, the last time: a result, or why there is none."""
    cell = cell or {}
    attempt: dict[str, Any] = cell.get("tried since", cell)
    return attempt


def page_head(title: str, module: str, described: str | None) -> list[str]:
    """Return how a page of results begins: its title, how it was made, and what it is about."""
    return [
        f"# {title}",
        "",
        f"`python -m {module}`; sklearn-timegen {__version__}, Python "
        f"{platform.python_version()}, torch {torch.__version__}, numpy {np.__version__}, "
        f"{platform.machine()}, one thread.",
        "",
        *(described or "").strip().split("\n\n")[1].splitlines(),
    ]


def table_head(heads: list[str]) -> list[str]:
    """Return the first two lines of a table in Markdown."""
    return [f"| {' | '.join(heads)} |", "|---" * len(heads) + "|"]


def _plain(value: Any) -> Any:
    return value.item()
