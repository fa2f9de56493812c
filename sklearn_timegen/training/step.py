"""What a step of training returns."""

from __future__ import annotations

from typing import NotRequired, TypedDict

from torch import Tensor

__all__ = ["Step"]


class Step(TypedDict):
    """A step's loss and what it logs; ``y_pred`` is there for skorch's callbacks, which ask."""

    loss: Tensor
    y_pred: None
    logs: NotRequired[dict[str, Tensor]]
