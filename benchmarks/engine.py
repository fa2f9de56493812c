"""What the estimator costs over a loop by hand: ``python -m benchmarks.engine``.

Training: CPU seconds of ``TimeVAE.fit`` against a raw torch loop over the same network and loss
with plain Adam, batches sliced from a tensor; rounds alternate in one process, and the medians
are compared. So for ``R3GAN`` and ``WGANGP``, of which ``fit`` also takes the samples' distance
from the data after each epoch, and the loop does not. Rules are off: these series would be
written out as others, and what that costs is in ``benchmarks.rules``.
Sampling: windows a second of ``sample`` against a bare forward pass of the decoder.
Memory: peak of ``sample(1_000_000)`` in a process of its own. Import: seconds beyond torch's.
Flows: a report of their own, by :mod:`benchmarks.engine_flows`.
"""

from __future__ import annotations

import argparse
import json
import platform
import statistics
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from sklearn.base import clone

from benchmarks import engine_flows
from benchmarks.engine_clocks import alternate, cpu_seconds, wall_seconds
from benchmarks.engine_games import GAMES, game_loop
from sklearn_timegen import TimeVAE
from sklearn_timegen.data import Series
from sklearn_timegen.datasets import make_sines

N_SAMPLES, N_TIMESTEPS, N_CHANNELS = 2048, 24, 6
# Sines lie on a surface, by which a network would be given other data than the loop by hand.
ENGINE: dict[str, Any] = {"rules": None, "random_state": 0, "device": "cpu"}
N_EPOCHS = {16: 2, 32: 4, 256: 16}  # batch size: epochs of one round
STEPS = {10_000: "in one pass", 1024: "in passes of 1,024"}

MEMORY_CODE = """
import resource
import torch
torch.set_num_threads({threads})
from sklearn_timegen import TimeVAE
from sklearn_timegen.datasets import make_sines
fitted = TimeVAE(max_epochs=1, rules=None).fit(make_sines(256, 24, 6, random_state=0))
fitted.sample(10_000)
pages = int(open("/proc/self/statm").read().split()[1])  # now, not the peak until now
before = pages * resource.getpagesize() / 1024
drawn = fitted.sample(1_000_000)
after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print((after - before) / 1024, drawn.nbytes / 2**20)
"""

IMPORT_CODE = """
import time, torch
began = time.perf_counter()
{statement}
print(time.perf_counter() - began)
"""


def raw_loop(generator: TimeVAE, n_epochs: int) -> Callable[[], None]:
    """A loop as one would write it, over the network and loss of a fitted ``generator``."""
    net = generator.net_
    module, loss, x = net.module_, net.criterion_, data_of(generator)
    stream = torch.Generator().manual_seed(0)

    def run() -> None:
        module.train()
        optimizer = torch.optim.Adam(module.parameters(), lr=1e-3)
        for _ in range(n_epochs):
            shuffled = x[torch.randperm(len(x), generator=stream)]
            for batch in shuffled.split(generator.batch_size):
                optimizer.zero_grad()
                loss(module, Series(batch), stream).mean().backward()
                optimizer.step()

    return run


def data_of(generator: TimeVAE) -> torch.Tensor:
    """The represented series that the generator trains on."""
    return torch.from_numpy(generator._represent(series()))


def series() -> Any:
    return make_sines(N_SAMPLES, N_TIMESTEPS, N_CHANNELS, random_state=0)


def training(batch_size: int, rounds: int) -> dict[str, float]:
    n_epochs = N_EPOCHS[batch_size]
    X = series()
    generator = TimeVAE(batch_size=batch_size, max_epochs=n_epochs, **ENGINE)
    loop = raw_loop(TimeVAE(**generator.get_params()).fit(X), n_epochs)
    ours, theirs, ratio = alternate(lambda: generator.fit(X), loop, rounds, cpu_seconds)
    return {"ours_cpu_s": ours, "loop_cpu_s": theirs, "ratio": ratio}


