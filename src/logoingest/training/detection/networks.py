"""Detectors: torchvision's own by name, and any classification network with a feature pyramid. Nothing is ever downloaded but the weights
that ``train.weights`` asks for.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
import torchvision
from torch import Tensor, nn
from torchvision.models.detection import FCOS, FasterRCNN, RetinaNet
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.models.detection.faster_rcnn import FastRCNNPredictor, TwoMLPHead
from torchvision.models.feature_extraction import create_feature_extractor
from torchvision.ops import FeaturePyramidNetwork, MultiScaleRoIAlign

from logoingest.config import TrainConfig
from logoingest.errors import ConfigError, Problem, quote_first_line
from logoingest.training.models.architectures import Architecture, build_architecture
from logoingest.training.models.heads import find_head, freeze_layers
from logoingest.training.models.states import State, load_state
from logoingest.training.models.weights import fit_weights, read_weights

Anchors = Sequence[Sequence[tuple[float, float]]]

#: Side in pixels of what a region is resampled to, and width of the layer that names it.
_REGION_SIDE = 6
_REGION_WIDTH = 256
#: A box with sides like this is read from the map of stride 16.
_CANONICAL_SIDE = 96
#: Regions and anchors of a picture that teach in a step.
_TAUGHT_REGIONS = 64
_TAUGHT_ANCHORS = 128
#: Side of the picture on which strides are found out.
_PROBE_SIDE = 256


@dataclass(frozen=True)
class Design:
    """What it takes to build a detector again: everything but its weights."""

    architecture: str
    head: str
    class_count: int
    side_px: int
    strides: tuple[int, ...]
    channels: int
    proposals: int
    min_score: float
    anchors: tuple[tuple[tuple[float, float], ...], ...]
    """(width, height) in pixels as the network sees pictures, by level; none where the detector has its own."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """Keyword arguments of the constructor of the classification network."""

    @property
    def has_own_head(self) -> bool:
        """Whether torchvision's detector of that name is meant."""
        return self.architecture in list_detectors()


class ClusteredAnchors(AnchorGenerator):  # type: ignore[misc]  # torchvision ships it untyped
    """Anchors of given widths and heights, by level."""

    def __init__(self, anchors: Anchors) -> None:
        counts = {len(level) for level in anchors}
        assert len(counts) == 1, "every level has as many anchors"
        super().__init__(sizes=tuple((1.0,) * len(level) for level in anchors), aspect_ratios=((1.0,),) * len(anchors))
        self.cell_anchors = [torch.tensor([(-w / 2, -h / 2, w / 2, h / 2) for w, h in level]) for level in anchors]


class PyramidBackbone(nn.Module):
    """A classification network's maps at some strides, and a feature pyramid over them."""

    def __init__(self, body: nn.Module, widths: Sequence[int], channels: int) -> None:
        super().__init__()
        self.body = body
        self.pyramid = FeaturePyramidNetwork(list(widths), channels)
        self.out_channels = channels

    def forward(self, pictures: Tensor) -> OrderedDict[str, Tensor]:
        """Stride, as text → (n, channels, height, width)."""
        maps: OrderedDict[str, Tensor] = self.pyramid(OrderedDict(self.body(pictures)))
        return maps


def list_detectors() -> list[str]:
    """Names of torchvision's detectors of boxes."""
    known = torchvision.models.list_models(module=torchvision.models.detection)
    return sorted(name for name in known if not name.startswith(("keypoint", "mask")))


def uses_anchors(config: TrainConfig) -> bool:
    """Whether anchors are found for it: torchvision's own detectors, and FCOS, have none or their own."""
    return config.model not in list_detectors() and config.detection.head != "fcos"


def describe_design(config: TrainConfig, class_count: int, anchors: Anchors) -> Design:
    """The design a config asks for."""
    detection = config.detection
    return Design(
        config.model,
        "" if config.model in list_detectors() else detection.head,
        class_count,
        config.image_side_px,
        tuple(sorted(set(detection.strides))),
        detection.channels,
        detection.proposals,
        detection.min_score,
        tuple(tuple(level) for level in anchors),
        config.model_options,
    )


