"""Findings of ``benchmarks.rules`` in sets of other packages, each argued in a sentence.

Looked at by eye. A set, words of the rule, and whether it is true of the data.
"""

REMARKS: list[tuple[str, str, str]] = []
