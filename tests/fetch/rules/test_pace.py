"""The pace of hosts, with a clock of the test's own: rates, shares of slots, pauses; laws by hypothesis."""

from __future__ import annotations

import itertools
import random

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from logoingest.fetch import FetchSettings
from logoingest.fetch.rules import pace
from logoingest.fetch.rules.pace import FIRST_GAP_S, MAX_GAP_S, Pace
from logoingest.fetch.turns.schedule import Schedule

unhurried = hypothesis_settings(deadline=None)  # other work on the machine is no failure


def run_schedule(schedule: Schedule[int], hosts: int, per_host: int, seed: int, seconds: float) -> dict[str, list[float]]:
    """Serve a schedule with requests of random length, in simulated time; the starts of each host's requests."""
    rng = random.Random(seed)
    for index in range(hosts * per_host):
        schedule.push(f"h{index % hosts}", index)
    starts: dict[str, list[float]] = {f"h{index}": [] for index in range(hosts)}
    ends: list[tuple[float, str]] = []
    now = 0.0
    while now < seconds:
        while (turn := schedule.take(now)) is not None:
            starts[turn[0]].append(now)
            ends.append((now + rng.random() / 10, turn[0]))
        ends.sort()
        upcoming = [time for time in (schedule.next_due(), ends[0][0] if ends else None) if time is not None]
        if not upcoming:
            break
        now = max(now, min(upcoming))
        while ends and ends[0][0] <= now:
            schedule.release(ends.pop(0)[1])
    return starts


def most_in_window(starts: list[float], window: float) -> int:
    return max((sum(start <= other < start + window for other in starts) for start in starts), default=0)


@unhurried
@given(st.floats(0.5, 50), st.integers(1, 10), st.integers(1, 20), st.integers(0, 2**32))
def test_no_host_gets_more_than_its_rate_and_burst(rate, burst, slots, seed):
    """In every stretch of time, however it lies: at most burst + rate · length requests begin; and all come out."""
    starts = run_schedule(Schedule(Pace(slots, host_rate=rate, burst=burst)), 3, 40, seed, 1e6)
    for times in starts.values():
        assert len(times) == 40
        for window in (0.1, 1.0, 5.0):
            assert most_in_window(times, window) <= burst + rate * window + 1e-6


@unhurried
@given(st.floats(1, 200), st.integers(0, 2**32))
def test_the_global_rate_holds_over_all_hosts(rate, seed):
    """A tenth of a second's worth may come at once."""
    starts = run_schedule(Schedule(Pace(8, rate=rate)), 5, 30, seed, 1e6)
    times = sorted(time for host in starts.values() for time in host)
    assert len(times) == 150
    for window in (0.1, 1.0, 5.0):
        assert most_in_window(times, window) <= 1 + rate * (window + 0.1) + 1e-6


def test_a_rate_is_used_up():
    """It is a limit, not a brake: what may be begun is begun."""
    starts = run_schedule(Schedule(Pace(8, host_rate=10, burst=1)), 1, 100, 0, 1e6)["h0"]
    assert round(starts[-1], 6) == 9.9


def test_without_rates_and_troubles_nothing_is_kept():
    """The usual host costs no memory, whatever it is asked for."""
    calm = Pace(8)
    for index in range(1000):
        calm.note_start(f"h{index}", float(index))
        calm.note_answer(f"h{index}", float(index))
    assert not calm._hosts
    assert calm.find_opening("h1") == 0.0


def test_strain_halves_the_slots_and_answers_bring_them_back():
    """One step down at a sign of strain, one slot up for each round of answers, never below one or above the limit."""
    host = Pace(8)
    slots = []
    for moment in range(1, 6):
        host.note_strain("h", float(moment), float(moment))
        slots.append(host.count_slots("h"))
    assert slots == [4, 2, 1, 1, 1]
    answers = 0
    while host._hosts:
        host.note_answer("h", 1000.0)
        answers += 1
        assert host.count_slots("h") <= 8
        assert answers < 1000
    assert host.count_slots("h") == 8
    assert answers > 28  # a round at each number of slots: 1 + 2 + … + 7


def test_requests_that_were_under_way_together_are_one_sign():
    """Eight refusals of one moment halve the slots once."""
    host = Pace(8)
    for _ in range(8):
        host.note_strain("h", 1.0, 2.0)
    assert host.count_slots("h") == 4
    host.note_strain("h", 2.5, 3.0)
    assert host.count_slots("h") == 2


