"""How fast a host may be asked: its rate, its share of the slots, the pauses it asks for. No I/O, no clock.

Rates are token buckets in the form of the generic cell rate algorithm (ITU-T I.371): a bucket is one number, the time at which
it would be full again. What a host gets is adapted to how it copes (AIMD, Chiu and Jain 1989): a sign of strain halves its slots,
and once there is but one, puts a growing gap between requests; answers give both back bit by bit.
"""

from __future__ import annotations

from dataclasses import dataclass

#: The first and the longest gap between the requests to a strained host. Strain doubles it and an answer halves it: a host that
#: refuses a third of its URLs for good is not slowed without end, one that refuses most is.
FIRST_GAP_S = 0.05
MAX_GAP_S = 2.0
#: A global bucket holds so many seconds' worth of requests, so that timers need not be exact.
GLOBAL_BURST_S = 0.1
#: Hosts whose state is kept at once; those at rest have none.
MAX_HOSTS = 100_000


@dataclass(slots=True)
class _HostPace:
    slots: float
    full_at: float = 0.0
    """When its bucket is full again."""
    gap_s: float = 0.0
    """Between requests, because it is under strain."""
    delay_s: float = 0.0
    """Between requests, because it says so (Crawl-delay)."""
    open_at: float = 0.0
    """No request before."""
    strained_at: float = float("-inf")


class Pace:
    """Slots and rates of all hosts of one process. A host that is asked as config says and copes takes up no memory."""

    def __init__(self, per_host: int, *, host_rate: float = 0.0, burst: int = 1, rate: float = 0.0) -> None:
        """Set the limits.

        Args:
            per_host: requests in flight towards one host.
            host_rate: requests begun per second towards one host; 0 sets no limit.
            burst: how many of them may come at once after a rest, ≥ 1.
            rate: requests begun per second in all; 0 sets no limit.
        """
        self._per_host = per_host
        self._interval_s = 1.0 / host_rate if host_rate > 0 else 0.0
        self._slack_s = (burst - 1) * self._interval_s
        self._global_interval_s = 1.0 / rate if rate > 0 else 0.0
        self._global_slack_s = max(0.0, GLOBAL_BURST_S - self._global_interval_s) if rate > 0 else 0.0
        self._global_full_at = 0.0
        self._hosts: dict[str, _HostPace] = {}

    # -- what is allowed -----------------------------------------------------------------------------------------------

    def count_slots(self, host: str) -> int:
        """Requests that may be in flight towards a host, ≥ 1."""
        state = self._hosts.get(host)
        return self._per_host if state is None else int(state.slots)

    def find_opening(self, host: str) -> float:
        """When the host's next request may begin, as far as its rate and pauses go; the past means now."""
        state = self._hosts.get(host)
        return 0.0 if state is None else max(state.open_at, state.full_at - self._slack_s)

    def find_global_opening(self) -> float:
        """When the next request to whichever host may begin."""
        return self._global_full_at - self._global_slack_s if self._global_interval_s else 0.0

    # -- what happens --------------------------------------------------------------------------------------------------

    def note_start(self, host: str, now: float) -> None:
        """A request begins."""
        if self._global_interval_s:
            self._global_full_at = max(self._global_full_at, now) + self._global_interval_s
        state = self._hosts.get(host)
        if self._interval_s:
            state = state or self._add(host, now)
            state.full_at = max(state.full_at, now) + self._interval_s
        if state is not None and (state.gap_s or state.delay_s):
            state.open_at = max(state.open_at, now + max(state.gap_s, state.delay_s))

    def note_answer(self, host: str, now: float) -> None:
        """It copes: half the gap, and after each round of answers one slot more."""
        state = self._hosts.get(host)
        if state is None:
            return
        if state.slots < self._per_host:
            state.slots = min(self._per_host, state.slots + 1.0 / state.slots)
        if state.gap_s:
            state.gap_s /= 2
            if state.gap_s < max(FIRST_GAP_S, self._interval_s):
                state.gap_s = 0.0
        if _is_at_rest(state, self._per_host, now):
            del self._hosts[host]

    def note_strain(self, host: str, began: float, now: float) -> bool:
        """It said 429 or 503, or timed out. True when slowing down has not helped: it had the longest gap already.

        Requests that were under way together count as one sign: those that ``began`` before the last one say nothing new.
        """
        state = self._hosts.get(host) or self._add(host, now)
        if began < state.strained_at:
            return False
        state.strained_at = now
        is_slowest = state.gap_s >= MAX_GAP_S
        if state.slots <= 1.0 or self._interval_s:
            state.gap_s = min(MAX_GAP_S, max(FIRST_GAP_S, 2 * self._interval_s, 2 * state.gap_s))
        state.slots = max(1.0, state.slots / 2)
        return is_slowest

    def pause(self, host: str, until: float, now: float) -> None:
        """It asked to be left alone."""
        state = self._hosts.get(host) or self._add(host, now)
        state.open_at = max(state.open_at, until)

    def set_delay(self, host: str, delay_s: float, now: float) -> None:
        """It asked for at least this long between two requests."""
        state = self._hosts.get(host) or self._add(host, now)
        state.delay_s = max(state.delay_s, delay_s)

    def forgive(self, host: str) -> None:
        """Forget its strain: it was not busy but gone."""
        state = self._hosts.get(host)
        if state is not None:
            state.slots, state.gap_s = float(self._per_host), 0.0

    def _add(self, host: str, now: float) -> _HostPace:
        if len(self._hosts) >= MAX_HOSTS:
            self._sweep(now)
        state = self._hosts[host] = _HostPace(float(self._per_host))
        return state

    def _sweep(self, now: float) -> None:
        """Let go of hosts that are at rest; if that frees too little, of those known longest."""
        busy = {host: state for host, state in self._hosts.items() if not _is_at_rest(state, self._per_host, now)}
        excess = max(0, len(busy) - MAX_HOSTS * 3 // 4)
        self._hosts = dict(list(busy.items())[excess:])


def _is_at_rest(state: _HostPace, per_host: int, now: float) -> bool:
    """Whether it is as if nothing were known of the host."""
    return state.slots >= per_host and not state.gap_s and not state.delay_s and max(state.full_at, state.open_at) <= now
