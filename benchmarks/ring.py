"""The ring of eight Gaussians: does a game find all modes? ``python -m benchmarks.ring``.

Series of one timestep and two channels, of eight modes at radius 2 with a standard deviation of
0.05 (0.02 in Metz et al. 2017, https://arxiv.org/abs/1611.02163, appendix A). A mode is found if
it gets at least a quarter of its fair share of the samples within 3 standard deviations; the share
is that of all samples within 3 standard deviations of any mode, of which real data have 98.9%.
Wanted: 8 modes and a share of 90%, from each of three seeds. The non-saturating and the minimax
game are there for contrast: they are the unrolled one's setting without looking ahead, and once
with a smaller learning rate and more steps. The spread tells what share and modes do not: the
samples' standard deviation about the modes that they are in, divided by that of the data.

What is done is kept in ``benchmarks/results/ring/`` and not done again unless a setting changed;
table and picture (``docs/images/ring.png``) are made from that.
"""

from __future__ import annotations

import argparse
import json
import platform
import time
import warnings
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import skorch
import torch
from numpy.typing import NDArray
from skorch.callbacks import LRScheduler
from torch.optim.lr_scheduler import CosineAnnealingLR
from tqdm.auto import tqdm

from sklearn_timegen import (
    NSGAN,
    R3GAN,
    SNGAN,
    WGANGP,
    UnrolledGAN,
    VanillaGAN,
    __version__,
)
from sklearn_timegen.plotting._common import REAL, SYNTHETIC, require_matplotlib

Array = NDArray[Any]
RESULTS = Path(__file__).parent / "results"
PICTURE = Path(__file__).parents[1] / "docs" / "images" / "ring.png"

N_MODES, RADIUS, STD = 8, 2.0, 0.05
N_TRAINING, N_SAMPLES, N_SHOWN = 8192, 20_000, 400
N_SEEDS = 3
OUTSIDE = "#000000"  # in the picture: a sample that is in no mode
LEAST_MODES, LEAST_SHARE = 8, 0.9  # what is wanted

COMMON: dict[str, Any] = {
    "latent_dim": 8,
    "hidden_dims": (128, 128),
    "batch_size": 256,
    "max_epochs": 120,
    "lr": 4e-3,
    "encoder_steps": 1,  # nothing here asks for latents
}
# Those without a bound on the discriminator's slope.
FREE: dict[str, Any] = {"max_epochs": 70, "discriminator_lr": 2e-3, "betas": (0.5, 0.99)}
SETTINGS: dict[str, tuple[type[Any], dict[str, Any]]] = {
    "R3GAN": (R3GAN, {"penalty_weight": 0.02, "discriminator_lr": 2e-3}),
    "WGANGP": (WGANGP, {"penalty_weight": 0.1, "n_critic": 1, "max_epochs": 160}),
    "SNGAN": (SNGAN, {"lipschitz": 30.0, "lr": 2e-3}),
    "UnrolledGAN": (UnrolledGAN, FREE | {"unroll_steps": 3}),
    "NSGAN": (NSGAN, FREE),
    "VanillaGAN": (VanillaGAN, FREE),
    "NSGAN, slow": (NSGAN, {"lr": 2e-3}),
}


def centres() -> Array:
    angles = 2 * np.pi * np.arange(N_MODES) / N_MODES
    return RADIUS * np.stack([np.cos(angles), np.sin(angles)], axis=1)


def ring(n_samples: int, seed: int) -> Array:
    """Series of shape ``(n_samples, 1, 2)``, from modes that are equally likely."""
    rng = np.random.default_rng(seed)
    modes = centres()[rng.integers(N_MODES, size=n_samples)]
    return (modes + STD * rng.standard_normal((n_samples, 2)))[:, None]


def within(x: Array) -> tuple[Array, Array]:
    """The nearest mode of each series, and whether it is within 3 standard deviations."""
    distances = np.linalg.norm(x[:, 0, None] - centres(), axis=2)
    return distances.argmin(axis=1), distances.min(axis=1) <= 3 * STD


def covered(x: Array) -> tuple[int, float]:
    """The number of modes that are found, and the share of series that are within one."""
    nearest, near = within(x)
    counts = np.bincount(nearest[near], minlength=N_MODES)
    return int((counts >= len(x) / N_MODES / 4).sum()), float(near.mean())


def spread_of(x: Array) -> float:
    """The standard deviation about modes, of series within one, over that of the data's."""
    nearest, near = within(x)
    if not near.any():
        return float("nan")
    return float((x[near, 0] - centres()[nearest[near]]).std() / STD)


