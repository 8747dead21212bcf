"""The network of a config: weights loaded where there are some, a head for our classes, frozen as asked."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from torch import nn

from logoingest.config import TrainConfig
from logoingest.errors import ConfigError, Problem
from logoingest.training.models.architectures import Architecture, build_architecture
from logoingest.training.models.heads import choose_lr, find_head, freeze_layers, normalises_batches, reset_head
from logoingest.training.models.weights import fit_weights, read_weights

#: Peak learning rate where only the head learns: one layer stands what deep networks do not.
HEAD_LR = 3e-3


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


def build_learner(config: TrainConfig, class_count: int, base_dir: Path) -> Learner:
    """The network of a config: weights loaded where there are some, a fresh head, frozen as asked.

    Raises:
        ConfigError: no such model, weights that cannot be had, read or fitted, a side the model cannot take, or batches of one picture
            where it normalises batches.
    """
    network = build_architecture(Architecture.of(config, base_dir), class_count)
    if config.batch_size == 1 and config.freeze != "backbone" and normalises_batches(network):
        what = f"{config.model} normalises batches, and one picture has no spread"
        raise ConfigError(Problem("train.batch_size", f"1 is too few: {what}", "set it to 2 or more"))
    head_name = find_head(network, class_count)
    pretrained = config.weights != "none"
    if pretrained:
        where, state = read_weights(config, base_dir)
        fit_weights(network, head_name, state, where, config)
    reset_head(network.get_submodule(head_name))
    freeze_layers(network, head_name, config.freeze)
    return Learner(network, head_name, pretrained, config.freeze == "backbone")


def settle_lr(config: TrainConfig, learner: Learner) -> TrainConfig:
    """The config with a learning rate: its own, or what the network's kind stands."""
    if config.lr is not None:
        return config
    return config.model_copy(update={"lr": HEAD_LR if learner.frozen else choose_lr(learner.network)})
