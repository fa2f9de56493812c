"""What every series of a data set keeps, and coordinates that cannot break it."""

from sklearn_timegen.rules.angle import Angle
from sklearn_timegen.rules.bounds import Bounds
from sklearn_timegen.rules.calibration import (
    MarginalCalibration,
    Postprocesses,
    choose_postprocess,
)
from sklearn_timegen.rules.category import Category, Static
from sklearn_timegen.rules.channel_hold import ChannelHolder
from sklearn_timegen.rules.channels import ChannelReducer
from sklearn_timegen.rules.clock import Clock
from sklearn_timegen.rules.dependence import Dependence
from sklearn_timegen.rules.finding import KINDS, find_rules
from sklearn_timegen.rules.grid import Grid
from sklearn_timegen.rules.length import Length
from sklearn_timegen.rules.level import Level
from sklearn_timegen.rules.missing import Missing
from sklearn_timegen.rules.monotone import Monotone
from sklearn_timegen.rules.multiplicative import Multiplicative, Positive
from sklearn_timegen.rules.normal_score import NormalScore
from sklearn_timegen.rules.one_of import OneOf
from sklearn_timegen.rules.order import Order
from sklearn_timegen.rules.parts import Parts
from sklearn_timegen.rules.redundant import Combination, Constant, Copy
from sklearn_timegen.rules.rule import Evidence, Rule
from sklearn_timegen.rules.rule_list import RuleList
from sklearn_timegen.rules.sample_hold import SampleHolder
from sklearn_timegen.rules.shape import Shape
from sklearn_timegen.rules.smoothing import StateSmoother
from sklearn_timegen.rules.standardized import Standardized
from sklearn_timegen.rules.standing_still import GridSnapper
from sklearn_timegen.rules.stillness import stand_still
from sklearn_timegen.rules.structure import LINEAR_KINDS, Structure
from sklearn_timegen.rules.succession import Succession

__all__ = [
    "KINDS",
    "LINEAR_KINDS",
    "Angle",
    "Bounds",
    "Category",
    "ChannelHolder",
    "ChannelReducer",
    "Clock",
    "Combination",
    "Constant",
    "Copy",
    "Dependence",
    "Evidence",
    "Grid",
    "GridSnapper",
    "Length",
    "Level",
    "MarginalCalibration",
    "Missing",
    "Monotone",
    "Multiplicative",
    "NormalScore",
    "OneOf",
    "Order",
    "Parts",
    "Positive",
    "Postprocesses",
    "Rule",
    "RuleList",
    "SampleHolder",
    "Shape",
    "Standardized",
    "StateSmoother",
    "Static",
    "Structure",
    "Succession",
    "choose_postprocess",
    "find_rules",
    "stand_still",
]
