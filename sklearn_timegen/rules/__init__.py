"""What every series of a data set keeps, and the coordinates that cannot break it."""

from sklearn_timegen.rules.bounds import Bounds
from sklearn_timegen.rules.channels import ChannelReducer
from sklearn_timegen.rules.standing_still import GridSnapper
from sklearn_timegen.rules.structure import Structure

__all__ = ["Bounds", "ChannelReducer", "GridSnapper", "Structure"]
