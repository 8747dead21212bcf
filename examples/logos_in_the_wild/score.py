"""What the class map makes of the raw labels of Logos in the Wild, beside what its authors' 438 lines of conditions made of them.

    python examples/logos_in_the_wild/score.py DATA [--maps label_maps] [--json]

DATA holds the derived tables raw_to_class.csv, per_box_overrides.csv, classes_788.txt, collateral_damage.csv and
residual_typos.csv. Exit code 1 when anything the maps promise is not so.
"""

from __future__ import annotations

import argparse
import csv
import dataclasses
import json
import sys
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from xml.sax.saxutils import escape

from logoingest import ClassMap, normalise_label
from logoingest.config import SourceConfig
from logoingest.labels import normalise_annotations
from logoingest.named_maps import place_map
from logoingest.sources import read_annotations

DROPPED = frozenset({"", "__DROP__"})
LINES_ALLOWED = 219


@dataclass
class Tally:
    """How many are right of how many, and what is not: (what was asked, what is right, what came out)."""

    right: int = 0
    of: int = 0
    wrong: list[tuple[str, str, str]] = field(default_factory=list)

    def count(self, asked: str, wanted: str, got: str | None, is_right: bool) -> None:
        """Add one."""
        self.of += 1
        self.right += is_right
        if not is_right:
            self.wrong.append((asked, wanted, got or "nothing"))


@dataclass
class Score:
    """Every figure."""

    raw_labels: Tally
    """Raw labels and the class the authors give them, steps in between left out."""
    overrides: Tally
    """Single boxes, by the ids the Pascal VOC reader gives them."""
    classes_listed: Tally
    """Class ids as labels, the list alone: what a file that is clean already is read with."""
    classes_mapped: Tally
    """Class ids as labels, through the map."""
    classes_claimed: Tally
    """Those of them that come out as another class, and whether the authors give them that one as raw labels."""
    classes_stable: Tally
    """What comes out for a class id stays as it is when it goes in again."""
    names: Tally
    """Each class comes out for its own display name."""
    collateral: Tally
    """Brands that the authors' substring rules ruin and that come out as no class."""
    typos: Tally
    """Errors left in the published classes, through the mended map."""
    lines: int
    """Of litw.toml, comments and all."""

    @property
    def is_kept(self) -> bool:
        """All that the maps promise holds."""
        promised = (tally for _, tally in list_figures(self) if tally is not self.classes_mapped)
        return not any(tally.wrong for tally in promised) and self.lines <= LINES_ALLOWED


def read_rows(file: Path) -> list[dict[str, str]]:
    """The rows of a CSV table."""
    with file.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def score_maps(data: Path, maps: Path) -> Score:
    """Compare the maps with the tables."""
    made, fixed = ClassMap.load(maps / "litw.toml"), ClassMap.load(maps / "litw-fixed.toml")
    listed = ClassMap.from_toml('classes_file = "litw_classes.txt"\n', base_dir=maps)
    classes = (data / "classes_788.txt").read_text("utf-8").split("\n")
    classes = [class_id for class_id in classes if class_id]
    raw = {row["raw"]: row["clean"] for row in read_rows(data / "raw_to_class.csv") if "intermediate" not in row["evidence"]}
    mapped = score_labels({class_id: class_id for class_id in classes}, made)
    return Score(
        raw_labels=score_raw_labels(raw, made),
        overrides=score_overrides(data, made),
        classes_listed=score_labels({class_id: class_id for class_id in classes}, listed),
        classes_mapped=mapped,
        classes_claimed=score_labels({class_id: raw.get(class_id, class_id) for class_id, _, _ in sorted(mapped.wrong)}, made),
        classes_stable=score_labels({out: out for class_id in classes if (out := normalise_label(class_id, made).class_id)}, made),
        names=score_labels({made.name(class_id): class_id for class_id in made.class_ids}, made),
        collateral=score_collateral(data, made),
        typos=score_typos(data, fixed),
        lines=len((maps / "litw.toml").read_text("utf-8").splitlines()),
    )


def score_raw_labels(raw: Mapping[str, str], made: ClassMap) -> Tally:
    """An empty class and __DROP__ mean: dropped."""
    tally = Tally()
    for label, wanted in raw.items():
        decision = normalise_label(label, made)
        is_dropped = decision.decision in {"dropped", "ignored"}
        tally.count(label, wanted, decision.class_id, is_dropped if wanted in DROPPED else decision.class_id == wanted)
    return tally


def score_labels(wanted: Mapping[str, str], made: ClassMap) -> Tally:
    """Label → class."""
    tally = Tally()
    for label, class_id in wanted.items():
        got = normalise_label(label, made).class_id
        tally.count(label, class_id, got, got == class_id)
    return tally


