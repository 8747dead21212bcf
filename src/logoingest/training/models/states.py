"""State dicts as files hold them: tensors alone, each its own, and what a network needs beside them to take them back."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping

from torch import Tensor, nn

State = Mapping[str, Tensor]


def gather_state(network: nn.Module) -> dict[str, Tensor]:
    """The tensors of a network, on the CPU and none sharing memory with another, as safetensors asks."""
    return {name: value.detach().cpu().contiguous().clone() for name, value in network.state_dict().items()}


def load_state(network: nn.Module, state: State, *, strict: bool = True) -> None:
    """Load tensors that came without the version numbers that some layers ask for (MNASNet refuses without): those of the network.

    Raises:
        RuntimeError: the tensors do not fit.
    """
    whole: OrderedDict[str, Tensor] = OrderedDict(state)
    versions = getattr(state, "_metadata", None) or getattr(network.state_dict(), "_metadata", None)
    whole._metadata = versions  # type: ignore[attr-defined]  # noqa: SLF001  # where torch itself keeps them
    network.load_state_dict(whole, strict=strict)
