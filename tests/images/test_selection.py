"""The images stage: from downloads to distinct pictures."""

import io

import pyarrow as pa
import pytest
from PIL import Image

from logoingest.config import ImagesConfig
from logoingest.errors import ConfigError, LogoingestError
from logoingest.images import inspect_image, select_images
from logoingest.images.alike.ruled import RuledPairs
from logoingest.images.distinct import find_distinct
from logoingest.images.selection import select_with_copies
from logoingest.schemas import AnnotationRow, DownloadRow, ImageRow, RejectedRow

TEXTURE = Image.effect_noise((64, 48), 80).convert("RGB")


def encode(image, picture_format="PNG"):
    buffer = io.BytesIO()
    image.save(buffer, picture_format)
    return buffer.getvalue()


def fetched(url, data, sha256, **facts):
    return {"url": url, "outcome": "ok", "attempts": 1, "sha256": sha256, "byte_count": len(data), **inspect_image(data), **facts}


def failed(url, reason, detail=None):
    return {"url": url, "outcome": "failed", "attempts": 1, "reason": reason, "detail": detail}


def make_downloads(rows):
    table = DownloadRow.table(rows).drop_columns(["bytes"])
    table = table.append_column("shard", pa.array(["00000"] * len(rows), pa.string()))
    return table.append_column("shard_row", pa.array(range(len(rows)), pa.int32()))


def make_annotations(urls):
    rows = (
        {"annotation_id": f"{n:03d}", "url": url, "raw_label": "x", "status": "submitted", "source_file": "f", "source_row": n + 1}
        for n, url in enumerate(urls)
    )
    return AnnotationRow.table(rows)


def select(rows, urls, **config):
    kept, rejected = select_images(make_downloads(rows), make_annotations(urls), ImagesConfig(**config))
    assert kept.schema == ImageRow.arrow_schema()
    assert rejected.schema == RejectedRow.arrow_schema()
    return kept.to_pylist(), {row["url"]: (row["stage"], row["reason"], row["detail"]) for row in rejected.to_pylist()}


def test_same_bytes_are_one_picture():
    """Two URLs with the same bytes are one row: URLs sorted, bytes found at the first one's place."""
    data = encode(TEXTURE)
    kept, rejected = select([fetched("http://b", data, "s1"), fetched("http://a", data, "s1")], ["http://a", "http://b"])
    assert [(row["image_id"], row["urls"], row["shard_row"]) for row in kept] == [("s1", ["http://a", "http://b"], 1)]
    assert not rejected


def test_every_annotation_is_accounted_for():
    """Failed and missing URLs are rejected at the fetch stage, unusable bodies at the images stage."""
    rows = [
        fetched("http://good", encode(TEXTURE), "s1"),
        fetched("http://html", b"<html>", "s2"),
        fetched("http://cut", encode(TEXTURE, "JPEG")[:400], "s3"),
        fetched("http://tiny", encode(TEXTURE.resize((8, 8))), "s4"),
        failed("http://gone", "http_4xx", "404"),
    ]
    urls = [row["url"] for row in rows] + ["http://never"]
    kept, rejected = select(rows, urls)
    assert [row["image_id"] for row in kept] == ["s1"]
    assert {url: (stage, reason) for url, (stage, reason, _) in rejected.items()} == {
        "http://html": ("images", "not_image"),
        "http://cut": ("images", "truncated"),
        "http://tiny": ("images", "too_small"),
        "http://gone": ("fetch", "http_4xx"),
        "http://never": ("fetch", "cancelled"),
    }
    assert rejected["http://gone"][2] == "404"
    assert rejected["http://tiny"][2] == "8 x 8 pixels: images.min_side_px = 16"


def test_config_decides_what_rejects():
    """Damage, flags, placeholders and lower limits reject when asked to, with figures; else they only mark."""
    dark = fetched("http://dark", encode(Image.new("RGB", (50, 50), (3, 3, 3))), "s1")
    hurt = fetched("http://hurt", encode(TEXTURE), "ab", damaged=True, image_detail="Corrupt JPEG data")
    kept, rejected = select([dark, hurt], ["http://dark", "http://hurt"])
    assert not rejected
    assert "damaged" in kept[0]["flags"]
    assert {"dark", "low_information", "nearly_uniform", "mostly_border", "greyscale"} == set(kept[1]["flags"])
    _, rejected = select([dark, hurt], ["http://dark", "http://hurt"], reject_damaged=True, reject_flags=("dark",))
    assert rejected["http://dark"] == ("images", "low_quality", "dark: brightness 0.0118 (images.reject_flags)")
    assert rejected["http://hurt"] == ("images", "damaged", "Corrupt JPEG data (images.reject_damaged)")
    _, rejected = select([hurt], ["http://hurt"], placeholder_sha256=("AB",))
    assert rejected["http://hurt"][1] == "placeholder"
    _, rejected = select([hurt], ["http://hurt"], max_pixels=100)
    assert rejected["http://hurt"][1] == "bomb"


def test_near_duplicates_share_a_group_unless_switched_off():
    """The same picture at half quality joins its group; without near_duplicates only equal pixels do."""
    picture = Image.linear_gradient("L").convert("RGB")
    picture.paste((200, 0, 0), (30, 60, 120, 200))
    rows = [
        fetched("http://a", encode(picture), "s1"),
        fetched("http://b", encode(picture, "JPEG"), "s2"),
        fetched("http://c", encode(picture, "BMP"), "s3"),
    ]
    urls = ["http://a", "http://b", "http://c"]
    assert [row["group_id"] for row in select(rows, urls)[0]] == ["s1", "s1", "s1"]
    assert [row["group_id"] for row in select(rows, urls, near_duplicates=False)[0]] == ["s1", "s2", "s1"]


