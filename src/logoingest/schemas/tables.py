"""Every table that lies between two stages, once: a row model each. Columns keep this order in every file."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, NamedTuple, TypedDict

import pyarrow as pa

from logoingest.schemas.rows import Column, Row

_Bytes = bytes  # columns named "bytes" would hide the builtin from their class
_TEXT = pa.string()
_TIME = pa.timestamp("us", tz="UTC")
_FIGURES = pa.list_(pa.float32())
_BOX_TYPE = pa.list_(pa.float64(), 4)
_LABELLED_BOX_TYPE = pa.struct([("class_id", _TEXT), ("bbox", _BOX_TYPE), ("truncated", pa.bool_()), ("attributes", _TEXT)])

#: Attributes by which a source gives right answers: the text that is right for the picture, and that this very answer is.
GOLD = "gold"
GROUND_TRUTH = "ground_truth"
#: The attribute under which a box waits for its picture: [x, y, width, height] in shares of the picture's width and height.
SHARES = "bbox_shares"
RESERVED_ATTRIBUTES = frozenset({GOLD, GROUND_TRUTH, SHARES})


class AnnotationRow(Row):
    """One answer of one worker about one URL."""

    annotation_id: Annotated[str, Column(_TEXT, "content-derived: 32 hex digits; equal rows are told apart by a counter")]
    url: Annotated[str, Column(_TEXT, "the image's URL, exactly as given but for outer white space")]
    raw_label: Annotated[str, Column(_TEXT, "what the worker said, untouched; empty when nothing; several values as a JSON list")]
    worker_id: Annotated[str | None, Column(_TEXT, "who answered; null when the source does not say")]
    status: Annotated[str, Column(_TEXT, "submitted, approved or rejected (the requester's verdict, in lower case)")]
    work_time_s: Annotated[float | None, Column(pa.float64(), "seconds spent on the task")]
    submitted_at: Annotated[datetime | None, Column(_TIME, "when the answer was sent, UTC")]
    bbox: Annotated[
        list[float] | None, Column(_BOX_TYPE, "[x, y, width, height] in pixels from the top left, of the box the answer is about")
    ]
    attributes: Annotated[str | None, Column(_TEXT, "further facts of the source about this answer, as a JSON object")]
    alternative_urls: Annotated[list[str] | None, Column(pa.list_(_TEXT), "other URLs the source gives for the same picture")]
    source_id: Annotated[str | None, Column(_TEXT, "the source's own id of this answer (AssignmentId, VOC box …)")]
    carried: Annotated[
        str | None, Column(_TEXT, "the columns that sources.keep_columns names, as a JSON object of texts; null when all are empty")
    ]
    expected_hashes: Annotated[
        list[str] | None,
        Column(pa.list_(_TEXT), "what the bytes must be by the source: sha256:… or md5:…, hex; null when it does not say"),
    ]
    source_file: Annotated[str, Column(_TEXT, "the source's path as the config gives it")]
    source_row: Annotated[
        int,
        Column(
            pa.int64(),
            "1-based line or record number in the source, the header not counted; of a workbook the row as it is numbered there",
        ),
    ]


class LabelRow(Row):
    """One distinct raw label and what the class map makes of it."""

    raw_label: Annotated[str, Column(_TEXT, "as typed")]
    class_id: Annotated[str | None, Column(_TEXT, "the class, when the answer names exactly one")]
    class_ids: Annotated[list[str], Column(pa.list_(_TEXT), "all classes the answer names, in order; empty unless accepted")]
    decision: Annotated[
        str, Column(_TEXT, "accepted, ignored (it means 'no label'), dropped (its class is not wanted), review or unknown")
    ]
    rule: Annotated[str, Column(_TEXT, "the rule that decided: alias, alias_folded, name, fuzzy, several, no_label, crowd …")]
    matched_alias: Annotated[str | None, Column(_TEXT, "the alias or class name of the map that matched or came nearest")]
    score: Annotated[
        float | None,
        Column(pa.float64(), "similarity to matched_alias, 0 to 100; under the rule crowd, its probability in percent"),
    ]
    runner_up: Annotated[str | None, Column(_TEXT, "the best class other than the winner")]
    margin: Annotated[float | None, Column(pa.float64(), "score minus the runner-up's score, 0 to 100")]
    attributes: Annotated[str | None, Column(_TEXT, "facts read off the label by affix rules, as a JSON object")]
    count: Annotated[int, Column(pa.int64(), "how many annotations carry this raw label")]
    map_hash: Annotated[str, Column(_TEXT, "sha256 of the class map's meaning that decided")]


class DownloadRow(Row):
    """One distinct URL: what the network said, the bytes, and what one decode of them told."""

    url: Annotated[str, Column(_TEXT, "as in annotations")]
    final_url: Annotated[str | None, Column(_TEXT, "where redirects or a fallback ended, without credentials")]
    outcome: Annotated[str, Column(_TEXT, "ok (bytes arrived whole) or failed")]
    reason: Annotated[str | None, Column(_TEXT, "a fetch Reason when failed")]
    detail: Annotated[str | None, Column(_TEXT, "one line for people; no times, no addresses of this machine, no credentials")]
    http_status: Annotated[int | None, Column(pa.int16(), "the last status seen")]
    fallback: Annotated[str | None, Column(_TEXT, "who served the bytes in its place: https, alternative or archive; null: itself")]
    first_reason: Annotated[str | None, Column(_TEXT, "with a fallback: the Reason why the URL itself was of no use")]
    fallback_detail: Annotated[str | None, Column(_TEXT, "with a fallback: detail of first_reason, and what else was tried before")]
    attempts: Annotated[int, Column(pa.int16(), "requests made for this URL and its fallbacks, redirects not counted")]
    elapsed_ms: Annotated[
        float | None,
        Column(
            pa.float64(),
            "what its requests took, all attempts and redirects together; time in queues and between attempts is not counted",
        ),
    ]
    fetched_at: Annotated[datetime | None, Column(_TIME, "when the outcome was known, UTC")]
    content_type: Annotated[str | None, Column(_TEXT, "the Content-Type header as sent")]
    etag: Annotated[str | None, Column(_TEXT, "the ETag header as sent")]
    last_modified: Annotated[str | None, Column(_TEXT, "the Last-Modified header as sent")]
    expected: Annotated[str | None, Column(_TEXT, "the hashes that the sources asked of the bytes when they were fetched")]
    sha256: Annotated[str | None, Column(_TEXT, "of the bytes, hex; the image_id")]
    byte_count: Annotated[int | None, Column(pa.int64(), "length of bytes")]
    refreshed: Annotated[
        str | None, Column(_TEXT, "what asking again found: changed, unchanged, gone, failed; null when never done")
    ]
    checked_at: Annotated[datetime | None, Column(_TIME, "when that was found, UTC; fetched_at stays that of the bytes")]
    previous_sha256: Annotated[str | None, Column(_TEXT, "of the bytes before the last change that a refresh found")]
    image_reason: Annotated[str | None, Column(_TEXT, "an images Reason when the bytes are no usable picture")]
    image_detail: Annotated[str | None, Column(_TEXT, "one line for people about image_reason, or about damage that was survived")]
    format: Annotated[str | None, Column(_TEXT, "real format, by content: JPEG, PNG, WEBP …")]
    mode: Annotated[str | None, Column(_TEXT, "Pillow mode as stored: RGB, L, P, CMYK, I;16 …")]
    width: Annotated[int | None, Column(pa.int32(), "pixels as shown (EXIF orientation applied)")]
    height: Annotated[int | None, Column(pa.int32(), "pixels as shown (EXIF orientation applied)")]
    frames: Annotated[int | None, Column(pa.int32(), "1 unless animated or multi-page")]
    orientation: Annotated[int | None, Column(pa.int8(), "EXIF orientation 1 to 8; 1 when absent")]
    damaged: Annotated[bool | None, Column(pa.bool_(), "the decoder warned of corrupt data, yet gave a picture")]
    pixel_hash: Annotated[str | None, Column(_TEXT, "sha256 of the normalised decoded pixels: equal for re-wrapped files")]
    hash: Annotated[_Bytes | None, Column(pa.binary(), "border-trimmed difference hash (see images.looking.fingerprints)")]
    signature: Annotated[_Bytes | None, Column(pa.binary(), "small grey picture for the pixel check of near-duplicates")]
    brightness: Annotated[float | None, Column(pa.float32(), "mean luma, 0 to 1")]
    contrast: Annotated[float | None, Column(pa.float32(), "standard deviation of luma, 0 to 0.5")]
    sharpness: Annotated[float | None, Column(pa.float32(), "variance of the Laplacian of luma (0 to 255) at the inspected scale")]
    entropy: Annotated[float | None, Column(pa.float32(), "entropy of the luma histogram, bits, 0 to 8")]
    border_share: Annotated[float | None, Column(pa.float32(), "share of the area that is uniform border, 0 to 1")]
    saturation: Annotated[float | None, Column(pa.float32(), "mean of max-min over RGB, 0 to 1; about 0 is grey")]
    channel_mean: Annotated[list[float] | None, Column(_FIGURES, "mean of red, green and blue at the inspected scale, 0 to 1")]
    channel_std: Annotated[list[float] | None, Column(_FIGURES, "standard deviation of red, green and blue, 0 to 0.5")]
    icc: Annotated[str | None, Column(_TEXT, "the embedded colour profile's space and name; null without one")]
    original_fault: Annotated[
        str | None,
        Column(_TEXT, "reason and detail: why the bytes as they are open to browsers and us alone; null where all readers do"),
    ]
    bytes: Annotated[_Bytes | None, Column(pa.large_binary(), "the body as received, content-decoded")]


class ImageRow(Row):
    """One distinct picture (by bytes)."""

    image_id: Annotated[str, Column(_TEXT, "sha256 of the bytes, hex")]
    group_id: Annotated[str, Column(_TEXT, "smallest image_id of its near-duplicate group; its own when it has none")]
    width: Annotated[int, Column(pa.int32(), "pixels as shown")]
    height: Annotated[int, Column(pa.int32(), "pixels as shown")]
    format: Annotated[str, Column(_TEXT, "JPEG, PNG, WEBP …")]
    mode: Annotated[str, Column(_TEXT, "Pillow mode as stored")]
    frames: Annotated[int, Column(pa.int32(), "1 unless animated or multi-page")]
    orientation: Annotated[int, Column(pa.int8(), "EXIF orientation 1 to 8")]
    byte_count: Annotated[int, Column(pa.int64(), "length of the bytes")]
    pixel_hash: Annotated[str, Column(_TEXT, "sha256 of the normalised decoded pixels")]
    hash: Annotated[_Bytes, Column(pa.binary(), "border-trimmed difference hash")]
    flags: Annotated[list[str], Column(pa.list_(_TEXT), "quality flags: dark, bright, blurry, low_information, damaged …")]
    urls: Annotated[list[str], Column(pa.list_(_TEXT), "every URL that served these bytes, sorted")]
    shard: Annotated[str, Column(_TEXT, "the download shard that holds the bytes (of the first of urls)")]
    shard_row: Annotated[int, Column(pa.int32(), "the row in that shard")]
    redirect_url: Annotated[str | None, Column(_TEXT, "the other address that most of urls were redirected to; null when none was")]
    redirected: Annotated[int | None, Column(pa.int32(), "how many of urls were redirected there")]
    brightness: Annotated[float | None, Column(pa.float32(), "as in downloads; so are the figures below")]
    contrast: Annotated[float | None, Column(pa.float32(), "standard deviation of luma, 0 to 0.5")]
    sharpness: Annotated[float | None, Column(pa.float32(), "variance of the Laplacian of luma at the inspected scale")]
    entropy: Annotated[float | None, Column(pa.float32(), "of the luma histogram, bits, 0 to 8")]
    border_share: Annotated[float | None, Column(pa.float32(), "share of the area that is uniform border, 0 to 1")]
    saturation: Annotated[float | None, Column(pa.float32(), "mean of max-min over RGB, 0 to 1")]
    channel_mean: Annotated[list[float] | None, Column(_FIGURES, "mean of red, green and blue, 0 to 1")]
    channel_std: Annotated[list[float] | None, Column(_FIGURES, "standard deviation of red, green and blue, 0 to 0.5")]
    icc: Annotated[str | None, Column(_TEXT, "the embedded colour profile's space and name; null without one")]


class ListedPlaceholderRow(Row):
    """A fetched picture that the config lists as a placeholder."""

    image_id: Annotated[str, Column(_TEXT, "sha256 of the bytes, hex")]
    urls: Annotated[list[str], Column(pa.list_(_TEXT), "every URL that served these bytes, sorted")]
    shard: Annotated[str, Column(_TEXT, "the download shard that holds the bytes (of the first of urls)")]
    shard_row: Annotated[int, Column(pa.int32(), "the row in that shard")]
    evidence: Annotated[str, Column(_TEXT, "where it is listed, and the note beside it")]


class PlaceholderRow(Row):
    """A picture that stands for many, or may: what hosts serve in place of a photo that is gone."""

    image_id: Annotated[str, Column(_TEXT, "sha256 of the bytes, hex")]
    decided: Annotated[
        str, Column(_TEXT, "listed (the config names its hash), found (by its URLs and answers) or suspected (by its addresses)")
    ]
    urls: Annotated[int, Column(pa.int64(), "distinct URLs that served it, its look-alikes' included")]
    hosts: Annotated[int, Column(pa.int64(), "distinct hosts of those")]
    answers: Annotated[int, Column(pa.int64(), "annotations of those URLs that name a class or mean 'no label'")]
    no_label: Annotated[int, Column(pa.int64(), "of those, how many mean 'no label'")]
    classes: Annotated[list[str], Column(pa.list_(_TEXT), "the classes named, the most named first, 10 at most")]
    example_urls: Annotated[list[str], Column(pa.list_(_TEXT), "its first URLs in order, 5 at most")]
    shard: Annotated[str, Column(_TEXT, "the download shard that holds the bytes")]
    shard_row: Annotated[int, Column(pa.int32(), "the row in that shard")]
    evidence: Annotated[str, Column(_TEXT, "one line for people: why it is one")]


class LabelledBox(NamedTuple):
    """A box with its class; ``bbox`` is [x, y, width, height] in pixels."""

    class_id: str
    bbox: list[float]
    truncated: bool | None = None
    """Only part of the thing is seen; None where nobody says."""
    attributes: str | None = None
    """What the source and the label say about it (truncated, difficult, pose, variant …), as a JSON object."""


class TextRow(Row):
    """What stands written on a picture, as a reader read it."""

    image_id: Annotated[str, Column(_TEXT, "as in images")]
    texts: Annotated[list[str], Column(pa.list_(_TEXT), "pieces of text, usually lines, in the reader's order")]
    scores: Annotated[list[float], Column(_FIGURES, "how sure the reader is of each, 0 to 1")]
    reader: Annotated[str, Column(_TEXT, "the reader and its version")]


class SampleRow(Row):
    """One picture with a settled class."""

    image_id: Annotated[str, Column(_TEXT, "as in images")]
    group_id: Annotated[str, Column(_TEXT, "as in images")]
    class_id: Annotated[str | None, Column(_TEXT, "the settled class; null when the picture shows several")]
    class_ids: Annotated[list[str], Column(pa.list_(_TEXT), "every settled class, sorted; one for a single-class picture")]
    confidence: Annotated[float, Column(pa.float64(), "posterior probability of the settled class, 0 to 1")]
    votes: Annotated[int, Column(pa.int32(), "answers that named a class, one a person")]
    agreement: Annotated[float, Column(pa.float64(), "share of those that named the settled class, 0 to 1")]
    boxes: Annotated[
        list[dict[str, Any]], Column(pa.list_(_LABELLED_BOX_TYPE), "boxes with their class and what is said about them")
    ]
    annotation_ids: Annotated[list[str], Column(pa.list_(_TEXT), "the annotations that voted, sorted")]


class WorkerRow(Row):
    """One worker, as the votes show them."""

    worker_id: Annotated[str, Column(_TEXT, "as in annotations")]
    annotations: Annotated[int, Column(pa.int64(), "answers given, rejected ones included")]
    votes: Annotated[int, Column(pa.int64(), "answers that named a class and were counted")]
    no_label: Annotated[int, Column(pa.int64(), "answers that meant 'no label'")]
    unmatched: Annotated[int, Column(pa.int64(), "answers in review or unknown")]
    agreement: Annotated[float | None, Column(pa.float64(), "share of votes equal to the settled class, 0 to 1")]
    skill: Annotated[float | None, Column(pa.float64(), "estimated probability of answering rightly, 0 to 1")]
    skill_low: Annotated[float | None, Column(pa.float64(), "lower end of skill's 95 % interval")]
    skill_high: Annotated[float | None, Column(pa.float64(), "upper end of skill's 95 % interval")]
    gold: Annotated[int, Column(pa.int64(), "readable answers about gold pictures")]
    gold_accuracy: Annotated[float | None, Column(pa.float64(), "share of those that are right, 0 to 1")]
    like: Annotated[str | None, Column(_TEXT, "the worker whose odd answers these repeat beyond chance; null when nobody's")]
    like_answers: Annotated[int, Column(pa.int64(), "how many odd answers the two have in common; 0 when like is null")]
    median_work_time_s: Annotated[float | None, Column(pa.float64(), "median seconds per answer")]
    suspect: Annotated[str | None, Column(_TEXT, "why this worker looks like a spammer; null when not")]


class AgreementRow(Row):
    """How far answers about the same pictures agree beyond chance."""

    scope: Annotated[str, Column(_TEXT, "all, class (one class against all other answers) or no_label")]
    class_id: Annotated[str | None, Column(_TEXT, "the class of scope class, else null")]
    answers: Annotated[int, Column(pa.int64(), "answers that say so, on pictures with at least two answers")]
    pictures: Annotated[int, Column(pa.int64(), "pictures with at least two answers of which one says so")]
    alpha: Annotated[
        float | None, Column(pa.float64(), "Krippendorff's alpha: 1 perfect, 0 chance, below 0 systematic disagreement")
    ]


class CopyRow(Row):
    """Two pictures of the dataset that show the same, and the evidence: why they are in one group."""

    image_id: Annotated[str, Column(_TEXT, "the one with the smaller id")]
    other_id: Annotated[str, Column(_TEXT, "the other one")]
    kind: Annotated[str, Column(_TEXT, "same_pixels, saved_again, turned, cropped (or framed), near, or ruled (a person said so)")]
    transformation: Annotated[
        str, Column(_TEXT, "what makes the other of the first: as it is, turned by 90°, cropped to 80% x 75% …")
    ]
    overlap: Annotated[float, Column(pa.float64(), "area that both show, as a share of the larger one, 0 to 1")]
    residual: Annotated[float, Column(pa.float64(), "what is left between them there: 1 - Pearson's r of the grey values, 0 to 2")]


class AgainstRow(Row):
    """One of our pictures and one of another dataset that are alike."""

    image_id: Annotated[str, Column(_TEXT, "ours: sha256 of its bytes")]
    split: Annotated[str | None, Column(_TEXT, "ours; null when it is in none")]
    other: Annotated[str, Column(_TEXT, "the other dataset, as it was named")]
    other_name: Annotated[str, Column(_TEXT, "theirs: image file, or Parquet file and row (from 0)")]
    other_split: Annotated[str | None, Column(_TEXT, "theirs, by the file's path; null when it tells none")]
    other_sha256: Annotated[str, Column(_TEXT, "theirs: sha256 of its bytes")]
    kind: Annotated[str, Column(_TEXT, "same_bytes, same_pixels or near")]
    distance: Annotated[int, Column(pa.int32(), "bits of the two pictures' steps that differ, 0 to 1,088")]
    correlation: Annotated[float, Column(pa.float64(), "of the two small grey pictures, where they overlap, Pearson's r, -1 to 1")]
    transformation: Annotated[
        str, Column(_TEXT, "what makes theirs of ours: as it is, mirrored, turned by 90°, cropped to 80% x 75% …")
    ]
    leak: Annotated[bool, Column(pa.bool_(), "ours is in a split, and theirs in another or in one that is unknown")]


class SplitRow(Row):
    """One sample's place."""

    image_id: Annotated[str, Column(_TEXT, "as in samples")]
    group_id: Annotated[str, Column(_TEXT, "as in samples")]
    class_ids: Annotated[list[str], Column(pa.list_(_TEXT), "as in samples")]
    split: Annotated[str, Column(_TEXT, "train, validation, test, or another that the config names")]
    origin: Annotated[
        str,
        Column(
            _TEXT,
            "kept (an earlier release's), fixed (by splits.fixed), joined (a near-duplicate of such), quota (a class needed it) or hash",
        ),
    ]


