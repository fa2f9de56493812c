"""How good every generator is, beside floors and copies: ``python -m benchmarks.quality``.

TimeGAN's protocol at its sizes: every generator is fitted to all windows, draws as many, and is
compared with all of them. Floor: one random half of the real windows against the other; halves are
noisier than the whole, which is corrected for context-FID, where it is a bias. Copies: training
windows drawn with replacement, against the windows they are copied from. Judges: the published
one, split at random as published; the panel (the greatest of its four scores, and what that judge
sees most) and boosting, which is one of the four, split in blocks of time where windows overlap,
since at random a CNN remembers the series and tells fresh draws of the same process at .40; rows
without the panel are by boosting alone, of larger trees, split at random, as it was before.
Nearest record: median distance to the nearest training window, beside that of training windows to
their nearest other one that shares no timestep. TSTR: R2 of the last timestep of all channels,
predicted from the others after training on synthetic windows, on the windows that the generator
was fitted to: compare with copies; the floor, half against half, is tested on windows it was not
trained on. Networks train for their default number of epochs, but about 25,000 steps at most;
adversarial settings all for 6,000 steps of the discriminator, by networks of three dense layers
of 256 where a name does not ask for others.

What is done is kept in ``benchmarks/results/quality/`` and not done again; the table is written
from that. Sets whose data are not found (``SKLEARN_TIMEGEN_DATA``) are left out, and said.
"""

from __future__ import annotations

import argparse
import math
import os
import platform
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import sklearn
import torch
from numpy.typing import NDArray
from sklearn.base import clone

from benchmarks.cells import Done, Table, Work, has_result
from sklearn_timegen import (
    CRNNGAN,
    FGAN,
    GAN,
    LSGAN,
    NSGAN,
    R3GAN,
    RCGAN,
    RELBOVAE,
    SNGAN,
    VAE,
    WGAN,
    WGANGP,
    BetaVAE,
    BlockBootstrap,
    CategoricalForcing,
    FlowMatching,
    GradientNormalizedGAN,
    NeighbourInterpolation,
    OneStepGenerator,
    PCAMixture,
    ProfessorForcing,
    RecurrentVAE,
    RejectionSampler,
    RenyiVAE,
    StyleGAN,
    TeacherForcing,
    TimeGAN,
    TimeVAE,
    UnrolledGAN,
    VanillaGAN,
    __version__,
)
from sklearn_timegen.datasets import load_energy, load_stocks, make_sines
from sklearn_timegen.metrics import METRICS, ContrastiveEncoder, Measurement, judge_panel
from sklearn_timegen.model_selection import WindowKFold, find_window_starts, make_windows

Array = NDArray[Any]
RESULTS = Path(__file__).parent / "results"
LENGTH = 24
MOST_STEPS = 25_000  # of training: 200 epochs of TimeVAE on stocks
ADVERSARIAL_STEPS = 6_000  # of the discriminator, in all adversarial settings
N_QUICK = 1000  # windows of a set with --quick


def sines(version: Any) -> Array:
    return make_sines(10_000, LENGTH, 5, version=version, random_state=0)


def stocks() -> Array:
    return make_windows(load_stocks()[::-1], LENGTH)[0]  # the order of the published code


def energy() -> Array:
    return make_windows(load_energy(), LENGTH)[0]


def stockv() -> Array:
    folder = os.environ.get("SKLEARN_TIMEGEN_DATA")
    if not folder:
        raise FileNotFoundError("SKLEARN_TIMEGEN_DATA does not say where stockv_windows.npz is")
    return np.load(Path(folder, "stockv_windows.npz"))["data"]


