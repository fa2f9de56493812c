"""Which classes and functions a file may name: nothing else is ever looked up or called.

Classes of this package are found by their module, but only in those parts that hold models: not
in the command line, nor in what reads files. Of other packages there are short lists.
"""

from __future__ import annotations

import functools
import importlib
import importlib.util
import inspect
from collections.abc import Callable
from typing import Any, TypeVar

from sklearn_timegen.io.saved.errors import CannotSave, FileRefused

__all__ = ["class_name", "find_class", "find_function", "function_name", "register"]

Class = TypeVar("Class", bound=type)

PACKAGE = "sklearn_timegen"
ROOMS = {
    *("base", "data", "rules", "representation", "nn", "objectives", "training"),
    *("vae", "gan", "flow", "timegan", "autoregressive", "distillation", "classical"),
    *("series", "resampling", "synthetic_training", "forecasting", "model_selection", "metrics"),
    *("privacy", "_mixture", "_distance", "_joining", "_rows", "_shifted_log"),
}

# Functions that make networks, and that networks are made with.
FUNCTIONS = {
    "sklearn_timegen.autoregressive.general:_build_pair",
    "sklearn_timegen.distillation._networks:build_networks",
    "sklearn_timegen.distillation.general:_pair_discriminator",
    "sklearn_timegen.flow.general:_build_field",
    "sklearn_timegen.gan._networks:_as_it_is",
    "sklearn_timegen.gan._networks:build_networks",
    "sklearn_timegen.nn.averaging:_move",
    "sklearn_timegen.vae._networks:build_network",
    "builtins:print",  # where skorch's callbacks write to
}

# Public names of classes of others that hold numbers, and no code of their user's.
FOREIGN = {
    "sklearn.decomposition": ("PCA", "TruncatedSVD"),
    "sklearn.mixture": ("GaussianMixture", "BayesianGaussianMixture"),
    "sklearn.pipeline": ("Pipeline",),
    "sklearn.impute": ("SimpleImputer",),
    "sklearn.preprocessing": (
        *("StandardScaler", "MinMaxScaler", "MaxAbsScaler", "RobustScaler", "Normalizer"),
        *("PowerTransformer", "QuantileTransformer", "PolynomialFeatures", "LabelEncoder"),
        *("LabelBinarizer", "OneHotEncoder", "OrdinalEncoder"),
    ),
    "sklearn.linear_model": (
        *("LinearRegression", "Ridge", "RidgeCV", "RidgeClassifier", "RidgeClassifierCV"),
        *("Lasso", "ElasticNet", "LogisticRegression", "LogisticRegressionCV"),
    ),
    "sklearn.discriminant_analysis": (
        "LinearDiscriminantAnalysis",
        "QuadraticDiscriminantAnalysis",
    ),
    "sklearn.naive_bayes": ("GaussianNB",),
    "sklearn.dummy": ("DummyClassifier", "DummyRegressor"),
    "sklearn.multioutput": ("MultiOutputRegressor",),
    "skorch.callbacks": (
        *("EarlyStopping", "EpochTimer", "GradientNormClipping", "LRScheduler", "PrintLog"),
    ),
    "skorch.dataset": ("Dataset", "ValidSplit"),
    "torch.utils.data": ("DataLoader",),
    "torch.optim": (
        *("Adam", "AdamW", "RMSprop", "SGD", "NAdam", "RAdam", "Adamax", "Adagrad", "Adadelta"),
        "LBFGS",
    ),
    "torch.optim.lr_scheduler": (
        *("StepLR", "MultiStepLR", "ConstantLR", "LinearLR", "ExponentialLR", "PolynomialLR"),
        *("CosineAnnealingLR", "ReduceLROnPlateau", "CyclicLR", "OneCycleLR"),
        "CosineAnnealingWarmRestarts",
    ),
}
REGISTERED: dict[str, type] = {}


