"""How many trials at once: the scarcest resource binds, and it is named."""

from __future__ import annotations

import pytest

from logoingest.experiments.machine.costs import TrialCost
from logoingest.experiments.machine.limits import GpuState, MachineLimits
from logoingest.experiments.running.parallelism import MachineSeen, explain_choice, find_most, summarise_level

LIMITS = MachineLimits(cores=8, memory_mb=16_000)


def measure(*, waiting=0.0, peak_mb=500.0, vram_mb=0.0, seen=None):
    """One trial alone, that computed for all of ten seconds but a share."""
    cost = TrialCost(
        fit_cpu_s=10 * (1 - waiting), fit_wall_s=10, idle_s=10 * waiting, pictures=320, peak_mb=peak_mb, vram_mb=vram_mb
    )
    return summarise_level([cost], 1, 32, seen or MachineSeen())


@pytest.mark.parametrize(
    ("limits", "alone", "expected"),
    [
        (LIMITS, measure(), (8, "cores")),
        (LIMITS, measure(waiting=0.5), (16, "cores")),
        (LIMITS, measure(seen=MachineSeen(spare_cores=6.9)), (8, "cores")),
        (LIMITS, measure(seen=MachineSeen(spare_cores=2.1)), (3, "idle cores")),
        (LIMITS, measure(seen=MachineSeen(spare_cores=0.0)), (1, "idle cores")),
        (LIMITS, measure(peak_mb=4000.0), (3, "memory")),
        (LIMITS._replace(gpus=(GpuState(0.2, 10_000, 16_000),)), measure(vram_mb=3900), (2, "GPU memory")),
        (LIMITS._replace(gpus=(GpuState(0.2, 10_000, 16_000),)), measure(vram_mb=10, seen=MachineSeen(gpu_busy=0.4)), (2, "GPU")),
    ],
)
def test_the_scarcest_resource_binds(limits, alone, expected):
    """Cores that other load takes are not counted, those nearly idle are."""
    assert find_most(limits, alone, 1, 100) == expected


def test_no_more_than_there_are_trials():
    """Three are left to run."""
    assert find_most(LIMITS, measure(), 1, 3) == (3, "trials")


def test_the_choice_is_explained_with_what_load_leaves():
    """In one paragraph."""
    alone = measure(seen=MachineSeen(spare_cores=1.2))
    said = explain_choice(LIMITS, [alone], alone, "idle cores", 2)
    assert said.startswith("8 cores, of which other load leaves 2.2; 16,000 MB free; one trial alone takes 1.000 CPU s a step")
    assert "idle cores allow no more than 2" in said
