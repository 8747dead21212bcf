"""Detectors: torchvision's own, and any classification network with a pyramid."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
import torchvision

from logoingest.config import TrainConfig
from logoingest.errors import ConfigError
from logoingest.training.detection.data.feeds import make_input
from logoingest.training.detection.networks import (
    ClusteredAnchors,
    Design,
    build_detector,
    build_trainable,
    describe_design,
    list_detectors,
)

DESIGN = Design(
    architecture="shufflenet_v2_x0_5",
    head="faster_rcnn",
    class_count=3,
    side_px=64,
    strides=(8, 16),
    channels=32,
    proposals=20,
    min_score=0.05,
    anchors=(((8.0, 8.0), (16.0, 12.0)), ((32.0, 30.0), (60.0, 40.0))),
)
PICTURES = [torch.rand(3, 64, 48), torch.rand(3, 40, 64)]
TARGETS = [
    {"boxes": torch.tensor([[4.0, 4, 30, 30]]), "labels": torch.tensor([2])},
    {"boxes": torch.zeros(0, 4), "labels": torch.zeros(0, dtype=torch.int64)},
]


@pytest.mark.parametrize("head", ["faster_rcnn", "retinanet", "fcos"])
def test_every_head_learns_from_pictures_of_mixed_sizes_and_of_nothing(head: str) -> None:
    """The losses are finite and their gradients reach the first layer."""
    detector = build_detector(replace(DESIGN, head=head, anchors=() if head == "fcos" else DESIGN.anchors)).train()
    loss = torch.stack(list(detector(PICTURES, TARGETS).values())).sum()
    loss.backward()  # type: ignore[no-untyped-call]
    assert torch.isfinite(loss)
    first = next(iter(detector.parameters()))
    assert first.grad is not None
    assert first.grad.abs().sum() > 0


@pytest.mark.parametrize("name", ["mobilenet_v2", "squeezenet1_1", "resnet18", "efficientnet_b0", "regnet_y_400mf", "densenet121"])
def test_any_classification_network_gives_maps_at_its_strides(name: str) -> None:
    """Boxes come out, whatever the family."""
    strides = (8, 16) if name == "squeezenet1_1" else (16, 32)
    detector = build_detector(replace(DESIGN, architecture=name, strides=strides)).eval()
    with torch.no_grad():
        maps = detector.backbone(torch.zeros(1, 3, 64, 64))  # type: ignore[operator]
        answers = detector(PICTURES)
    assert list(maps) == [str(stride) for stride in strides]
    for stride, found in zip(strides, maps.values(), strict=True):
        assert found.shape[1] == 32
        assert found.shape[2] == pytest.approx(64 / stride, abs=1)
    assert set(answers[0]) == {"boxes", "labels", "scores"}


def test_a_stride_that_a_network_lacks_is_a_message_with_those_it_has() -> None:
    with pytest.raises(ConfigError, match=r"no map of stride 32.*2, 4, 8, 16"):
        build_detector(replace(DESIGN, architecture="squeezenet1_1", strides=(16, 32)))


def test_torchvisions_own_are_listed_and_built_without_a_download(monkeypatch: pytest.MonkeyPatch) -> None:
    """No weights, neither of the detector nor of its backbone."""
    monkeypatch.setattr(torch.hub, "load_state_dict_from_url", lambda *_a, **_k: pytest.fail("downloads"))
    assert {"fasterrcnn_resnet50_fpn", "retinanet_resnet50_fpn", "fcos_resnet50_fpn", "ssdlite320_mobilenet_v3_large"} <= set(
        list_detectors()
    )
    for name in ("ssdlite320_mobilenet_v3_large", "fasterrcnn_mobilenet_v3_large_320_fpn"):
        detector = build_detector(replace(DESIGN, architecture=name, head="", anchors=())).eval()
        with torch.no_grad():
            assert set(detector(PICTURES)[1]) == {"boxes", "labels", "scores"}


def test_local_weights_of_a_classification_network_serve_and_its_lower_layers_stay(tmp_path: Path) -> None:
    """Read with weights_only; what ``freeze`` says holds."""
    torch.manual_seed(3)
    network = torchvision.models.shufflenet_v2_x0_5(weights=None)
    torch.save(network.state_dict(), tmp_path / "weights.pth")
    config = TrainConfig(model="shufflenet_v2_x0_5", weights="weights.pth", freeze="lower", image_side_px=64)
    detector = build_trainable(describe_design(config, 3, ((DESIGN.anchors[0]),) * 3), config, tmp_path)
    state = detector.state_dict()
    assert torch.equal(state["backbone.body.conv1.0.weight"], network.state_dict()["conv1.0.weight"])
    frozen = {name for name, parameter in detector.named_parameters() if not parameter.requires_grad}
    assert "backbone.body.conv1.0.weight" in frozen
    assert not any("pyramid" in name or "roi_heads" in name for name in frozen)


def test_anchors_are_laid_round_every_cell() -> None:
    """A stride of 8: the first lies round (0, 0), the next 8 pixels on."""
    made = ClusteredAnchors([[(10.0, 20.0)]])
    [grid] = made(
        torchvision.models.detection.image_list.ImageList(torch.zeros(1, 3, 16, 16), [(16, 16)]), [torch.zeros(1, 8, 2, 2)]
    )
    assert grid.tolist() == [[-5, -10, 5, 10], [3, -10, 13, 10], [-5, -2, 5, 18], [3, -2, 13, 18]]


def test_a_low_picture_that_comes_first_does_not_spoil_the_others() -> None:
    """What is seen first does not change what is found in the next."""
    rng = np.random.default_rng(0)
    low, plain = (make_input(rng.integers(0, 256, shape, np.uint8)).float() / 255 for shape in ((10, 64, 3), (48, 64, 3)))
    found = []
    for first in (plain, low):
        torch.manual_seed(0)
        detector = build_detector(DESIGN).eval()
        with torch.no_grad():
            detector([first])
            found.append(detector([plain])[0]["boxes"])
    assert torch.equal(*found)
