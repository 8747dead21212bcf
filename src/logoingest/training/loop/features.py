"""What is frozen runs over every picture once, and all trainings run on what it said: the whole backbone, or its lower layers."""

from __future__ import annotations

import copy
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from logoingest.training.data.feeds import FeatureFeed, Feed, PictureFeed, normalise_batch
from logoingest.training.loop.jobs import Job, arrange, autocast
from logoingest.training.loop.last_maps import has_positive_maps, watch_network
from logoingest.training.named_code import names_code

_AT_ONCE = 64


def extract_features(job: Job, feed: PictureFeed, views: int) -> FeatureFeed | None:
    """What reaches a linear head, for every picture, the first view unchanged and the others changed at random.

    Returns:
        None when the head is no linear layer or may not be the last word: then the whole network runs every time.
    """
    head = job.learner.head
    if not isinstance(head, nn.Linear) or names_code(job.config.model):  # what one's own network does after it is not known
        return None
    caught: list[Tensor] = []
    hook = head.register_forward_pre_hook(lambda _, inputs: caught.append(inputs[0].detach().float()))
    job.learner.network.eval()
    generator = torch.Generator().manual_seed(job.config.seed + 2)
    made: list[Tensor] = []
    try:
        for view in range(views):
            caught.clear()
            _run(job, job.learner.network, feed, None if view == 0 else generator)
            made.append(torch.cat(caught) if caught else torch.zeros(0, head.in_features, device=job.device))
    finally:
        hook.remove()
    return FeatureFeed(torch.stack(made), feed.labels)


def _run(job: Job, module: nn.Module, feed: PictureFeed, generator: torch.Generator | None) -> list[Tensor]:
    """What a module says of every picture of the feed, in order, batch by batch; changed at random with a generator."""
    said = []
    with torch.no_grad():
        for inputs, rows in feed.serve(feed.plan(64, None), generator):
            if len(rows):
                with autocast(job.device, job.config.precision):
                    said.append(module(arrange(job, inputs)))
    return said


def divide_frozen(job: Job) -> tuple[nn.Module, nn.Module] | None:
    """(the frozen lower layers, the rest), which share the network's weights; None where nothing below the rest is frozen.

    Knows networks whose layers stand one behind another in ``features``: MobileNet, EfficientNet, ConvNeXt, DenseNet, VGG …
    """
    network = job.learner.network
    layers = getattr(network, "features", None)
    known = type(network).__module__.startswith("torchvision.")  # others may do something before
    if not job.learner.pretrained or not known or not isinstance(layers, nn.Sequential):
        return None
    learns = [any(parameter.requires_grad for parameter in layer.parameters()) for layer in layers]
    cut = learns.index(True) if True in learns else len(learns)
    if cut == 0:
        return None
    rest = copy.copy(job.learner.network)
    rest._modules = {**rest._modules, "features": layers[cut:]}  # noqa: SLF001  # a shallow copy that skips them
    return layers[:cut], rest


def extract_lower(job: Job, lower: nn.Module, feed: PictureFeed, views: int) -> FeatureFeed:
    """What the frozen lower layers say of every picture, as float16: the first view unchanged, the others changed at random."""
    lower.eval()
    generator = torch.Generator().manual_seed(job.config.seed + 2)
    made = []
    for view in range(views):
        said = _run(job, lower, feed, None if view == 0 else generator)
        made.append(torch.cat([batch.half() for batch in said]))
    return FeatureFeed(torch.stack(made), feed.labels)


def see_untaught(job: Job, module: nn.Module, feed: Feed) -> npt.NDArray[np.float32]:
    """(n, width) what a pretrained network says of every picture before a label has taught it, as ``LastMaps.generalise``.

    Args:
        job: untrained.
        module: what takes what the feed serves: the network, or its upper layers.
        feed: the pictures, or what the lower layers say of them.
    """
    head, module = job.learner.head, module.eval()
    generalised: bool | None = None
    said: list[Tensor] = []
    with torch.no_grad():
        for inputs, rows in feed.serve(feed.plan(_AT_ONCE, None), None):
            if not len(rows):
                continue
            batch = arrange(job, inputs)
            if generalised is None:
                generalised = has_positive_maps(module, head, batch[:1])
            with autocast(job.device, job.config.precision), watch_network(module, head) as seen:
                module(batch)
            said.append(seen.generalise() if generalised else seen.average())
    return torch.cat(said).numpy() if said else np.zeros((0, 1), np.float32)


def see_untaught_pixels(job: Job, pixels: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    """As ``see_untaught``, of pictures that are in no feed: (n, side, side, 3), by the whole network."""
    said = []
    for start in range(0, len(pixels), _AT_ONCE):
        batch = torch.from_numpy(pixels[start : start + _AT_ONCE]).to(job.device).permute(0, 3, 1, 2).float() / 255
        feed = FeatureFeed(normalise_batch(batch)[None], np.zeros(len(batch), np.int64))
        said.append(see_untaught(job, job.learner.network, feed))
    return np.concatenate(said) if said else np.zeros((0, 1), np.float32)


def make_head_job(job: Job) -> Job:
    """The job of training the head alone over known features."""
    return replace(job, module=job.learner.head)
