"""Tables and pictures of an evaluation, on one page."""

from __future__ import annotations

import inspect
import platform
from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import sklearn
import torch
from numpy.typing import ArrayLike

from sklearn_timegen._types import GeneratorLike
from sklearn_timegen.evaluation import _page
from sklearn_timegen.evaluation._data import MEAN_RANK
from sklearn_timegen.evaluation._pictures import pictures_of_fold, pictures_of_samples
from sklearn_timegen.evaluation._reading import UNDECIDED, read, summary
from sklearn_timegen.evaluation._rules import rules_of_folds, rules_of_samples, rules_table
from sklearn_timegen.evaluation._run import run_evaluation, summarise
from sklearn_timegen.evaluation._samples import run_samples
from sklearn_timegen.evaluation.compare import named, table_of_comparison
from sklearn_timegen.evaluation.generator import evaluate_generator, table_of
from sklearn_timegen.evaluation.samples import evaluate_samples
from sklearn_timegen.io import atomic_write, check_target
from sklearn_timegen.metrics import METRICS, Metric
from sklearn_timegen.metrics.registry import MetricSpec
from sklearn_timegen.plotting import require_matplotlib

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["EvaluationReport"]

GUIDE = {
    "score": "The generator's series against real ones held out: mean and standard deviation.",
    "floor": "Real series, disjoint from the held-out ones, in their place: the best there is.",
    "copies, the column": "Training series drawn with replacement in their place.",
    "like real": "Fold by fold, the score is worse than the floor by no more than chance explains "
    "(one-sided t test at 5%, folds taken for independent). It does not say that the series are "
    "as good as real: only that this metric cannot tell.",
    "undecided": "The same, but with fewer than 4 folds and a mean below the floor.",
    "copies, the reading": "By a metric of memorisation, nearer to copies than to the floor.",
    "best": "Whether lower or higher values are better, or those near a number.",
}


