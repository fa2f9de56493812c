"""Missing cells of the recorded tables, one after the other: ``python -m benchmarks.queue``.

Each cell is done in a process of its own, at low priority, on one thread, and has three times the
minutes of the processor that are expected of it. What comes of it is kept in the benchmark's own
files, so that the queue can be stopped at any time, and goes on where it was. A cell that fails,
or takes too long, is recorded as such, beside an older result if there is one, and not tried again
before the code of the library or of its benchmark changes; ``--again`` does not wait for that.
What cannot be had here (data, packages) is left out, and tried once each time.

``--list`` says what is missing. ``--only`` takes patterns that occur in "module / part / key", as
a shell's; ``--minutes`` stops before a cell that is not expected to end in time.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib
import math
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import torch
from tqdm.auto import tqdm

import sklearn_timegen
from benchmarks.cells import Table, last_attempt

__all__ = ["Cell", "missing", "run"]

Order = Sequence[tuple[str, str, float]]
# Module, pattern of "part / key", minutes expected; what comes first is done first, and a cell
# belongs to the first line that it fits.
ORDER: Order = (
    ("benchmarks.quality", "* / references", 6),
    ("benchmarks.quality", "* / PCAMixture* / 0", 3),
    ("benchmarks.quality", "* / RejectionSampler* / 0", 8),
    ("benchmarks.quality", "* / *Bootstrap / 0", 3),
    ("benchmarks.quality", "* / NeighbourInterpolation / 0", 3),
    ("benchmarks.other_sets", "* / FlowMatching / *", 40),
    ("benchmarks.other_sets", "*", 10),
    ("benchmarks.kinds", "*", 8),
    ("benchmarks.private", "* / PCAMixture / *", 3),
    ("benchmarks.private", "* / VAE / *", 15),
    ("benchmarks.private", "* / FlowMatching / *", 60),
    ("benchmarks.rules", "alarms / *", 2),
    ("benchmarks.rules", "cost / *", 10),
    ("benchmarks.rules", "*", 12),
    ("benchmarks.tables", "tables / *", 8),
    ("benchmarks.tables", "size / *", 20),
    ("benchmarks.quality", "* / FlowMatching / 0", 20),
    ("benchmarks.quality", "stock* / * / 0", 15),
    ("benchmarks.quality", "sines* / * / 0", 20),
    ("benchmarks.quality", "* / 0", 40),
    ("benchmarks.quality", "*", 25),
    ("benchmarks.timevae_paper.__main__", "* / 0", 15),
    ("benchmarks.timevae_paper.__main__", "*", 15),
)
SLACK = 3.0  # times the expected minutes, of the processor, after which a cell is stopped
IDLE = 20.0  # times as long by the clock: it does nothing then


@dataclass(frozen=True)
class Cell:
    """A cell that is missing.

    Parameters
    ----------
    table : Table
        Whose it is.
    part, key : str
        Where it stands.
    minutes : float
        How long it is expected to take.
    why : str
        Why it is not there: never tried, left out, failed, or measured before.
    waits : bool
        Whether it failed with the code as it is.
    """

    table: Table
    part: str
    key: str
    minutes: float
    why: str
    waits: bool = False

    def __str__(self) -> str:
        return f"{self.table.module} / {self.part} / {self.key}"


def missing(order: Order = ORDER) -> Iterator[Cell]:
    """Yield what is missing, in order; a module is loaded once."""
    tables = {module: _table(module) for module in dict.fromkeys(name for name, _, _ in order)}
    work = {
        module: [(part, key) for part, key, _ in table.work()] for module, table in tables.items()
    }
    codes = {module: _code_of(module) for module in tables}
    seen = set()
    for module, pattern, minutes in order:
        table = tables[module]
        for part, key in work[module]:
            if (module, part, key) in seen or not fnmatchcase(f"{part} / {key}", pattern):
                continue
            seen.add((module, part, key))
            cell = table.read(part).get(key)
            if not table.is_done(cell):
                code = codes[module]
                attempt = last_attempt(cell)
                waits = "error" in attempt and attempt.get("code") == code
                yield Cell(table, part, key, minutes, _why(cell), waits)


def run(
    order: Order = ORDER,
    *,
    only: Sequence[str] = ("*",),
    minutes: float = float("inf"),
    again: bool = False,
) -> list[Cell]:
    """Do what is missing, and return the cells that were tried."""
    ends = time.monotonic() + 60 * minutes
    tried: list[Cell] = []
    cells = [cell for cell in missing(order) if _wanted(cell, only) and (again or not cell.waits)]
    with tqdm(cells, unit="cell") as bar:
        for cell in bar:
            if time.monotonic() + 60 * cell.minutes > ends:
                continue
            bar.set_description(str(cell))
            _in_own_process(cell)
            tried.append(cell)
            cell.table.write_page()
    return tried


def _in_own_process(cell: Cell) -> None:
    """Let another process do a cell; if it dies or takes too long, keep that it did."""
    place = [cell.table.module, cell.part, cell.key]
    before = last_attempt(cell.table.read(cell.part).get(cell.key))
    limit = math.ceil(60 * SLACK * cell.minutes)
    try:
        code = subprocess.run(
            [sys.executable, "-m", "benchmarks.queue", "--cell", *place, str(limit)],
            env=os.environ | {"OMP_NUM_THREADS": "1"},
            timeout=IDLE * limit,
            check=False,
        ).returncode
        late = code == -signal.SIGXCPU
    except subprocess.TimeoutExpired:
        code = late = True
    error = f"the process ended with {code}" if code else ""
    if late:
        error = f"not done after {limit / 60:.3g} minutes"
    row = last_attempt(cell.table.read(cell.part).get(cell.key))
    # What is left out again is so for the same reason.
    if error or (row == before and "left out" not in row):
        row = {"error": error or "the process kept nothing"}
    if "error" in row:
        # With the code that failed: with the same it would fail again.
        cell.table.keep(cell.part, cell.key, row | {"code": _code_of(cell.table.module)})


def _do(module: str, part: str, key: str, seconds: str) -> None:
    """Do one cell here, in so many seconds of the processor: it may be busy with other things."""
    resource.setrlimit(resource.RLIMIT_CPU, (int(seconds), int(seconds) + 10))
    os.nice(19)
    torch.set_num_threads(1)
    table = _table(module)
    for own_part, own_key, do in table.work():
        if (own_part, own_key) == (part, key):
            table.do(part, key, do)
            return
    raise KeyError(f"{module} has no cell {part} / {key}")


def _table(module: str) -> Table:
    table: Table = importlib.import_module(module).TABLE
    return table


def _code_of(module: str) -> str:
    """Return a fingerprint of the library and of the benchmark."""
    own = Path(importlib.import_module(module).__file__ or "")
    folder = sorted(own.parent.glob("*.py")) if own.name == "__main__.py" else [own]
    library = sorted(Path(sklearn_timegen.__file__).parent.rglob("*.py"))
    text = b"".join(path.read_bytes() for path in [*folder, *library])
    return hashlib.sha256(text).hexdigest()[:16]


def _why(cell: dict[str, Any] | None) -> str:
    if cell is None:
        return "not tried"
    attempt = last_attempt(cell)
    found = next((word for word in ("left out", "error") if word in attempt), None)
    return "measured before, without all of its columns" if found is None else str(attempt[found])


def _wanted(cell: Cell, only: Sequence[str]) -> bool:
    return any(fnmatchcase(str(cell), f"*{pattern}*") for pattern in only)


def main() -> None:
    """Do what is missing, or say what it is."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--list", action="store_true", help="say what is missing, and do nothing")
    parser.add_argument(
        "--only", nargs="+", metavar="PATTERN", default=["*"], help="part of a name"
    )
    parser.add_argument("--minutes", type=float, default=float("inf"), help="stop in time")
    parser.add_argument("--again", action="store_true", help="what failed with this code, too")
    parser.add_argument("--cell", nargs=4, help=argparse.SUPPRESS)  # of the queue's processes
    arguments = parser.parse_args()
    if arguments.cell:
        _do(*arguments.cell)
    elif arguments.list:
        cells = [cell for cell in missing() if _wanted(cell, arguments.only)]
        for cell in cells:
            print(f"{cell.minutes:4g} min  {cell}: {cell.why}{' (waits)' * cell.waits}")
        print(f"{len(cells)} cells, about {sum(cell.minutes for cell in cells) / 60:.1f} hours")
    else:
        run(only=arguments.only, minutes=arguments.minutes, again=arguments.again)


if __name__ == "__main__":
    main()
