"""With a frozen backbone the network runs over every picture once, and all trainings run on what it said."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor, nn

from logoingest.training.data.feeds import FeatureFeed, PictureFeed
from logoingest.training.loop.jobs import Job, arrange, autocast


def extract_features(job: Job, feed: PictureFeed, views: int) -> FeatureFeed | None:
    """What reaches a linear head, for every picture, the first view unchanged and the others changed at random.

    Returns:
        None when the head is no linear layer: then the whole network runs every time.
    """
    head = job.learner.head
    if not isinstance(head, nn.Linear):
        return None
    caught: list[Tensor] = []
    hook = head.register_forward_pre_hook(lambda _, inputs: caught.append(inputs[0].detach().float()))
    job.learner.network.eval()
    generator = torch.Generator().manual_seed(job.config.seed + 2)
    made: list[Tensor] = []
    try:
        with torch.no_grad():
            for view in range(views):
                caught.clear()
                for inputs, rows in feed.serve(feed.plan(64, None), None if view == 0 else generator):
                    if len(rows):
                        with autocast(job.device):
                            job.learner.network(arrange(job, inputs))
                made.append(torch.cat(caught) if caught else torch.zeros(0, head.in_features, device=job.device))
    finally:
        hook.remove()
    return FeatureFeed(torch.stack(made), feed.labels)


def make_head_job(job: Job) -> Job:
    """The job of training the head alone over known features."""
    return replace(job, module=job.learner.head)
