"""Models by name, their heads, and where weights come from."""

from __future__ import annotations

import pickle

import pytest
import torch
import torchvision
from safetensors.torch import save_file

from logoingest.config import TrainConfig
from logoingest.errors import ConfigError
from logoingest.training.models.architectures import Architecture, build_architecture, check_architecture, list_architectures
from logoingest.training.models.heads import find_head, find_lower_layer
from logoingest.training.models.network import build_learner
from logoingest.training.models.weights import read_state

HEADS = {
    "alexnet": "classifier.6",
    "convnext_tiny": "classifier.2",
    "densenet121": "classifier",
    "efficientnet_b0": "classifier.1",
    "googlenet": "fc",
    "inception_v3": "fc",
    "maxvit_t": "classifier.5",
    "mnasnet0_5": "classifier.1",
    "mobilenet_v2": "classifier.1",
    "mobilenet_v3_small": "classifier.3",
    "regnet_y_400mf": "fc",
    "resnet18": "fc",
    "resnext50_32x4d": "fc",
    "shufflenet_v2_x0_5": "fc",
    "squeezenet1_1": "classifier.1",
    "swin_t": "head",
    "vgg11": "classifier.6",
    "vit_b_32": "heads.head",
}
SMALL = "squeezenet1_1"


@pytest.mark.parametrize("name", HEADS)
def test_the_head_of_every_family_is_found(name):
    """The layer that names the classes is found by its outputs, in every family torchvision has."""
    options = {"aux_logits": False, "init_weights": False} if name in {"googlenet", "inception_v3"} else {}
    with torch.device("cpu" if name.startswith("regnet") else "meta"):  # regnet computes its widths with tensors
        network = torchvision.models.get_model(name, weights=None, num_classes=13, **options)
    assert find_head(network, 13) == HEADS[name]


def test_every_family_is_tested():
    """A new family of torchvision's shows up here."""
    families = {name.split("_")[0].rstrip("0123456789") for name in list_architectures()}
    assert families - {head.split("_")[0].rstrip("0123456789") for head in HEADS} <= {"wide", "mnasnet"}


def test_an_unknown_model_is_refused_with_the_nearest_name():
    """A misspelt model names the one that was meant."""
    with pytest.raises(ConfigError, match='did you mean "mobilenet_v2"'):
        check_architecture("MobileNet-v2")
    with pytest.raises(ConfigError, match="for example"):
        check_architecture("zzz")


def test_a_side_the_model_cannot_take_is_refused():
    """A vision transformer of 32 px patches cannot take 100 px."""
    with pytest.raises(ConfigError, match="image_side_px"):
        build_architecture(Architecture("vit_b_32", 100), 3)


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    """A state dict of 1,000 classes, as pretrained ones are."""
    path = tmp_path_factory.mktemp("weights") / "weights.pth"
    torch.manual_seed(0)
    torch.save(torchvision.models.get_model(SMALL, weights=None).state_dict(), path)
    return path


def learn(weights, base_dir=None, **options):
    config = TrainConfig(model=SMALL, weights=str(weights), image_side_px=32, **options)
    return build_learner(config, 5, base_dir or weights.parent)


def test_local_weights_are_loaded_and_the_head_is_new(weights):
    """All but the head comes from the file; the head is small and without bias."""
    learner = learn(weights)
    state = torch.load(weights, weights_only=True)
    assert torch.equal(learner.network.state_dict()["features.0.weight"], state["features.0.weight"])
    assert learner.head.weight.shape[0] == 5
    assert learner.head.weight.std() < 0.02
    assert not learner.head.bias.any()


def test_a_weights_path_is_relative_to_the_config(weights):
    """As every path of dataset.toml."""
    assert learn(weights.name, weights.parent).pretrained


def test_safetensors_and_wrapped_state_dicts_are_read(weights, tmp_path):
    """model.safetensors, {"state_dict": …} and DataParallel's "module." names all work."""
    state = torch.load(weights, weights_only=True)
    save_file(state, tmp_path / "w.safetensors")
    torch.save({"state_dict": {f"module.{name}": value for name, value in state.items()}}, tmp_path / "w.pth")
    assert read_state(tmp_path / "w.safetensors").keys() == state.keys()
    assert read_state(tmp_path / "w.pth").keys() == state.keys()


def test_weights_of_another_model_are_refused(weights):
    """Tensors that are missing or of another shape are counted and one is named."""
    config = TrainConfig(model="resnet18", weights=str(weights), image_side_px=32)
    with pytest.raises(ConfigError, match=r"does not fit resnet18: \d+ tensors missing.*are these weights of resnet18"):
        build_learner(config, 5, weights.parent)


class Bomb:
    def __reduce__(self):
        return (print, ("the pickle was executed",))


@pytest.mark.parametrize("content", [pickle.dumps(Bomb(), 2), b"", b"nonsense", pickle.dumps({"a": 1}, 2), pickle.dumps([1, 2], 2)])
def test_a_file_that_is_no_state_dict_is_refused_and_never_run(tmp_path, capfd, content):
    """A stranger's pickle is not executed, and says so in one line."""
    (tmp_path / "w.pth").write_bytes(content)
    (tmp_path / "w.safetensors").write_bytes(content)
    for name in ("w.pth", "w.safetensors"):
        with pytest.raises(ConfigError, match=name):
            read_state(tmp_path / name)
    assert "executed" not in capfd.readouterr().out


def test_a_missing_weights_file_is_named(tmp_path):
    """With the hint that paths are relative to the config."""
    with pytest.raises(ConfigError, match=r"there is no file .*nowhere.pth.*relative to dataset.toml"):
        read_state(tmp_path / "nowhere.pth")


def test_imagenet_without_a_network_names_the_two_ways_out(tmp_path, monkeypatch):
    """Offline, "imagenet" says: a local file, or "none"."""
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    with pytest.raises(ConfigError, match=r'set train.weights to a local file.*or to "none"'):
        learn("imagenet", tmp_path)


def test_layers_are_frozen_as_asked(weights):
    """backbone leaves the head alone learning; lower keeps the first two thirds of the layers."""
    counts = {}
    for freeze in ("none", "lower", "backbone"):
        learner = learn(weights, freeze=freeze)
        counts[freeze] = [name for name, parameter in learner.network.named_parameters() if parameter.requires_grad]
    assert counts["backbone"] == ["classifier.1.weight", "classifier.1.bias"]
    assert 2 < len(counts["lower"]) < len(counts["none"]) / 2
    assert counts["lower"][-2:] == counts["backbone"]


@pytest.mark.parametrize(("name", "place"), [("mobilenet_v2", 11), ("shufflenet_v2_x0_5", None)])
def test_the_lower_layer_is_the_last_that_a_frozen_third_would_keep(name, place):
    """Of a chain of layers; where there is none, none."""
    network = build_architecture(Architecture(name, 32), 4)
    assert find_lower_layer(network) is (None if place is None else network.features[place])
