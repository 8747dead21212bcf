"""The closed sets that tables hold words of: why a row did not make it, what was decided on an answer, what became of a URL."""

from __future__ import annotations

from enum import StrEnum


class Reason(StrEnum):
    """Why a source row, a URL or a picture did not make it. Closed: a new cause gets a new member, never free text."""

    # annotations
    INVALID_ROW = "invalid_row"
    MISSING_URL = "missing_url"
    ASSIGNMENT_REJECTED = "assignment_rejected"
    REPEATED_ROW = "repeated_row"
    UNSURE = "unsure"
    TAKEN_DOWN = "taken_down"
    # labels
    NO_LABEL = "no_label"
    LABEL_REVIEW = "label_review"
    LABEL_UNKNOWN = "label_unknown"
    LABEL_DROPPED = "label_dropped"
    # fetch
    BAD_URL = "bad_url"
    PRIVATE_ADDRESS = "private_address"
    DNS = "dns"
    CONNECT = "connect"
    TLS = "tls"
    PROXY = "proxy"
    PROTOCOL = "protocol"
    TIMEOUT_CONNECT = "timeout_connect"
    TIMEOUT_READ = "timeout_read"
    TIMEOUT_TOTAL = "timeout_total"
    HTTP_4XX = "http_4xx"
    HTTP_5XX = "http_5xx"
    REDIRECT_LOOP = "redirect_loop"
    REDIRECT_REFUSED = "redirect_refused"
    TOO_LARGE = "too_large"
    EMPTY = "empty"
    HOST_DOWN = "host_down"
    ROBOTS = "robots"
    OPTED_OUT = "opted_out"
    HASH_MISMATCH = "hash_mismatch"
    CANCELLED = "cancelled"
    FILE_MISSING = "file_missing"
    FILE_REFUSED = "file_refused"
    # images
    NOT_IMAGE = "not_image"
    TRUNCATED = "truncated"
    DECODE_ERROR = "decode_error"
    BOMB = "bomb"
    TOO_SMALL = "too_small"
    DAMAGED = "damaged"
    LOW_QUALITY = "low_quality"
    PLACEHOLDER = "placeholder"
    KNOWN_ELSEWHERE = "known_elsewhere"
    # samples
    BAD_BOX = "bad_box"
    NO_LABEL_WON = "no_label_won"
    TIE = "tie"
    LOW_CONFIDENCE = "low_confidence"
    TOO_FEW_VOTES = "too_few_votes"
    CLASS_CONFLICT = "class_conflict"
    GROUP_CONFLICT = "group_conflict"
    # splits
    CLASS_TOO_SMALL = "class_too_small"


class Decision(StrEnum):
    """What the class map makes of an answer."""

    ACCEPTED = "accepted"
    """It names a class, or several."""
    IGNORED = "ignored"
    """It means that no label is there, or that nobody can tell."""
    DROPPED = "dropped"
    """Its class is not wanted."""
    REVIEW = "review"
    """Somebody must look at it: it is near to a class, or could be two."""
    UNKNOWN = "unknown"
    """Nothing in the map is near."""


class Outcome(StrEnum):
    """What became of a URL; why it failed is a ``Reason``."""

    OK = "ok"
    """The bytes arrived whole."""
    FAILED = "failed"


class Origin(StrEnum):
    """How a picture came into its split."""

    KEPT = "kept"
    """An earlier release has it there."""
    FIXED = "fixed"
    """``splits.fixed`` says so."""
    JOINED = "joined"
    """A near-duplicate of it is kept or fixed there."""
    QUOTA = "quota"
    """A class needed it there."""
    HASH = "hash"
    """Its turn came by the hash of its group's name, and a class lacked most of its share there."""


class ConflictKind(StrEnum):
    """Why pictures of several classes contradict each other."""

    IDENTICAL = "identical"
    """Their pixels are equal."""
    NEAR = "near"
    """They are near-duplicates."""
    PLACEHOLDER = "placeholder"
    """They may stand for photos that are gone."""


class CopyKind(StrEnum):
    """What makes two pictures of one dataset show the same."""

    SAME_PIXELS = "same_pixels"
    """Different files, the same pixels."""
    SAVED_AGAIN = "saved_again"
    """The whole picture in another quality, size, format or light."""
    TURNED = "turned"
    """The whole picture turned by a right angle, or mirrored."""
    CROPPED = "cropped"
    """One shows a part of the other: cropped, framed, on a screen."""
    NEAR = "near"
    """Much the same, yet not the same picture for sure: the next frame of a burst, another word or drawing in a place, a badly damaged copy."""
    RULED = "ruled"
    """A person said so."""


class Likeness(StrEnum):
    """How a picture of ours and one of another dataset are alike, the surest first."""

    SAME_BYTES = "same_bytes"
    SAME_PIXELS = "same_pixels"
    NEAR = "near"
    """A near-duplicate."""
