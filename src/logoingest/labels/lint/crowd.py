"""Lint rule about what people say of pictures: spellings and classes that others' answers about the same pictures contradict."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from logoingest.labels.lint.claims import Claims, quote
from logoingest.labels.lint.files import Claim
from logoingest.labels.lint.findings import Finding
from logoingest.labels.text.fold import fold

if TYPE_CHECKING:
    from logoingest.labels.crowd.contradictions import Contradiction


def check_contradictions(claims: Claims, contradictions: Sequence[Contradiction]) -> Iterator[Finding]:
    """A finding a contradiction, at the line of the alias it is about, else at its class's."""
    for one in contradictions:
        claim = _find_claim(claims, one)
        file, line = (claims.chain.layers[0].name, 1) if claim is None else (claim.file, claim.line)
        seems = f" seems to be {one.class_id}" if one.class_id else f" is told as {one.kind}"
        what = f"{quote(one.text)}, of {one.declared},{seems}: {one.words}"
        yield Finding("crowd-contradicts", file, line, what, f"{one.proposal}; or: logoingest labels review --export")


def _find_claim(claims: Claims, one: Contradiction) -> Claim | None:
    said = {fold(raw).text for raw in one.raw_labels}
    own = [claim for claim in (*claims.aliases, *claims.names) if claims.outputs.get(claim.class_id) == one.declared]
    return next((claim for claim in own if claim.folded.text in said), own[-1] if own else None)
