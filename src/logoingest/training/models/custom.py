"""A network of one's own, "package.module:function": what it must be, checked before minutes of decoding.

The contract: f(class_count: int, side_px: int, **model_options) -> nn.Module, which takes (n, 3, side_px, side_px) normalised as for
ImageNet and gives (n, class_count) scores before the softmax. Its classes are named by a linear or convolution layer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load, save
from torch import Tensor, nn

from logoingest.errors import ConfigError, Problem, quote_first_line
from logoingest.training.models.heads import find_head
from logoingest.training.models.states import gather_state, load_state
from logoingest.training.named_code import import_named

_WHERE = "train.model"


def build_custom(name: str, class_count: int, side_px: int, options: Mapping[str, Any], base_dir: Path) -> nn.Module:
    """The function's network in eval mode, once it has kept the contract.

    Raises:
        ConfigError: there is no such function, it does not take the options, or its network does not keep the contract: says where.
    """
    function = import_named(_WHERE, name, base_dir)
    if not callable(function):
        raise ConfigError(Problem(_WHERE, f"{name} is no function", "f(class_count, side_px, **model_options) -> nn.Module"))

    def build() -> nn.Module:
        with _blame(name, "cannot be built"):
            made: nn.Module = function(class_count=class_count, side_px=side_px, **options)
        if not isinstance(made, nn.Module):
            raise ConfigError(Problem(_WHERE, f"{name} gives {type(made).__name__}, not an nn.Module"))
        return made

    network = build()
    with torch.random.fork_rng(devices=[]):
        check_contract(name, network, build, class_count, side_px)
    return network.eval()


def check_contract(name: str, network: nn.Module, build: Callable[[], nn.Module], class_count: int, side_px: int) -> None:
    """Shape, finite scores, equal answers in eval mode, gradients at the head, and a way through a file.

    Raises:
        ConfigError: the first that is broken.
    """
    pictures = torch.randn(2, 3, side_px, side_px, generator=torch.Generator().manual_seed(0))
    scores = _ask(name, network, pictures)
    if not isinstance(scores, Tensor) or scores.shape != (2, class_count):
        shape = tuple(scores.shape) if isinstance(scores, Tensor) else type(scores).__name__
        raise ConfigError(_refuse(name, f"gives {shape} for two pictures, not (2, {class_count})", "scores before the softmax"))
    if not torch.isfinite(scores).all():
        raise ConfigError(_refuse(name, "gives scores that are not finite", "look at its initial weights and its input's scale"))
    if not torch.equal(scores, _ask(name, network, pictures)):
        hint = "dropout and noise belong into training mode: self.training"
        raise ConfigError(_refuse(name, "says something else of the same pictures in eval mode the second time", hint))
    head = find_head(network, class_count)
    _check_gradients(name, network, head, pictures)
    _check_round_trip(name, network, build(), pictures, scores)


def _ask(name: str, network: nn.Module, pictures: Tensor) -> Any:
    network.eval()
    with torch.no_grad(), _blame(name, f"fails on pictures of shape {tuple(pictures.shape)}"):
        return network(pictures)


def _check_gradients(name: str, network: nn.Module, head: str, pictures: Tensor) -> None:
    network.train()
    with _blame(name, "cannot be trained"), torch.enable_grad():
        saved = {key: value.clone() for key, value in network.state_dict().items()}  # batch statistics move
        nn.functional.cross_entropy(network(pictures), torch.zeros(2, dtype=torch.long)).backward()  # type: ignore[no-untyped-call]  # torch ships it untyped
    gradients = [parameter.grad for parameter in network.get_submodule(head).parameters() if parameter.requires_grad]
    if not any(grad is not None and bool(grad.abs().sum() > 0) for grad in gradients):
        hint = "is it used in forward, without torch.no_grad() or detach()?"
        raise ConfigError(_refuse(name, f"its last layer, {head}, gets no gradient", hint))
    network.zero_grad(set_to_none=True)
    network.load_state_dict(saved)


def _check_round_trip(name: str, network: nn.Module, other: nn.Module, pictures: Tensor, scores: Tensor) -> None:
    """Saved and loaded into a network built anew, it must say the same; tensors may be shared."""
    with _blame(name, "cannot be saved and loaded again"):
        load_state(other, load(save(gather_state(network))))
    if not torch.equal(_ask(name, other, pictures), scores):
        hint = "tensors that are neither parameters nor buffers are lost: register_buffer, or make them from model_options"
        raise ConfigError(_refuse(name, "saved and loaded into one built anew it says something else", hint))


def _refuse(name: str, what: str, hint: str) -> Problem:
    return Problem(_WHERE, f"{name}: {what}", hint)


@contextmanager
def _blame(name: str, what: str) -> Iterator[None]:
    """Whatever code of one's own raises, said in one line."""
    try:
        yield
    except ConfigError:
        raise
    except Exception as error:  # anything may come out of somebody's own code
        raise ConfigError(Problem(_WHERE, f"{name} {what} ({type(error).__name__}: {quote_first_line(error, 160)})")) from error
