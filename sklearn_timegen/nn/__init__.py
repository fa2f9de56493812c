"""Networks that families share: modules made from sizes; ``forward(x or z, c=None)``."""