def test_repeated_strain_slows_the_pace_down():
    """With one slot left, gaps between requests double up to a bound; then it says that this does not help. Others are not slowed."""
    host = Pace(8)
    gaps, hopeless = [], []
    for moment in range(1, 13):
        hopeless.append(host.note_strain("h", float(moment), float(moment)))
        gaps.append(host._hosts["h"].gap_s)
    assert gaps[:6] == [0.0, 0.0, 0.0, FIRST_GAP_S, 2 * FIRST_GAP_S, 4 * FIRST_GAP_S]
    assert gaps[-1] == MAX_GAP_S
    assert hopeless == [False] * 10 + [True] * 2
    host.note_start("h", 100.0)
    assert host.find_opening("h") == 100.0 + MAX_GAP_S
    assert host.find_opening("other") == 0.0


@pytest.mark.parametrize(("share", "slow"), [(0.03, False), (0.3, False), (0.8, True)])
def test_urls_that_are_refused_for_good_do_not_stop_their_host(share, slow):
    """Three in a hundred, or thirty, hardly slow it down; only a host that refuses most is asked as slowly as can be."""
    host, chance, total, hopeless = Pace(8), random.Random(0), 0.0, 0
    for moment in range(1, 2001):
        if chance.random() < share:
            hopeless += host.note_strain("h", float(moment), float(moment))
        else:
            host.note_answer("h", float(moment))
        total += host._hosts["h"].gap_s if "h" in host._hosts else 0.0
    assert (total / 2000 > 1.0) == slow
    assert total / 2000 < 0.2 or slow
    assert (hopeless > 0) == slow


def test_a_strained_host_with_a_rate_gets_half_of_it():
    """The first gap is two of its usual ones."""
    host = Pace(8, host_rate=2.0)
    host.note_strain("h", 1.0, 1.0)
    host.note_start("h", 1.0)
    assert host.find_opening("h") == 2.0


def test_a_pause_holds_for_every_request_to_the_host_and_survives_answers():
    """Answers to requests that were on their way do not end it."""
    schedule: Schedule[str] = Schedule(host := Pace(2))
    for name in ("a", "b", "c"):
        schedule.push("h", name)
    schedule.push("other", "d")
    assert schedule.take(0.0) == ("h", "a")
    host.pause("h", 30.0, 0.0)
    assert schedule.take(0.0) == ("other", "d")
    host.note_answer("h", 1.0)
    schedule.release("h")
    assert schedule.take(29.9) is None
    assert schedule.next_due() == 30.0
    assert schedule.take(30.0) == ("h", "b")


def test_a_crawl_delay_keeps_requests_apart():
    """However many slots are free."""
    host = Pace(8)
    host.set_delay("h0", 2.0, 0.0)
    starts = run_schedule(Schedule(host), 1, 10, 0, 1e6)["h0"]
    assert [round(later - earlier, 9) for earlier, later in itertools.pairwise(starts)] == [2.0] * 9


def test_slots_that_shrink_hold_at_once():
    """A host that stood in the queue when its slots were halved is not served above the new number."""
    schedule: Schedule[int] = Schedule(host := Pace(4))
    for index in range(8):
        schedule.push("h", index)
    assert [schedule.take(0.0) is not None for _ in range(3)] == [True] * 3
    host.note_strain("h", 1.0, 1.0)
    assert schedule.take(10.0) is None
    schedule.release("h")
    assert schedule.take(10.0) is None
    schedule.release("h")
    assert schedule.take(10.0) is not None


def test_what_is_known_of_hosts_is_bounded(monkeypatch):
    """Hosts at rest are forgotten first, then those known longest."""
    monkeypatch.setattr(pace, "MAX_HOSTS", 100)
    limited = Pace(8, host_rate=1.0, burst=1)
    for index in range(1000):
        limited.note_start(f"h{index}", index / 1000)
    assert len(limited._hosts) <= 100
    assert limited.find_opening("h999") == 0.999 + 1.0


@unhurried
@given(st.floats(0.1, 1000), st.floats(0.1, 1000), st.integers(1, 64), st.integers(1, 64), st.integers(1, 64))
def test_divided_rates_sum_to_the_whole(rate, host_rate, burst, per_host, shares):
    """Together the processes keep to the rate; their bursts are at least one each."""
    parts = FetchSettings(rate=rate, per_host_rate=host_rate, per_host_burst=burst, per_host=per_host).divide(shares)
    assert abs(sum(part.rate for part in parts) - rate) < 1e-6 * rate
    assert abs(sum(part.per_host_rate for part in parts) - host_rate) < 1e-6 * host_rate
    assert sum(part.per_host_burst for part in parts) == max(burst, len(parts))
    assert {part.shares for part in parts} == {len(parts)}
