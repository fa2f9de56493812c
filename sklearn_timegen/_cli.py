"""The command line: tables of series, and tables like them."""

from __future__ import annotations

import argparse
import sys
import warnings
from collections.abc import Sequence
from importlib import import_module
from typing import Any

__all__ = ["main"]

DESCRIPTION = """\
Synthetic series in the form of your table: its columns, types, dates, decimals and separators.

A table is a .csv, .tsv, .txt or .parquet file with one row for each time, and, if there are
several series, columns that name them; or an .npz or .npy file of windows. The separator, the
decimal mark, dates, the time column and the columns of names are found out, and told."""

EPILOG = """\
examples:
  python -m sklearn_timegen sample sales.csv --output synthetic.csv
  python -m sklearn_timegen evaluate sales.csv synthetic.csv theirs.csv --report report.html
  python -m sklearn_timegen demo

COMMAND --help tells the options of each."""

COMMANDS = {
    "sample": "learn the series of a table, and write others like them",
    "evaluate": "judge synthetic series, whatever made them",
    "rules": "tell what every series of a table keeps, with the evidence",
    "demo": "show both on data that are installed",
}


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"a whole number of at least 1 is expected, got {text!r}")
    return int(text)


ANY, OUT = "sample evaluate rules", "sample evaluate"
COLUMNS: dict[str, Any] = {"nargs": "+", "default": [], "metavar": "COLUMN"}
COUNT: dict[str, Any] = {"type": _count}
FILE: dict[str, Any] = {"metavar": "FILE"}
# Options that are not called as the library's parameters are.
OPTIONS = {"id_columns": "--id", "time_column": "--time", "n_splits": "--splits"}
# Each argument: the commands that have it, its name, what it is, what else argparse is told.
ARGUMENTS: tuple[tuple[str, str, str, dict[str, Any]], ...] = (
    ("sample rules", "table", "the real series", {"metavar": "TABLE"}),
    ("evaluate", "real", "real series; best others than those trained on", {"metavar": "REAL"}),
    ("evaluate", "synthetic", "files, which are ranked", {"nargs": "+", "metavar": "SYNTHETIC"}),
    (ANY, "--id", "columns that name the series", COLUMNS),
    (ANY, "--time", "column of dates, or of whole numbers that rise", {"metavar": "COLUMN"}),
    (ANY, "--drop", "columns to leave out, as those by which an owner could be known", COLUMNS),
    (ANY, "--date-format", "of ambiguous dates, as %%d/%%m/%%Y", {"metavar": "FORMAT"}),
    ("sample", "--output", "where the synthetic series go", FILE | {"required": True}),
    ("evaluate", "--output", "write the table of metrics: .csv", FILE),
    ("demo", "--output", "where the table goes", FILE | {"default": "timegen.csv"}),
    ("demo", "--figure", "where the picture goes", FILE | {"default": "timegen.png"}),
    ("demo", "--jobs", "parallel processes", COUNT | {"default": 2}),
    (OUT, "--report", "write a page of verdicts and pictures: .html", FILE),
    (OUT, "--metrics", "what is computed: quick, default, all, or names", {"nargs": "+"}),
    (OUT, "--window", "timesteps of the windows that are learned, or compared", COUNT),
    ("sample", "--generator", "as 'FlowMatching(max_epochs=100)'", {"metavar": "NAME"}),
    ("sample", "--n-series", "how many series; else as many as in TABLE", COUNT),
    ("sample", "--n-timesteps", "how long they are; else as long as in TABLE", COUNT),
    ("sample", "--start", "when they begin; else as in TABLE", {"metavar": "DATE"}),
    ("sample", "--rules", "print every rule that the series keep", {"action": "store_true"}),
    ("evaluate", "--train", "series that were trained on, if REAL holds others", FILE),
    ("evaluate", "--splits", "halvings of the real series", COUNT),
    (OUT, "--overwrite", "let an output take the place of an input", {"action": "store_true"}),
    (OUT, "--seed", "random seed", {"type": int, "default": 0}),
)


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command; returns the exit status."""
    argv = list(sys.argv[1:] if argv is None else argv)
    arguments = _parser().parse_args(argv or ["demo"])
    try:
        # What a command needs takes seconds to import, which its help should not take.
        run = getattr(import_module("sklearn_timegen._cli_run"), arguments.command)
        with warnings.catch_warnings():
            warnings.showwarning = lambda said, *_, **__: _tell("note", said)
            run(arguments)
    except (ValueError, OSError, ImportError, FloatingPointError) as error:
        _tell("sklearn_timegen: error", error)
        return 1
    except KeyboardInterrupt:
        _tell("sklearn_timegen", "interrupted")
        return 130
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m sklearn_timegen", epilog=EPILOG)
    parser.description = DESCRIPTION
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parsers = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    parameters: dict[str, Any] = {option: {"dest": name} for name, option in OPTIONS.items()}
    for command, text in COMMANDS.items():
        own = parsers.add_parser(command, help=text, description=f"{text.capitalize()}.")
        own.set_defaults(window=None)
        for commands, name, what, how in ARGUMENTS:
            if command in commands.split():
                what += " (default: %(default)s)" if how.get("default") not in (None, []) else ""
                own.add_argument(name, help=what, **how, **parameters.get(name, {}))
    return parser


def _tell(who: str, said: Any) -> None:
    """Print what was said, by the names that options have."""
    if hasattr(said, "with_options"):
        said = said.with_options(lambda name: OPTIONS.get(name, f"--{name.replace('_', '-')}"))
    print(f"{who}: {said}", file=sys.stderr)
