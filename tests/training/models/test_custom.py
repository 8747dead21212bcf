"""Networks of one's own and timm's: the contract, what breaks it, and the way to disk and back."""

from __future__ import annotations

import textwrap

import pytest
import torch

from logoingest.config import TrainConfig
from logoingest.errors import ConfigError, UsageError
from logoingest.training import load_baseline
from logoingest.training.models.architectures import Architecture, build_architecture
from logoingest.training.models.artifact import AllowedCode, load_artifact, save_artifact
from logoingest.training.models.heads import choose_lr
from logoingest.training.models.network import build_learner

NETS = """
    import torch
    from torch import nn

    class Net(nn.Module):
        def __init__(self, class_count, width=8, kind="good"):
            super().__init__()
            self.kind = kind
            self.body = nn.Sequential(nn.Conv2d(3, width, 3, 2), nn.BatchNorm2d(width), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten())
            self.mix, self.mixed_again = nn.Linear(width, width), nn.Linear(width, width)
            self.mixed_again.weight = self.mix.weight  # shared tensors
            self.head = nn.Linear(width, class_count + (kind == "shape"))
            self.lost = torch.randn(class_count)
        def forward(self, x):
            x = self.head(self.mixed_again(self.mix(self.body(x))))
            if self.kind == "noise": x = x + torch.rand_like(x)
            if self.kind == "nan": x = x / 0 * 0
            if self.kind == "detached": x = x.detach() + self.mix.weight.sum()
            if self.kind == "lost": x = x + self.lost
            if self.kind == "raises": raise RuntimeError("no luck")
            return x

    def make(class_count, side_px, **options):
        return Net(class_count, **options)
    def make_list(class_count, side_px): return [1]
    def make_headless(class_count, side_px): return nn.Sequential(nn.Conv2d(3, class_count + 1, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten(), Cut())
    class Cut(nn.Module):
        def forward(self, x): return x[:, 1:]
    constant = 3
    """


@pytest.fixture
def nets(tmp_path):
    (tmp_path / "my_nets.py").write_text(textwrap.dedent(NETS))
    return tmp_path


def build(nets, name="my_nets:make", **options):
    return build_architecture(Architecture(name, 32, options, nets), 5)


def test_a_network_that_keeps_the_contract_is_built_with_its_options(nets):
    """Shared tensors are fine; batch statistics are those of a fresh network after the checks; equal seeds give equal weights."""
    torch.manual_seed(3)
    first = build(nets, width=12)
    torch.manual_seed(3)
    second = build(nets, width=12)
    assert first.head.in_features == 12
    assert first.body[1].num_batches_tracked == 0
    assert not first.body[1].running_mean.any()
    assert all(torch.equal(one, two) for one, two in zip(first.parameters(), second.parameters(), strict=True))


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("shape", r"gives \(2, 6\) for two pictures, not \(2, 5\)"),
        ("noise", "says something else of the same pictures in eval mode"),
        ("nan", "not finite"),
        ("detached", "head, gets no gradient"),
        ("lost", "register_buffer"),
        ("raises", r"fails on pictures of shape \(2, 3, 32, 32\) \(RuntimeError: no luck\)"),
    ],
)
def test_what_breaks_the_contract_is_named(nets, kind, said):
    """One message an offence."""
    with pytest.raises(ConfigError, match=said):
        build(nets, kind=kind)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("my_nets:mak", 'did you mean "make"'),
        ("my_netz:make", "there is no module my_netz"),
        ("my_nets:constant", "is no function"),
        ("my_nets:make_list", "gives list, not an nn.Module"),
        ("my_nets:make_headless", "no linear or convolution layer has 5 outputs"),
    ],
)
def test_what_is_no_network_is_named(nets, name, said):
    """Wrong paths and wrong things at their end."""
    with pytest.raises(ConfigError, match=said):
        build(nets, name)


