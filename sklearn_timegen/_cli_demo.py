"""``python -m sklearn_timegen demo``: real data that other packages ship, and series like them."""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from typing import Any, Literal

from sklearn_timegen._cli import main
from sklearn_timegen.io import atomic_write, check_target

__all__ = ["demo"]

SEED, FOLDS = 0, 5
EPOCHS = 51  # about as many training steps as the days need for the loss to flatten
WAYS: dict[str, Literal["real", "synthetic", "both"]] = {
    "real (TRTR)": "real",
    "synthetic (TSTR)": "synthetic",
    "both": "both",
}


def demo(arguments: argparse.Namespace) -> None:
    """Make a table like one of firms, and train on synthetic days, test on real ones."""
    import torch

    from sklearn_timegen.datasets import load_italy_power
    from sklearn_timegen.plotting import require_matplotlib
    from sklearn_timegen.vae import TimeVAE

    figure = check_target(arguments.figure, (".png", ".pdf", ".svg", ".jpg"))
    require_matplotlib()
    torch.set_num_threads(1)  # networks this small lose when a second one has to wait
    print("A table: investment of US firms, 1935 to 1954 (Grunfeld, with statsmodels)\n")
    sampled = main(["sample", grunfeld(), "--output", arguments.output])
    if sampled:
        raise ValueError("the table could not be sampled")
    print("\nWindows: days of Italian power demand, of summer and winter (with sktime)\n")
    X, y = load_italy_power()
    generator = TimeVAE(
        conditional=True,
        representation="standard",
        max_epochs=EPOCHS,
        verbose=1,
        random_state=SEED,
    )
    synthetic = generator.fit(X, y).sample(len(X), y=y, random_state=SEED)
    _draw(figure, X, y, synthetic)
    print(f"\n{_table(X, y, generator.set_params(verbose=0), arguments)}\n")
    print(f"figure: {figure.resolve()}")


def grunfeld() -> str:
    """Return the file of a table with names and years, which statsmodels ships."""
    try:
        import statsmodels.datasets.grunfeld as package
    except ImportError as error:
        raise ImportError("the table comes with statsmodels: pip install statsmodels") from error
    return str(Path(package.__file__).with_name("grunfeld.csv"))


def _table(X: Any, y: Any, generator: Any, arguments: argparse.Namespace) -> str:
    """Cross-validate two predictors in three ways of training, and lay the means out."""
    import pandas as pd
    from joblib import Memory
    from sklearn.base import clone
    from sklearn.dummy import DummyClassifier
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import StratifiedKFold, cross_val_score
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    from sklearn_timegen.synthetic_training import TSTRClassifier

    predictors = {
        "logistic regression": make_pipeline(StandardScaler(), LogisticRegression()),
        "gradient boosting": HistGradientBoostingClassifier(random_state=0),
    }
    cv = StratifiedKFold(FOLDS, shuffle=True, random_state=SEED)

    def scored(estimator: Any) -> str:
        scores = cross_val_score(
            estimator, X, y, cv=cv, n_jobs=arguments.jobs, error_score="raise"
        )
        return f"{scores.mean():.3f} ± {scores.std():.3f}"

    rows: dict[str, dict[str, str]] = {}
    with tempfile.TemporaryDirectory() as cache:
        memory = Memory(cache, verbose=0)  # predictors share one generator for each fold
        for way, train_on in WAYS.items():
            for name, predictor in predictors.items():
                tstr: Any = TSTRClassifier(
                    clone(generator),
                    predictor,
                    train_on=train_on,
                    memory=memory,
                    random_state=SEED,
                )
                rows.setdefault(name, {})[way] = scored(tstr)
    table = pd.DataFrame.from_dict(rows, orient="index")
    table["floor: a constant"] = scored(DummyClassifier())
    heading = f"accuracy on held-out real series, {FOLDS} folds; trained on:"
    return f"{heading}\n{table.to_string()}"


def _draw(path: Path, X: Any, y: Any, synthetic: Any) -> None:
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    from sklearn_timegen.plotting import EmbeddingDisplay, SamplesDisplay

    figure, axes = plt.subplots(
        1, 2, figsize=(11, 4.8), width_ratios=(1.5, 1), layout="constrained"
    )
    SamplesDisplay.from_samples(X, synthetic, y_real=y, y_synthetic=y, ax=axes[0])
    EmbeddingDisplay.from_samples(X, synthetic, ax=axes[1])
    with atomic_write(path) as stream:
        figure.savefig(stream, dpi=150, format=path.suffix[1:].lower())
    plt.close(figure)
