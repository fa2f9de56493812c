"""What of a net is kept: in memory while it trains further, pickled, and in a file without code.

In such a file, a net is its parameters, the weights and numbers of its networks and of its
objective, what training has counted, and, where training is to go on, the memory of its
optimizers.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any, ClassVar

import torch
from skorch import NeuralNet
from skorch.history import History
from torch import Tensor

from sklearn_timegen._random import derive_seed, seeded_weights, torch_generator
from sklearn_timegen.io.saved.numbers import on_known_device
from sklearn_timegen.training.rebuilding import check_parts, no_larger_than

__all__ = ["SavedNet"]


class SavedNet(NeuralNet):
    """A skorch net whose state can be taken, and given back."""

    noise_: torch.Generator

    _trained: ClassVar[tuple[str, ...]] = ("module_", "criterion_", "optimizer_")
    _streams: ClassVar[tuple[str, ...]] = ("shuffle_", "noise_")

    # What training counts and draws by, beside weights and optimizer.
    _counted: ClassVar[tuple[str, ...]] = (
        *("n_steps_", "n_epochs_", "n_batches_", "interrupted_", "shuffle_", "noise_"),
        *("_n_before", "_n_to_come"),
    )

    # -- in memory ---------------------------------------------------------------------------

    def snapshot(self) -> dict[str, Any]:
        """Return all that training changes."""
        return {
            "attributes": {name: _apart(value) for name, value in vars(self).items()},
            "states": {n: copy.deepcopy(getattr(self, n).state_dict()) for n in self._trained},
            "streams": {name: getattr(self, name).get_state() for name in self._streams},
        }

    def restore(self, kept: dict[str, Any]) -> None:
        """Go back to what ``snapshot`` returned, callbacks apart."""
        self.__dict__.clear()
        self.__dict__.update(kept["attributes"])
        for name, state in kept["states"].items():
            getattr(self, name).load_state_dict(state)
        for name, state in kept["streams"].items():
            getattr(self, name).set_state(state)

    # -- pickled -----------------------------------------------------------------------------

    def __getstate__(self) -> dict[str, Any]:
        state: dict[str, Any] = super().__getstate__()
        if "noise_" in state:  # a generator of a GPU could not be unpickled without one
            state["noise_"] = str(state["noise_"].device), state["noise_"].get_state()
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        if "noise_" in state:
            device, stream = state["noise_"]
            self.noise_ = self._noise_of_this_machine()
            if torch.device(device).type == self.noise_.device.type:
                self.noise_.set_state(stream)

    def _noise_of_this_machine(self) -> torch.Generator:
        """Return what noise goes on by where its own stream means nothing."""
        seed = derive_seed(self.seed, f"noise after epoch {len(self.history)}")
        return torch_generator(seed, self.device)

    # -- in a file ---------------------------------------------------------------------------

    def _state_to_save(self, training_state: bool) -> dict[str, Any]:
        """Return what the net is made of, and what training has made of it."""
        state = {
            "params": self.get_params(deep=False),
            "module": dict(self.networks.state_dict()),
            "criterion": dict(self.criterion_.state_dict()),
            "objective": _numbers(self.criterion_),
            "history": [dict(row) for row in self.history],
            "counted": {n: getattr(self, n) for n in self._counted if hasattr(self, n)},
        }
        if training_state:
            state["optimizer"] = self.optimizer_.state_dict()
        return state

    def _load_saved(self, state: dict[str, Any]) -> None:
        """Make the net anew, and give it the weights that it had."""
        counted = state["counted"]
        if not set(counted) <= set(self._counted):
            raise ValueError(f"a net does not count {sorted(set(counted) - set(self._counted))}")
        params = {**state["params"], "device": str(on_known_device(state["params"]["device"]))}
        check_parts(params)
        type(self).__init__(self, **params)
        states = state["module"], state["criterion"]
        with no_larger_than(*states):
            self._try_without_memory()
        with no_larger_than(*states):
            self.initialize()
        self.networks.load_state_dict(state["module"])
        self.criterion_.load_state_dict(state["criterion"])
        self.criterion_.__dict__.update(_only_numbers(state["objective"], self.criterion_))
        self.history_ = History(state["history"])
        self.__dict__.update(counted)
        if self.noise_.device.type != torch.device(self.device).type:  # of another machine
            self.noise_ = self._noise_of_this_machine()
        self.begins_anew_ = "optimizer" not in state
        if not self.begins_anew_:
            self.optimizer_.load_state_dict(state["optimizer"])
            self._check_optimizer()

    def _try_without_memory(self) -> None:
        """Make the networks once without their memory, so that they can be counted before."""
        with torch.device("meta"), seeded_weights(0):
            try:
                self.initialized_instance(self.module, self.get_params_for("module"))
            except (NotImplementedError, RuntimeError):
                return  # they look at their weights while they are made, which have no values here

    def _check_optimizer(self) -> None:
        """Refuse an optimizer's memory of other weights."""
        for group in self.optimizer_.param_groups:
            for parameter in group["params"]:
                for name, value in self.optimizer_.state.get(parameter, {}).items():
                    of_shape = not isinstance(value, Tensor) or value.shape == parameter.shape
                    if not of_shape and value.numel() != 1:
                        raise ValueError(
                            f"the optimizer's {name} has the shape {tuple(value.shape)}, its "
                            f"weights {tuple(parameter.shape)}"
                        )


def _apart(value: Any) -> Any:
    """Return a copy of a container: what is counted and listed in training stays what it was."""
    return copy.copy(value) if isinstance(value, dict | list | set) else value


def _numbers(module: torch.nn.Module) -> dict[str, Any]:
    """Return a module's own numbers, such as the weight that a warm-up sets."""
    return {name: v for name, v in vars(module).items() if type(v) in (int, float)}


def _only_numbers(state: Mapping[str, Any], module: torch.nn.Module) -> dict[str, Any]:
    """Return those numbers of a state that a module has."""
    odd = [n for n, v in state.items() if n not in vars(module) or type(v) not in (int, float)]
    if odd:
        raise ValueError(f"the objective {type(module).__name__} has no number {odd[0]}")
    return dict(state)