class EmbeddingRow(Row):
    """One picture as a network sees it."""

    image_id: Annotated[str, Column(_TEXT, "as in downloads (sha256); also of pictures that became no sample")]
    model_hash: Annotated[str, Column(_TEXT, "of the network: its weights, and how pictures reach it; 64 hex digits")]
    embedding: Annotated[list[float], Column(_FIGURES, "what reaches the network's last layer, averaged over the picture")]


class PredictionRow(Row):
    """One picture as a model judges it that never learned from it."""

    image_id: Annotated[str, Column(_TEXT, "as in downloads")]
    fold: Annotated[
        int | None, Column(pa.int16(), "the fold that held it out; null where no fold learned from it: the mean of all")
    ]
    class_id: Annotated[str, Column(_TEXT, "the likeliest class")]
    class_index: Annotated[int, Column(pa.int32(), "its number in the release")]
    probabilities: Annotated[list[float], Column(_FIGURES, "of every class of the release, in its order; they sum to 1")]
    margin: Annotated[float, Column(pa.float64(), "of the likeliest class over the next, 0 to 1")]
    distance: Annotated[
        float | None,
        Column(pa.float64(), "mean cosine distance to the 5 nearest pictures of other groups, 0 to 2; null without embeddings"),
    ]


class RejectedRow(Row):
    """One source row that did not make it, and why."""

    annotation_id: Annotated[str, Column(_TEXT, "as in annotations")]
    url: Annotated[str | None, Column(_TEXT, "as given; null when there was none")]
    raw_label: Annotated[str | None, Column(_TEXT, "as typed")]
    stage: Annotated[str, Column(_TEXT, "the stage that turned it away")]
    reason: Annotated[str, Column(_TEXT, "a Reason")]
    detail: Annotated[str | None, Column(_TEXT, "one line for people")]
    source_file: Annotated[str, Column(_TEXT, "as in annotations")]
    source_row: Annotated[int, Column(pa.int64(), "as in annotations")]


class PictureFacts(TypedDict):
    """What one decode tells of a picture: the columns of a ``DownloadRow`` that ``images.inspect_image`` fills; they are explained there."""

    image_reason: str | None
    image_detail: str | None
    format: str | None
    mode: str | None
    width: int | None
    height: int | None
    frames: int | None
    orientation: int | None
    damaged: bool | None
    pixel_hash: str | None
    hash: bytes | None
    signature: bytes | None
    brightness: float | None
    contrast: float | None
    sharpness: float | None
    entropy: float | None
    border_share: float | None
    saturation: float | None
    channel_mean: Sequence[float] | None
    channel_std: Sequence[float] | None
    icc: str | None
    original_fault: str | None


#: The names of those columns.
FACT_COLUMNS: Sequence[str] = tuple(PictureFacts.__annotations__)
