"""Networks that say where a picture lies: what small things weigh, and files of other makers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
import torchvision
from torch import nn

from builders.drawn_releases import draw_colour, encode
from builders.networks.onnx_files import make_convolution
from logoingest.config import TrainConfig
from logoingest.errors import ConfigError
from logoingest.evidence import scale_vectors
from logoingest.training.data.feeds import normalise_batch
from logoingest.training.data.pictures import decode_square
from logoingest.training.loop.encoders import load_baseline_encoder, load_encoder
from logoingest.training.loop.last_maps import has_positive_maps, watch_network
from logoingest.training.models.artifact import save_artifact

PICTURES = [encode(draw_colour(label, seed)) for label, seed in ((0, 1), (1, 2), (2, 3))]


class Averaged(nn.Module):
    """Maps, their average, and a last layer."""

    def __init__(self, end: nn.Module) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.features = nn.Sequential(nn.Conv2d(3, 4, 3), end)
        self.head = nn.Linear(4, 2)

    def forward(self, pictures):
        return self.head(self.features(pictures).mean(dim=(2, 3)))


def test_what_is_small_in_the_picture_weighs_more_than_in_the_average():
    """One bright spot among 64: between the average and the maximum, and on the order of the maximum."""
    network = Averaged(nn.Identity())
    network.features = nn.Sequential(nn.Identity())
    network.head = nn.Linear(3, 2)
    batch = torch.zeros(1, 3, 8, 8)
    batch[0, 1, 2, 5] = 1.0
    with watch_network(network, network.head) as seen, torch.no_grad():
        network(batch)
    assert seen.average()[0].tolist() == pytest.approx([0, 1 / 64, 0])
    assert seen.generalise()[0].tolist() == pytest.approx([0, 0.25, 0], abs=1e-3)


def test_a_network_that_was_watched_is_left_as_it_was():
    network = Averaged(nn.ReLU())
    with watch_network(network, network.head) as seen, torch.no_grad():
        network(torch.rand(2, 3, 9, 9))
    network(torch.rand(2, 3, 9, 9))
    assert (len(seen.reached), len(seen.maps)) == (1, 1)


@pytest.mark.parametrize(("end", "positive"), [(nn.ReLU(), True), (nn.SiLU(), False), (nn.Identity(), False)])
def test_powers_are_taken_of_maps_that_are_nowhere_negative(end, positive):
    network = Averaged(end).eval()
    assert has_positive_maps(network, network.head, torch.rand(1, 3, 16, 16)) is positive


@pytest.mark.parametrize(("name", "width"), [("squeezenet1_1", 512), ("resnet18", 512), ("mobilenet_v3_small", 1024)])
def test_networks_with_weights_of_their_own_embed_whatever_their_last_layers_are(name, width, tmp_path):
    """A convolution, a layer over averages, a layer over another one; equal files have equal vectors, alone or among others."""
    torch.manual_seed(1)
    torch.save(torchvision.models.get_model(name).state_dict(), tmp_path / "weights.pth")
    encoder = load_encoder(name, str(tmp_path / "weights.pth"), 48, Path(), "cpu")
    said = encoder.encode(PICTURES)
    assert said.embeddings.shape == (3, width) and said.scores is None
    np.testing.assert_allclose(encoder.encode(PICTURES[1:2]).embeddings, said.embeddings[1:2], atol=1e-4)
    assert np.abs(said.embeddings[0] - said.embeddings[1]).max() > 0


def test_a_baseline_is_looked_at_from_two_sides(tmp_path):
    """Where look-alikes are looked for; what its safeguard asks stays as it was learned: averages, at its own side."""
    torch.manual_seed(1)
    network = torchvision.models.squeezenet1_1(num_classes=2).eval()
    save_artifact(network, ("a", "b"), TrainConfig(model="squeezenet1_1", image_side_px=48), tmp_path, "f" * 64)
    encoder = load_baseline_encoder(tmp_path, device="cpu")
    assert (encoder.side_px, encoder.sides) == (48, (48, 64))
    looks = [scale_vectors(encoder.look(np.stack([decode_square(data, side) for data in PICTURES]))) for side in encoder.sides]
    np.testing.assert_allclose(encoder.encode(PICTURES).embeddings, (looks[0] + looks[1]) / 2, atol=1e-5)
    said = encoder.run(np.stack([decode_square(data, 48) for data in PICTURES]))
    assert said.scores.shape == (3, 2)
    assert not np.allclose(scale_vectors(said.embeddings), looks[0], atol=1e-4)


@pytest.mark.parametrize("shape", [("n", 3, "h", "w"), (2, 3, 24, 24)])
def test_an_onnx_file_embeds(shape, tmp_path):
    """Of any batch and side, or of those it is made for; its maps are averaged."""
    pytest.importorskip("onnxruntime", reason='the extra "onnx" is not installed')
    weight = np.random.default_rng(0).normal(size=(5, 3, 3, 3)).astype(np.float32)
    (tmp_path / "network.onnx").write_bytes(make_convolution(weight, shape))
    encoder = load_encoder("network.onnx", "none", 24, tmp_path)
    assert (encoder.side_px, encoder.facts.class_ids) == (24, ())
    squares = np.stack([decode_square(data, 24) for data in PICTURES])
    batch = normalise_batch(torch.from_numpy(squares).permute(0, 3, 1, 2).float() / 255)
    expected = nn.functional.conv2d(batch, torch.from_numpy(weight)).mean(dim=(2, 3)).numpy()
    np.testing.assert_allclose(encoder.encode(PICTURES).embeddings, expected, atol=1e-4)


def test_an_onnx_file_that_does_not_fit_is_refused(tmp_path):
    """No network, two inputs, pictures of one channel, none at all."""
    pytest.importorskip("onnxruntime", reason='the extra "onnx" is not installed')
    weight = np.zeros((1, 3, 1, 1), np.float32)
    files = {
        "is no ONNX network": b"\x00junk",
        "one input of shape": make_convolution(weight, (1, 3, 8, 8), inputs=2),
        r"shape \(n, 3, side, side\)": make_convolution(weight[:, :1], (1, 1, 8, 8)),
    }
    for message, data in files.items():
        (tmp_path / "network.onnx").write_bytes(data)
        with pytest.raises(ConfigError, match=message):
            load_encoder("network.onnx", "none", 24, tmp_path)
    with pytest.raises(ConfigError, match="there is no file"):
        load_encoder("gone.onnx", "none", 24, tmp_path)
