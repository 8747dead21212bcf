"""In a review, what others called the same pictures goes before letters: candidates, clusters, lines for the map."""

from __future__ import annotations

import random

import pytest

from builders.word_crowds import CLASSES, JAPANESE, MAP, draw_crowd, make_annotations
from logoingest.labels import ClassMap, normalise_annotations
from logoingest.labels.crowd.evidence import gather_evidence
from logoingest.labels.matching.match import decide_labels
from logoingest.review.map_lines import propose_lines
from logoingest.review.suggestions import Advice, Cluster, cluster_open_labels, describe_advice, gather_open_labels

CLASS_MAP = ClassMap.from_toml(MAP)
CHINESE = {"canada": "加拿大", "france": "法国", "germany": "德国", "italy": "意大利", "japan": "日本国", "spain": "西班牙"}
Rows = list[tuple[str, str | None, str]]


def write_chinese(rows: Rows) -> Rows:
    """Every third worker from the second on writes Chinese."""
    names = {name: class_id for class_id, name in JAPANESE.items()}
    back = {"Canada": "canada", "France": "france", "Germany": "germany", "Italy": "italy", "Japan": "japan", "Spain": "spain"}
    changed: Rows = []
    for url, worker, label in rows:
        class_id = names.get(label) or back.get(label)
        is_chinese = worker is not None and int(worker[1:]) % 3 == 1 and class_id is not None
        changed.append((url, worker, CHINESE[str(class_id)] if is_chinese else label))
    return changed


def review(rows: Rows, class_map: ClassMap = CLASS_MAP) -> list[Cluster]:
    annotations = make_annotations(rows)
    made = normalise_annotations(annotations, class_map)
    found = gather_open_labels(annotations, made.labels, made.decisions, class_map)
    return cluster_open_labels(found.labels, class_map, crowd=gather_evidence(annotations, class_map))[0]


@pytest.fixture(scope="module")
def clusters() -> list[Cluster]:
    return review(write_chinese(list(draw_crowd(pictures=240))))


def find(clusters: list[Cluster], label: str) -> Cluster:
    return next(cluster for cluster in clusters if label in {member.raw_label for member in cluster.members})


@pytest.mark.parametrize("class_id", CLASSES)
def test_what_the_crowd_calls_one_class_is_one_row_in_any_script(clusters, class_id):
    """ドイツ and 德国 stand in one row, whose first candidate is Germany, and the reason counts pictures."""
    found = find(clusters, JAPANESE[class_id])
    labels = {member.raw_label for member in found.members}
    assert {JAPANESE[class_id], CHINESE[class_id]} <= labels
    assert not labels & {*JAPANESE.values(), *CHINESE.values()} - {JAPANESE[class_id], CHINESE[class_id]}
    assert found.candidates[0].class_id == class_id
    assert f"settled as {class_id} by others" in found.candidates[0].reason


def test_the_lines_decide_what_the_crowd_says(clusters):
    """Pasted into the map, the proposed lines decide every spelling so."""
    named = [cluster for cluster in clusters if cluster.candidates]
    lines = "".join(propose_lines(named, CLASS_MAP)).replace(
        "]\naliases.any", ".aliases]\nany"
    )  # the classes' headers are there already
    grown = ClassMap.from_toml(f"{MAP}\n{lines}")
    for cluster in named:
        for made in decide_labels([member.raw_label for member in cluster.members], grown):
            assert made.class_ids == (cluster.candidates[0].class_id,)


def test_a_word_beside_all_classes_is_proposed_as_noise_and_no_class(clusters):
    """ "nice flag" stands beside everything: no candidate, no new class, a comment that decides nothing."""
    found = find(clusters, "nice flag")
    assert (found.advice, list(found.candidates)) == (Advice.NOISE, [])
    assert "all classes alike" in describe_advice(found)
    lines = propose_lines([found], CLASS_MAP)[0]
    assert lines.startswith("# ")
    assert 'noise_words = ["nice flag"]' in lines


def test_a_word_of_one_who_writes_it_everywhere_is_nothing():
    """A spammer's word is proposed as nothing at all."""
    rows = [(url, "w99", "superb") for url in sorted({url for url, _, _ in draw_crowd()})]
    rows += [(url, "w98", "superb") for url, _, _ in rows[::4]]
    found = find(review([*draw_crowd(), *rows]), "superb")
    assert found.advice in {None, Advice.NOTHING}
    assert not found.candidates


def test_a_class_that_the_map_lacks_is_said_to_be_one():
    """Monaco's flag, taken for Canada's now and then, is no alias of Canada."""
    draw = random.Random(1)
    rows: Rows = list(draw_crowd())
    for picture in range(30):
        for worker in draw.sample(range(12), 4):
            rows.append((f"https://flags.test/m{picture}.png", f"w{worker:02d}", "Monaco" if draw.random() < 0.9 else "Canada"))
    found = find(review(rows), "Monaco")
    assert not any(candidate.class_id == "canada" for candidate in found.candidates)


def test_another_word_for_no_label_is_proposed_as_one():
    """Where others say "none", 無し is proposed for no_label."""
    class_map = ClassMap.from_toml('no_label = ["none"]\n' + MAP)
    rows: Rows = list(draw_crowd())
    rows += [
        (f"https://flags.test/empty{place}.png", f"w{worker:02d}", "無し" if worker % 3 == 0 else "none")
        for place in range(20)
        for worker in range(place % 6, place % 6 + 4)
    ]
    found = find(review(rows, class_map), "無し")
    assert found.advice is Advice.NO_LABEL
    assert "no_label" in propose_lines([found], class_map)[0]


def test_the_crowd_goes_before_letters():
    """VW is next to Volvo by its letters; pictures tell that it is Volkswagen."""
    class_map = ClassMap.from_toml("[classes.Volkswagen]\n[classes.Volvo]\n[classes.Toyota]\n")
    draw = random.Random(2)
    rows: Rows = []
    for picture in range(60):
        truth = ("Volkswagen", "Volvo", "Toyota")[picture % 3]
        for worker in draw.sample(range(9), 4):
            said = "Wolvo Wagn" if truth == "Volkswagen" and worker < 4 else truth
            rows.append((f"https://cars.test/{picture}.png", f"w{worker}", said))
    with_crowd = find(review(rows, class_map), "Wolvo Wagn")
    assert with_crowd.candidates[0].class_id == "Volkswagen"
    assert "settled as Volkswagen" in with_crowd.candidates[0].reason


def test_rows_in_any_order_give_the_same_review(clusters):
    """Which file came first decides nothing."""
    rows = write_chinese(list(draw_crowd(pictures=240)))
    random.Random(3).shuffle(rows)
    again = review(rows)
    told = [([member.raw_label for member in one.members], one.candidates, one.advice) for one in again]
    assert told == [([member.raw_label for member in one.members], one.candidates, one.advice) for one in clusters]