def test_order_of_downloads_does_not_matter():
    """Shuffled shards give the same tables but for where the bytes are."""
    rows = [fetched(f"http://{n}", encode(TEXTURE.resize((40 + n, 40))), f"s{n}") for n in range(4)] + [failed("http://x", "dns")]
    urls = [row["url"] for row in rows]
    forward, backward = select(rows, urls), select(rows[::-1], urls)
    strip = [[{key: value for key, value in row.items() if key != "shard_row"} for row in kept] for kept, _ in (forward, backward)]
    assert strip[0] == strip[1]
    assert forward[1] == backward[1]


def test_faults_of_ours_are_raised():
    """An unknown flag is a config error with a suggestion; a download nobody looked at is an error, not a lost row."""
    with pytest.raises(ConfigError, match='did you mean "blurry"'):
        select([], [], reject_flags=("blury",))
    with pytest.raises(LogoingestError, match="never looked at"):
        select([{"url": "http://a", "outcome": "ok", "attempts": 1, "sha256": "s1", "byte_count": 1}], ["http://a"])


def test_nothing_in_nothing_out():
    """Empty tables stay empty."""
    kept, rejected = select([], [])
    assert kept == []
    assert rejected == {}


def test_what_only_browsers_open_is_saved_by_the_normal_form():
    """Whatever the setting was when a picture came: as original it is refused with the remedy, as rgb it is kept, marked where mended."""
    jpeg, webp = encode(TEXTURE, "JPEG")[:-2], io.BytesIO()
    TEXTURE.save(webp, "WEBP", exif=b"garbage that is no TIFF structure")
    bodies = {"http://cut": jpeg, "http://exif": webp.getvalue()}
    for store in ("original", "rgb"):
        rows = [{**fetched(url, data, f"s{len(data)}"), **inspect_image(data, store=store)} for url, data in bodies.items()]
        assert [row["image_reason"] is None for row in rows] == [store == "rgb"] * 2
        kept, rejected = select(rows, list(bodies), store="original")
        assert kept == []
        assert {url: reason for url, (_, reason, _) in rejected.items()} == {
            "http://cut": "truncated",
            "http://exif": "decode_error",
        }
        for detail in (found[2] for found in rejected.values()):
            assert detail.endswith(': images.store = "rgb" saves it')
        kept, rejected = select(rows, list(bodies), store="rgb")
        assert rejected == {}
        flags = {row["urls"][0]: "damaged" in row["flags"] for row in kept}
        assert flags == {"http://cut": True, "http://exif": False}
        kept, rejected = select(rows, list(bodies), store="rgb", reject_damaged=True)
        assert "end marker" in rejected["http://cut"][2]


def test_redirects_to_elsewhere_are_counted_a_picture():
    """Of the URLs of one file that end at another address, the commonest end is named, of equal ones the first."""
    ends = {"http://a/1": "http://x/gone", "http://a/2": "https://www.a/2/", "http://b/1": None, "http://b/2": "http://w/gone"}
    rows = [fetched(url, b"", "s1" if url < "http://b/2" else "s2", final_url=end) for url, end in ends.items()]
    rows += [fetched(f"http://c/{n}", b"", "s2", final_url="http://x/gone") for n in range(2)]
    found = (
        find_distinct(make_downloads(rows[::-1])).select(["sha256", "urls", "redirect_url", "redirected", "shard_row"]).to_pylist()
    )
    assert [tuple(row.values()) for row in found] == [
        ("s1", ["http://a/1", "http://a/2", "http://b/1"], "http://x/gone", 1, 5),
        ("s2", ["http://b/2", "http://c/0", "http://c/1"], "http://x/gone", 2, 2),
    ]


def test_a_download_without_a_hash_is_our_fault():
    """A row that arrived and has no sha256 raises, naming the first such URL."""
    rows = [fetched("http://b", b"", None), fetched("http://a", b"", None)]
    with pytest.raises(LogoingestError, match="http://a: was downloaded, but has no sha256"):
        find_distinct(make_downloads(rows))


def test_what_people_said_of_copies_decides_the_groups():
    """Joined by it, and parted; the evidence follows."""
    other = TEXTURE.transpose(Image.Transpose.ROTATE_90)
    rows = [
        fetched("http://a", encode(TEXTURE), "s1"),
        fetched("http://b", encode(TEXTURE, "JPEG"), "s2"),
        fetched("http://c", encode(other), "s3"),
    ]
    downloads, annotations = make_downloads(rows), make_annotations([row["url"] for row in rows])
    found = select_with_copies(downloads, annotations, ImagesConfig())
    assert found.images.kept.column("group_id").to_pylist() == ["s1"] * 3
    apart = RuledPairs(apart=frozenset({("s1", "s2")}))
    parted = select_with_copies(downloads, annotations, ImagesConfig(), ruled=apart)
    groups = parted.images.kept.column("group_id").to_pylist()
    assert groups[0] != groups[1]
    assert ("s1", "s2") not in {(row["image_id"], row["other_id"]) for row in parted.copies.to_pylist()}
    same = RuledPairs(same=frozenset({("s1", "s2")}))
    joined = select_with_copies(downloads, annotations, ImagesConfig(near_duplicates=False), ruled=same)
    assert joined.images.kept.column("group_id").to_pylist() == ["s1", "s1", "s3"]