def file_name(setting: str) -> str:
    return setting.lower().replace(", ", "-") + ".json"


def params_of(name: str, quick: bool) -> dict[str, Any]:
    return COMMON | SETTINGS[name][1] | ({"max_epochs": 1} if quick else {})


def trained(name: str, seed: int, quick: bool) -> dict[str, Any]:
    """Fit one setting from one seed."""
    params = params_of(name, quick)
    decay = LRScheduler(CosineAnnealingLR, monitor=None, T_max=params["max_epochs"])
    # To 0, which is lower than lr_end goes.
    how: dict[str, Any] = {"callbacks": [decay], "lr_end": 1.0, "device": "cpu"}
    gan = SETTINGS[name][0](**params, **how, random_state=seed)
    began = time.process_time()
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        gan.fit(ring(N_TRAINING, seed))
    seconds = time.process_time() - began
    x = gan.sample(N_SAMPLES)
    modes, share = covered(x)
    return {
        "modes": modes,
        "share": share,
        "fit_cpu_s": seconds,
        "steps": gan.net_.n_steps_,
        "parameters": sum(p.numel() for p in gan.net_.module_.parameters()),
        "warnings": [str(one.message).split(":")[0] for one in said],
        "samples": np.round(x[:N_SHOWN, 0], 3).tolist(),
    }


def run(names: list[str], quick: bool, folder: Path) -> Iterator[str]:
    """Do what is not done, seed by seed; yields the name of each cell as it ends."""
    for seed in range(1 if quick else N_SEEDS):
        for name in names:
            path = folder / file_name(name)
            params = json.loads(json.dumps(params_of(name, quick)))
            done = json.loads(path.read_text()) if path.exists() else {}
            if done.get("params") != params:
                done = {"params": params, "seeds": {}}
            if str(seed) not in done["seeds"]:
                done["seeds"][str(seed)] = trained(name, seed, quick)
                fresh = path.with_suffix(".new")
                fresh.write_text(json.dumps(done) + "\n")
                fresh.replace(path)  # whole or not at all
            yield f"{name} / {seed}"


def load(folder: Path) -> dict[str, dict[str, Any]]:
    paths = {name: folder / file_name(name) for name in SETTINGS}
    return {name: json.loads(p.read_text()) for name, p in paths.items() if p.exists()}


def shown(row: dict[str, Any]) -> Array:
    """The series that were kept of a cell."""
    return np.array(row["samples"])[:, None]


def as_markdown(done: dict[str, dict[str, Any]], command: str) -> str:
    real = [ring(N_SAMPLES, 1000 + seed) for seed in range(N_SEEDS)]
    lines = [
        "# The ring of eight Gaussians",
        "",
        f"`{command}`; sklearn-timegen {__version__}, Python {platform.python_version()}, torch "
        f"{torch.__version__}, skorch {skorch.__version__}, numpy {np.__version__}, "
        f"{platform.machine()}, one thread.",
        "",
        *(__doc__ or "").strip().split("\n\n")[1].splitlines(),
        "",
        f"{N_TRAINING:,} series to learn from, {N_SAMPLES:,} samples; entries are seeds "
        f"{', '.join(map(str, range(N_SEEDS)))}, seconds CPU seconds of `fit`. All networks are "
        "dense, samples are by averaged weights, and learning rates fall to 0 along a cosine.",
        "The spread is that of the samples in the picture. The rest is each class's default; "
        "set for all unless said otherwise: " + ", ".join(_said(COMMON)) + ".",
        "",
        "| setting | its own parameters | steps of G | modes | share | spread | seconds | wanted: "
        f"{LEAST_MODES} modes, {LEAST_SHARE:.0%} |",
        "|---|---|---|---|---|---|---|---|",
        f"| *real, held out* | | | {_joined(covered(x)[0] for x in real)} "
        f"| {_joined(format(covered(x)[1], '.3f') for x in real)} "
        f"| {_joined(format(spread_of(x), '.2f') for x in real)} | | |",
    ]
    for name, cells in done.items():
        rows = list(cells["seeds"].values())
        met = sum(r["modes"] >= LEAST_MODES and r["share"] >= LEAST_SHARE for r in rows)
        lines.append(
            f"| {name} | {', '.join(_said(SETTINGS[name][1]))} "
            f"| {rows[0]['steps']['generator']:,} "
            f"| {_joined(r['modes'] for r in rows)} "
            f"| {_joined(format(r['share'], '.3f') for r in rows)} "
            f"| {_joined(format(spread_of(shown(r)), '.2f').replace('nan', '-') for r in rows)} "
            f"| {_joined(format(r['fit_cpu_s'], '.0f') for r in rows)} "
            f"| {met} of {len(rows)} |"
        )
    told = [
        f"{name} ({', '.join(dict.fromkeys(said))})"
        for name, cells in done.items()
        if (said := [one for row in cells["seeds"].values() for one in row["warnings"]])
    ]
    lines += ["", f"`fit` warned of: {'; '.join(told) or 'nothing'}.", ""]
    return "\n".join(lines)


