"""Any torchvision classifier with a head for our classes, and the three places its weights may come from."""

from __future__ import annotations

import pickle
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import torchvision
from torch import Tensor, nn

from logoingest.config import TrainConfig
from logoingest.errors import ConfigError, Problem, quote_first_line, suggest_name

#: Spread of the new head's weights: small, so that the first loss is that of not knowing.
HEAD_STD = 0.01
#: Share of the layers that ``freeze = "lower"`` keeps: edges and textures, which logos share with everything else.
LOWER_SHARE = 2 / 3
_CONNECT_TIMEOUT_S = 20.0
_TWO_WAYS_OUT = 'set train.weights to a local file of {name}\'s state dict, or to "none" to learn from scratch'
#: Families whose constructor must know the picture's side.
_SIDE_ARGUMENTS = {"vit": "image_size", "maxvit": "input_size"}

State = dict[str, Tensor]


@dataclass(frozen=True)
class Learner:
    """A network, the layer that names the classes, and what is known about both."""

    network: nn.Module
    head_name: str
    pretrained: bool
    frozen: bool
    """Whether only the head learns."""

    @property
    def head(self) -> nn.Module:
        """The last layer."""
        return self.network.get_submodule(self.head_name)


def list_architectures() -> list[str]:
    """Names of torchvision's classification models."""
    return sorted(torchvision.models.list_models(module=torchvision.models))


def check_architecture(name: str) -> None:
    """See to it that torchvision has the model.

    Raises:
        ConfigError: it has not; says which name is near.
    """
    known = list_architectures()
    if name not in known:
        hint = suggest_name(name.lower().replace("-", "_"), known, f"for example {', '.join(known[:4])}")
        raise ConfigError(Problem("train.model", f'torchvision has no classification model "{name}"', hint))


def build_architecture(name: str, class_count: int, side_px: int) -> nn.Module:
    """An untrained network; initial weights come from torch's current random state.

    Raises:
        ConfigError: torchvision does not know the name, or the model cannot take pictures of that side.
    """
    check_architecture(name)
    options: dict[str, Any] = {"weights": None, "num_classes": class_count}
    family = name.split("_", maxsplit=1)[0]
    if family in _SIDE_ARGUMENTS:
        options[_SIDE_ARGUMENTS[family]] = side_px if family == "vit" else (side_px, side_px)
    if family in {"inception", "googlenet"}:
        options |= {"aux_logits": False, "init_weights": True}
    try:
        network: nn.Module = torchvision.models.get_model(name, **options)
        network.eval()
        with torch.no_grad():
            network(torch.zeros(1, 3, side_px, side_px))
    except (RuntimeError, ValueError, AssertionError) as error:
        line = quote_first_line(error, 160)
        hint = "224 suits every model but inception_v3 (299)"
        raise ConfigError(Problem("train.image_side_px", f"{name} cannot take pictures of {side_px} px ({line})", hint)) from error
    return network


def find_head(network: nn.Module, class_count: int) -> str:
    """The dotted name of the layer that names the classes: the last linear or convolution layer with that many outputs."""
    found = ""
    for name, module in network.named_modules():
        outputs = getattr(module, "out_features", None) if isinstance(module, nn.Linear) else getattr(module, "out_channels", None)
        if isinstance(module, nn.Linear | nn.Conv2d) and outputs == class_count and "aux" not in name.lower():
            found = name
    if not found:
        raise ConfigError(Problem("train.model", "no classification layer found in it", "choose another model"))
    return found


def build_learner(config: TrainConfig, class_count: int, base_dir: Path) -> Learner:
    """The network of a config: weights loaded where there are some, a fresh head, frozen as asked.

    Raises:
        ConfigError: no such model, weights that cannot be had, read or fitted, or a side the model cannot take.
    """
    network = build_architecture(config.model, class_count, config.image_side_px)
    head_name = find_head(network, class_count)
    pretrained = config.weights != "none"
    if pretrained:
        where, state = read_weights(config, base_dir)
        fit_weights(network, head_name, state, where, config)
    reset_head(network.get_submodule(head_name))
    freeze_layers(network, head_name, config.freeze)
    return Learner(network, head_name, pretrained, config.freeze == "backbone")


def freeze_layers(network: nn.Module, head_name: str, freeze: str) -> None:
    """Keep some layers as they are: none, the lower two thirds (of the modules that own weights, first to last), or all but the head."""
    layers = [(name, module) for name, module in network.named_modules() if any(True for _ in module.parameters(recurse=False))]
    count = {"none": 0, "lower": round(len(layers) * LOWER_SHARE), "backbone": len(layers)}[freeze]
    for name, module in layers[:count]:
        if name != head_name:
            for parameter in module.parameters(recurse=False):
                parameter.requires_grad = False


