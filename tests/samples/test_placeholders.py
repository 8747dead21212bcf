"""Pictures that stand for many: found by their URLs and the answers there, with the evidence."""

import random

import pyarrow as pa
import pytest

from builders.answers import IGNORED, Answered
from logoingest.config import SamplesConfig
from logoingest.samples.settling import settle_samples
from logoingest.schemas import ListedPlaceholderRow, PlaceholderRow, Reason


def settle(answered, listed=None, seed=None, **facts):
    """Settle; ``facts`` are columns of the images, picture → value."""
    annotations, decisions, images = answered.tables(seed)
    for name, values in facts.items():
        field = images.schema.field(name)
        column = [
            values.get(image_id, image_id if name == "group_id" else None) for image_id in images.column("image_id").to_pylist()
        ]
        images = images.set_column(images.schema.get_field_index(name), field, pa.array(column, field.type))
    settled = settle_samples(annotations, decisions, images, SamplesConfig(), listed=listed)
    assert settled.placeholders.schema == PlaceholderRow.arrow_schema()
    return settled


def found(settled):
    return {row["image_id"]: row for row in settled.placeholders.to_pylist() if row["decided"] != "suspected"}


def serve(answered, pictures, labels, urls_each=1, number=0):
    """One file after another at new URLs of two hosts; each URL answered with the next label."""
    for picture in pictures:
        for _ in range(urls_each):
            answered.say(picture, labels[number % len(labels)], f"w{number}", url=f"http://h{number % 2}.test/{number}.jpg")
            number += 1


SIX = [f"p{number}" for number in range(6)]
BRANDS = [f"brand{number}" for number in range(6)]


def test_the_evidence_is_a_row():
    """URLs, hosts, answers, the classes named, the first URLs, and where the bytes are."""
    answered = Answered()
    serve(answered, ["p"], [*BRANDS[:3], IGNORED, "brand0", "brand1", "brand2"], urls_each=7)
    row = found(settle(answered))["p"]
    assert (row["decided"], row["urls"], row["hosts"], row["answers"], row["no_label"]) == ("found", 7, 2, 7, 1)
    assert row["classes"] == ["brand0", "brand1", "brand2"]
    assert row["example_urls"] == [f"http://h0.test/{number}.jpg" for number in (0, 2, 4, 6)] + ["http://h1.test/1.jpg"]
    assert (row["shard"], row["shard_row"]) == ("0", 0)
    assert row["evidence"] == "same picture at 7 URLs, 3 classes named, 'no label' 1 of 7 times"


def test_equal_pixels_in_other_files_count_together():
    """A host that wraps its placeholder anew for each request serves one picture; each file's votes are refused."""
    answered = Answered()
    serve(answered, SIX, BRANDS)
    settled = settle(answered, pixel_hash=dict.fromkeys(SIX, "same"))
    assert set(found(settled)) == set(SIX)
    assert {row["reason"] for row in settled.rejected.to_pylist()} == {Reason.PLACEHOLDER}
    assert found(settled)["p0"]["evidence"] == "same picture at 6 URLs, in 6 files, 6 classes named"
    assert found(settled)["p0"]["urls"] == 6
    assert not found(settle(answered, pixel_hash={name: name for name in SIX}))


def test_near_duplicates_count_together_when_called_by_three_names():
    """A placeholder that is stamped or encoded anew is one group; two classes in a group are a dispute, not a placeholder."""
    answered, disputed = Answered(), Answered()
    serve(answered, SIX, BRANDS)
    serve(disputed, SIX, BRANDS[:2])
    assert set(found(settle(answered, group_id=dict.fromkeys(SIX, "p0")))) == set(SIX)
    assert not found(settle(disputed, group_id=dict.fromkeys(SIX, "p0")))


def test_one_address_behind_many_urls_is_evidence():
    """Files that differ, but to which URLs were redirected from elsewhere: they count together, and each redirect twice."""
    answered = Answered()
    serve(answered, SIX[:3], BRANDS)
    gone = dict.fromkeys(SIX[:3], "http://h0.test/gone.jpg")
    settled = settle(answered, redirect_url=gone, redirected=dict.fromkeys(SIX[:3], 1))
    assert set(found(settled)) == set(SIX[:3])
    assert "3 URLs redirected to one address" in found(settled)["p0"]["evidence"]
    assert not found(settle(answered))


@pytest.mark.parametrize("facts", [{"pixel_hash": "same"}, {"group_id": "p0"}, {"redirect_url": "http://h.test/logo.png"}])
def test_popular_pictures_that_people_agree_on_are_none(facts):
    """However many URLs, files or redirects: where answers agree, they give nothing away."""
    answered = Answered()
    for name in SIX:
        for place in range(10):
            answered.say(name, "nike" if place else BRANDS[place], f"w{place}", url=f"http://{name}.test/{place}.jpg")
    settled = settle(
        answered, redirected=dict.fromkeys(SIX, 10), **{key: dict.fromkeys(SIX, value) for key, value in facts.items()}
    )
    assert not found(settled)
    assert settled.samples.column("class_id").to_pylist() == ["nike"] * 6


def test_listed_ones_are_in_the_table_with_what_was_answered():
    """A placeholder the config lists is rejected before the votes; its answers are counted all the same."""
    answered = Answered()
    answered.add_crowd()
    for place in range(3):
        answered.say("gone", BRANDS[place], f"w{place}", url=f"http://gone.test/{place}.jpg", has_image=False)
    row = {"image_id": "ab" * 32, "urls": [f"http://gone.test/{place}.jpg" for place in range(3)], "shard": "s", "shard_row": 4,
           "evidence": "listed in gone.txt: a camera"}  # fmt: skip
    table = found(settle(answered, ListedPlaceholderRow.table([row])))
    assert list(table) == ["ab" * 32]
    told = table["ab" * 32]
    assert (told["decided"], told["urls"], told["hosts"], told["answers"], told["no_label"]) == ("listed", 3, 1, 3, 0)
    assert (told["classes"], told["evidence"]) == (BRANDS[:3], "listed in gone.txt: a camera")


def test_order_changes_nothing():
    """Rows in any order give the same table."""
    answered = Answered()
    serve(answered, SIX, BRANDS)
    serve(answered, ["q"], BRANDS, urls_each=6, number=100)
    pixel_hash = dict.fromkeys(SIX, "same")
    first = settle(answered, pixel_hash=pixel_hash).placeholders
    assert len(first) == 7
    for seed in random.Random(1).sample(range(1000), 3):
        assert settle(answered, seed=seed, pixel_hash=pixel_hash).placeholders.equals(first)
