"""Every public name can be had, is documented, and shows an example."""

import importlib
import inspect
import pkgutil

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


def test_every_parameter_is_documented():
    from sklearn_timegen import VAE, TSTRClassifier, TSTRRegressor

    for cls in (VAE, TSTRClassifier, TSTRRegressor):
        documentation = inspect.getdoc(cls)
        for name in inspect.signature(cls).parameters:
            assert f"{name} :" in documentation or f"{name}," in documentation, (cls, name)


def test_unknown_names_are_refused():
    with pytest.raises(AttributeError, match="no attribute 'TimeGPT'"):
        _ = sklearn_timegen.TimeGPT
    assert "TimeVAE" in dir(sklearn_timegen)
