"""Steps of an optimizer as part of the graph: what a player would do next, and its gradient.

Parameters and gradients are dictionaries of tensors by name, as ``torch.func.functional_call``
takes them. Nothing is changed in place: neither a module nor an optimizer's state.

Source: L. Metz et al. (2017), "Unrolled generative adversarial networks",
https://arxiv.org/abs/1611.02163
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

import torch
from torch import Tensor

from sklearn_timegen.objectives.penalties import root

__all__ = ["AdamStep", "GradientStep", "Step", "unrolled"]

Tensors = dict[str, Tensor]


class Step(Protocol):
    """One step of an optimizer, as a function."""

    def start(self, parameters: Tensors) -> Any:
        """State before the first step."""
        ...

    def __call__(self, parameters: Tensors, gradients: Tensors, state: Any) -> tuple[Tensors, Any]:
        """Parameters and state after a step."""
        ...


class GradientStep:
    """Plain gradient descent."""

    def __init__(self, lr: float) -> None:
        self.lr = lr

    def start(self, parameters: Tensors) -> None:
        return None

    def __call__(
        self, parameters: Tensors, gradients: Tensors, state: None
    ) -> tuple[Tensors, None]:
        return {name: p - self.lr * gradients[name] for name, p in parameters.items()}, None


Moments = dict[str, tuple[Tensor, Tensor, float]]


class AdamStep:
    """Adam, from where an optimizer is.

    ``state`` holds, by the names of the parameters, what ``torch.optim.Adam`` holds by the
    parameters themselves: ``exp_avg``, ``exp_avg_sq`` and ``step``. Parameters that it lacks, or
    holds nothing of, start at zero.

    Source: D. P. Kingma and J. Ba (2015), "Adam: a method for stochastic optimization",
    https://arxiv.org/abs/1412.6980
    """

    def __init__(
        self,
        lr: float,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        state: Mapping[str, Mapping[str, Any]] | None = None,
    ) -> None:
        self.lr = lr
        self.betas = betas
        self.eps = eps
        self.state = state or {}

    def start(self, parameters: Tensors) -> Moments:
        moments = {}
        for name, p in parameters.items():
            held, none = self.state.get(name) or {}, torch.zeros_like(p)
            step = float(held.get("step", 0.0))
            moments[name] = held.get("exp_avg", none), held.get("exp_avg_sq", none), step
        return moments

    def __call__(
        self, parameters: Tensors, gradients: Tensors, state: Moments
    ) -> tuple[Tensors, Moments]:
        (beta_1, beta_2), moved, moments = self.betas, {}, {}
        for name, p in parameters.items():
            m, v, t = state[name]
            m = beta_1 * m + (1 - beta_1) * gradients[name]
            v = beta_2 * v + (1 - beta_2) * gradients[name].square()
            t = t + 1
            spread = root(v / (1 - beta_2**t))
            moved[name] = p - self.lr * (m / (1 - beta_1**t)) / (spread + self.eps)
            moments[name] = m, v, t
        return moved, moments


def unrolled(
    parameters: Tensors, loss: Callable[[Tensors], Tensor], n_steps: int, step: Step
) -> Tensors:
    """Return the parameters after ``n_steps`` steps down the loss, a single number.

    They are functions of all that the loss depends on, except the parameters that they start
    from: what is descended through them leaves no gradient there.
    """
    parameters = {name: p.detach().requires_grad_() for name, p in parameters.items()}
    state = step.start(parameters)
    for _ in range(n_steps):
        value, names = loss(parameters), list(parameters)
        gradients = torch.autograd.grad(
            value, list(parameters.values()), create_graph=True, materialize_grads=True
        )
        parameters, state = step(parameters, dict(zip(names, gradients, strict=True)), state)
    return parameters