def find_lower_layer(network: nn.Module) -> nn.Module | None:
    """The last of ``features`` that lies wholly in the lower two thirds; None where the layers do not stand one behind another there."""
    chain = getattr(network, "features", None)
    if not isinstance(chain, nn.Sequential):
        return None
    owners = [name for name, module in network.named_modules() if any(True for _ in module.parameters(recurse=False))]
    upper = set(owners[round(len(owners) * LOWER_SHARE) :])
    found = None
    for name, layer in chain.named_children():
        if any(owner == f"features.{name}" or owner.startswith(f"features.{name}.") for owner in upper):
            break
        found = layer
    return found


def reset_head(head: nn.Module) -> None:
    """Small random weights and no bias."""
    assert isinstance(head, nn.Linear | nn.Conv2d)
    nn.init.normal_(head.weight, std=HEAD_STD)
    if head.bias is not None:
        nn.init.zeros_(head.bias)


def read_weights(config: TrainConfig, base_dir: Path) -> tuple[str, State]:
    """(where they are from, state dict) of ``imagenet`` or of a local file.

    Raises:
        ConfigError: they cannot be had.
    """
    if config.weights == "imagenet":
        return "torchvision's weights", _download_weights(config.model)
    path = base_dir / Path(config.weights).expanduser()
    return str(path), read_state(path)


def read_state(path: Path) -> State:
    """A state dict from a local ``.pth`` or ``.safetensors``; nothing in the file is ever executed.

    Raises:
        ConfigError: there is no such file, or it is no state dict.
    """
    where = "train.weights"
    if not path.is_file():
        hint = 'the path is relative to dataset.toml; "imagenet" and "none" need no file'
        raise ConfigError(Problem(where, f"there is no file {path}", hint))
    try:
        if path.suffix == ".safetensors":
            from safetensors.torch import load_file

            loaded: Any = load_file(path)
        else:
            loaded = torch.load(path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, OSError, EOFError, ValueError, KeyError, AttributeError, TypeError) as error:
        problem = Problem(
            where, f"{path.name} is not a state dict that can be read safely", "save it with torch.save(model.state_dict())"
        )
        raise ConfigError(problem) from error
    except Exception as error:  # safetensors' own error derives from Exception alone
        raise ConfigError(Problem(where, f"{path.name} is damaged ({error})")) from error
    for key in ("state_dict", "model"):
        if isinstance(loaded, dict) and isinstance(loaded.get(key), dict):
            loaded = loaded[key]
    if not isinstance(loaded, dict) or not loaded or not all(isinstance(value, Tensor) for value in loaded.values()):
        raise ConfigError(Problem(where, f"{path.name} holds no state dict", "save it with torch.save(model.state_dict())"))
    return {str(name).removeprefix("module."): value for name, value in loaded.items()}


def _download_weights(name: str) -> State:
    """Torchvision's own weights, from its cache or the network."""
    enum = torchvision.models.get_model_weights(name)
    try:
        weights = enum.DEFAULT
    except AttributeError:
        raise ConfigError(
            Problem("train.weights", f"torchvision has no trained weights of {name}", _TWO_WAYS_OUT.format(name=name))
        ) from None
    cached = Path(torch.hub.get_dir()) / "checkpoints" / weights.url.rsplit("/", maxsplit=1)[-1]
    try:
        if not cached.is_file():
            urllib.request.urlopen(weights.url, timeout=_CONNECT_TIMEOUT_S).close()  # noqa: S310 - torchvision's https address; fails early where torch.hub would wait for ever
        state: State = weights.get_state_dict(progress=False, check_hash=True, weights_only=True, map_location="cpu")
    except (urllib.error.URLError, OSError, RuntimeError) as error:
        what = f'"imagenet" needs a download from {weights.url.split("/")[2]}, which failed ({error})'
        raise ConfigError(Problem("train.weights", what, _TWO_WAYS_OUT.format(name=name))) from error
    return state


def fit_weights(network: nn.Module, head_name: str, state: State, where: str, config: TrainConfig) -> None:
    """Load everything but the head.

    Raises:
        ConfigError: the weights belong to another model.
    """
    if config.model.startswith("vit"):
        state = _stretch_positions(network, state)
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
    network.load_state_dict(body, strict=False)
    if hasattr(network, "transform_input"):  # inception and googlenet were trained on pictures scaled otherwise
        network.transform_input = True  # type: ignore[assignment]  # a plain attribute of theirs


def _stretch_positions(network: nn.Module, state: State) -> State:
    """A vision transformer's position embedding, interpolated to our picture's side."""
    from torchvision.models.vision_transformer import interpolate_embeddings

    try:
        stretched: State = interpolate_embeddings(network.image_size, network.patch_size, dict(state))
    except (KeyError, ValueError, RuntimeError):
        return state
    return stretched
