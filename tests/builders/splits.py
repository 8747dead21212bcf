"""Samples and annotations for tests of the splits, and how they are split."""

from hypothesis import strategies as st

from logoingest.config import SplitsConfig
from logoingest.schemas import AnnotationRow, SampleRow, SplitRow
from logoingest.splits import assign_splits

NAMES = ("train", "validation", "test")


def make_samples(rows):
    """Sample rows from (image_id, group_id, classes); each voted for by annotation a-<image_id>."""
    return SampleRow.table(
        {
            "image_id": image,
            "group_id": group,
            "class_id": classes[0],
            "class_ids": sorted(classes),
            "confidence": 1.0,
            "votes": 1,
            "agreement": 1.0,
            "boxes": [],
            "annotation_ids": [f"a-{image}"],
        }
        for image, group, classes in rows
    )


def make_annotations(rows):
    return AnnotationRow.table(
        {
            "annotation_id": f"a-{image}",
            "url": f"http://x/{image}",
            "raw_label": classes[0],
            "status": "submitted",
            "source_file": "f.csv",
            "source_row": number + 1,
        }
        for number, (image, _, classes) in enumerate(rows)
    )


def split(rows, previous=None, fixed=None, **settings_):
    config = SplitsConfig(**settings_)
    kept, rejected = assign_splits(make_samples(rows), make_annotations(rows), config, previous or {}, fixed)
    assert kept.schema == SplitRow.arrow_schema()
    return {row["image_id"]: row for row in kept.to_pylist()}, rejected.to_pylist()


@st.composite
def datasets(draw, largest=60, multi=False):
    """Rows whose groups are named by their smallest image_id, as the images stage names them."""
    count = draw(st.integers(1, largest))
    numbers = draw(st.lists(st.integers(0, largest // 2), min_size=count, max_size=count))
    groups = {}
    for image, number in enumerate(numbers):
        groups.setdefault(number, []).append(f"i{image:03d}")
    one = st.sampled_from("abcde")
    labels = st.sets(one, min_size=1, max_size=3) if multi else one.map(lambda name: {name})
    rows = []
    for members in groups.values():
        classes = sorted(draw(labels))
        rows += [(image, members[0], classes) for image in members]
    return sorted(rows)