# name: (windows, recurrent judges)
SETS: dict[str, tuple[Callable[[], Array], int]] = {
    "stocks": (stocks, 5),
    "stockv": (stockv, 5),
    "sines (TimeGAN)": (lambda: sines("timegan"), 5),
    "sines (TimeVAE)": (lambda: sines("timevae"), 5),
    "energy": (energy, 10),  # where single judges are the most uncertain
}
# What the bounds of the family are compared in: noise of its own for each cosine coefficient.
COSINE: dict[str, Any] = {
    "encoder": "dense",
    "decoder": "dense",
    "hidden_dims": (128, 128),
    "latent_dim": 16,
    "representation": "cosine",
    "decoder_noise": "per-cell",
    "prior": "mixture",
    "max_epochs": 400,
}
GAME: dict[str, Any] = {"representation": "quantile"}  # networks and batches are the defaults
GENERATORS: dict[str, Any] = {
    "PCAMixture": PCAMixture(),
    "PCAMixture, 64 normals": PCAMixture(n_mixture_components=64),
    "PCAMixture, quantile": PCAMixture(representation="quantile"),
    "RejectionSampler, 64 normals": RejectionSampler(
        generator=PCAMixture(n_mixture_components=64)
    ),
    "NeighbourInterpolation": NeighbourInterpolation(),
    "BlockBootstrap": BlockBootstrap(),
    "TimeVAE": TimeVAE(),
    "TimeVAE, standard": TimeVAE(representation="standard"),
    "TimeVAE, learned noise": TimeVAE(decoder_noise="per-channel", prior="mixture"),
    "VAE, cosine": VAE(**COSINE),
    "VAE, cosine, normal prior": VAE(**COSINE | {"prior": "normal"}),
    "BetaVAE, cosine": BetaVAE(**COSINE),
    "RenyiVAE, cosine": RenyiVAE(**COSINE),
    "RELBOVAE, cosine": RELBOVAE(**COSINE),
    "RecurrentVAE": RecurrentVAE(decoder_noise="per-channel", prior="mixture"),
    "FlowMatching": FlowMatching(),
    "FlowMatching, cosine-quantile": FlowMatching(representation="cosine-quantile"),
    "OneStepGenerator": OneStepGenerator(hidden_dim=64, n_layers=3),
    "TimeGAN": TimeGAN(),
    "TimeGAN, without supervision": TimeGAN(supervised=False),
    "TimeGAN, without embedding": TimeGAN(embedding=False),
    "TimeGAN, not joint": TimeGAN(joint=False),
    "TeacherForcing": TeacherForcing(),
    "ProfessorForcing": ProfessorForcing(),
    "CategoricalForcing": CategoricalForcing(),
    "VanillaGAN": VanillaGAN(**GAME),
    "NSGAN": NSGAN(**GAME),
    "LSGAN": LSGAN(**GAME),
    "WGAN": WGAN(**GAME),
    "WGANGP": WGANGP(**GAME),
    "SNGAN": SNGAN(**GAME, lipschitz=10.0),
    "FGAN": FGAN(**GAME),
    "R3GAN": R3GAN(**GAME),
    "UnrolledGAN": UnrolledGAN(**GAME),
    "GradientNormalizedGAN": GradientNormalizedGAN(**GAME),
    "R3GAN, standard": R3GAN(**GAME | {"representation": "standard"}),
    "R3GAN, pca-quantile": R3GAN(**GAME | {"representation": "pca-quantile", "latent_dim": 128}),
    "R3GAN, convolutional": R3GAN(
        **GAME, generator="convolutional", discriminator="convolutional"
    ),
    "RCGAN": RCGAN(**GAME, conditional=False),
    "CRNNGAN": CRNNGAN(**GAME),
    "StyleGAN": StyleGAN(**GAME | {"hidden_dims": (64, 64)}),
}
THREE_SEEDS = ("FlowMatching", "PCAMixture", "OneStepGenerator")  # of training; of others one
COLUMNS = {
    "discriminative_score": "DS, GRU",
    "discriminative_score_panel": "DS, panel",
    "discriminative_score_boosting": "DS, boosting",
    "context_fid": "context-FID",
    "mmd": "MMD",
    "autocorrelation_difference": "ACF",
    "nearest_record_ratio": "nearest record",
    "tstr_score": "TSTR",
}

PANEL = ("discriminative_score_panel", "discriminative_score_boosting")


def measure(
    real: Array, synthetic: Array, starts: Any, encoder: Any, n_judges: int, seed: int
) -> Any:
    context = {"encoder": encoder, "n_repeats": n_judges, "random_state": seed}
    panel = judge_panel(real, synthetic, window_starts=starts, n_halves=0, random_state=seed)
    scores = panel.table["score"]
    measured: dict[str, Any] = dict(
        zip(PANEL, ({"value": scores.max()}, {"value": scores["boosting"]}), strict=True)
    )
    for name in COLUMNS:
        if name in PANEL:
            continue
        # The published judge splits at random; a window's neighbours are no other windows.
        known = {"window_starts": starts} if name == "nearest_record_ratio" else {}
        value = METRICS[name](real, synthetic, **context, **known)
        measured[name] = {"value": float(value)}
        if isinstance(value, Measurement) and len(value.values) > 1:
            measured[name] |= {"std": value.std, "values": list(value.values)}
    greatest = scores.idxmax()
    measured["judges"] = scores.to_dict()
    measured["saw"] = f"{greatest}: {panel.trials[greatest].saw_most(seed)}"
    return measured


