"""Second derivatives, which penalties on gradients need and the fastest kernels do not have."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

import torch

__all__ = ["differentiated_twice", "double_backward"]


class _Switch(threading.local):
    on = False


_SWITCH = _Switch()
# cuDNN has one switch for all threads. Those that need it off take turns, or the first to leave
# would turn it on under another.
_CUDNN = threading.RLock()


@contextmanager
def double_backward() -> Iterator[None]:
    """Within the block, what the networks of this package compute can be differentiated twice.

    Attention is then written out, and LSTMs on a GPU do without cuDNN. (On a CPU they are
    differentiable twice as they are.) The choice of a kernel changes the last bits of a result,
    so this one holds for the thread alone: torch's ``sdpa_kernel(SDPBackend.MATH)`` would reach
    into what other threads are training. A module of one's own with
    ``scaled_dot_product_attention`` needs that around its ``forward`` nevertheless.
    """
    before, _SWITCH.on = _SWITCH.on, True
    try:
        with _without_cudnn() if torch.backends.cudnn.is_available() else nullcontext():
            yield
    finally:
        _SWITCH.on = before


def differentiated_twice() -> bool:
    """Whether this thread is within ``double_backward``."""
    return _SWITCH.on


@contextmanager
def _without_cudnn() -> Iterator[None]:
    with _CUDNN:
        before, torch.backends.cudnn.enabled = torch.backends.cudnn.enabled, False
        try:
            yield
        finally:
            torch.backends.cudnn.enabled = before
