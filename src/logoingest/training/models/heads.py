"""The layers of a network by what they do: the last one, which names the classes, and how high the others lie."""

from __future__ import annotations

from torch import nn

from logoingest.errors import ConfigError, Problem

#: Spread of the new head's weights: small, so that the first loss is that of not knowing.
HEAD_STD = 0.01
#: Share of the layers that ``freeze = "lower"`` keeps: edges and textures, which logos share with everything else.
LOWER_SHARE = 2 / 3


def find_head(network: nn.Module, class_count: int) -> str:
    """The dotted name of the layer that names the classes: the last linear or convolution layer with that many outputs.

    Raises:
        ConfigError: there is none.
    """
    found = ""
    for name, module in network.named_modules():
        outputs = getattr(module, "out_features", None) if isinstance(module, nn.Linear) else getattr(module, "out_channels", None)
        if isinstance(module, nn.Linear | nn.Conv2d) and outputs == class_count and "aux" not in name.lower():
            found = name
    if not found:
        what = f"no classification layer found in it: no linear or convolution layer has {class_count} outputs"
        raise ConfigError(Problem("train.model", what, "choose another model"))
    return found


def reset_head(head: nn.Module) -> None:
    """Small random weights and no bias."""
    assert isinstance(head, nn.Linear | nn.Conv2d)
    nn.init.normal_(head.weight, std=HEAD_STD)
    if head.bias is not None:
        nn.init.zeros_(head.bias)


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


def normalises_batches(network: nn.Module) -> bool:
    """Whether a layer needs more than one picture to know a mean."""
    return any(isinstance(module, nn.modules.batchnorm._BatchNorm) for module in network.modules())  # noqa: SLF001  # their common base


def choose_lr(network: nn.Module) -> float:
    """The peak learning rate of AdamW that a network's kind stands: what nothing normalises soon diverges at that of the others.

    VGG16, AlexNet and SqueezeNet end in NaN or at chance at 0.003; transformers normalise layers, not batches, and want less than
    convolutions do.
    """
    if normalises_batches(network):
        return 3e-3
    kinds = nn.LayerNorm | nn.GroupNorm | nn.RMSNorm
    return 5e-4 if any(isinstance(module, kinds) or "LayerNorm" in type(module).__name__ for module in network.modules()) else 3e-4
