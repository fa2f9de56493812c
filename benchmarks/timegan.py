"""What TimeGAN's joint phase costs, beside the published loop: ``python -m benchmarks.timegan``.

On windows of stocks at the published sizes (24 x 6, three layers of 24 units, batches of 128): CPU
seconds of one joint iteration, which is two steps of generator, supervisor, embedder and recovery
and one of the discriminator. Ours is ``partial_fit``, with all that an epoch does beside its
steps; the published loop is in ``benchmarks/timegan_plain.py``, once with cells that are unrolled
along time, as the published graph is, and once with torch's own layers, as ports have it. The
three take turns in one process on one thread; ratios are medians over rounds. With ``--fit`` the
default ``fit`` is timed, too.
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
from collections.abc import Callable

import torch

from benchmarks.engine_clocks import cpu_seconds, wall_seconds
from benchmarks.quality import RESULTS, stocks
from benchmarks.timegan_plain import KINDS, PlainTimeGAN
from sklearn_timegen import TimeGAN
from sklearn_timegen.representation import SeriesScaler

BATCH_SIZE = 128
WANTED = 5.0


def iterations(n_series: int) -> float:
    """Joint iterations in an epoch."""
    return -(-n_series // BATCH_SIZE) / 2


def contestants(cell: str) -> tuple[dict[str, Callable[[], None]], float]:
    """Return what runs as many joint iterations each, and how many these are."""
    windows = stocks()
    ours = TimeGAN(
        cell=cell,
        embedding_epochs=1,
        supervised_epochs=1,
        max_epochs=1,
        ema_decay=0.0,
        representation=SeriesScaler("minmax", per="channel"),
        batch_size=BATCH_SIZE,
        device="cpu",
        random_state=0,
    ).fit(windows)
    n = round(2 * iterations(len(windows)))
    scaled = SeriesScaler("minmax", per="channel").fit_transform(windows)
    runs: dict[str, Callable[[], None]] = {}

    def two_epochs() -> None:
        ours.partial_fit(windows).partial_fit(windows)

    runs["ours"] = two_epochs
    for kind in KINDS:
        plain = PlainTimeGAN(scaled, kind, ours.hidden_dim, ours.n_layers, BATCH_SIZE)

        def loop(plain: PlainTimeGAN = plain) -> None:
            for _ in range(n):
                plain.joint_iteration()

        runs[kind] = loop
    return runs, n


def compare(rounds: int) -> list[str]:
    runs, n = contestants("gru")
    for run in runs.values():
        run()
    taken = [{name: cpu_seconds(run) / n for name, run in runs.items()} for _ in range(rounds)]
    lines = [
        "| loop | CPU ms an iteration | times ours | wanted |",
        "| --- | --- | --- | --- |",
        f"| ours | {1e3 * statistics.median(row['ours'] for row in taken):.0f} | 1 | |",
    ]
    for kind in KINDS:
        cost = 1e3 * statistics.median(row[kind] for row in taken)
        ratios = sorted(row[kind] / row["ours"] for row in taken)
        shown = f"{statistics.median(ratios):.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f})"
        lines.append(f"| published, {kind} | {cost:.0f} | {shown} | >= {WANTED:.0f} |")
    return lines


def default_fit() -> list[str]:
    windows, made = stocks(), TimeGAN(random_state=0, device="cpu")
    seconds: list[float] = []
    wall = wall_seconds(lambda: seconds.append(cpu_seconds(lambda: made.fit(windows))))
    rows = made.history_
    phases = ", ".join(
        f"{sum(row['phase'] == phase for row in rows)} of {phase}"
        for phase in dict.fromkeys(row["phase"] for row in rows)
    )
    return [
        f"The default fit took {wall / 60:.1f} minutes, {seconds[0] / 60:.1f} CPU minutes "
        f"(wanted: under 20 minutes); epochs: {phases}."
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--fit", action="store_true", help="time the default fit, too")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    before = os.getloadavg()[0]
    lines = [
        "# What TimeGAN's joint phase costs",
        "",
        f"`python -m benchmarks.timegan`; torch {torch.__version__}, {platform.machine()}, "
        f"{os.cpu_count()} cores, one thread.",
        "",
        *(__doc__ or "").strip().split("\n\n")[1].splitlines(),
        "",
        *compare(arguments.rounds),
        "",
        *(default_fit() if arguments.fit else []),
        f"Load average before {before:.1f}, after {os.getloadavg()[0]:.1f}; this process alone "
        "is 1.0.",
    ]
    text = "\n".join(lines) + "\n"
    (RESULTS / "timegan.md").write_text(text)
    print(text)


if __name__ == "__main__":
    main()
