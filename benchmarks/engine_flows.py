"""What a training step of ``FlowMatching`` costs: ``python -m benchmarks.engine_flows``.

Ratio: CPU seconds of the net's steps against a loop by hand over the same network, loss, times,
optimizer and average of weights. Single steps alternate: on a shared machine, seconds of the same
step differ by a factor of two, and ratios of long rounds by 5% either way.
Speed: matrix products of a step (torch's own count, forward and backward; attention is not in
it) over the CPU seconds of the step, against a matrix product alone, alternating with it.
Threads: wall time of a step with one and with two threads, alternating.
``--parts ratio`` measures one part anew and keeps the others. The tables go to
``benchmarks/results/engine_flows.md``; ``benchmarks.engine`` runs this, too.
"""

from __future__ import annotations

import argparse
import math
import os
import platform
import statistics
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.engine_clocks import alternate, cpu_seconds, wall_seconds
from sklearn_timegen import FlowMatching
from sklearn_timegen.data import Series
from sklearn_timegen.datasets import make_sines
from sklearn_timegen.flow.tokens import ChannelTransformer

__all__ = ["write"]

N_TIMESTEPS, N_CHANNELS, WIDTH, N_LAYERS = 24, 5, 128, 4
N_STEPS = {16: 150, 32: 100, 128: 40, 256: 20}  # batch size: pairs of steps
DENSE, SQUARE = (640, 128, 512), (1024, 1024, 1024)
SPEEDS = [  # width, channels, the matrix product beside it
    (128, 5, DENSE),
    (128, 5, SQUARE),
    (128, 27, SQUARE),
    (192, 5, SQUARE),
    (192, 27, SQUARE),
]
LR, WEIGHT_DECAY, EMA_DECAY, WARMUP = 1e-3, 0.01, 0.999, 100
RESULTS = Path(__file__).parent / "results" / "engine_flows.md"


def flow_loop(x: Tensor, batch_size: int, width: int = WIDTH) -> Callable[[], None]:
    """An epoch as one would write it: linear path, preconditioned target, average of weights."""
    stream = torch.Generator().manual_seed(0)
    network = ChannelTransformer(x.shape[1], x.shape[2], width, N_LAYERS)
    weights: list[Tensor] = list(network.parameters())
    average = [p.detach().clone() for p in weights]
    adam = torch.optim.AdamW(weights, lr=LR, weight_decay=WEIGHT_DECAY, fused=True)
    n_batches = math.ceil(len(x) / batch_size)

    def run() -> None:
        order = torch.randperm(len(x), generator=stream)
        for k, batch in enumerate(x[order].split(batch_size)):
            fall = (1 + math.cos(math.pi * k / n_batches)) / 2
            for group in adam.param_groups:
                group["lr"] = LR * min(1.0, (k + 1) / WARMUP) * fall
            adam.zero_grad()
            t = torch.sigmoid(torch.randn(len(batch), 1, 1, generator=stream))
            eps = torch.randn(batch.shape, generator=stream)
            s = (t**2 + (1 - t) ** 2).sqrt()
            f = network((t * batch + (1 - t) * eps) / s, t.flatten())
            (f - ((1 - t) * batch - t * eps) / s).square().mean().backward()
            adam.step()
            with torch.no_grad():
                torch._foreach_lerp_(average, weights, 1 - EMA_DECAY)

    return run


def flow_epoch(
    n_series: int, n_channels: int, batch_size: int, width: int = WIDTH
) -> tuple[Callable[[], None], Tensor, Any]:
    """The net's own epoch, the represented series that it trains on, and the net."""
    X = make_sines(n_series, N_TIMESTEPS, n_channels, random_state=0)
    generator = FlowMatching(
        hidden_dim=width,
        n_layers=N_LAYERS,
        representation="standard",
        rules=None,
        lr=LR,
        weight_decay=WEIGHT_DECAY,
        ema_decay=EMA_DECAY,
        warmup_steps=WARMUP,
        max_epochs=1,
        batch_size=batch_size,
        device="cpu",
        random_state=0,
    ).fit(X)
    x = torch.from_numpy(generator._represent(X))
    data, net = Series(x), generator.net_
    net.notify("on_train_begin", X=data, y=None)  # the loop alone, without a copy to go back to
    return lambda: net.fit_loop(data, epochs=1), x, net


def overhead(batch_size: int) -> list[str]:
    n_pairs = N_STEPS[batch_size]
    _, x, net = flow_epoch(batch_size, N_CHANNELS, batch_size)
    net.module_.train()
    loop = flow_loop(x, batch_size)  # of one batch
    steps = (lambda: net.train_step(Series(x))), loop
    for step in steps * 3:
        step()
    pairs = [[cpu_seconds(step) for step in steps] for _ in range(n_pairs)]
    ratios = [ours / theirs for ours, theirs in pairs]
    error = 1.25 * statistics.stdev(ratios) / math.sqrt(n_pairs)  # of a median
    a, b = (statistics.median(times) for times in zip(*pairs, strict=True))
    ratio = f"{statistics.median(ratios):.3f} +- {error:.3f}"
    return [f"{batch_size}", _ms(a), _ms(b), ratio, "<= 1.05"]


