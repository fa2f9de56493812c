"""Objectives: tensors in, one value a series out; the net takes the mean."""