def register(cls: Class) -> Class:
    """Let files hold objects of a class of one's own, and be loaded with it.

    The class is rebuilt by ``cls.__new__`` and the attributes that it had. It has to be
    registered in the process that loads, too: a file names it, and does not hold its code.

    Parameters
    ----------
    cls : type
        A class at the top of a module.

    Returns
    -------
    cls : type
        The class: it can be used as a decorator.

    Examples
    --------
    >>> from sklearn_timegen.io import register
    >>> @register
    ... class Threshold:
    ...     def __init__(self, value):
    ...         self.value = value
    """
    if not inspect.isclass(cls):
        raise TypeError(f"register takes a class, got {cls!r}")
    if "<locals>" in cls.__qualname__:
        raise ValueError(
            f"{cls.__qualname__} is made within a function, where no other process finds it: "
            "define it at the top of a module"
        )
    REGISTERED[_name(cls)] = cls
    return cls


def class_name(cls: type, path: str) -> str:
    """Return the name by which a file may name a class."""
    name = _name(cls)
    if REGISTERED.get(name) is cls:
        return name
    public = _foreign_names().get(name)
    if public is not None:
        return public
    if _in_package(cls.__module__) or _is_layer(cls):
        return name
    raise CannotSave(
        f"{path} is, or holds, the class {cls.__module__}.{cls.__qualname__}, which is not among "
        "those that files may name: register one of your own by sklearn_timegen.io.register, here "
        "and where it is loaded, or use joblib.dump, whose files execute code"
    )


def find_class(name: Any) -> type:
    """Return the class that a file names."""
    if isinstance(name, str) and name in REGISTERED:
        return REGISTERED[name]
    module, _, inside = _parts(name)
    if inside in FOREIGN.get(module, ()):
        return getattr(importlib.import_module(module), inside)
    if module.startswith("torch.nn.modules."):
        layer = _look_up(module, inside)
        if inspect.isclass(layer) and _is_layer(layer):
            return layer
    if _in_package(module):
        found = _look_up(module, inside)
        if inspect.isclass(found) and _name(found) == name:
            return found
    raise FileRefused(
        f"the file names the class {name!r}, which is none of those that may be loaded; if it is "
        "one of your own, register it by sklearn_timegen.io.register first"
    )


def function_name(function: Any, path: str) -> str:
    """Return the name by which a file may name a function."""
    name = f"{getattr(function, '__module__', None)}:{getattr(function, '__qualname__', None)}"
    if name in FUNCTIONS:
        return name
    raise CannotSave(
        f"{path} is the function {name.replace(':', '.')}: a file without code cannot hold it. "
        "Give a name, or an instance of a class that sklearn_timegen.io.register was told of, or "
        "use joblib.dump, whose files execute code"
    )


def find_function(name: Any) -> Callable[..., Any]:
    """Return the function that a file names."""
    if name not in FUNCTIONS:
        raise FileRefused(f"the file names the function {name!r}, which may not be called")
    module, _, inside = _parts(name)
    found: Callable[..., Any] = getattr(importlib.import_module(module), inside)
    return found


def _name(cls: type) -> str:
    return f"{cls.__module__}:{cls.__qualname__}"


def _parts(name: Any) -> tuple[str, str, str]:
    if not isinstance(name, str):
        raise FileRefused(f"a class or function is named by text, the file has {name!r}")
    module, colon, inside = name.partition(":")
    return module, colon, inside


def _in_package(module: str) -> bool:
    package, _, rest = module.partition(".")
    return package == PACKAGE and rest.split(".")[0] in ROOMS


def _is_layer(cls: type) -> bool:
    from torch import nn

    return cls.__module__.startswith("torch.nn.modules.") and issubclass(cls, nn.Module)


def _look_up(module: str, inside: str) -> Any:
    """Return what a module has at its top, or None."""
    steps = module.split(".")
    if not all(step.isidentifier() for step in steps) or not inside.isidentifier():
        return None
    try:
        # Parents first: find_spec imports them.
        if importlib.util.find_spec(module) is None:
            return None
        return getattr(importlib.import_module(module), inside, None)
    except ImportError:
        return None


@functools.cache
def _foreign_names() -> dict[str, str]:
    """Public names of foreign classes, by those of where they are defined."""
    names = {}
    for module, classes in FOREIGN.items():
        for inside in classes:
            names[_name(getattr(importlib.import_module(module), inside))] = f"{module}:{inside}"
    return names
