"""Attacks on the privacy of those whose series a generator was trained on.

Copies are found by :mod:`sklearn_timegen.metrics.memorisation`, and a set without copies may still
tell who is in it. Attacks here have a reference: series of the same population, or generators of
the same kind, of which it is known what they were trained on. All count owners, not windows.
"""

from sklearn_timegen.metrics.privacy.attack import AttackResult
from sklearn_timegen.metrics.privacy.attributes import attribute_attack
from sklearn_timegen.metrics.privacy.membership import membership_attack
from sklearn_timegen.metrics.privacy.report import PrivacyReport, privacy_report
from sklearn_timegen.metrics.privacy.shadow import shadow_attack
from sklearn_timegen.metrics.privacy.singling_out import SinglingOut, singling_out

__all__ = [
    "AttackResult",
    "PrivacyReport",
    "SinglingOut",
    "attribute_attack",
    "membership_attack",
    "privacy_report",
    "shadow_attack",
    "singling_out",
]
