"""Are samples of a class recognised as such? ``python -m benchmarks.conditional``.

Train on real, test on synthetic (TRTS): classifiers are trained on real series and classify
series that a generator made, as many of each class as there are real ones held out; beside it
their accuracy on those real ones (TRTR), which is the floor's place here. A generator sees the
training fold only; five folds. The classifiers are two: gradient boosting on values and first
differences, and logistic regression on them. ``told`` is the share of the synthetic series' own
variance within classes of that of real ones: a generator that draws one series a class would be
recognised perfectly.
"""

from __future__ import annotations

import argparse
import json
import platform
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from tqdm.auto import tqdm

from sklearn_timegen import (
    NSGAN,
    R3GAN,
    RCGAN,
    SNGAN,
    VAE,
    WGANGP,
    PCAMixture,
    StyleGAN,
    __version__,
)
from sklearn_timegen.datasets import load_italy_power

Array = NDArray[Any]
RESULTS = Path(__file__).parent / "results"


def italy() -> tuple[Array, Array]:
    X, y = load_italy_power()
    return np.asarray(X), np.asarray(y)


def basic_motions() -> tuple[Array, Array]:
    from sktime.datasets import load_basic_motions

    X, y = load_basic_motions(return_type="numpy3D")
    return X.transpose(0, 2, 1), y


SETS: dict[str, Callable[[], tuple[Array, Array]]] = {
    "ItalyPowerDemand": italy,
    "BasicMotions": basic_motions,
}
GAME: dict[str, Any] = {
    "conditional": True,
    "hidden_dims": (128, 128, 128),
    "latent_dim": 32,
    "batch_size": 64,
    "encoder_steps": 1,
}
STEPS = 4_000  # of the discriminator
GENERATORS: dict[str, Any] = {
    "PCAMixture": PCAMixture(conditional=True),
    "VAE, cosine": VAE(
        conditional=True,
        encoder="dense",
        decoder="dense",
        hidden_dims=(128, 128),
        representation="cosine",
        decoder_noise="per-cell",
        prior="mixture",
    ),
    "R3GAN": R3GAN(**GAME),
    "R3GAN, concatenation": R3GAN(**GAME, condition="concatenation"),
    "NSGAN": NSGAN(**GAME),
    "WGANGP": WGANGP(**GAME),
    "SNGAN": SNGAN(**GAME, lipschitz=10.0),
    "StyleGAN": StyleGAN(**GAME | {"hidden_dims": (32, 32)}),
    "RCGAN": RCGAN(**GAME | {"hidden_dims": (50,)}),
}
JUDGES: dict[str, Any] = {
    "boosting": HistGradientBoostingClassifier(random_state=0),
    "logistic": make_pipeline(StandardScaler(), LogisticRegression(max_iter=2000)),
}


def features(X: Array) -> Array:
    series = X if X.ndim == 3 else X[:, :, None]
    parts = [series, np.diff(series, axis=1)]
    return np.concatenate([part.reshape(len(X), -1) for part in parts], axis=1)


def spread_within(X: Array, y: Array) -> float:
    """Mean variance within classes."""
    rows = X.reshape(len(X), -1)
    return float(np.mean([rows[y == label].var(axis=0).mean() for label in np.unique(y)]))


def one_fold(
    generator: Any, X: Array, y: Array, train: Array, test: Array, seed: int
) -> dict[str, float]:
    made = clone(generator).set_params(random_state=seed)
    if "n_critic" in made.get_params():
        made.set_params(max_epochs=round(STEPS / np.ceil(len(train) / made.batch_size)))
    began = time.process_time()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # collapse shows in the table
        made.fit(X[train], y[train])
    row = {"fit_cpu_s": time.process_time() - began}
    drawn = made.sample(len(test), y=y[test])
    for name, judge in JUDGES.items():
        fitted = clone(judge).fit(features(X[train]), y[train])
        row[f"{name} TRTR"] = float(fitted.score(features(X[test]), y[test]))
        row[f"{name} TRTS"] = float(fitted.score(features(drawn), y[test]))
    row["told"] = spread_within(drawn, y[test]) / spread_within(X[test], y[test])
    return row


def as_markdown(done: dict[str, Any]) -> str:
    lines = [
        "# Are samples of a class recognised as such?",
        "",
        f"`python -m benchmarks.conditional`; sklearn-timegen {__version__}, Python "
        f"{platform.python_version()}, torch {torch.__version__}, one thread.",
        "",
        *(__doc__ or "").strip().split("\n\n")[1].splitlines(),
    ]
    for name in SETS:
        heads = [
            "",
            *(f"{judge} {kind}" for judge in JUDGES for kind in ("TRTS", "TRTR", "ratio")),
        ]
        heads += ["variance within classes", "fit s"]
        lines += ["", f"## {name}", "", f"| {' | '.join(heads)} |", "|---" * len(heads) + "|"]
        for label in GENERATORS:
            rows = done.get(f"{name} / {label}")
            if not rows:
                continue
            cells = []
            for judge in JUDGES:
                trts, trtr = (
                    np.mean([row[f"{judge} {kind}"] for row in rows]) for kind in ("TRTS", "TRTR")
                )
                cells += [f"{trts:.3f}", f"{trtr:.3f}", f"{trts / trtr:.2f}"]
            cells += [
                f"{np.mean([row[key] for row in rows]):.2f}" for key in ("told", "fit_cpu_s")
            ]
            lines.append(f"| {label} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--folds", type=int, default=5, help="how many of the five are run")
    parser.add_argument("--sets", nargs="+", choices=list(SETS), default=list(SETS))
    parser.add_argument(
        "--generators", nargs="+", choices=list(GENERATORS), default=list(GENERATORS)
    )
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    path = RESULTS / "conditional.json"
    done = json.loads(path.read_text()) if path.exists() else {}
    for name in arguments.sets:
        X, y = SETS[name]()
        folds = list(StratifiedKFold(5, shuffle=True, random_state=0).split(X, y))
        for label in tqdm(arguments.generators, desc=name):
            generator = GENERATORS[label]
            rows = done.setdefault(f"{name} / {label}", [])
            for train, test in folds[len(rows) : arguments.folds]:
                rows.append(one_fold(generator, X, y, train, test, len(rows)))
                path.write_text(json.dumps(done, indent=1) + "\n")
    report = as_markdown(done)
    (RESULTS / "conditional.md").write_text(report)
    print(report)


if __name__ == "__main__":
    main()
