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
  python -m sklearn_timegen sample sales.csv --id shop --time day --output new.csv --rules
  python -m sklearn_timegen evaluate sales.csv synthetic.csv theirs.csv
  python -m sklearn_timegen rules sales.csv
  python -m sklearn_timegen demo

COMMAND --help tells the options of each."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command; returns the exit status."""
    argv = list(sys.argv[1:] if argv is None else argv)
    arguments = _parser().parse_args(argv or ["demo"])
    try:
        # What a command needs takes seconds to import, which its help should not take.
        run = getattr(import_module(f"sklearn_timegen.{arguments.module}"), arguments.command)
        with warnings.catch_warnings():
            warnings.showwarning = _note
            run(arguments)
    except (ValueError, OSError, ImportError, FloatingPointError) as error:
        print(f"sklearn_timegen: error: {error}", file=sys.stderr)
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
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    table = argparse.ArgumentParser(add_help=False)
    add = table.add_argument
    add("--id", nargs="+", default=[], metavar="COLUMN", help="columns that name the series")
    add("--time", metavar="COLUMN", help="column of dates, or of whole numbers that rise")
    add("--date-format", metavar="FORMAT", help="of dates that are ambiguous, as %%d/%%m/%%Y")

    output = argparse.ArgumentParser(add_help=False)
    add = output.add_argument
    add("--report", metavar="FILE", help="write a page of verdicts and pictures: .html")
    add(
        "--metrics",
        nargs="+",
        help="what is computed: quick, default (if not given), all, or names",
    )
    add("--overwrite", action="store_true", help="let an output take the place of an input")
    add("--seed", type=int, default=0, help="random seed (default: %(default)s)")

    def command(name: str, help_: str, *parents: Any, module: str = "_cli_run") -> Any:
        about = f"{help_[0].upper()}{help_[1:]}."
        added = commands.add_parser(
            name, help=help_, description=about, parents=parents, **formatter
        )
        added.set_defaults(module=module, window=None)
        return added.add_argument

    add = command(
        "sample", "learn the series of a table, and write others like them", table, output
    )
    add("table", metavar="TABLE", help="the real series")
    add("--output", required=True, metavar="FILE", help="where the synthetic series go")
    add("--window", type=_count, help="timesteps of the windows that are learned")
    add("--generator", metavar="NAME", help="FlowMatching, or 'FlowMatching(max_epochs=100)', ...")
    add("--n-series", type=_count, help="how many series (default: as many as in TABLE)")
    add("--n-timesteps", type=_count, help="how long they are (default: as long as in TABLE)")
    add("--start", metavar="DATE", help="when they begin (default: as in TABLE)")
    add("--rules", action="store_true", help="print every rule that the series keep")

    add = command("evaluate", "judge synthetic series, whatever made them", table, output)
    add("real", metavar="REAL", help="real series; best others than those trained on")
    add("synthetic", metavar="SYNTHETIC", nargs="+", help="files of synthetic series; are ranked")
    add("--train", metavar="FILE", help="series that were trained on, if REAL holds others")
    add("--window", type=_count, help="timesteps of the windows that are compared")
    add("--splits", type=_count, help="halvings of the real series")
    add("--output", metavar="FILE", help="write the table of metrics: .csv")

    add = command("rules", "tell what every series of a table keeps, with the evidence", table)
    add("table", metavar="TABLE", help="the series")

    add = command("demo", "show both on data that are installed", module="_cli_demo")
    add("--figure", default="timegen.png", help="where the picture goes (default: %(default)s)")
    add("--output", default="timegen.csv", help="where the table goes (default: %(default)s)")
    add("--jobs", type=_count, default=2, help="parallel processes (default: %(default)s)")
    return parser


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"a whole number of at least 1 is expected, got {text!r}")
    return int(text)


def _note(message: Warning | str, *where: Any, **more: Any) -> None:
    """Print a warning as a line, without the place in the source that it comes from."""
    print(f"note: {message}", file=sys.stderr)
