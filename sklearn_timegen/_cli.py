"""The command line: fit a generator, test its series against real ones, draw both."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.model_selection import BaseCrossValidator
from sklearn.pipeline import Pipeline

from sklearn_timegen._cli_evaluate import check_cut, count, evaluate, evaluate_parser
from sklearn_timegen._cli_rules import rules, rules_parser
from sklearn_timegen._files import SUFFIXES, read_series, write_series
from sklearn_timegen.io import atomic_write, check_target

if TYPE_CHECKING:
    from sklearn_timegen.synthetic_training import TSTRClassifier, TSTRRegressor
    from sklearn_timegen.vae import TimeVAE

__all__ = ["main"]

DESCRIPTION = """\
Fit a TimeVAE to real series, and print what predictors achieve on held-out real series when they
are trained on real series (TRTR), on synthetic ones (TSTR), or on both; draw a figure.

Labelled series are classified (accuracy). Of series without labels, the last value of a channel is
predicted from the values before it (R2). Where windows overlap, the folds are blocks of time, and
no window lies on two sides."""

EPILOG = """\
examples:
  python -m sklearn_timegen                                  Italian power demand, built in
  python -m sklearn_timegen prices.csv --window 24           rows are time, columns are channels
  python -m sklearn_timegen windows.npz --output new.npz     arrays X and, perhaps, labels y

  python -m sklearn_timegen evaluate --help                  judge series that you have already
  python -m sklearn_timegen rules --help                     tell what all series of a file keep"""

# About as many training steps as the built-in set needs for its loss to flatten.
N_STEPS = 1400
FIGURES = (".png", ".pdf", ".svg", ".jpg")
MOST_ROWS = 6  # of panels in the figure, as far as there is one for each class


@dataclass
class Task:
    """What is predicted from what, by whom, and how it is cross-validated."""

    X: NDArray[Any]
    y: NDArray[Any]
    predictors: dict[str, BaseEstimator]
    floor: BaseEstimator
    meta: type[TSTRClassifier | TSTRRegressor]
    meta_argument: str
    cv: BaseCrossValidator
    groups: NDArray[np.int64] | None
    metric: str

    def check(self) -> Task:
        """Refuse folds that cannot be made, before any training."""
        for train, _ in self.cv.split(self.X, self.y, self.groups):
            missing = set(self.y) - set(self.y[train]) if self.metric == "accuracy" else None
            if missing:
                raise ValueError(
                    f"the windows overlap, so that folds are blocks of time; one of them has all "
                    f"windows of {sorted(missing)}, which leaves nothing to learn these from"
                )
        return self


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit status."""
    argv = sys.argv[1:] if argv is None else list(argv)
    run: Callable[[argparse.Namespace], None] = _run
    if argv[:1] == ["evaluate"]:
        run, arguments = evaluate, evaluate_parser().parse_args(argv[1:])
    elif argv[:1] == ["rules"]:
        run, arguments = rules, rules_parser().parse_args(argv[1:])
    else:
        arguments = _parser().parse_args(argv)
    try:
        run(arguments)
    except (ValueError, OSError, ImportError, FloatingPointError) as error:
        print(f"sklearn_timegen: error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("sklearn_timegen: interrupted", file=sys.stderr)
        return 130
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m sklearn_timegen",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("data", nargs="?", help="a .csv, .npy or .npz file; default: ItalyPowerDemand (sktime)")
    add("--window", type=count, help="cut a long series into windows of so many timesteps")
    add("--stride", type=count, help="timesteps between windows (default: 1)")
    add("--target", help="channel to predict, by name or number (default: the first)")
    add("--epochs", type=count, help=f"training epochs (default: about {N_STEPS} steps)")
    add("--folds", type=count, default=5, help="folds of the cross-validation (default: 5)")
    add(
        "--samples",
        type=count,
        help="series to draw, and save with --output (default: as many as real)",
    )
    add("--output", help="save a sample: .npy, .npz (with labels) or .csv")
    add("--figure", default="timegen.png", help="where the figure goes (default: %(default)s)")
    add("--overwrite", action="store_true", help="let the output take the place of the input")
    add("--seed", type=int, default=0, help="random seed (default: %(default)s)")
    add("--jobs", type=count, default=2, help="parallel processes (default: %(default)s)")
    return parser


def _run(arguments: argparse.Namespace) -> None:
    began = time.perf_counter()
    kept = {
        "inputs": [] if arguments.data is None else [arguments.data],
        "overwrite": arguments.overwrite,
    }
    output = arguments.output and check_target(arguments.output, SUFFIXES, **kept)
    figure = check_target(arguments.figure, FIGURES, **kept)
    from sklearn_timegen.plotting import require_matplotlib

    require_matplotlib()
    # Networks this small gain little from a second thread, and lose much when it has to wait.
    torch.set_num_threads(1)
    warnings.filterwarnings("ignore", message="Persisting input arguments took")  # joblib's
    check_cut(arguments)
    X, y, starts, channels = _load(arguments)
    task = _make_task(arguments, X, y, starts, channels)
    generator = _make_generator(arguments, len(X), conditional=y is not None)

    print(f"fitting {generator} to {_describe(X, y)}", flush=True)
    generator.fit(X, y)
    if generator.interrupted_:
        raise KeyboardInterrupt
    n_samples = arguments.samples or len(X)
    labels = None if y is None else _labels(generator, n_samples)
    synthetic = generator.sample(n_samples, y=labels, random_state=arguments.seed)
    if output is not None:
        write_series(output, synthetic, labels, channels)

    print(f"\n{_table(task, generator.set_params(verbose=0), arguments)}\n")
    _draw(figure, X, y, synthetic, labels)
    print(f"figure: {figure.resolve()}")
    if output is not None:
        print(f"sample: {output.resolve()}  {synthetic.shape}")
    print(f"done in {time.perf_counter() - began:.0f} s")


def _load(arguments: argparse.Namespace) -> tuple[Any, Any, Any, list[str]]:
    if arguments.data is None:
        if arguments.window is not None:
            raise ValueError(
                f"--window {arguments.window} cuts a long series, but without a file there are "
                "only the days of ItalyPowerDemand, which are cut already"
            )
        from sklearn_timegen.datasets import load_italy_power

        X, y = load_italy_power()
        return X, y, None, ["demand"]
    held = read_series(arguments.data, arguments.window, arguments.stride or 1)
    for note in held.notes:
        print(f"note: {note}")
    return held.X, held.y, held.starts, held.channels


def _make_generator(arguments: argparse.Namespace, n_series: int, conditional: bool) -> TimeVAE:
    from sklearn_timegen.vae import TimeVAE

    n_train = n_series * (arguments.folds - 1) // arguments.folds
    epochs = arguments.epochs or min(500, max(10, round(N_STEPS * 32 / max(1, n_train))))
    return TimeVAE(
        conditional=conditional,
        representation="standard",
        max_epochs=epochs,
        verbose=1,
        random_state=arguments.seed,
    )


def _make_task(
    arguments: argparse.Namespace, X: Any, y: Any, starts: Any, channels: list[str]
) -> Task:
    from sklearn.dummy import DummyClassifier, DummyRegressor
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
    from sklearn.linear_model import LogisticRegression, Ridge
    from sklearn.model_selection import KFold, StratifiedKFold
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    from sklearn_timegen.model_selection import WindowKFold
    from sklearn_timegen.synthetic_training import TSTRClassifier, TSTRRegressor

    shuffled = {"shuffle": True, "random_state": arguments.seed}
    if y is not None:
        if arguments.target is not None:
            raise ValueError(
                f"--target {arguments.target} names a channel to predict, but the series have "
                "labels, which are predicted"
            )
        _check_labels(y, arguments)
        predictors = {
            "logistic regression": make_pipeline(StandardScaler(), LogisticRegression()),
            "gradient boosting": HistGradientBoostingClassifier(random_state=0),
        }
        cv: BaseCrossValidator = StratifiedKFold(arguments.folds, **shuffled)
        if starts is not None:
            cv = WindowKFold(arguments.folds)
        floor: BaseEstimator = DummyClassifier()
        task = Task(X, y, predictors, floor, TSTRClassifier, "classifier", cv, starts, "accuracy")
        return task.check()
    if X.shape[1] < 2:
        raise ValueError("windows of one timestep leave nothing to predict the last value from")
    predictors = {
        "ridge regression": make_pipeline(StandardScaler(), Ridge()),
        "gradient boosting": HistGradientBoostingRegressor(random_state=0),
    }
    if starts is None:
        cv = KFold(arguments.folds, **shuffled)
    else:
        cv = WindowKFold(arguments.folds, n_timesteps=X.shape[1])
    target = X[:, -1, _channel(arguments.target or "0", channels)]
    inputs, floor = X[:, :-1], DummyRegressor()
    task = Task(inputs, target, predictors, floor, TSTRRegressor, "regressor", cv, starts, "r2")
    return task.check()


def _check_labels(y: NDArray[Any], arguments: argparse.Namespace) -> None:
    classes, counts = np.unique(y, return_counts=True)
    if y.dtype.kind == "f" and not np.array_equal(y, np.round(y)):
        raise ValueError("y holds fractions; labels are wanted")
    if len(classes) < 2 or counts.min() < arguments.folds:
        raise ValueError(
            f"y needs two classes and {arguments.folds} series of each for as many folds; it has "
            f"{dict(zip(classes.tolist(), counts.tolist(), strict=True))}"
        )
    if arguments.samples is not None and arguments.samples < len(classes):
        raise ValueError(f"--samples {arguments.samples} cannot cover {len(classes)} classes")


def _channel(name: str, channels: list[str]) -> int:
    if name in channels:
        return channels.index(name)
    if name.isdigit() and int(name) < len(channels):
        return int(name)
    raise ValueError(f"--target {name} is none of the channels {', '.join(channels)}")


def _table(task: Task, generator: TimeVAE, arguments: argparse.Namespace) -> str:
    """Cross-validate every predictor in every way of training, and lay the means out."""
    import pandas as pd
    from joblib import Memory
    from sklearn.base import clone
    from sklearn.model_selection import cross_val_score
    from tqdm.auto import tqdm

    ways: dict[str, Literal["synthetic", "real", "both"]] = {
        "real (TRTR)": "real",
        "synthetic (TSTR)": "synthetic",
        "both": "both",
    }

    def scored(estimator: BaseEstimator) -> str:
        scores = cross_val_score(
            estimator,
            task.X,
            task.y,
            cv=task.cv,
            groups=task.groups,
            scoring=task.metric,
            n_jobs=arguments.jobs,
            error_score="raise",
        )
        return f"{scores.mean():.3f} ± {scores.std():.3f}"

    rows: dict[str, dict[str, str]] = {}
    with tempfile.TemporaryDirectory() as cache:
        # The predictors share one fitted generator for each fold.
        memory = Memory(cache, verbose=0)
        cells = [(name, way) for way in ways for name in task.predictors]
        for name, way in tqdm(cells, desc="cross-validation", unit="cell"):
            estimator = task.meta(
                clone(generator),
                **{task.meta_argument: task.predictors[name]},
                train_on=ways[way],
                memory=memory,
                random_state=arguments.seed,
            )
            rows.setdefault(name, {})[way] = scored(estimator)
    constant = scored(_with_few_features(task.floor))
    table = pd.DataFrame.from_dict(rows, orient="index")
    table["floor: a constant"] = constant
    heading = f"{task.metric} on held-out real series, {arguments.folds} folds; trained on:"
    return f"{heading}\n{table.to_string()}"


def _with_few_features(floor: BaseEstimator) -> Pipeline:
    """Hand a dummy, which reads no features but wants them 2-d, the first timestep."""
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import FunctionTransformer

    return make_pipeline(FunctionTransformer(_first_timestep), floor)


def _first_timestep(X: NDArray[Any]) -> NDArray[Any]:
    return X[:, :1].reshape(len(X), -1)


def _labels(generator: TimeVAE, n_samples: int) -> NDArray[Any]:
    """Labels for a sample, in the training frequencies."""
    from sklearn_timegen.data.conditions import allocate

    return np.repeat(generator.classes_, allocate(generator.class_counts_, n_samples))


def _draw(path: Path, X: Any, y: Any, synthetic: Any, labels: Any) -> None:
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    from sklearn_timegen.plotting import EmbeddingDisplay, SamplesDisplay

    n_classes = 1 if y is None else len(np.unique(y))
    n_channels = np.shape(X)[2] if np.ndim(X) == 3 else 1
    channels = np.arange(min(n_channels, max(1, MOST_ROWS // n_classes)))
    height = max(4.8, 1.2 + 1.8 * n_classes * len(channels))
    figure, axes = plt.subplots(
        1, 2, figsize=(11, height), width_ratios=(1.5, 1), layout="constrained"
    )
    SamplesDisplay.from_samples(
        X, synthetic, y_real=y, y_synthetic=labels, channels=channels, ax=axes[0]
    )
    EmbeddingDisplay.from_samples(X, synthetic, ax=axes[1])
    with atomic_write(path) as stream:
        figure.savefig(stream, dpi=150, format=path.suffix[1:].lower())


def _describe(X: Any, y: Any) -> str:
    shape = np.shape(X)
    n_channels = shape[2] if len(shape) == 3 else 1
    text = f"{shape[0]} series of {shape[1]} timesteps and {n_channels} channel(s)"
    return text if y is None else f"{text}, {len(np.unique(y))} classes"
