"""Estimators in files that hold no code: saved, described and loaded."""

from __future__ import annotations

import os
import warnings
from pathlib import Path
from typing import Any

from sklearn_timegen._warning import warn_user
from sklearn_timegen.io.saved import calendar, containers, frames, numbers, objects
from sklearn_timegen.io.saved.archive import read_manifest, read_members, write_archive
from sklearn_timegen.io.saved.arrays import ArrayReader
from sklearn_timegen.io.saved.errors import CannotSave, FileRefused
from sklearn_timegen.io.saved.names import class_name, register
from sklearn_timegen.io.saved.tree import Decoder, Encoder

__all__ = ["CannotSave", "FileRefused", "describe", "load", "register", "save"]

KINDS = (
    *containers.KINDS,
    *numbers.KINDS,
    *calendar.KINDS,
    *frames.KINDS,
    *objects.KINDS,
)
REAL_DATA = ("keep", "thin", "drop")


def save(
    estimator: Any, path: str | Path, *, training_state: bool = False, real_data: str = "keep"
) -> None:
    """Write an estimator to a file that holds no code, as the method ``save`` of others does.

    For those that have another method of this name from elsewhere, such as
    :class:`~sklearn_timegen.forecasting.GeneratorBootstrap`, whose own one pickles.

    Parameters
    ----------
    estimator : object
        An estimator of this package, fitted or not.
    path : str or Path
        The file; what stood there is replaced.
    training_state : bool, default=False
        Whether the optimizers' memory is kept.
    real_data : {"keep", "thin", "drop"}, default="keep"
        What is done with values of training series.

    Raises
    ------
    CannotSave
        A ``TypeError``: something in the estimator has no form without code, such as a forecaster
        of sktime.
    OSError
        If the file cannot be written; what stood there is as it was.

    See Also
    --------
    BaseGenerator.save : The same as a method, which tells more of the parameters.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from sklearn_timegen import PCAMixture, load
    >>> from sklearn_timegen.io import save
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save(PCAMixture(n_components=3), Path(folder, "mixture.timegen"))
    ...     load(Path(folder, "mixture.timegen"))
    PCAMixture(n_components=3)
    """
    if real_data not in REAL_DATA:
        raise ValueError(f"real_data must be one of {', '.join(REAL_DATA)}, got {real_data!r}")
    if not isinstance(training_state, bool):
        raise ValueError(f"training_state must be True or False, got {training_state!r}")
    name = type(estimator).__name__
    encoder = Encoder(KINDS, training_state=training_state, real_data=real_data)
    tree = encoder.encode(estimator, name)
    manifest = {
        "package_version": _package_version(),
        "versions": _versions(),
        "class": class_name(type(estimator), name),
        "parameters": _told(estimator),
        "fitted": _is_fitted(estimator),
        "training_state": training_state,
        "holds_real_data": encoder.held,
    }
    write_archive(path, manifest, tree, encoder.arrays.to_bytes())


def load(path: str | Path) -> Any:
    """Load an estimator that its method ``save`` has written.

    Nothing in the file is executed: it holds text and numbers, of which objects of this package's
    classes are built, and of a short list of others. A network is refused that is larger than the
    weights in the file. The parameters ``memory`` and ``checkpoint`` come back as ``None``, with a
    warning, but for the checkpoint that is loaded itself.

    Parameters
    ----------
    path : str or Path
        The file.

    Returns
    -------
    estimator : object
        As it was saved: from the same seed, it draws the same series.

    Raises
    ------
    FileRefused
        A ``ValueError``: the file is damaged, was altered, is of another version, or holds what
        it may not.
    OSError
        If it cannot be read.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> import sklearn_timegen
    >>> from sklearn_timegen.datasets import make_sines
    >>> generator = sklearn_timegen.PCAMixture(random_state=0).fit(make_sines(50, 12, 2))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     generator.save(Path(folder, "sines.timegen"))
    ...     loaded = sklearn_timegen.load(Path(folder, "sines.timegen"))
    >>> bool((loaded.sample(3) == generator.sample(3)).all())
    True
    """
    manifest, tree, arrays = read_members(path)
    try:
        decoder = Decoder(KINDS, ArrayReader(arrays))
        estimator = decoder.decode(tree)
        if not hasattr(estimator, "get_params") or (
            class_name(type(estimator), "it") != manifest.get("class")
        ):
            raise FileRefused("what it holds is not what its manifest says")
        if hasattr(estimator, "_validate_params"):
            try:
                estimator._validate_params()
            except (ValueError, TypeError) as error:
                raise FileRefused(f"its parameters are none: {error}") from error
    except (FileRefused, CannotSave) as error:  # of a class that no file may name
        raise FileRefused(f"{path} is refused: {error}") from error
    _forget_paths(decoder.paths, path)
    return estimator


def _forget_paths(paths: list[tuple[Any, str]], path: str | Path) -> None:
    """Reset where files were kept: on another machine, or where who wrote the file wants them.

    A training goes on writing to the checkpoint that it is loaded from.
    """
    told = []
    for made, name in paths:
        where = getattr(made, name)
        if name == "checkpoint" and os.path.realpath(where) == os.path.realpath(path):
            continue
        made.__dict__[name] = None
        told.append(f"{name}={str(where)!r}")
    if told:
        warn_user(
            f"{path} was saved with {', '.join(dict.fromkeys(told))}, and is loaded without: a "
            "file says nothing of what lies at such a place. Set it by set_params, if it is yours"
        )


def describe(path: str | Path) -> dict[str, Any]:
    """Return what a file says of itself, without loading what it holds.

    Parameters
    ----------
    path : str or Path
        The file.

    Returns
    -------
    manifest : dict
        ``class``, ``parameters`` in words, ``package_version`` and ``versions`` of what has
        written it, ``fitted``, ``training_state``, and ``holds_real_data``: a list of the places
        that hold values of training series, with what they are. Such statistics as means,
        extremes and the names of categories are in every file.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from sklearn_timegen import BlockBootstrap
    >>> from sklearn_timegen.datasets import make_sines
    >>> from sklearn_timegen.io import describe
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     BlockBootstrap().fit(make_sines(50, 12, 2)).save(Path(folder, "blocks.timegen"))
    ...     told = describe(Path(folder, "blocks.timegen"))
    >>> told["fitted"], [held["what"] for held in told["holds_real_data"]]
    (True, ['the training series'])
    """
    return read_manifest(path)


def _told(estimator: Any) -> dict[str, str]:
    params = estimator.get_params(deep=False) if hasattr(estimator, "get_params") else {}
    return {name: repr(value)[:200] for name, value in params.items()}


def _is_fitted(estimator: Any) -> bool:
    if isinstance(getattr(estimator, "is_fitted", None), bool):  # of sktime
        return bool(estimator.is_fitted)
    from sklearn.exceptions import NotFittedError
    from sklearn.utils.validation import check_is_fitted

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            check_is_fitted(estimator)
    except (NotFittedError, TypeError):
        return False
    return True


def _package_version() -> str:
    import sklearn_timegen

    return sklearn_timegen.__version__


def _versions() -> dict[str, str]:
    import numpy as np
    import sklearn
    import torch

    return {
        "numpy": np.__version__,
        "scikit-learn": sklearn.__version__,
        "torch": torch.__version__,
    }