def build_detector(design: Design, base_dir: Path = Path()) -> nn.Module:
    """An untrained detector; initial weights come from torch's current random state.

    Returns:
        A module as torchvision's detectors are: pictures and targets → losses, or pictures → boxes; classes count from 1.

    Raises:
        ConfigError: torchvision does not know the name, or the network has no maps of that stride.
    """
    if design.has_own_head:
        return _build_named(design)
    network = _build_backbone(design, base_dir)
    return _build_over(network, design)


def build_trainable(design: Design, config: TrainConfig, base_dir: Path) -> nn.Module:
    """The detector of a config: weights loaded where there are some, layers frozen as asked.

    ``train.weights`` are those of a classification network (for torchvision's own detectors: of the detector).

    Raises:
        ConfigError: as ``build_detector``, or weights that cannot be had, read or fitted.
    """
    if design.has_own_head:
        detector = _build_named(design)
        if config.weights != "none":
            _load_fitting(detector, *read_weights(config, base_dir))
        _freeze_named(detector, config.freeze)
        return detector
    network = _build_backbone(design, base_dir)
    head_name = find_head(network, 2)
    if config.weights != "none":
        where, state = read_weights(config, base_dir)
        fit_weights(network, head_name, state, where, config)
    freeze_layers(network, head_name, config.freeze)
    return _build_over(network, design)


def list_body_parameters(detector: nn.Module) -> set[int]:
    """``id`` of the parameters that came with the backbone's weights."""
    backbone = getattr(detector, "backbone", None)
    body = getattr(backbone, "body", backbone)
    return {id(parameter) for parameter in body.parameters()} if isinstance(body, nn.Module) else set()


def find_levels(network: nn.Module, strides: Sequence[int]) -> dict[str, tuple[str, int]]:
    """Stride, as text → (name of the last layer whose map has it, channels of that map).

    Raises:
        ConfigError: the network has no map of a stride.
    """
    seen: dict[int, tuple[str, int]] = {}

    def watch(name: str) -> Any:
        def note(_module: nn.Module, _inputs: Any, output: Any) -> None:
            if isinstance(output, Tensor) and output.dim() == 4 and output.shape[-1] > 1:
                seen[2 ** round(math.log2(_PROBE_SIDE / output.shape[-1]))] = (name, output.shape[1])

        return note

    hooks = [module.register_forward_hook(watch(name)) for name, module in _list_stages(network)]
    try:
        with torch.no_grad():
            network.eval()(torch.zeros(1, 3, _PROBE_SIDE, _PROBE_SIDE))
    finally:
        for hook in hooks:
            hook.remove()
    lacking = [stride for stride in strides if stride not in seen]
    if lacking:
        there = ", ".join(str(stride) for stride in sorted(seen)) or "none"
        what = f"the network has no map of stride {lacking[0]}"
        raise ConfigError(Problem("train.detection.strides", what, f"its strides are {there}"))
    return {str(stride): seen[stride] for stride in strides}


def _list_stages(network: nn.Module) -> list[tuple[str, nn.Module]]:
    """The layers one behind another: children, and those of chains among them."""
    stages = []
    for name, child in network.named_children():
        if isinstance(child, nn.Sequential):
            stages += [(f"{name}.{inner}", layer) for inner, layer in child.named_children()]
        else:
            stages.append((name, child))
    return stages


def _build_backbone(design: Design, base_dir: Path) -> nn.Module:
    return build_architecture(Architecture(design.architecture, _PROBE_SIDE, design.options, base_dir), 2)


