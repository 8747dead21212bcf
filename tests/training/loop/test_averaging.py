"""The average of the weights over a fit's steps."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from logoingest.training.loop.averaging import WeightAverage, make_average, show_average


def make_network() -> nn.Sequential:
    """One layer that learns, one that does not, and batch statistics."""
    network = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2), nn.BatchNorm1d(2))
    network[1].requires_grad_(requires_grad=False)
    return network


def copy_state(network: nn.Module) -> dict[str, torch.Tensor]:
    return {name: value.clone() for name, value in network.state_dict().items()}


def is_equal(one: dict[str, torch.Tensor], two: dict[str, torch.Tensor]) -> bool:
    return all(torch.equal(one[name], two[name]) for name in one)


def walk(network: nn.Module, average: WeightAverage, steps: range) -> list[float]:
    """Everything that changes takes the step's number; what one weight was."""
    with torch.no_grad():
        for step in steps:
            network[0].weight.fill_(step)
            network[2].running_mean.fill_(step)
            average.update()
    return [float(step) for step in steps]


def test_the_newest_steps_count_most_and_the_start_is_forgotten():
    """An exponential average by the definition, of weights and of batch statistics; a horizon of one step keeps the last."""
    network = make_network()
    average, mean = WeightAverage(network, horizon=4), network[0].weight[0, 0].item()
    for number, value in enumerate(walk(network, average, range(1, 30)), 1):
        decay = min(0.75, (1 + number) / (10 + number))
        mean = decay * mean + (1 - decay) * value
    with average.shown():
        assert network[0].weight[0, 0].item() == pytest.approx(mean, abs=1e-4)
        assert network[2].running_mean[0].item() == pytest.approx(mean, abs=0.05)
    last = WeightAverage(network, horizon=1)
    walk(network, last, range(5, 8))
    last.settle()
    assert network[0].weight[0, 0].item() == 7


def test_it_is_shown_inside_and_gone_outside():
    """What learns goes on from where it was, also when looking at it failed; what does not learn is never touched."""
    network = make_network()
    average = make_average(network, 0.5, 20)
    assert average is not None
    walk(network, average, range(20))
    learnt = copy_state(network)
    with pytest.raises(ZeroDivisionError), show_average(average):
        assert not torch.equal(network[0].weight, learnt["0.weight"])
        assert torch.equal(network[1].weight, learnt["1.weight"])
        raise ZeroDivisionError
    assert is_equal(copy_state(network), learnt)


def test_it_goes_on_where_it_was_saved():
    """Saved and restored half-way it ends where one ends that was never stopped."""
    whole, broken = make_network(), make_network()
    broken.load_state_dict(whole.state_dict())
    first, second = WeightAverage(whole, 8), WeightAverage(broken, 8)
    walk(whole, first, range(10))
    second.restore(first.save())
    for network, average in ((whole, first), (broken, second)):
        walk(network, average, range(10, 15))
        average.settle()
    assert torch.equal(whole[0].weight, broken[0].weight)


def test_without_a_share_the_last_weights_are_kept():
    """Nothing is averaged, and nothing changes inside."""
    network = make_network()
    assert make_average(network, 0.0, 100) is None
    before = copy_state(network)
    with show_average(None):
        assert is_equal(copy_state(network), before)
