"""Origins that are down: after so many failures in a row nothing more is asked of one, but for a single probe. No I/O, no clock."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from logoingest.fetch.rules.policy import FetchFault
from logoingest.schemas import Reason

#: scheme, host, port: what answers http may be dead for https.
Origin: TypeAlias = tuple[str, str, int]

#: Failures that say nobody is there. An HTTP status, whichever, says the contrary.
DOWN = frozenset({Reason.DNS, Reason.CONNECT, Reason.TLS, Reason.TIMEOUT_CONNECT, Reason.TIMEOUT_READ, Reason.TIMEOUT_TOTAL})

MAX_ORIGINS = 50_000


@dataclass(slots=True)
class _Circuit:
    failures: int = 0
    verdict: FetchFault | None = None
    """Why nothing is asked of it; None while it is closed."""
    probe_from: float = 0.0
    probing: bool = False


class Breaker:
    """A circuit per origin: closed (asked as usual), open (not asked), half open (one probe is under way).

    Only origins whose last answer was none take up memory.
    """

    def __init__(self, failures: int, pause_s: float) -> None:
        """``failures`` in a row open a circuit (0: never); after a probe that failed the next waits ``pause_s`` seconds."""
        self._failures = failures
        self._pause_s = pause_s
        self._circuits: dict[Origin, _Circuit] = {}

    def explain(self, origin: Origin) -> FetchFault | None:
        """Why nothing is asked of an origin; None if it may be asked."""
        circuit = self._circuits.get(origin)
        return None if circuit is None else circuit.verdict

    def note_answer(self, origin: Origin, now: float, *, is_probe: bool = False) -> bool:
        """It is there. True when that closes its circuit.

        One that is left alone until a certain time stays open: an answer that was on its way changes nothing about that.
        """
        circuit = self._circuits.get(origin)
        if circuit is None or (circuit.verdict is not None and not is_probe and now < circuit.probe_from):
            return False
        del self._circuits[origin]
        return circuit.verdict is not None

    def note_failure(self, origin: Origin, verdict: FetchFault, now: float, *, is_probe: bool = False) -> None:
        """It is not there, for a reason among ``DOWN``."""
        if not self._failures:
            return
        circuit = self._find(origin)
        circuit.failures += 1
        if is_probe:
            circuit.probing = False
            circuit.probe_from = now + self._pause_s
        elif circuit.verdict is None and circuit.failures >= self._failures:
            count = f"{circuit.failures} requests in a row failed" if circuit.failures > 1 else "the last request failed"
            circuit.verdict = FetchFault(
                Reason.HOST_DOWN,
                f"not asked: {count} (fetch.breaker_failures = {self._failures}), lastly with {verdict.reason.value} ({verdict.detail})",
            )
            circuit.probe_from = now

    def trip(self, origin: Origin, verdict: FetchFault, probe_from: float) -> bool:
        """Open a circuit at once; ``verdict`` is what its URLs end with. False when circuits are switched off."""
        if not self._failures:
            return False
        circuit = self._find(origin)
        circuit.verdict = circuit.verdict or verdict
        circuit.probe_from = max(circuit.probe_from, probe_from)
        return True

    def is_probing(self, origin: Origin) -> bool:
        """Whether a probe is under way."""
        circuit = self._circuits.get(origin)
        return circuit is not None and circuit.probing

    def begin_probe(self, origin: Origin, now: float) -> bool:
        """Whether an open circuit may be probed now; if so, the one request that may is the caller's."""
        circuit = self._circuits.get(origin)
        if circuit is None or circuit.verdict is None or circuit.probing or now < circuit.probe_from:
            return False
        circuit.probing = True
        return True

    def drop_probe(self, origin: Origin) -> None:
        """The probe was called off before it was answered."""
        circuit = self._circuits.get(origin)
        if circuit is not None:
            circuit.probing = False

    def _find(self, origin: Origin) -> _Circuit:
        circuit = self._circuits.get(origin)
        if circuit is None:
            if len(self._circuits) >= MAX_ORIGINS:
                oldest = next((known for known, held in self._circuits.items() if not held.probing), origin)
                self._circuits.pop(oldest, None)
            circuit = self._circuits[origin] = _Circuit()
        return circuit