def test_options_that_a_model_does_not_take_are_named(nets):
    """Of one's own function as of torchvision's constructors."""
    with pytest.raises(ConfigError, match=r"my_nets:make cannot be built \(TypeError.*depth"):
        build(nets, depth=3)
    with pytest.raises(ConfigError, match=r"model_options.*resnet18 does not take \{'depth': 3\}"):
        build(nets, "resnet18", depth=3)


def test_a_saved_network_of_ones_own_is_imported_only_when_allowed(nets):
    """The card names code: refused as it stands, loaded with a folder to find it in."""
    config = TrainConfig(model="my_nets:make", model_options={"width": 6}, image_side_px=32, device="cpu")
    learner = build_learner(config, 2, nets)
    save_artifact(learner.network, ("a", "b"), config, nets, "ab" * 32)
    (nets / "my_nets.py").rename(nets / "elsewhere.py")
    with pytest.raises(UsageError, match="is not imported unless you allow it"):
        load_baseline(nets)
    with pytest.raises(UsageError, match="is not imported unless you allow it"):
        load_artifact(nets, AllowedCode("other:make", nets))
    (nets / "elsewhere.py").rename(nets / "my_nets.py")
    network, names, _ = load_baseline(nets, allow_code=nets)
    assert names == ("a", "b")
    pictures = torch.rand(2, 3, 32, 32)
    assert torch.equal(network(pictures), learner.network.eval()(pictures))


def test_a_saved_model_may_be_read_by_those_who_may_read_its_card(nets):
    """Weights have the permissions of the files beside them."""
    config = TrainConfig(model="mnasnet0_5", image_side_px=32)
    save_artifact(build_learner(config, 2, nets).network, ("a", "b"), config, nets)
    assert (nets / "model.safetensors").stat().st_mode == (nets / "model.json").stat().st_mode
    load_artifact(nets)  # its layers ask for version numbers, which safetensors does not hold


@pytest.mark.parametrize(
    ("model", "lr"), [("resnet18", 3e-3), ("vgg11", 3e-4), ("vgg11_bn", 3e-3), ("squeezenet1_1", 3e-4), ("vit_b_32", 5e-4)]
)
def test_what_nothing_normalises_learns_more_slowly(model, lr):
    """The default learning rate goes by the layers."""
    import torchvision

    with torch.device("meta"):
        assert choose_lr(torchvision.models.get_model(model, weights=None)) == lr


def test_batches_of_one_picture_are_refused_where_batches_are_normalised(nets):
    """And only there."""
    with pytest.raises(ConfigError, match="normalises batches"):
        build_learner(TrainConfig(model="resnet18", batch_size=1, image_side_px=32), 2, nets)
    build_learner(TrainConfig(model="squeezenet1_1", batch_size=1, image_side_px=32), 2, nets)


@pytest.mark.slow
def test_a_model_of_timm_is_trained_and_loaded_by_its_name(nets):
    """Also one that wants pictures scaled otherwise: it rescales them itself."""
    pytest.importorskip("timm")
    config = TrainConfig(model="timm/test_efficientnet", image_side_px=32, model_options={"drop_rate": 0.1})
    learner = build_learner(config, 3, nets)
    save_artifact(learner.network, ("a", "b", "c"), config, nets)
    pictures = torch.rand(2, 3, 32, 32)
    loaded = load_artifact(nets)[0]
    assert torch.equal(loaded(pictures), learner.network.eval()(pictures))
    with pytest.raises(ConfigError, match=r'timm has no model "xceptio41".*did you mean "xception41"'):
        build_learner(config.model_copy(update={"model": "timm/xceptio41"}), 3, nets)


def test_pictures_are_scaled_as_the_models_of_timm_expect():
    """0.5 grey is 0 for a model of mean and deviation 0.5."""
    from logoingest.training.data.feeds import normalise_batch
    from logoingest.training.models.architectures import Rescaling

    grey = normalise_batch(torch.full((1, 3, 2, 2), 0.75))
    assert torch.allclose(Rescaling((0.5,) * 3, (0.5,) * 3)(torch.nn.Identity(), (grey,))[0], torch.tensor(0.5), atol=1e-6)
