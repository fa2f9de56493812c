"""``python -m sklearn_timegen rules``: what every series in a file keeps."""

from __future__ import annotations

import argparse

from sklearn_timegen._cli_evaluate import count
from sklearn_timegen._files import read_series

__all__ = ["rules", "rules_parser"]

DESCRIPTION = """\
Find what all series of a file keep, and that by no accident: orders of channels, meters that never
fall, totals of parts, steps of a sensor, bounds, clocks. A line a rule, with its evidence: at how
many timesteps it was checked, and how often it comes close to being broken. Generators find the
same rules when they are fitted, and never break them."""

EPILOG = """\
examples:
  python -m sklearn_timegen rules prices.csv                 one long series: rows are time
  python -m sklearn_timegen rules prices.npy --window 24     columns of an array are channels
  python -m sklearn_timegen rules windows.npz                windows

  python -m sklearn_timegen evaluate REAL SYNTHETIC          tells how often others break them"""


def rules_parser() -> argparse.ArgumentParser:
    """Return the parser of the command's arguments."""
    parser = argparse.ArgumentParser(
        prog="python -m sklearn_timegen rules",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("data", help="a .csv, .npy or .npz file")
    help_ = "cut a long series into windows of so many timesteps, as for a generator"
    parser.add_argument("--window", type=count, help=help_)
    return parser


def rules(arguments: argparse.Namespace) -> None:
    """Run the command."""
    from sklearn_timegen.data.magnitude import to_float32
    from sklearn_timegen.rules import find_rules

    held = read_series(arguments.data, arguments.window, whole=True)
    for note in held.notes:
        print(f"note: {note}")
    n_samples, n_timesteps, n_channels = held.X.shape
    found = find_rules(to_float32(held.X), names=held.channels)
    print(f"{n_samples} series of {n_timesteps} timesteps and {n_channels} channel(s)\n\n{found}")
