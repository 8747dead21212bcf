"""The three places that weights come from: torchvision's (or timm's) own, a local file, or nowhere."""

from __future__ import annotations

import pickle
from collections import OrderedDict
from pathlib import Path
from typing import Any

import torch
import torchvision
from torch import Tensor, nn

from logoingest.config import TrainConfig
from logoingest.errors import ConfigError, Problem
from logoingest.training.models.architectures import TIMM
from logoingest.training.models.states import State, load_state
from logoingest.training.models.web import choose_proxy, download_file, explain_download_failure, speak_for_others
from logoingest.training.named_code import names_code

_TWO_WAYS_OUT = 'set train.weights to a local file of {name}\'s state dict, or to "none" to learn from scratch'
_WHERE = "train.weights"
#: Where timm's weights are.
_HUB = "https://huggingface.co/"


def read_weights(config: TrainConfig, base_dir: Path) -> tuple[str, State]:
    """(where they are from, state dict) of ``imagenet`` or of a local file.

    Raises:
        ConfigError: they cannot be had.
    """
    if config.weights == "imagenet":
        if names_code(config.model):
            what = f"\"imagenet\" are weights of torchvision's and timm's models, and {config.model} is your own"
            raise ConfigError(Problem(_WHERE, what, _TWO_WAYS_OUT.format(name=config.model)))
        if config.model.startswith(TIMM):
            return "timm's weights", _download_timm(config.model)
        return "torchvision's weights", _download_torchvision(config.model)
    path = base_dir / Path(config.weights_file or "").expanduser()
    return str(path), read_state(path)


def read_state(path: Path) -> State:
    """A state dict from a local ``.pth`` or ``.safetensors``; nothing in the file is ever executed.

    Raises:
        ConfigError: there is no such file, or it is no state dict.
    """
    if not path.is_file():
        hint = 'the path is relative to dataset.toml; "imagenet" and "none" need no file'
        raise ConfigError(Problem(_WHERE, f"there is no file {path}", hint))
    try:
        if path.suffix == ".safetensors":
            from safetensors.torch import load_file

            loaded: Any = load_file(path)
        else:
            loaded = torch.load(path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, OSError, EOFError, ValueError, KeyError, AttributeError, TypeError) as error:
        problem = Problem(
            _WHERE, f"{path.name} is not a state dict that can be read safely", "save it with torch.save(model.state_dict())"
        )
        raise ConfigError(problem) from error
    except Exception as error:  # safetensors' own error derives from Exception alone
        raise ConfigError(Problem(_WHERE, f"{path.name} is damaged ({error})")) from error
    for key in ("state_dict", "model"):
        if isinstance(loaded, dict) and isinstance(loaded.get(key), dict):
            loaded = loaded[key]
    if not isinstance(loaded, dict) or not loaded or not all(isinstance(value, Tensor) for value in loaded.values()):
        raise ConfigError(Problem(_WHERE, f"{path.name} holds no state dict", "save it with torch.save(model.state_dict())"))
    return _keep_versions(loaded, {str(name).removeprefix("module."): value for name, value in loaded.items()})


def _keep_versions(given: State, made: State) -> State:
    """The version numbers of layers that a state dict carries beside its tensors."""
    kept: OrderedDict[str, Tensor] = OrderedDict(made)
    kept._metadata = getattr(given, "_metadata", None)  # type: ignore[attr-defined]  # noqa: SLF001  # where torch itself keeps them
    return kept


def _download_torchvision(name: str) -> State:
    """Torchvision's own weights, from torch's cache or the network."""
    enum = torchvision.models.get_model_weights(name)
    try:
        url: str = enum.DEFAULT.url
    except AttributeError:
        what = f"torchvision has no trained weights of {name}"
        raise ConfigError(Problem(_WHERE, what, _TWO_WAYS_OUT.format(name=name))) from None
    cached = Path(torch.hub.get_dir()) / "checkpoints" / url.rsplit("/", maxsplit=1)[-1]
    if not cached.is_file():
        download_file(url, cached, '"imagenet"', _TWO_WAYS_OUT.format(name=name))
    return read_state(cached)


def _download_timm(model: str) -> State:
    """Timm's own weights, from its hub's cache or the network."""
    import timm

    try:
        with speak_for_others():
            state: State = timm.create_model(model.removeprefix(TIMM), pretrained=True).state_dict()
    except Exception as error:  # the hub's client has errors of its own, by version
        raise ConfigError(
            explain_download_failure('"imagenet"', "huggingface.co", choose_proxy(_HUB), error, _TWO_WAYS_OUT.format(name=model))
        ) from error
    return state


def fit_weights(network: nn.Module, head_name: str, state: State, where: str, config: TrainConfig) -> None:
    """Load everything but the head.

    Raises:
        ConfigError: the weights belong to another model.
    """
    if config.model.startswith("vit"):
        state = _keep_versions(state, _stretch_positions(network, state))
    wanted = network.state_dict()
    body = {name: value for name, value in state.items() if name in wanted and not name.startswith(f"{head_name}.")}
    missing = [name for name in wanted if not name.startswith(f"{head_name}.") and name not in body]
    missing = [name for name in missing if not name.endswith("num_batches_tracked")]
    wrong = [name for name, value in body.items() if value.shape != wanted[name].shape]
    if missing or wrong:
        first = (missing or wrong)[0]
        what = (
            f"{where} does not fit {config.model}: {len(missing)} tensors missing, {len(wrong)} of another shape (first: {first})"
        )
        raise ConfigError(Problem("train.weights", what, f"are these weights of {config.model}?"))
    load_state(network, _keep_versions(state, body), strict=False)
    if hasattr(network, "transform_input"):  # inception and googlenet were trained on pictures scaled otherwise
        network.transform_input = True  # type: ignore[assignment]  # a plain attribute of theirs


def _stretch_positions(network: nn.Module, state: State) -> State:
    """A vision transformer's position embedding, interpolated to our picture's side."""
    from torchvision.models.vision_transformer import interpolate_embeddings

    try:
        stretched: State = interpolate_embeddings(network.image_size, network.patch_size, OrderedDict(state))
    except (KeyError, ValueError, RuntimeError):
        return state
    return stretched