def _said(params: dict[str, Any]) -> list[str]:
    return [f"`{name}={value!r}`" for name, value in params.items()]


def _joined(values: Iterable[Any]) -> str:
    return " / ".join(map(str, values))


def draw(done: dict[str, dict[str, Any]], path: Path) -> None:
    """Show the first seed of each setting beside real data."""
    plt = require_matplotlib()
    real = ring(N_SAMPLES, 1000)
    panels = [("Real", real[:N_SHOWN], *covered(real), REAL)]
    for name, cells in done.items():
        row = cells["seeds"]["0"]
        panels.append((name, shown(row), row["modes"], row["share"], SYNTHETIC))
    n_columns = 4
    n_rows = -(-len(panels) // n_columns)
    size = (7.2, 2.0 * n_rows + 0.25)
    with plt.rc_context({"font.size": 8}):
        figure, axes = plt.subplots(n_rows, n_columns, figsize=size, layout="constrained")
        for ax, (name, x, modes, share, colour) in zip(axes.flat, panels, strict=False):
            _draw_panel(ax, x, colour)
            ax.set_title(name, fontsize=7.5, fontweight="bold", loc="left")
            ax.set_title(f"{modes} modes, {share:.0%}", fontsize=7.5, loc="right")
        for ax in axes.flat[len(panels) :]:
            ax.axis("off")
        figure.legend(handles=_handles(), loc="outside lower center", ncols=4, frameon=False)
        figure.get_layout_engine().set(w_pad=0.06, h_pad=0.06)
        figure.savefig(path, dpi=200)
        plt.close(figure)


def _draw_panel(ax: Any, x: Array, colour: str) -> None:
    from matplotlib.patches import Circle

    _, near = within(x)
    for centre in centres():
        ax.add_patch(Circle(tuple(centre), 3 * STD, fill=False, edgecolor="0.55", linewidth=0.7))
    ax.scatter(*x[near, 0].T, s=2, c=colour, alpha=0.5, linewidths=0)
    ax.scatter(*x[~near, 0].T, s=3.5, c=OUTSIDE, alpha=0.7, linewidths=0)
    edge = 1.25 * RADIUS
    ax.set(xlim=(-edge, edge), ylim=(-edge, edge), aspect="equal", xticks=[], yticks=[])
    ax.spines[:].set_color("0.8")


def _handles() -> list[Any]:
    """What the legend shows."""
    from matplotlib.lines import Line2D

    kinds: dict[str, dict[str, Any]] = {
        "real": {"marker": "o", "markersize": 3, "color": REAL},
        "generated": {"marker": "o", "markersize": 3, "color": SYNTHETIC},
        "in no mode": {"marker": "o", "markersize": 3, "color": OUTSIDE},
        "3 standard deviations": {
            **{"marker": "o", "markersize": 8, "color": "0.55"},
            "fillstyle": "none",
        },
    }
    return [Line2D([], [], linestyle="none", label=label, **k) for label, k in kinds.items()]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="one epoch, one seed")
    parser.add_argument("--settings", nargs="+", choices=list(SETTINGS), help="default: all")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    folder = RESULTS / ("ring-quick" if arguments.quick else "ring")
    folder.mkdir(parents=True, exist_ok=True)
    names = arguments.settings or list(SETTINGS)
    with tqdm(total=len(names) * (1 if arguments.quick else N_SEEDS), unit="fit") as bar:
        for label in run(names, arguments.quick, folder):
            bar.set_description(label)
            bar.update()
    done = load(folder)
    report = as_markdown(done, "python -m benchmarks.ring" + " --quick" * arguments.quick)
    (RESULTS / f"{folder.name}.md").write_text(report)
    print(report)
    draw(done, RESULTS / "ring-quick.png" if arguments.quick else PICTURE)


if __name__ == "__main__":
    main()
