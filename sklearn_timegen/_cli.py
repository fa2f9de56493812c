"""The command line: tables of series, and tables like them."""

from __future__ import annotations

import argparse
import re
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
  python -m sklearn_timegen sample sales.csv --id shop --time day --output new.csv --rules
  python -m sklearn_timegen evaluate sales.csv synthetic.csv theirs.csv --report report.html
  python -m sklearn_timegen rules sales.csv
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
FLAG: dict[str, Any] = {"action": "store_true"}
FILE: dict[str, Any] = {"metavar": "FILE"}
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
    ("sample", "--rules", "print every rule that the series keep", FLAG),
    ("evaluate", "--train", "series that were trained on, if REAL holds others", FILE),
    ("evaluate", "--splits", "halvings of the real series", COUNT),
    (OUT, "--overwrite", "let an output take the place of an input", FLAG),
    (OUT, "--seed", "random seed", {"type": int, "default": 0}),
)

# What messages of the library call in Python, and what to do about it here.
HERE = (
    (
        r"(Fit series of different frequencies apart\. )?Of SeriesGenerator, gaps='missing'.*",
        "Put series of other frequencies into a file of their own",
    ),
    (r"Correct them, or make them missing: X\.replace\(.*\)", "Correct these cells or empty them"),
    (r"replace it by NaN", "leave those cells empty"),
    (r" \(X\.resample\(\.\.\.\)\)", " in the file"),
    (r"Say which by date_format", "Say which by --date-format"),
    (r"id_columns, beside time_column", "--id"),
    (r"\bid_columns=", "--id "),
    (r"\bid_columns\b", "--id"),
    (r"\btime_column=", "--time "),
    (r"\btime_column\b", "--time"),
    (r"\b(window|start)=", r"--\1 "),
    (r"\bn_(series|timesteps)=", r"--n-\1 "),
    (r"\bn_splits=", "--splits "),
)


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command; returns the exit status."""
    argv = list(sys.argv[1:] if argv is None else argv)
    arguments = _parser().parse_args(argv or ["demo"])
    module = "_cli_demo" if arguments.command == "demo" else "_cli_run"
    try:
        # What a command needs takes seconds to import, which its help should not take.
        run = getattr(import_module(f"sklearn_timegen.{module}"), arguments.command)
        with warnings.catch_warnings():
            warnings.showwarning = _note
            run(arguments)
    except (ValueError, OSError, ImportError, FloatingPointError) as error:
        print(f"sklearn_timegen: error: {_said_here(error)}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("sklearn_timegen: interrupted", file=sys.stderr)
        return 130
    return 0


def _parser() -> argparse.ArgumentParser:
    formatter: dict[str, Any] = {"formatter_class": argparse.RawDescriptionHelpFormatter}
    parser = argparse.ArgumentParser(
        prog="python -m sklearn_timegen", description=DESCRIPTION, epilog=EPILOG, **formatter
    )
    parsers = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for command, text in COMMANDS.items():
        about = f"{text[0].upper()}{text[1:]}."
        own = parsers.add_parser(command, help=text, description=about, **formatter)
        own.set_defaults(window=None)
        for commands, name, what, how in ARGUMENTS:
            if command in commands.split():
                default = " (default: %(default)s)" if how.get("default") is not None else ""
                own.add_argument(name, help=what + default * (how is not COLUMNS), **how)
    return parser


def _said_here(message: Any) -> str:
    """Return a message of the library with options in the place of arguments."""
    text = str(message)
    for python, here in HERE:
        text = re.sub(python, here, text)
    return text


def _note(message: Warning | str, *where: Any, **more: Any) -> None:
    """Print a warning as a line, without the place in the source that it comes from."""
    print(f"note: {_said_here(message)}", file=sys.stderr)