def score_collateral(data: Path, made: ClassMap) -> Tally:
    """None of these brands is among the classes."""
    tally = Tally()
    for row in read_rows(data / "collateral_damage.csv"):
        decision = normalise_label(row["real_brand_name"], made)
        tally.count(row["real_brand_name"], "no class", " + ".join(decision.class_ids), not decision.class_ids)
    return tally


def score_typos(data: Path, fixed: ClassMap) -> Tally:
    """Where the table names two better classes either will do."""
    tally = Tally()
    for row in read_rows(data / "residual_typos.csv"):
        label, better = row["label_still_in_published_clean_list"], row["better_class"]
        got = normalise_label(label, fixed).class_id
        tally.count(label, better, got, got in better.split(" or "))
    return tally


def score_overrides(data: Path, made: ClassMap) -> Tally:
    """Pascal VOC files with the boxes in question, read by the reader and decided as the pipeline does."""
    wanted = {row["roi (folder_img_boxindex)"]: row["forced_clean_label"] for row in read_rows(data / "per_box_overrides.csv")}
    tally = Tally()
    with tempfile.TemporaryDirectory() as folder:
        for (name, picture), count in _count_boxes(wanted).items():
            file = Path(folder) / name / f"{picture}.xml"
            file.parent.mkdir(exist_ok=True)
            file.write_text(_write_voc(name, picture, count), "utf-8")
        sources = [SourceConfig(path=".", format="voc", url_prefix="http://photos.example/")]
        annotations = read_annotations(sources, Path(folder)).kept
    decisions = normalise_annotations(annotations, made).decisions.column("class_ids").to_pylist()
    got = dict(zip(annotations.column("source_id").to_pylist(), decisions, strict=True))
    for box, class_id in wanted.items():
        tally.count(box, class_id, " + ".join(got.get(box, [])), got.get(box) == [class_id])
    return tally


def _count_boxes(boxes: Iterable[str]) -> dict[tuple[str, str], int]:
    """(folder, picture) → how many boxes it must have."""
    counts: dict[tuple[str, str], int] = {}
    for box in boxes:
        folder, picture, index = box.rsplit("_", 2)
        counts[folder, picture] = max(counts.get((folder, picture), 0), int(index) + 1)
    return counts


def _write_voc(folder: str, picture: str, count: int) -> str:
    box = "<bndbox><xmin>1</xmin><ymin>1</ymin><xmax>9</xmax><ymax>9</ymax></bndbox>"
    objects = f"<object><name>car</name><truncated>0</truncated>{box}</object>" * count
    return f"<annotation><folder>{escape(folder)}</folder><filename>{escape(picture)}</filename>{objects}</annotation>"


def list_figures(score: Score) -> Sequence[tuple[str, Tally]]:
    """Every figure with its name, in the order in which it is printed."""
    return (
        ("raw labels with the authors' class", score.raw_labels),
        ("single boxes with the authors' class", score.overrides),
        ("class ids that come out as themselves, the list alone", score.classes_listed),
        ("class ids that come out as themselves, through the map", score.classes_mapped),
        ("  the others: raw labels the authors give another class", score.classes_claimed),
        ("what comes out for a class id goes in unchanged", score.classes_stable),
        ("display names that come out as their class", score.names),
        ("brands the substring rules ruin, left alone", score.collateral),
        ("typos mended by litw-fixed.toml", score.typos),
    )


def main() -> int:
    """Parse, score, print."""
    parser = argparse.ArgumentParser(description="Score label_maps/litw.toml against the tables of Logos in the Wild.")
    parser.add_argument("data", type=Path, help="the folder of the derived tables")
    parser.add_argument("--maps", type=Path, default=place_map("logoingest:litw", Path()).parent, help="the folder of the maps")
    parser.add_argument("--json", action="store_true", help="print JSON")
    options = parser.parse_args()
    if not (options.data / "raw_to_class.csv").is_file():
        print(f"{options.data} does not hold the tables (raw_to_class.csv …)", file=sys.stderr)
        return 2
    score = score_maps(options.data, options.maps)
    if options.json:
        figures = {name: dataclasses.asdict(tally) for name, tally in list_figures(score)}
        print(json.dumps({**figures, "lines": score.lines, "kept": score.is_kept}, ensure_ascii=False, indent=2))
        return 0 if score.is_kept else 1
    for name, tally in list_figures(score):
        print(f"{name:<55} {tally.right:4} of {tally.of:4}")
        for asked, wanted, got in tally.wrong:
            print(f"    {asked}: {got}, not {wanted}")
    print(f"{'lines of litw.toml (at most ' + str(LINES_ALLOWED) + ')':<55} {score.lines:4}")
    return 0 if score.is_kept else 1


if __name__ == "__main__":
    sys.exit(main())
