"""What an estimator is told of its data, from which its preprocessing is made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from numbers import Integral
from typing import Any, ClassVar

from sklearn_timegen._checks import HasMethods, Interval, StrOptions
from sklearn_timegen.base.declaration import Declared, estimator, param
from sklearn_timegen.data.axes import LAYOUTS
from sklearn_timegen.representation import REPRESENTATIONS, Representation
from sklearn_timegen.rules import KINDS

__all__ = ["DataParameters"]


@estimator
class DataParameters(Declared):
    """The parameters of :class:`~sklearn_timegen.base.preprocessing.Preprocessing`."""

    representation: str | Representation = param(
        default="standard",
        doc="""The view of series in which the generator works: ``"standard"``, ``"minmax"``,
        ``"quantile"``, ``"cosine"``, ``"cosine-quantile"``, ``"own-scale"``, ``"pca"``,
        ``"pca-quantile"``, or an object; see :mod:`sklearn_timegen.representation`.""",
        check=[
            StrOptions(set(REPRESENTATIONS)),
            HasMethods(["fit", "transform", "inverse_transform"]),
        ],
    )
    bounds: tuple[Any, Any] | None = param(
        default=None,
        doc="""Values that samples never leave, in the units of ``X``: each ``None``, a number, or
        one for each channel.""",
        check=[tuple, list, None],
        type="(low, high) or None",
    )
    rules: str | Sequence[Any] | None = param(
        default="auto",
        doc="""What every series keeps, and every sample will: ``"auto"`` finds it, a list of
        :mod:`sklearn_timegen.rules` declares it (``"auto"`` among them finds the rest), ``None``
        takes cells for mere numbers.""",
        check="no_validation",  # Structure says what it expects
        type='"auto", list of Rule or None',
    )
    on_violation: str = param(
        default="warn",
        doc="""What is done about series, new ones, that break a rule of those of ``fit``: an
        ``"error"``, or the ``"nearest"`` series that keep it are taken in their place, with
        ``"warn"`` not without a warning.""",
        check=[StrOptions({"warn", "error", "nearest"})],
    )
    postprocess: Any = param(
        default="auto",
        doc="""What is learned from the fitted generator's own draws and done to all that leaves
        it: ``"auto"`` lets channels that are read on a grid stand still as often as in training
        (:class:`~sklearn_timegen.rules.GridSnapper`), and brings normal scores to their
        distribution (:class:`~sklearn_timegen.rules.MarginalCalibration`); ``None`` does nothing,
        and an object with ``fit(u)``, ``calibrate(drawn)`` and ``transform(u)`` something
        else, of ``n_draws`` series, if it says so.""",
        check=[StrOptions({"auto"}), HasMethods(["fit", "calibrate", "transform"]), None],
        type='"auto", None or object',
    )
    n_channels: int = param(
        default=1,
        doc="Number of channels in the rows of a 2-d ``X``.",
        check=[Interval(Integral, 1, None, closed="left")],
    )
    layout: str = param(
        default="channels-last",
        doc="""The order of the axes of a 3-d ``X``: ``"channels-last"`` is ``(n_samples,
        n_timesteps, n_channels)``; ``"channels-first"`` is ``(n_samples, n_channels,
        n_timesteps)``, or a list of ``(n_channels, n_timesteps)``, as in aeon and sktime. All
        series come back in it.""",
        check=[StrOptions(set(LAYOUTS))],
    )
    missing: str = param(
        default="generate",
        doc="""What is done about missing values (NaN): with ``"generate"`` samples have them as
        often as the data and in the same patterns, with ``"complete"`` they have none, and with
        ``"error"`` there must be none.""",
        check=[StrOptions({"generate", "complete", "error"})],
    )
    channel_kinds: str | Mapping[Any, str] = param(
        default="auto",
        doc="""What channels hold, by name or position: ``"continuous"``, ``"integer"``,
        ``"binary"``, ``"categorical"``, ``"ordinal"`` or ``"date"``; of others, and with
        ``"auto"``, the dtype tells.""",
        check=[StrOptions({"auto"}), Mapping],
        type='"auto" or dict',
    )
    rare_categories: int | None = param(
        default=None,
        doc="""Categories that fewer series than this have are merged into ``"other"``; ``None``
        keeps all.""",
        check=[Interval(Integral, 2, None, closed="left"), None],
    )
    unseen_categories: str = param(
        default="error",
        doc="""What is done about categories of new series that were not in training: an
        ``"error"``, or they are taken for ``"other"``.""",
        check=[StrOptions({"error", "other"})],
    )

    # Timesteps without which there is nothing to learn.
    _fewest_timesteps: ClassVar[int] = 1

    def _choose_representation(self, n_timesteps: int) -> str | Representation:
        return self.representation

    @property
    def _rule_kinds(self) -> Sequence[str]:
        """Kinds of rules that are looked for."""
        return KINDS
