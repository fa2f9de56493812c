"""Recurrent networks that draw each timestep given all before it."""

from sklearn_timegen.autoregressive.categorical import CategoricalForcing
from sklearn_timegen.autoregressive.general import ProfessorForcing, TeacherForcing

__all__ = ["CategoricalForcing", "ProfessorForcing", "TeacherForcing"]