def references(real: Array, starts: Any, encoder: Any, n_judges: int) -> dict[str, Any]:
    rng = np.random.default_rng(0)
    halves = np.array_split(rng.permutation(len(real)), 2)
    copies = real[rng.integers(len(real), size=len(real))]
    floor = measure(real[halves[0]], real[halves[1]], None, encoder, n_judges, 0)
    if starts is not None:
        floor["nearest_record_ratio"]["value"] = apart(real, starts)
    return {"floor": floor, "copies": measure(real, copies, starts, encoder, n_judges, 0)}


def apart(real: Array, starts: Any) -> float:
    """The nearest-record ratio of real windows to others that they share no timestep with."""
    train, test = next(WindowKFold(2, n_blocks=8).split(real, window_starts=starts))
    metric = METRICS["nearest_record_ratio"]
    return metric(real[train], real[test], window_starts=starts[train])


def trained(
    generator: Any, real: Array, starts: Any, encoder: Any, n_judges: int, seed: int
) -> Any:
    made = clone(generator).set_params(random_state=seed)
    began = time.process_time()
    made.fit(real)
    fitted = time.process_time()
    synthetic = made.sample(len(real))
    row = measure(real, synthetic, starts, encoder, n_judges, seed)
    sampling = time.process_time()
    made.sample(10_000)
    row["fit_cpu_s"], row["sample_cpu_s"] = fitted - began, time.process_time() - sampling
    net = getattr(made, "net_", None)
    row["parameters"] = sum(p.numel() for p in net.module_.parameters()) if net else None
    return row


def with_budget(
    generator: Any, n_samples: int, quick: bool, adversarial_steps: int = ADVERSARIAL_STEPS
) -> Any:
    """Limit training to about ``MOST_STEPS``, and to the default number of epochs."""
    params = generator.get_params()
    if isinstance(generator, GAN):
        epochs = round(adversarial_steps / math.ceil(n_samples / params["batch_size"]))
    elif isinstance(generator, TimeGAN):
        few = {"embedding_epochs": 5, "supervised_epochs": 5, "max_epochs": 10} if quick else {}
        return clone(generator).set_params(**few)
    elif params["max_epochs"] is None:  # of flows; the many channels of energy are dear
        return clone(generator).set_params(max_epochs=20 if quick else dear(n_samples))
    else:
        within = MOST_STEPS * params["batch_size"] // n_samples
        epochs = min(params["max_epochs"], max(1, within))
    return clone(generator).set_params(max_epochs=20 if quick else epochs)


def dear(n_samples: int) -> int | None:
    """Return the epochs of a flow where its own number takes more than 15 minutes."""
    return 8 if n_samples > 15_000 else None


@lru_cache(maxsize=1)
def prepared(name: str, quick: bool) -> tuple[Array, Any, ContrastiveEncoder]:
    """Return the windows of a set, where they begin, and the encoder of context-FID."""
    real = SETS[name][0]()
    starts = find_window_starts(real)
    if quick:
        rows = np.random.default_rng(0).choice(len(real), min(N_QUICK, len(real)), replace=False)
        real, starts = real[rows], None if starts is None else starts[rows]
    return real, starts, ContrastiveEncoder(random_state=0).fit(real)


def refer(name: str, quick: bool) -> dict[str, Any]:
    """Return floors and copies of a set."""
    real, starts, encoder = prepared(name, quick)
    n_judges = 1 if quick else SETS[name][1]
    judged = {"judged by": "panel"}
    return {"shape": list(real.shape), **judged, **references(real, starts, encoder, n_judges)}


def fit_and_measure(name: str, label: str, seed: int, quick: bool) -> dict[str, Any]:
    """Return the row of a generator on a set, for one training seed."""
    real, starts, encoder = prepared(name, quick)
    generator = GENERATORS[label]
    if "max_epochs" in generator.get_params():
        generator = with_budget(generator, len(real), quick)
    n_judges = 1 if quick else SETS[name][1]
    row = trained(generator, real, starts, encoder, n_judges, seed)
    return {"judged by": "panel", **row}


def part_of(name: str) -> str:
    """Return the name of a set as one of a file."""
    return name.replace(" ", "-").replace("(", "").replace(")", "").lower()


def work(names: Sequence[str] = tuple(SETS), quick: bool = False) -> Iterator[Work]:
    """Yield part, key and what is to be done: first answers for all, then more seeds."""
    for name in names:
        yield part_of(name), "references", partial(refer, name, quick)
    for seed in range(1 if quick else 3):
        for name in names:
            for label in GENERATORS:
                if seed == 0 or label in THREE_SEEDS:
                    do = partial(fit_and_measure, name, label, seed, quick)
                    yield part_of(name), f"{label} / {seed}", do