@dataclass(eq=False, repr=False)
class EvaluationReport:
    """An evaluation as tables and pictures on one self-contained HTML page.

    Parameters
    ----------
    table : DataFrame
        As :func:`evaluate_generator`, :func:`evaluate_samples` or :func:`compare_generators`
        returns it.
    metrics : list of Metric
        What the rows are.
    n_splits : int
        Over how many folds or halvings the means are.
    title : str
        Heading of the page.
    facts : list of str
        What was evaluated, and how.
    pictures : dict of str to bytes
        PNG images by caption.
    rules : dict of str to DataFrame or None, default=None
        By generator, as :func:`~sklearn_timegen.metrics.violations_by_rule` returns it; ``None``,
        if no metric wanted rules.

    See Also
    --------
    EvaluationReport.from_estimator, EvaluationReport.from_samples
    EvaluationReport.from_comparison

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from sklearn_timegen import EvaluationReport, PCAMixture
    >>> from sklearn_timegen.datasets import make_ar
    >>> X = make_ar(100, 24, random_state=0)
    >>> report = EvaluationReport.from_estimator(PCAMixture(), X, cv=2, metrics=["mmd"])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     report.to_html(Path(folder, "report.html")).name
    'report.html'
    """

    table: pd.DataFrame
    _: KW_ONLY
    metrics: list[Metric]
    n_splits: int
    title: str
    facts: list[str]
    pictures: dict[str, bytes]
    rules: dict[str, pd.DataFrame] | None = None

    @classmethod
    def from_estimator(
        cls, generator: GeneratorLike, X: ArrayLike, y: ArrayLike | None = None, **params: Any
    ) -> EvaluationReport:
        """Evaluate a generator by cross-validation, and draw the series of the first fold.

        Parameters
        ----------
        generator : generator
            Cloned.
        X : array-like of shape (n_samples, n_timesteps[, n_channels])
            Real series.
        y : array-like of shape (n_samples,), default=None
            Labels.
        **params : object
            As for :func:`evaluate_generator`.

        Returns
        -------
        report : EvaluationReport
            The report.
        """
        require_matplotlib()
        evaluation = run_evaluation({"generator": generator}, X, y, **_with_defaults(params))
        table = table_of(evaluation, "generator")
        facts = [
            f"generator: {generator!r}",
            f"data: {evaluation.description}",
            f"{len(evaluation.splits)} folds; on each the fit took "
            f"{table.attrs['fit_seconds']:.1f} s, the sample "
            f"{table.attrs['sample_seconds']:.2f} s",
        ]
        return cls(
            table,
            metrics=evaluation.metrics,
            n_splits=len(evaluation.splits),
            title=f"{type(generator).__name__}: synthetic against real series",
            facts=facts,
            pictures=pictures_of_fold(evaluation, "generator"),
            rules=rules_of_folds(evaluation),
        )

    @classmethod
    def from_samples(
        cls,
        X_real: ArrayLike,
        X_synthetic: ArrayLike,
        *,
        metrics: MetricSpec = "default",
        n_splits: int = 5,
        names: Sequence[str] | None = None,
        **params: Any,
    ) -> EvaluationReport:
        """Evaluate given synthetic series, whatever made them.

        Parameters
        ----------
        X_real, X_synthetic : array-like of shape (n_samples, n_timesteps[, n_channels])
            The series.
        metrics, n_splits : object
            As for :func:`evaluate_samples`.
        names : sequence of str or None, default=None
            Names of the channels, for the table of rules.
        **params : object
            As for :func:`evaluate_samples`.

        Returns
        -------
        report : EvaluationReport
            The report.
        """
        require_matplotlib()
        given = _with_defaults(
            {"metrics": metrics, "n_splits": n_splits, **params}, evaluate_samples
        )
        evaluation = run_samples(X_real, {"X_synthetic": X_synthetic}, **given)
        table = summarise(
            evaluation.metrics,
            evaluation.outcomes["X_synthetic"],
            evaluation.floors,
            evaluation.copies,
        )
        whole, synthetic = evaluation.splits[0], evaluation.samples["X_synthetic"]
        train = None if params.get("X_train") is None else whole.train.values
        facts = [
            f"data: {evaluation.description}; {len(synthetic)} synthetic",
            f"means over {n_splits} halvings of the real series",
        ]
        return cls(
            table,
            metrics=evaluation.metrics,
            n_splits=n_splits,
            title="Synthetic against real series",
            facts=facts,
            pictures=pictures_of_samples(whole.held_out, synthetic, train),
            rules=rules_of_samples(
                evaluation.metrics,
                whole.held_out.values,
                synthetic.values,
                train,
                names or whole.reading.names,
            ),
        )

    @classmethod
    def from_comparison(
        cls,
        generators: Any,
        X: ArrayLike,
        y: ArrayLike | None = None,
        *,
        alpha: float = 0.05,
        **params: Any,
    ) -> EvaluationReport:
        """Compare several generators, and draw the series of each on the first fold.

        Parameters
        ----------
        generators : dict of str to generator, or list of generators
            Cloned.
        X : array-like of shape (n_samples, n_timesteps[, n_channels])
            Real series.
        y : array-like of shape (n_samples,), default=None
            Labels.
        alpha : float, default=0.05
            Level of the tests.
        **params : object
            As for :func:`compare_generators`.

        Returns
        -------
        report : EvaluationReport
            The report.
        """
        require_matplotlib()
        evaluation = run_evaluation(named(generators), X, y, **_with_defaults(params))
        table = table_of_comparison(evaluation, alpha)
        facts = [f"data: {evaluation.description}", f"{len(evaluation.splits)} folds"]
        facts += [
            f"{name}: fit {table.attrs['fit_seconds'][name]:.1f} s, sample "
            f"{table.attrs['sample_seconds'][name]:.2f} s"
            for name in evaluation.fitted
        ]
        pictures = {
            f"{name}. {caption}": png
            for name in evaluation.fitted
            for caption, png in pictures_of_fold(evaluation, name, few=True).items()
        }
        return cls(
            table,
            metrics=evaluation.metrics,
            n_splits=len(evaluation.splits),
            title=f"{len(evaluation.fitted)} generators compared",
            facts=facts,
            pictures=pictures,
            rules=rules_of_folds(evaluation),
        )

    def __repr__(self) -> str:
        return f"<EvaluationReport: {self.title}. {self._summary()}>"

    def to_html(self, path: str | Path) -> Path:
        """Write the page, which needs nothing beside itself.

        Parameters
        ----------
        path : str or Path
            Where to; ends in ``.html``.

        Returns
        -------
        path : Path
            The same.

        Raises
        ------
        ValueError
            If the path has another ending.
        FileNotFoundError
            If its directory does not exist.
        OSError
            If nothing can be written there.
        """
        path = check_target(path, (".html",))
        compared = self.table.index.nlevels == 2
        guide = dict(GUIDE)
        if compared:
            guide["rank"] = (
                "Mean rank over the folds, 1 is best; * marks those that cannot be told from the "
                "best. p: could it be as good as the best? By the corrected resampled t test "
                "(Nadeau and Bengio 2003), which allows for training series that folds share, "
                "adjusted for the number of pairs (Holm 1979)."
            )
        tables = self._comparison() if compared else [self._metrics_table()]
        tables += [] if self.rules is None else [rules_table(self.rules)]
        page = _page.page(
            title=self.title,
            facts=self.facts,
            summary=self._summary(),
            tables=tables,
            guide=guide,
            figures=[_page.figure(png, caption) for caption, png in self.pictures.items()],
            made_by=_versions(),
        )
        with atomic_write(path, "utf-8") as stream:
            stream.write(page)
        return path

    # -- the page ----------------------------------------------------------------------------

    def _summary(self) -> str:
        if self.table.index.nlevels == 2:
            best = self.table.loc[MEAN_RANK]
            ties = [name for name in best.index[1:] if best.loc[name, "ties_with_best"]]
            tied = f", which cannot be told from {', '.join(ties)}" if ties else ""
            return f"Best mean rank over all metrics: {best.index[0]}{tied}."
        return summary(self.table, self.metrics)[1]

    def _row(self, metric: Metric, row: pd.Series, folds: dict[str, Any]) -> dict[str, Any]:
        word = read(metric, folds[metric.name])
        kind = {"like real": "like", UNDECIDED: "open"}.get(word, "worse")
        return {
            "score": f"{_number(row['score'])} ± {_number(row['std'])}",
            "floor": _number(row["floor"]),
            "copies": _number(row["copies"]),
            "best": metric.best,
            "reading": (kind, word),
            "seconds": f"{row['seconds']:.0f}",
        }

    def _metrics_table(self) -> str:
        columns = ["metric", "score", "floor", "copies", "best", "reading", "seconds"]
        folds = self.table.attrs["folds"]
        rows = [
            {"metric": (m.name, _description(m)), **self._row(m, self.table.loc[m.name], folds)}
            for m in self.metrics
        ]
        return _page.table("Metrics", columns, rows)

    def _comparison(self) -> list[str]:
        columns = ["generator", "score", "floor", "copies", "best", "reading", "rank", "p"]
        rows = []
        for metric in self.metrics:
            for k, (name, row) in enumerate(self.table.loc[metric.name].iterrows()):
                label = (f"{metric.name}: {name}", _description(metric)) if k == 0 else name
                rows.append(
                    {
                        "generator": label,
                        "first": k == 0,
                        **self._row(metric, row, self.table.attrs["folds"][name]),
                        **_rank(row),
                    }
                )
        ranks = [
            {"generator": name, "mean rank": f"{row['score']:.2f}", **_rank(row)}
            for name, row in self.table.loc[MEAN_RANK].iterrows()
        ]
        return [
            _page.table("Over all metrics", ["generator", "mean rank", "rank", "p"], ranks),
            _page.table("Metric by metric", columns, rows),
        ]