def playing(name: str, batch_size: int, rounds: int) -> dict[str, float]:
    n_epochs = max(1, N_EPOCHS[batch_size] // 2)
    X = series()
    gan = clone(GAMES[name]).set_params(batch_size=batch_size, max_epochs=n_epochs)
    x = torch.from_numpy(clone(gan).fit(X)._represent(X))
    loop = game_loop(name, x, batch_size, n_epochs)
    ours, theirs, ratio = alternate(lambda: gan.fit(X), loop, rounds, cpu_seconds)
    return {"ours_cpu_s": ours, "loop_cpu_s": theirs, "ratio": ratio}


def sampling(n_samples: int, step: int, rounds: int) -> dict[str, float]:
    generator = TimeVAE(max_epochs=1, **ENGINE).fit(series())
    decoder = generator.net_.module_.decoder.eval()

    def bare() -> None:
        with torch.inference_mode():
            for start in range(0, n_samples, step):
                decoder(torch.randn(min(step, n_samples - start), generator.latent_dim))

    ours, theirs, ratio = alternate(
        lambda: generator.sample(n_samples), bare, rounds, wall_seconds
    )
    return {
        "ours_windows_s": n_samples / ours,
        "bare_windows_s": n_samples / theirs,
        "ratio": 1 / ratio,
    }


def printed(code: str) -> list[float]:
    command = [sys.executable, "-c", code]
    shown = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return [float(word) for word in shown.split()]


def import_seconds(statement: str) -> float:
    return statistics.median(printed(IMPORT_CODE.format(statement=statement))[0] for _ in range(3))


def measure(rounds: int, threads: int) -> dict[str, Any]:
    results: dict[str, Any] = {"threads": threads, "rounds": rounds}
    for batch_size in N_EPOCHS:
        results[f"training, batch {batch_size}"] = training(batch_size, rounds)
        for name in GAMES:
            results[f"{name}, batch {batch_size}"] = playing(name, batch_size, rounds)
    for step, words in STEPS.items():
        results[f"sampling, bare decoder {words}"] = sampling(10_000, step, rounds)
    grown, result = printed(MEMORY_CODE.format(threads=threads))
    results["memory of sample(1,000,000), MB"] = {"result": result, "beyond it": grown - result}
    for statement in ("import sklearn_timegen", "from sklearn_timegen import TimeVAE"):
        results[f"{statement}, s"] = import_seconds(statement)
    results["import sklearn.base, s"] = import_seconds("import sklearn.base")
    return results


def as_markdown(runs: list[dict[str, Any]]) -> str:
    lines = []
    for run in runs:
        lines += [
            f"## {run['threads']} thread(s), medians of {run['rounds']} alternating rounds",
            "",
            "| what | ours | by hand | ratio | wanted |",
            "|---|---|---|---|---|",
        ]
        for size in N_EPOCHS:
            row = run[f"training, batch {size}"]
            lines.append(
                f"| fit, batch {size}, CPU s | {row['ours_cpu_s']:.2f} | {row['loop_cpu_s']:.2f} "
                f"| {row['ratio']:.2f} | <= 1.00 |"
            )
            for name in GAMES:
                if f"{name}, batch {size}" not in run:  # of an older run
                    continue
                row = run[f"{name}, batch {size}"]
                lines.append(
                    f"| {name}: fit, batch {size}, CPU s | {row['ours_cpu_s']:.2f} "
                    f"| {row['loop_cpu_s']:.2f} | {row['ratio']:.2f} | <= 1.10 |"
                )
        for words in STEPS.values():
            row = run[f"sampling, bare decoder {words}"]
            lines.append(
                f"| sample(10,000), windows/s; decoder {words} | {row['ours_windows_s']:,.0f} "
                f"| {row['bare_windows_s']:,.0f} | {row['ratio']:.2f} | >= 0.90 |"
            )
        row = run["memory of sample(1,000,000), MB"]
        lines.append(
            f"| sample(1,000,000), peak MB beyond the result of {row['result']:.0f} "
            f"| {row['beyond it']:.0f} | | | <= 300 |"
        )
        for statement in ("import sklearn_timegen", "from sklearn_timegen import TimeVAE"):
            lines.append(f"| `{statement}` after torch, s | {run[f'{statement}, s']:.3f} | | | |")
        lines.append(
            f"| of which `import sklearn.base`, s | {run['import sklearn.base, s']:.3f} | | | |"
        )
        lines.append("")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    arguments = parser.parse_args()
    runs = []
    for threads in arguments.threads:
        torch.set_num_threads(threads)
        runs.append(measure(arguments.rounds, threads))
    title = (
        "# The engine against a loop by hand\n\n"
        f"`python -m benchmarks.engine`, TimeVAE on {N_SAMPLES} windows of {N_TIMESTEPS} x "
        f"{N_CHANNELS}; Python {platform.python_version()}, torch {torch.__version__}, numpy "
        f"{np.__version__}, {platform.machine()}.\n"
    )
    report = f"{title}\n{as_markdown(runs)}"
    folder = Path(__file__).parent / "results"
    folder.mkdir(exist_ok=True)
    (folder / "engine.md").write_text(report)
    (folder / "engine.json").write_text(json.dumps(runs, indent=1) + "\n")
    print(report)
    print(engine_flows.write(arguments.rounds))


if __name__ == "__main__":
    main()