def _build_over(network: nn.Module, design: Design) -> nn.Module:
    """A detector over a classification network."""
    levels = find_levels(network, design.strides)
    try:
        body = create_feature_extractor(network, {name: stride for stride, (name, _) in levels.items()})
    except (RuntimeError, ValueError, TypeError, NotImplementedError) as error:
        line = quote_first_line(error, 160)
        problem = Problem("train.model", f"{design.architecture} cannot be taken apart ({line})", "choose another backbone")
        raise ConfigError(problem) from error
    for hook in network._forward_pre_hooks.values():  # noqa: SLF001  # timm's models rescale what they are given by one
        body.register_forward_pre_hook(hook)
    backbone = PyramidBackbone(body, [width for _, width in levels.values()], design.channels)
    sizes: dict[str, Any] = {"min_size": design.side_px, "max_size": design.side_px, "_skip_resize": True}
    if design.head == "fcos":
        sides = tuple((float(stride),) for stride in design.strides)
        grid = AnchorGenerator(sides, ((1.0,),) * len(sides))
        fcos: nn.Module = FCOS(backbone, design.class_count + 1, anchor_generator=grid, score_thresh=design.min_score, **sizes)
        return fcos
    anchors = ClusteredAnchors(design.anchors)
    if design.head == "retinanet":
        made: nn.Module = RetinaNet(
            backbone, design.class_count + 1, anchor_generator=anchors, score_thresh=design.min_score, **sizes
        )
        return made
    return _build_faster_rcnn(backbone, anchors, design, sizes)


def _build_faster_rcnn(backbone: PyramidBackbone, anchors: AnchorGenerator, design: Design, sizes: dict[str, Any]) -> nn.Module:
    names = [str(stride) for stride in design.strides]
    made: nn.Module = FasterRCNN(
        backbone,
        rpn_anchor_generator=anchors,
        rpn_pre_nms_top_n_train=2 * design.proposals,
        rpn_pre_nms_top_n_test=2 * design.proposals,
        rpn_post_nms_top_n_train=design.proposals,
        rpn_post_nms_top_n_test=design.proposals,
        rpn_batch_size_per_image=_TAUGHT_ANCHORS,
        box_roi_pool=MultiScaleRoIAlign(names, _REGION_SIDE, sampling_ratio=1, canonical_scale=_CANONICAL_SIDE, canonical_level=4),
        box_head=TwoMLPHead(design.channels * _REGION_SIDE**2, _REGION_WIDTH),
        box_predictor=FastRCNNPredictor(_REGION_WIDTH, design.class_count + 1),
        box_batch_size_per_image=_TAUGHT_REGIONS,
        box_score_thresh=design.min_score,
        **sizes,
    )
    return made


def _build_named(design: Design) -> nn.Module:
    """Torchvision's own; one of a fixed size makes pictures that size by itself."""
    options: dict[str, Any] = {"weights": None, "weights_backbone": None, "num_classes": design.class_count + 1}
    if not design.architecture.startswith("ssd"):
        options |= {"min_size": design.side_px, "max_size": design.side_px, "_skip_resize": True}
    threshold = "box_score_thresh" if design.architecture.startswith("fasterrcnn") else "score_thresh"
    detector: nn.Module = torchvision.models.get_model(design.architecture, **options, **{threshold: design.min_score})
    return detector


def _load_fitting(detector: nn.Module, where: str, state: State) -> None:
    """What of a detector's weights fits: layers that count classes of other data are left as they are."""
    wanted = detector.state_dict()
    body = {name: value for name, value in state.items() if name in wanted and wanted[name].shape == value.shape}
    lacking = [
        name for name in wanted if name.startswith("backbone.") and name not in body and not name.endswith("num_batches_tracked")
    ]
    if lacking:
        what = f"{where} does not fit: {len(lacking)} tensors of the backbone are missing or of another shape (first: {lacking[0]})"
        raise ConfigError(Problem("train.weights", what, "are these weights of this detector?"))
    load_state(detector, body, strict=False)


def _freeze_named(detector: nn.Module, freeze: str) -> None:
    backbone = getattr(detector, "backbone", None)
    if isinstance(backbone, nn.Module):
        freeze_layers(backbone, "", freeze)