def _with_defaults(params: dict[str, Any], function: Any = evaluate_generator) -> dict[str, Any]:
    accepted = inspect.signature(function).parameters.values()
    defaults = {item.name: item.default for item in accepted if item.kind is item.KEYWORD_ONLY}
    unknown = sorted(set(params) - set(defaults))
    if unknown:
        raise TypeError(f"unknown parameters {unknown}; known are {sorted(defaults)}")
    return {**defaults, **params}


def _rank(row: pd.Series) -> dict[str, str]:
    return {
        "rank": f"{row['rank']:.1f}{'*' if row['ties_with_best'] else ''}",
        "p": f"{row['p_value']:.3f}",
    }


def _number(value: float) -> str:
    return f"{value:.4f}" if abs(value) < 100 else f"{value:.4g}"


def _description(metric: Metric) -> str:
    """First line of the metric's documentation, as a noun."""
    text = inspect.getdoc(METRICS[metric.name].function) if metric.name in METRICS else None
    line = (text or "").split("\n")[0].strip().removeprefix("Return ").rstrip(".")
    return line.replace(":func:", "").replace("`", "")


def _versions() -> str:
    import sklearn_timegen

    return (
        f"sklearn-timegen {sklearn_timegen.__version__}, scikit-learn {sklearn.__version__}, "
        f"torch {torch.__version__}, Python {platform.python_version()}"
    )
