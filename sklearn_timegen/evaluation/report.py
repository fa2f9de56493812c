"""Tables and pictures of an evaluation, on one page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from numpy.typing import ArrayLike, NDArray

from sklearn_timegen._types import GeneratorLike
from sklearn_timegen.evaluation import _page
from sklearn_timegen.evaluation._comparing import comparison_of
from sklearn_timegen.evaluation._data import MEAN_RANK
from sklearn_timegen.evaluation._facts import repeats, versions, with_defaults
from sklearn_timegen.evaluation._judging import Sample
from sklearn_timegen.evaluation._pictures import (
    Picture,
    pictures_of_generator,
    pictures_of_samples,
)
from sklearn_timegen.evaluation._reading import summary
from sklearn_timegen.evaluation._rules import rules_of_each, rules_of_folds, rules_table
from sklearn_timegen.evaluation._run import Evaluation, run_evaluation, summarise
from sklearn_timegen.evaluation._samples import run_samples
from sklearn_timegen.evaluation._sections import (
    columns_table,
    comparison_tables,
    judges_table,
    metrics_table,
    notes,
    verdicts_table,
)
from sklearn_timegen.evaluation._verdicts import verdicts_of
from sklearn_timegen.evaluation.compare import named, table_of_comparison
from sklearn_timegen.evaluation.generator import evaluate_generator, table_of
from sklearn_timegen.evaluation.samples import check_samples, compare_samples, evaluate_samples
from sklearn_timegen.io import atomic_write, check_target
from sklearn_timegen.metrics import Metric
from sklearn_timegen.plotting import require_matplotlib

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["EvaluationReport"]

GUIDE = {
    "score": "Synthetic series against real ones held out: mean and standard deviation.",
    "floor": "Real series, disjoint from the held-out ones, in their place: the best there is.",
    "copies, the column": "Training series drawn with replacement in their place.",
    "like real": "Fold by fold, the score is worse than the floor by no more than chance explains "
    "(one-sided t test at 5%, folds taken for independent). It does not say that the series are "
    "as good as real: only that this metric cannot tell.",
    "no nearer than real": "The same of a metric of privacy: nothing was found that lies nearer "
    "to the training series than real series do. To be far from them is no fault here.",
    "undecided": "The same, but with fewer than 4 folds and a mean below the floor.",
    "copies, the reading": "By a metric of privacy, nearer to copies than to the floor.",
    "best": "Which values are better.",
    "judges": "Four models that look at different things tell synthetic from real series that "
    "they were not trained on; guessing is right in 50%. Series to be sure: so many of each kind, "
    "and the rank test of a judge's answers, a permutation test, rejects chance at 1% among four "
    "judges; where windows overlap they are more. Saw most: what costs the judge most if it is "
    "permuted.",
}
RANKS = (
    "Mean rank over the folds, 1 is best; * marks those that cannot be told from the best. p: "
    "could it be as good as the best? By the corrected resampled t test (Nadeau and Bengio 2003), "
    "which allows for training series that folds share, adjusted for the number of pairs (Holm "
    "1979)."
)


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
    pictures : list of Picture
        PNG images, those of several that are compared under one caption.
    notes : str
        What the page cannot show, as HTML.
    columns : str
        What the columns' values are like, as HTML.
    data : str
        What was compared, in words.
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
    pictures: list[Picture]
    notes: str
    columns: str
    data: str
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
        params = with_defaults(params, evaluate_generator)
        evaluation = run_evaluation({"generator": generator}, X, y, **params)
        table = table_of(evaluation, "generator")
        facts = [
            f"generator: {generator!r}",
            f"on each fold the fit took {table.attrs['fit_seconds']:.1f} s, the sample "
            f"{table.attrs['sample_seconds']:.2f} s",
        ]
        split, fitted = evaluation.splits[0], evaluation.fitted["generator"][0]
        names = split.reading.names
        report = cls._of(
            evaluation,
            table,
            {"": fitted.drawn},
            title=f"{type(generator).__name__}: synthetic against real series",
            facts=[*facts, *repeats(evaluation, params)],
            rules=rules_of_folds(evaluation),
        )
        report.pictures += pictures_of_generator(split, fitted, names)
        return report

    @classmethod
    def from_samples(
        cls,
        X_real: ArrayLike,
        X_synthetic: Any,
        *,
        names: Sequence[str] | None = None,
        **params: Any,
    ) -> EvaluationReport:
        """Evaluate given synthetic series, whatever made them.

        Parameters
        ----------
        X_real : array-like of shape (n_samples, n_timesteps[, n_channels]), or table
            Real series.
        X_synthetic : array-like of shape (n_samples, n_timesteps[, n_channels]), table or dict
            Synthetic series; of a dict of several by name, a comparison.
        names : sequence of str or None, default=None
            Names of the channels, if they have none.
        **params : object
            As for :func:`evaluate_samples`, or, of several, for :func:`compare_samples`.

        Returns
        -------
        report : EvaluationReport
            The report.
        """
        require_matplotlib()
        samples: dict[str, Any] = {"X_synthetic": X_synthetic}
        many = isinstance(X_synthetic, Mapping)
        if isinstance(X_synthetic, Mapping):
            check_samples(X_synthetic)
            samples = dict(X_synthetic)
        params = with_defaults(params, compare_samples if many else evaluate_samples)
        alpha = params.pop("alpha", 0.05)
        evaluation = run_samples(X_real, samples, **params)
        if many:
            table, drawn = comparison_of(evaluation, alpha), evaluation.samples
        else:
            scores = evaluation.outcomes["X_synthetic"]
            table = summarise(evaluation.metrics, scores, evaluation.floors, evaluation.copies)
            drawn = {"": evaluation.samples["X_synthetic"]}
        counts = ", ".join(f"{name} {len(x)}".strip() for name, x in drawn.items())
        whole = evaluation.splits[0]
        train = None if params["X_train"] is None else whole.train.values
        return cls._of(
            evaluation,
            table,
            drawn,
            title=f"{len(drawn)} samples compared" if many else "Synthetic against real series",
            facts=[f"compared with {counts} synthetic", *repeats(evaluation, params)],
            names=names,
            train=train,
            rules=rules_of_each(evaluation, drawn, train, names),
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
        params = with_defaults(params, evaluate_generator)
        evaluation = run_evaluation(named(generators), X, y, **params)
        table = table_of_comparison(evaluation, alpha)
        facts = [
            f"{name}: fit {table.attrs['fit_seconds'][name]:.1f} s, sample "
            f"{table.attrs['sample_seconds'][name]:.2f} s"
            for name in evaluation.fitted
        ]
        return cls._of(
            evaluation,
            table,
            {name: fits[0].drawn for name, fits in evaluation.fitted.items()},
            title=f"{len(evaluation.fitted)} generators compared",
            facts=[*facts, *repeats(evaluation, params)],
            rules=rules_of_folds(evaluation),
        )

    @classmethod
    def _of(
        cls,
        evaluation: Evaluation,
        table: pd.DataFrame,
        drawn: dict[str, Sample],
        *,
        title: str,
        facts: list[str],
        rules: dict[str, pd.DataFrame] | None,
        names: Sequence[str] | None = None,
        train: NDArray[Any] | None = None,
    ) -> EvaluationReport:
        """Draw what was evaluated; of generators, that of the first fold."""
        split, n_splits = evaluation.splits[0], len(evaluation.splits)
        names = names or split.reading.names
        halved = not evaluation.fitted
        known = train if halved else split.train.values
        how = f"{n_splits} {'halvings of the real series' if halved else 'folds'}"
        return cls(
            table,
            metrics=evaluation.metrics,
            n_splits=n_splits,
            title=title,
            facts=[f"means over {how}", *facts],
            pictures=pictures_of_samples(split.held_out, drawn, known, names),
            notes=notes(evaluation.description, n_splits, known is not None),
            columns=columns_table(split.held_out, drawn, names),
            data=evaluation.description,
            rules=rules,
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
        with atomic_write(path, "utf-8") as stream:
            stream.write(self._html())
        return path

    def _repr_html_(self) -> str:
        """Show the page in a notebook."""
        return _page.framed(self._html())

    # -- the page ----------------------------------------------------------------------------

    @property
    def _compared(self) -> bool:
        return self.table.index.nlevels == 2

    def _html(self) -> str:
        folds, judges = self.table.attrs["folds"], self.table.attrs["judges"]
        if self._compared:
            verdicts = verdicts_table(
                {name: verdicts_of(self.metrics, own) for name, own in folds.items()}
            )
            figures = comparison_tables(self.table, self.metrics)
        else:
            verdicts = _page.cards(verdicts_of(self.metrics, folds))
            figures = [metrics_table(self.table, self.metrics)]
        return _page.page(
            title=self.title,
            data=self.data,
            lead=self._summary(),
            verdicts=verdicts,
            sections=[
                judges_table(judges if self._compared else {"": judges}),
                *([] if self.rules is None else [rules_table(self.rules)]),
                self.columns,
                _page.gallery(self.pictures),
                self.notes,
                *figures,
            ],
            guide={**GUIDE, "rank": RANKS} if self._compared else GUIDE,
            facts=self.facts,
            made_by=versions(),
        )

    def _summary(self) -> str:
        if not self._compared:
            return summary(self.table, self.metrics)[1]
        best = self.table.loc[MEAN_RANK]
        ties = [name for name in best.index[1:] if best.loc[name, "ties_with_best"]]
        text = f"Best mean rank over all metrics: {best.index[0]}"
        if not ties:
            return f"{text}, told from the others."
        effect = self.table.attrs["least_effect"]
        return (
            f"{text}. It cannot be told from {', '.join(ties)}: with {self.n_splits} repetitions "
            f"a difference has to be {effect:.1f} standard deviations, or more. More folds, or "
            "repeated ones, tell smaller ones."
        )
