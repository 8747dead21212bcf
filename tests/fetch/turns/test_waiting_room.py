"""Where URLs wait whose origin is down: for all others of their batch, then for one probe, which decides for each of them."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

import pytest

from logoingest.fetch.rules.breaker import Breaker
from logoingest.fetch.rules.policy import FetchFault
from logoingest.fetch.rules.targets import parse_target
from logoingest.fetch.turns.pursuit import Batch, Pursuit
from logoingest.fetch.turns.waiting_room import WaitingRoom
from logoingest.schemas import Reason

DEAD = FetchFault(Reason.CONNECT, "nobody there")


@dataclass
class Floor:
    """A waiting room and what it does to those who wait in it; no network, circuits that open at the first failure."""

    breaker: Breaker = field(default_factory=lambda: Breaker(1, 60.0))
    batches: set[Batch] = field(default_factory=set)
    called: list[str] = field(default_factory=list)
    failed: dict[str, Reason] = field(default_factory=dict)
    pumps: int = 0

    def __post_init__(self) -> None:
        self.room = WaitingRoom(self.breaker, self.batches, enqueue=self.enqueue, settle=self.settle, pump=self.pump)
        self.probes: list[Pursuit] = []

    def enqueue(self, pursuit: Pursuit) -> None:
        self.called.append(pursuit.url)
        if pursuit.probes is not None:
            self.probes.append(pursuit)

    def settle(self, pursuit: Pursuit, verdict: FetchFault) -> None:
        self.failed[pursuit.url] = verdict.reason
        pursuit.batch.left -= 1

    def pump(self) -> None:
        self.pumps += 1

    def open_batch(self, left: int) -> Batch:
        batch = Batch(lambda index, row: None, left, None, asyncio.get_running_loop().create_future())
        self.batches.add(batch)
        return batch

    def wait(self, batch: Batch, url: str, verdict: FetchFault | None = None) -> Pursuit:
        target = parse_target(url)
        pursuit = Pursuit(target, target, 1.0, batch=batch, index=0, url=url, verdict=verdict)
        self.breaker.note_failure(target.origin, DEAD, 0.0)
        self.room.add(pursuit)
        return pursuit


@pytest.fixture
def played():
    """Plays a scene on an event loop: a coroutine that gets the floor."""

    def play(scene) -> Floor:
        async def on_loop() -> Floor:
            floor = Floor()
            await scene(floor)
            return floor

        return asyncio.run(on_loop())

    return play


async def settle_down() -> None:
    for _ in range(3):
        await asyncio.sleep(0)


def test_nobody_is_looked_at_while_something_else_is_left(played):
    """A batch of three of which two wait is left alone; with the third done, one goes as a probe and the other waits for it."""

    async def scene(floor: Floor) -> None:
        batch = floor.open_batch(3)
        floor.wait(batch, "http://a.test/1")
        floor.wait(batch, "http://a.test/2")
        await settle_down()
        assert (floor.called, floor.pumps) == ([], 0)
        batch.left -= 1
        floor.room.review_later(batch)
        await settle_down()

    floor = played(scene)
    assert floor.called == ["http://a.test/2"]
    assert floor.failed == {}
    assert len(floor.probes) == 1


def test_every_origin_gets_one_probe_of_its_own(played):
    """http and https of one host are two origins."""

    async def scene(floor: Floor) -> None:
        batch = floor.open_batch(4)
        for url in ("http://a.test/1", "http://a.test/2", "https://a.test/1", "https://a.test/2"):
            floor.wait(batch, url)
        await settle_down()

    floor = played(scene)
    assert sorted(floor.called) == ["http://a.test/2", "https://a.test/2"]
    assert floor.failed == {}


def test_who_answers_a_probe_is_asked_for_all_that_wait(played):
    """In every batch, the one that did not probe too."""

    async def scene(floor: Floor) -> None:
        one, other = floor.open_batch(2), floor.open_batch(5)
        floor.wait(one, "http://a.test/1")
        floor.wait(one, "http://a.test/2")
        floor.wait(other, "http://a.test/3")
        await settle_down()
        floor.called.clear()
        (probe,) = floor.probes
        floor.breaker.note_answer(probe.target.origin, 1e12, is_probe=True)
        floor.room.call_up(probe.target.origin)
        assert (one.waiting_count, other.waiting_count) == (0, 0)

    floor = played(scene)
    assert sorted(floor.called) == ["http://a.test/1", "http://a.test/3"]
    assert floor.failed == {}


def test_a_probe_that_fails_fails_all_that_wait(played):
    """Each with how its own last attempt ended, where it had one; with the circuit's reason where it was never asked for."""

    async def scene(floor: Floor) -> None:
        batch = floor.open_batch(3)
        floor.wait(batch, "http://a.test/asked", DEAD)
        floor.wait(batch, "http://a.test/never")
        floor.wait(batch, "http://a.test/probe")
        await settle_down()
        (probe,) = floor.probes
        floor.breaker.note_failure(probe.target.origin, DEAD, 1e12, is_probe=True)
        probe.probes = None
        floor.room.add(probe)
        await settle_down()

    floor = played(scene)
    assert floor.called == ["http://a.test/probe"]
    assert floor.failed == {
        "http://a.test/asked": Reason.CONNECT,
        "http://a.test/never": Reason.HOST_DOWN,
        "http://a.test/probe": Reason.HOST_DOWN,
    }


def test_a_probe_of_another_batch_decides_here_too(played):
    """While one probe is under way no second is sent, and nobody is failed."""

    async def scene(floor: Floor) -> None:
        floor.wait(floor.open_batch(1), "http://a.test/1")
        await settle_down()
        floor.wait(floor.open_batch(1), "http://a.test/2")
        await settle_down()

    floor = played(scene)
    assert (floor.called, floor.failed) == (["http://a.test/1"], {})


def test_a_probe_that_is_called_off_leaves_its_place_to_another(played):
    async def scene(floor: Floor) -> None:
        floor.wait(floor.open_batch(1), "http://a.test/1")
        await settle_down()
        floor.wait(floor.open_batch(1), "http://a.test/2")
        await settle_down()
        (probe,) = floor.probes
        floor.room.drop_probe(probe)
        assert probe.probes is None
        await settle_down()

    floor = played(scene)
    assert floor.called == ["http://a.test/1", "http://a.test/2"]
    assert floor.failed == {}


def test_a_batch_that_was_closed_is_passed_over(played):
    """Its review was due when it ended."""

    async def scene(floor: Floor) -> None:
        batch = floor.open_batch(1)
        floor.wait(batch, "http://a.test/1")
        floor.batches.discard(batch)
        await settle_down()

    floor = played(scene)
    assert (floor.called, floor.failed, floor.pumps) == ([], {}, 0)
