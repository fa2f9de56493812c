"""Cells of a table that are computed once: what is done is on disk, and not done again."""

from __future__ import annotations

import json
import platform
import warnings
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tqdm.auto import tqdm

from sklearn_timegen import __version__

__all__ = ["page_head", "run_cells", "table_head"]

Work = tuple[str, str, Callable[[], Any]]  # part, key, what is to be done


def run_cells(folder: Path, parts: Iterable[str], work: Iterable[Work]) -> dict[str, Any]:
    """Do what is not done yet, and return the results by part and key.

    A cell that cannot be had (data, packages) is left out, and tried again next time; one that
    fails says why.
    """
    folder.mkdir(parents=True, exist_ok=True)
    done: dict[str, dict[str, Any]] = {}
    for part in parts:
        path = folder / f"{part}.json"
        done[part] = json.loads(path.read_text()) if path.exists() else {}
    for part, key, do in tqdm(list(work), unit="cell"):
        if key in done[part] and "left out" not in done[part][key]:
            continue
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                done[part][key] = json.loads(json.dumps(do(), default=_plain))
            except (ImportError, FileNotFoundError, OSError) as error:
                done[part][key] = {"left out": f"{type(error).__name__}: {error}"[:200]}
            except Exception as error:
                done[part][key] = {"error": f"{type(error).__name__}: {error}"[:400]}
        fresh = folder / f"{part}.new"
        fresh.write_text(json.dumps(done[part], indent=1) + "\n")
        fresh.replace(folder / f"{part}.json")  # whole or not at all
    return done


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
