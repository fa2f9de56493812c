"""Every public name can be had, is documented, and shows an example."""

import importlib
import inspect
import pkgutil
from pathlib import Path

import pytest

import sklearn_timegen


def public_objects():
    yield from (
        (f"sklearn_timegen.{n}", getattr(sklearn_timegen, n)) for n in sklearn_timegen.__all__
    )
    for info in pkgutil.iter_modules(sklearn_timegen.__path__):
        if not info.name.startswith("_") and info.name not in ("nn", "objectives", "training"):
            module = importlib.import_module(f"sklearn_timegen.{info.name}")
            for name in getattr(module, "__all__", ()):
                yield f"{info.name}.{name}", getattr(module, name)


DOCUMENTED = [
    pytest.param(thing, id=name)
    for name, thing in public_objects()
    if inspect.isclass(thing) or inspect.isfunction(thing)
]
# Machinery for authors of generators; its use is shown by the subclasses.
WITHOUT_EXAMPLE = {
    "BaseGenerator",
    "LatentGenerator",
    "NeuralGenerator",
    "Representation",
    "SeriesView",
    "make_representation",
    "pinned",
    "require_matplotlib",
}


@pytest.mark.parametrize("thing", DOCUMENTED)
def test_documented_with_an_example(thing):
    documentation = inspect.getdoc(thing)
    assert documentation
    if thing.__name__ not in WITHOUT_EXAMPLE:
        assert ">>>" in documentation, f"{thing.__name__} shows no example"
        assert (
            inspect.isclass(thing) or "Parameters" in documentation or "Returns" in documentation
        )


def with_parameters():
    from sklearn_timegen import classical, evaluation, metrics

    yield from (sklearn_timegen.VAE, sklearn_timegen.TSTRClassifier, sklearn_timegen.TSTRRegressor)
    yield from (sklearn_timegen.AugmentedClassifier, sklearn_timegen.AugmentedRegressor)
    yield sklearn_timegen.Augmenter
    for module in (classical, evaluation, metrics):
        for name in module.__all__:
            thing = getattr(module, name)
            if inspect.isclass(thing) or inspect.isfunction(thing):
                yield thing


@pytest.mark.parametrize("thing", list(with_parameters()), ids=lambda thing: thing.__name__)
def test_every_parameter_is_documented(thing):
    documentation = inspect.getdoc(thing)
    for name in inspect.signature(thing).parameters:
        words = {f"{name} :", f"{name},", f", {name}\n", f"**{name} :"}
        assert any(word in documentation for word in words), name


def test_every_metric_stands_in_the_table_with_its_sets():
    from sklearn_timegen.metrics import METRICS

    page = Path(__file__).parent.parent / "docs" / "metrics.md"
    rows = [line for line in page.read_text().splitlines() if line.startswith("| `")]
    for name, metric in METRICS.items():
        row = next((row.split("|") for row in rows if f"`{name}`" in row), None)
        assert row, f"{name} is missing"
        assert row[2].split() == [one[0] for one in metric.sets], name
        assert row[3].strip() == metric.best, name


def test_unknown_names_are_refused():
    with pytest.raises(AttributeError, match="no attribute 'TimeGPT'"):
        _ = sklearn_timegen.TimeGPT
    assert "TimeVAE" in dir(sklearn_timegen)
