"""Objectives that families share: tensors in, one value a series out."""
