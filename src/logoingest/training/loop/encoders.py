"""Networks that say where a picture lies: what reaches the last layer, as a vector, and where they know our classes, their scores.

A trained baseline (its folder), a torchvision model with weights of its own, or a network as an ONNX file. Nothing in any of these
files is executed as code.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from logoingest.config import TrainConfig
from logoingest.errors import ConfigError, Problem, UsageError, quote_first_line
from logoingest.evidence.vectors import scale_vectors
from logoingest.training.data.feeds import MEAN, STD, normalise_batch
from logoingest.training.data.pictures import decode_square
from logoingest.training.loop.jobs import autocast, choose_device, prefers_channels_last
from logoingest.training.loop.last_maps import LastMaps, has_positive_maps, watch_network
from logoingest.training.models.architectures import TIMM, Architecture, build_architecture
from logoingest.training.models.artifact import NO_CODE, WEIGHTS_FILE, AllowedCode, load_artifact, read_model_facts
from logoingest.training.models.heads import find_head, find_lower_layer
from logoingest.training.models.weights import fit_weights, read_weights
from logoingest.workspace import hash_file

Floats = npt.NDArray[np.float32]
#: Classes that a torchvision weights file of ImageNet names.
_IMAGENET_CLASSES = 1000
#: What look-alikes are looked for by of a torchvision baseline: its side and a third more.
_LARGER = 4 / 3
_LOOKS = "generalised mean of the last maps, at the side learned and at 4/3 of it"
#: Pictures that run through a network at once.
BATCH = 64


class Encoded(NamedTuple):
    """What a network says of n pictures."""

    embeddings: Floats
    """(n, width): of ``Encoder.run`` what reaches the last layer, averaged over the picture where that is a baseline's, else the generalised
    mean of its last maps; of ``Encoder.encode`` the generalised mean wherever it means something, of a torchvision baseline seen at two sides."""
    scores: Floats | None
    """(n, classes): before the softmax; None where the network does not know our classes."""
    lower: Floats | None = None
    """(n, width): what the lower two thirds of the layers say, averaged over the picture; None where they are no chain of layers."""


class EncoderFacts(NamedTuple):
    """What is known of a network before it is asked."""

    name: str
    """As it was asked for."""
    model_hash: str
    """64 hex digits: equal ones say the same of every picture."""
    side_px: int
    class_ids: tuple[str, ...]
    """The class of each score; none where the network does not know our classes."""


@dataclass(frozen=True)
class Encoder:
    """A network and how to ask it."""

    facts: EncoderFacts
    run: Callable[[npt.NDArray[np.uint8]], Encoded]
    """(n, side, side, 3) → what it says of them."""
    sides: tuple[int, ...] = ()
    """Of the squares that look-alikes are looked for by; none where ``run`` alone says what there is."""
    look: Callable[[npt.NDArray[np.uint8]], Floats] | None = None
    """(n, any of these sides, the same, 3) → (n, width)."""

    @property
    def model_hash(self) -> str:
        """As in ``EncoderFacts``."""
        return self.facts.model_hash

    @property
    def side_px(self) -> int:
        """As in ``EncoderFacts``."""
        return self.facts.side_px

    def encode(self, files: Sequence[bytes]) -> Encoded:
        """Where encoded pictures lie: what look-alikes are looked for by. No scores.

        What is small in a picture is seen larger at a larger side; the vectors of several sides, each of length 1, are added.

        Raises:
            ValueError: one is no whole picture.
        """
        batches = [files[start : start + BATCH] for start in range(0, len(files), BATCH)]
        return Encoded(np.concatenate([self._look(batch) for batch in batches]), None)

    def _look(self, files: Sequence[bytes]) -> Floats:
        if self.look is None:
            return self.run(np.stack([decode_square(data, self.side_px) for data in files])).embeddings
        looks = [self.look(np.stack([decode_square(data, side) for data in files])) for side in self.sides]
        return np.asarray(sum(scale_vectors(one) for one in looks) / len(looks), np.float32) if len(looks) > 1 else looks[0]


def load_encoder(backbone: str, weights: str, side_px: int, base_dir: Path, device: str = "auto") -> Encoder:
    """The network that a config or a command line names.

    Args:
        backbone: the folder of a trained baseline, an ``.onnx`` file (both relative to ``base_dir``), or a model of
            torchvision's or timm's by name.
        weights: of a torchvision model: "imagenet" or a local state dict.
        side_px: of the pictures that a torchvision model, or an ONNX file that takes any side, sees.
        base_dir: what relative paths are relative to.
        device: as ``train.device``; an ONNX file runs on the CPU.

    Raises:
        ConfigError, UsageError: it cannot be had, or does not fit.
    """
    path = base_dir / Path(backbone).expanduser()
    if backbone.endswith(".onnx"):
        return _load_onnx(path, backbone, side_px)
    if path.is_dir() or ("/" in backbone and not backbone.startswith(TIMM)):
        return load_baseline_encoder(path, backbone, device)
    return _load_torchvision(backbone, weights, side_px, base_dir, device)


def load_baseline_encoder(folder: Path, name: str = "baseline", device: str = "auto", code: AllowedCode = NO_CODE) -> Encoder:
    """A trained baseline: its folder holds model.json and model.safetensors; ``code`` as in ``load_artifact``.

    Raises:
        UsageError: a file is missing or damaged, or they do not fit together.
    """
    network, class_ids, preprocessing = load_artifact(folder, code)
    facts = {"weights": hash_file(folder / WEIGHTS_FILE).sha256, "card": read_model_facts(folder), "looks": _LOOKS}
    return _wrap(network, EncoderFacts(name, _hash_facts(facts), preprocessing.side_px, class_ids), device)


def _load_torchvision(name: str, weights: str, side_px: int, base_dir: Path, device: str) -> Encoder:
    if weights == "none":
        raise ConfigError(Problem("evidence.weights", '"none" knows nothing of pictures', '"imagenet", or a local state dict'))
    config = TrainConfig(model=name, weights=weights, image_side_px=side_px)
    network = build_architecture(Architecture(name, side_px), _IMAGENET_CLASSES)
    where, state = read_weights(config, base_dir)
    head = find_head(network, _IMAGENET_CLASSES)
    fit_weights(network, head, state, where, config)
    digest = hashlib.sha256()
    for key, value in sorted(network.state_dict().items()):
        if not key.startswith(f"{head}."):  # it was not loaded, and is not asked
            digest.update(key.encode() + value.contiguous().numpy().tobytes())
    facts = {"weights": digest.hexdigest(), "model": name, "side": side_px, "pool": "generalised"}
    return _wrap(network, EncoderFacts(name, _hash_facts(facts), side_px, ()), device)


def _wrap(network: nn.Module, facts: EncoderFacts, device_name: str) -> Encoder:
    device, class_ids = choose_device(device_name), facts.class_ids
    head = network.get_submodule(find_head(network, len(class_ids) or _IMAGENET_CLASSES))
    channels_last = prefers_channels_last(network, device)
    network = network.eval().to(device)
    if channels_last:
        network = network.to(memory_format=torch.channels_last)
    noise = torch.rand(1, 3, facts.side_px, facts.side_px, generator=torch.Generator().manual_seed(0)).to(device)
    positive = has_positive_maps(network, head, noise)
    generalised = not class_ids and positive  # a head of our classes has learned from averages
    lower: list[Tensor] = []
    layer = find_lower_layer(network)
    if layer is not None:
        layer.register_forward_hook(lambda _module, _inputs, output: lower.append(output.float().mean(dim=(2, 3)).cpu()))

    def ask(pixels: npt.NDArray[np.uint8]) -> tuple[Tensor, LastMaps]:
        lower.clear()
        batch = normalise_batch(torch.from_numpy(pixels).to(device).permute(0, 3, 1, 2).float() / 255)
        with torch.no_grad(), autocast(device), watch_network(network, head) as seen:
            said = network(batch.contiguous(memory_format=torch.channels_last) if channels_last else batch)
        return said, seen

    def run(pixels: npt.NDArray[np.uint8]) -> Encoded:
        said, seen = ask(pixels)
        flat = seen.generalise() if generalised else seen.average()
        scores = said.float().cpu().numpy() if class_ids else None
        return Encoded(flat.numpy(), scores, lower[-1].numpy() if lower else None)

    def look(pixels: npt.NDArray[np.uint8]) -> Floats:
        return np.asarray(ask(pixels)[1].generalise().numpy(), np.float32)

    if not (class_ids and positive and type(network).__module__.startswith("torchvision.")):
        return Encoder(facts, run)
    return Encoder(facts, run, (facts.side_px, round(facts.side_px * _LARGER)), look)


def _load_onnx(path: Path, name: str, side_px: int) -> Encoder:
    """A network of one input, (n, 3, side, side) normalised as for ImageNet, whose first output is flattened to a vector."""
    where = "evidence.backbone"
    if not path.is_file():
        raise ConfigError(Problem(where, f"there is no file {path}", "the path is relative to dataset.toml"))
    try:
        import onnxruntime
    except ImportError as error:
        hint = 'pip install "logoingest[onnx]"'
        raise UsageError(Problem(where, "an .onnx file needs the package onnxruntime", hint)) from error
    try:
        session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime's own errors derive from Exception alone
        raise ConfigError(Problem(where, f"{path.name} is no ONNX network ({quote_first_line(error, 160)})")) from error
    inputs = session.get_inputs()
    shape: list[Any] = list(inputs[0].shape) if len(inputs) == 1 else []
    if len(shape) != 4 or shape[1] != 3:
        what = f"{path.name} takes {[(one.name, one.shape) for one in inputs][:4]}"
        raise ConfigError(
            Problem(where, what, "one input of shape (n, 3, side, side) is needed: pictures normalised as for ImageNet")
        )
    side = shape[2] if isinstance(shape[2], int) else side_px
    most = shape[0] if isinstance(shape[0], int) and shape[0] > 0 else BATCH
    mean, std = np.array(MEAN, np.float32), np.array(STD, np.float32)

    def run(pixels: npt.NDArray[np.uint8]) -> Encoded:
        batch = ((pixels.astype(np.float32) / 255 - mean) / std).transpose(0, 3, 1, 2)
        said = []
        for start in range(0, len(batch), most):
            part = batch[start : start + most]
            padded = np.concatenate([part, np.zeros((most - len(part), *part.shape[1:]), np.float32)]) if most != BATCH else part
            said.append(np.asarray(session.run(None, {inputs[0].name: padded})[0], np.float32)[: len(part)])
        found = np.concatenate(said)
        return Encoded(found.mean(axis=(2, 3)) if found.ndim == 4 else found.reshape(len(found), -1), None)

    return Encoder(EncoderFacts(name, _hash_facts({"onnx": hash_file(path).sha256, "side": side}), side, ()), run)


def _hash_facts(facts: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()