def averaged(rows: list[dict[str, Any]], name: str) -> str:
    """Mean over training seeds, with their spread, or that of the judges for a single seed."""
    rows = [row for row in rows if name in row]
    if not rows:
        return ""
    values = [row[name]["value"] for row in rows]
    spread = np.std(values) if len(values) > 1 else rows[0][name].get("std")
    text = f"{np.mean(values):.4f}"
    return text if spread is None else f"{text} ± {spread:.4f}"


def at_full_size(floor: dict[str, Any]) -> dict[str, Any]:
    """Halve the floor of context-FID: that of halves is biased by twice as much."""
    halved = {"value": floor["context_fid"]["value"] / 2}
    return floor | {"context_fid": halved}


def as_markdown(done: Done, command: str = "python -m benchmarks.quality") -> str:
    lines = [
        "# Every generator beside floors and copies",
        "",
        f"`{command}`; sklearn-timegen {__version__}, Python {platform.python_version()}, torch "
        f"{torch.__version__}, scikit-learn {sklearn.__version__}, numpy {np.__version__}, "
        f"{platform.machine()}, one thread. Seconds are CPU seconds.",
        "",
        *(__doc__ or "").strip().split("\n\n")[1].splitlines(),
        "± is the spread over training seeds where there are several, else over the judges.",
        "",
        "Directions: lower is better, except TSTR (higher) and nearest record (near 1).",
    ]
    for name in SETS:
        cells = {
            key: cell for key, cell in done.get(part_of(name), {}).items() if has_result(cell)
        }
        if "references" not in cells:
            continue
        shape = cells["references"]["shape"]
        lines += ["", f"## {name}, {' x '.join(map(str, shape))}", ""]
        heads = [
            "",
            *COLUMNS.values(),
            "the panel sees",
            "fit s",
            "sample 10,000 s",
            "parameters",
            "seeds",
        ]
        lines += [f"| {' | '.join(heads)} |", "|---" * len(heads) + "|"]
        for kind in ("floor", "copies"):
            row = cells["references"][kind]
            if kind == "floor":
                row = at_full_size(row)
            values = [averaged([row], column) for column in COLUMNS]
            lines.append(f"| *{kind}* | {' | '.join(values)} | {row.get('saw', '')} | | | | |")
        for label in GENERATORS:
            rows = [cell for key, cell in cells.items() if key.split(" / ")[0] == label]
            rows = [row for row in rows if TABLE.is_done(row)] or rows  # never old beside new
            if not rows:
                continue
            values = [averaged(rows, column) for column in COLUMNS]
            values += [str(rows[0].get("saw", ""))]
            values += [f"{np.mean([r[k] for r in rows]):.1f}" for k in ("fit_cpu_s",)]
            values += [f"{np.mean([r[k] for r in rows]):.2f}" for k in ("sample_cpu_s",)]
            parameters = rows[0]["parameters"]
            values += [f"{parameters:,}" if parameters else "", str(len(rows))]
            lines.append(f"| {label} | {' | '.join(values)} |")
    return "\n".join(lines) + "\n"


# Cells from before the panel hold boosting of larger trees alone, and are measured again.
TABLE = Table("benchmarks.quality", RESULTS / "quality", work, as_markdown, ("judged by",))


def main() -> None:
    """Do what is not done, and write the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="two small sets, under 5 minutes")
    parser.add_argument("--sets", nargs="+", choices=list(SETS), help="default: all")
    parser.add_argument(
        "--generators", nargs="+", choices=list(GENERATORS), metavar="NAME", help="default: all"
    )
    parser.add_argument("--seeds", type=int, default=3, help="at most so many (default: 3)")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    quick = arguments.quick
    names = arguments.sets or (["sines (TimeGAN)", "stocks"] if quick else list(SETS))
    table = TABLE
    if quick:
        command = "python -m benchmarks.quality --quick"
        table = replace(
            TABLE,
            folder=RESULTS / "quality-quick",
            work=lambda: work(names, True),
            page=lambda done: as_markdown(done, command),
        )
    wanted = arguments.generators or list(GENERATORS)
    cells = [
        (part, key, do)
        for part, key, do in work(names, quick)
        if key == "references"
        or (key.split(" / ")[0] in wanted and int(key.split(" / ")[1]) < arguments.seeds)
    ]
    print(table.run(cells))


if __name__ == "__main__":
    main()
