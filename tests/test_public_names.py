"""Every public name can be had, is documented, and shows an example."""

import ast
import importlib
import inspect
import pkgutil
import re
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
    if thing.__module__.startswith("sklearn_timegen")  # scikit-learn's constraints are its own
]
# Machinery for authors of generators, whose use is shown by the subclasses; what is raised.
WITHOUT_EXAMPLE = {
    "BaseGenerator",
    "CannotSave",
    "FileRefused",
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


def documented(documentation):
    """Return what a numpydoc section on parameters says: the default of each name, or None."""
    section = re.search(r"^Parameters\n-+\n(.*?)(?=^\S[^\n]*\n---|\Z)", documentation, re.M | re.S)
    text = re.sub(r" *\\\n *", " ", section[1]) if section else ""  # continued lines
    entries = {}
    for names, kind in re.findall(r"^(\*{0,2}\w[\w, *]*)(?: : (.*))?$", text, re.M):
        default = re.search(r"default=(.*)$", kind)
        names = names.split(", ")
        several = default[1].split(", ") if default and len(names) > 1 else []
        if len(several) != len(names):  # one value for all
            several = [default and default[1]] * len(names)
        entries |= {name.lstrip("*"): one for name, one in zip(names, several, strict=True)}
    return entries


def means(documented, value):
    """Whether a default in a docstring is the value of the signature."""
    try:
        return ast.literal_eval(documented) == value
    except (SyntaxError, ValueError):  # an object, by its name
        return documented in (repr(value), getattr(value, "__name__", None), "MISSING")


def is_called_by_users(param):
    """Whether users call it with parameters: not a protocol, and not an error."""
    thing = param.values[0]
    if param.id == "representation.Representation":
        return False
    if isinstance(thing, type) and issubclass(thing, Exception):
        return False
    return bool(inspect.signature(thing).parameters)


SIGNED = [p for p in DOCUMENTED if is_called_by_users(p)]


@pytest.mark.parametrize("thing", SIGNED)
def test_docstring_and_signature_agree(thing):
    parameters = inspect.signature(thing).parameters
    entries = documented(inspect.getdoc(thing))
    assert set(entries) == set(parameters)
    for name, parameter in parameters.items():
        if parameter.default is inspect.Parameter.empty:
            assert entries[name] is None, name
        elif entries[name] is not None:
            assert means(entries[name], parameter.default), name
        else:  # told elsewhere
            other = re.search(rf"\b{name}\b[^:]*\n *As for :func:`(\w+)`", inspect.getdoc(thing))
            assert other, f"{name} has a default that is not told"
            home = inspect.signature(getattr(sklearn_timegen, other[1]))
            assert home.parameters[name].default == parameter.default


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
