"""Networks: torch modules built from sizes; ``forward(x or z, c=None)``."""