def speed(width: int, n_channels: int, product: tuple[int, int, int], rounds: int) -> list[str]:
    batch_size = 128
    n_steps = max(1, 2048 // (batch_size * n_channels))
    ours, _, _ = flow_epoch(n_steps * batch_size, n_channels, batch_size, width)
    with FlopCounterMode(display=False) as counter:
        ours()
    flops = counter.get_total_flops()
    times = max(1, round(flops / (2 * math.prod(product))))
    step, alone, ratio = alternate(ours, _product(*product, times), rounds, cpu_seconds)
    of_product = times * 2 * math.prod(product)
    return [
        f"{width} x {N_LAYERS}, {n_channels} tokens, batch {batch_size}",
        f"{flops / n_steps / 1e9:.2f}",
        f"{flops / step / 1e9:.1f}",
        f"{' x '.join(map(str, product))}: {of_product / alone / 1e9:.1f}",
        f"{flops / of_product / ratio:.0%}",
        ">= 40%",
    ]


def _product(m: int, k: int, n: int, times: int) -> Callable[[], None]:
    a, b, out = torch.randn(m, k), torch.randn(k, n), torch.empty(m, n)

    def run() -> None:
        for _ in range(times):
            torch.mm(a, b, out=out)

    return run


def by_threads(width: int, n_channels: int, batch_size: int, rounds: int) -> list[str]:
    n_steps = max(1, 64 // batch_size)
    ours, _, _ = flow_epoch(n_steps * batch_size, n_channels, batch_size, width)
    before = torch.get_num_threads()
    taken: dict[int, list[float]] = {1: [], 2: []}
    try:
        for k in range(rounds + 1):
            for n_threads, seconds in taken.items():
                torch.set_num_threads(n_threads)
                passed = wall_seconds(ours) / n_steps
                seconds += [passed] if k else []  # the first is a warm-up
    finally:
        torch.set_num_threads(before)
    one, two = (statistics.median(seconds) for seconds in taken.values())
    least_one, least_two = (min(seconds) for seconds in taken.values())
    return [
        f"{width} x {N_LAYERS}, {n_channels} tokens, batch {batch_size}",
        _ms(one),
        _ms(two),
        f"{one / two:.2f}",
        f"{_ms(least_one)} / {_ms(least_two)}",
        f"{least_one / least_two:.2f}",
    ]


def _ms(seconds: float) -> str:
    return f"{1000 * seconds:.1f}"


def _table(head: str, rows: list[list[str]]) -> str:
    columns = head.split(" | ")
    lines = [columns, ["---"] * len(columns), *rows]
    return "".join("| " + " | ".join(line) + " |\n" for line in lines)


def ratio_table(rounds: int) -> str:
    return _table(
        "batch | ours | by hand | ratio | wanted", [overhead(batch_size) for batch_size in N_STEPS]
    )


def speed_table(rounds: int) -> str:
    return _table(
        "network | GFLOP a step | GFLOP/s | a product alone, GFLOP/s | share | wanted",
        [speed(*case, rounds) for case in SPEEDS],
    )


def threads_table(rounds: int) -> str:
    cases = [(WIDTH, N_CHANNELS, batch_size) for batch_size in N_STEPS] + [(192, 27, 128)]
    return _table(
        "network | one thread | two | gain | least of each | gain of the least",
        [by_threads(*case, rounds) for case in cases],
    )


PARTS: dict[str, tuple[str, Callable[[int], str]]] = {
    "ratio": (
        f"Against a loop by hand (width {WIDTH} x {N_LAYERS}, {N_CHANNELS} channels, one thread, "
        "CPU milliseconds a step)",
        ratio_table,
    ),
    "speed": ("Matrix products (one thread, CPU seconds)", speed_table),
    "threads": ("One thread or two (wall milliseconds a step)", threads_table),
}


def write(rounds: int, parts: Sequence[str] = tuple(PARTS)) -> str:
    """Measure the parts, and write their tables beside those of parts measured before."""
    torch.set_num_threads(1)
    before = RESULTS.read_text().split("\n## ")[1:] if RESULTS.exists() else []
    kept = {section.split("\n")[0]: section for section in before}
    for name in parts:
        title, table = PARTS[name]
        load = f"Load average before {os.getloadavg()[0]:.1f}"
        made = table(rounds)
        load += f", after {os.getloadavg()[0]:.1f}; this process alone with one thread is 1.0."
        kept[title] = f"{title}\n\n{made}\n{load}\n"
    first = (
        "# A training step of FlowMatching\n\n"
        f"`python -m benchmarks.engine_flows`; channel transformer on windows of {N_TIMESTEPS}, "
        f"medians; torch {torch.__version__}, {platform.machine()}, {os.cpu_count()} cores.\n"
    )
    sections = [kept[title] for title, _ in PARTS.values() if title in kept]
    report = "\n## ".join([first, *sections])
    RESULTS.write_text(report)
    return report


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--parts", nargs="+", choices=list(PARTS), default=list(PARTS))
    arguments = parser.parse_args()
    print(write(arguments.rounds, arguments.parts))


if __name__ == "__main__":
    main()
