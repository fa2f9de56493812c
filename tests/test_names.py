"""Names are checked before any work, and shown as they are written."""

import html

import numpy as np
import pytest

from sklearn_timegen import (
    VAE,
    BaseGenerator,
    BlockBootstrap,
    EvaluationReport,
    compare_generators,
)
from sklearn_timegen.base import estimator
from sklearn_timegen.datasets import make_sines
from sklearn_timegen.metrics import METRICS, Metric, mmd

pytest.importorskip("matplotlib")

from sklearn_timegen.plotting import (
    ComponentsDisplay,
    EmbeddingDisplay,
    LatentDisplay,
    SamplesDisplay,
    TrainingDisplay,
)

X = make_sines(24, 8, 1, random_state=0)
# A formula and markup; a formula that TeX cannot read, and what a template would fill in.
ODD = ["$x_1$ & <b>", r"50% _a_ $\frac$ ${title}"]


@estimator
class Untouched(BaseGenerator):
    """Whoever trains it has come too far."""

    def _fit(self, series):
        raise AssertionError("trained")

    def _draw(self, n_samples, c, rng):
        raise AssertionError("sampled")


# -- names of what is compared ----------------------------------------------------------------


@pytest.mark.parametrize("name", [1, ("a", "b"), None, b"a", "", " "])
@pytest.mark.parametrize("door", [compare_generators, EvaluationReport.from_comparison])
def test_names_of_generators_are_checked_before_any_work(door, name):
    with pytest.raises(ValueError, match="generators must be named by strings that are not empty"):
        door({name: Untouched(), "other": Untouched()}, X, cv=2, metrics="mmd")


@pytest.mark.parametrize("door", [compare_generators, EvaluationReport.from_comparison])
def test_no_metric_takes_the_name_of_the_mean_rank(door):
    with pytest.raises(ValueError, match="a metric is named 'mean rank', which"):
        door([Untouched(), Untouched()], X, cv=2, metrics={"mean rank": mmd})


@pytest.mark.parametrize("name", [1, ("a", "b"), b"a"])
def test_names_of_metrics_are_strings(name):
    with pytest.raises(ValueError, match="the name of a metric must be a string, got"):
        Metric(mmd, name=name)


def test_a_report_shows_names_as_they_are(tmp_path):
    generators = dict(zip(ODD, [BlockBootstrap()] * len(ODD), strict=True))
    metrics = dict.fromkeys(ODD, METRICS["marginal_difference"])
    report = EvaluationReport.from_comparison(generators, X, cv=2, metrics=metrics)
    page = report.to_html(tmp_path / "report.html").read_text()
    for name in ODD:
        shown = html.escape(name)
        assert f"<td>{shown}</td>" in page, "a generator"
        assert f"<td>{shown}: " in page, "a metric"
        assert f"<figcaption>{shown}</figcaption>" in page
    assert "<b>" not in page
    assert ODD[0] in repr(report)


# -- names in pictures ------------------------------------------------------------------------


def written_on(display):
    """All that a display has drawn, once it is drawn: what TeX cannot read fails there."""
    display.figure_.canvas.draw()
    texts = [
        text
        for panel in display.figure_.axes
        for text in (
            panel.xaxis.label,
            panel.yaxis.label,
            panel.title,
            *(panel.get_legend().get_texts() if panel.get_legend() else ()),
        )
    ]
    texts += [text for legend in display.figure_.legends for text in legend.get_texts()]
    assert not any(text.get_parse_math() for text in texts if "$" in text.get_text())
    return " | ".join(text.get_text() for text in texts)


def test_classes_are_shown_as_they_are():
    labels = np.array(ODD)[np.arange(24) % len(ODD)]
    on = written_on(SamplesDisplay.from_samples(X, X, y_real=labels, y_synthetic=labels))
    assert all(f"class {name}" in on for name in ODD)
    vae = VAE(max_epochs=1, hidden_dims=(4,), conditional=True, random_state=0).fit(X, labels)
    on = written_on(LatentDisplay.from_estimator(vae, X, labels, condition=ODD[1]))
    assert all(f"class {name}" in on for name in ODD)


def test_components_are_shown_as_they_are():
    parts = {name: np.full((2, 8), 1.0 + k) for k, name in enumerate([*ODD, 7, ("a", 1)])}
    display = ComponentsDisplay.from_components(parts)
    on = written_on(display)
    assert all(str(name) in on for name in parts)
    named = ComponentsDisplay({"trend": np.ones((2, 8))}, names=ODD, title=ODD[1] + "!").plot()
    on = written_on(named)
    assert all(name in on for name in [*ODD, ODD[1] + "!"])
    with pytest.raises(ValueError, match="a component is named 'series', which is the row"):
        ComponentsDisplay.from_components({"series": np.ones((2, 8))})


def test_axes_of_an_embedding_are_shown_as_they_are():
    plane = np.random.default_rng(0).normal(size=(10, 2))
    on = written_on(EmbeddingDisplay(plane, plane, labels=tuple(ODD)).plot())
    assert all(name in on for name in ODD)


def test_losses_are_shown_as_they_are():
    losses = {f"{name}_loss": np.arange(3.0) for name in ODD}
    on = written_on(TrainingDisplay(losses, epochs=np.arange(3)).plot())
    assert all(f"{name.replace('_', ' ')} loss" in on for name in ODD)
