"""What others said of the same pictures tells what a word means; whoever wrote it is no witness."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders.laws import examples
from builders.word_crowds import JAPANESE, MAP, NAMES, draw_crowd, make_annotations
from logoingest.labels import ClassMap
from logoingest.labels.crowd.evidence import NO_LABEL, CrowdEvidence, Meaning, SpellingEvidence, gather_evidence, number_answers

Rows = list[tuple[str, str | None, str]]


@pytest.fixture(scope="module")
def class_map() -> ClassMap:
    return ClassMap.from_toml(MAP)


@pytest.fixture(scope="module")
def crowd(class_map: ClassMap) -> CrowdEvidence:
    return gather_evidence(make_annotations(list(draw_crowd())), class_map)


def find(evidence: CrowdEvidence, label: str) -> SpellingEvidence:
    found = evidence.find(label)
    assert found is not None
    return found


@pytest.mark.parametrize("class_id", sorted(JAPANESE))
def test_names_in_another_script_are_found(crowd: CrowdEvidence, class_id: str) -> None:
    """Workers who saw the same pictures and wrote ドイツ and Germany have said that these are one."""
    found = find(crowd, JAPANESE[class_id])
    assert (found.class_id, found.meaning) == (class_id, Meaning.NAMES)
    assert found.probability > 0.99
    assert found.workers >= 3
    assert found.settled > 3 * found.next_settled


def test_a_word_beside_every_class_is_spread(crowd: CrowdEvidence) -> None:
    """Noise stands beside all classes alike, and is given none."""
    found = find(crowd, "nice flag")
    assert found.meaning == Meaning.SPREAD
    assert found.probability < 0.01


def test_it_says_who_said_what_in_words(crowd: CrowdEvidence) -> None:
    """The evidence is a line that people can read, and names pictures to look at."""
    found = find(crowd, JAPANESE["japan"])
    assert f"written of {found.pictures} pictures by {found.workers} workers" in found.words
    assert "settled as japan by others" in found.words
    assert 0 < len(found.urls) <= 5


def test_a_declared_name_that_the_crowd_confirms_is_judged_too(crowd: CrowdEvidence) -> None:
    """What the map decides is judged as if it did not: its own answers are left out."""
    found = find(crowd, NAMES["italy"])
    assert (found.declared, found.class_id, found.is_open) == ("italy", "italy", False)
    assert found.probability > 0.9


def test_a_wrong_alias_is_contradicted(class_map: ClassMap) -> None:
    """An alias of the wrong class does not poison the evidence against it."""
    wrong = ClassMap.from_toml(MAP + f'\n[classes.france.aliases]\nja = ["{JAPANESE["spain"]}"]')
    found = find(gather_evidence(make_annotations(list(draw_crowd())), wrong), JAPANESE["spain"])
    assert (found.declared, found.class_id) == ("france", "spain")
    assert found.probability > 0.95


def test_a_stranger_that_is_mistaken_for_a_class_is_no_name_of_it(class_map: ClassMap) -> None:
    """Monaco's flag, which the map lacks, is taken for another now and then; its own pictures tell that it is neither."""
    random = np.random.default_rng(1)
    rows: Rows = list(draw_crowd())
    for picture in range(30):
        for worker in random.choice(12, 4, replace=False).tolist():
            rows.append((f"https://flags.test/m{picture}.png", f"w{worker:02d}", "Monaco" if random.random() < 0.9 else "Canada"))
    found = find(gather_evidence(make_annotations(rows), class_map), "Monaco")
    assert found.probability < 0.5
    assert found.meaning != Meaning.NAMES


def test_another_word_for_no_label_is_found(class_map: ClassMap) -> None:
    """No label is a candidate as any class is."""
    rows = list(draw_crowd())
    for picture in range(24):
        rows += [
            (f"https://flags.test/n{picture}.png", f"w{(picture + k) % 12:02d}", "none" if k < 3 else "hakuna") for k in range(4)
        ]
    assert find(gather_evidence(make_annotations(rows), class_map), "hakuna").class_id == NO_LABEL


@examples(8)
@given(seed=st.integers(0, 1 << 30))
def test_the_order_of_rows_decides_nothing(class_map: ClassMap, seed: int) -> None:
    """Shuffled rows give equal evidence, to the last digit."""
    rows: Rows = [*draw_crowd(pictures=40), *(("https://flags.test/0001.png", None, label) for label in ("Japan", "日本", "日本"))]
    shuffled = [rows[place] for place in np.random.default_rng(seed).permutation(len(rows))]
    before, after = (gather_evidence(make_annotations(each), class_map) for each in (rows, shuffled))
    assert before.spellings == after.spellings


@examples(8)
@given(times=st.integers(2, 30))
def test_copies_of_a_picture_count_once(class_map: ClassMap, times: int) -> None:
    """Where near-duplicates are known, twenty copies of one picture are one: the evidence does not grow."""
    rows: Rows = list(draw_crowd(pictures=60))
    seen = [(f"w{worker:02d}", "quux" if worker < 3 else "Japan") for worker in range(6)]
    urls = [f"https://flags.test/copy{copy}.png" for copy in range(times)]
    rows += [(url, worker, label) for url in urls for worker, label in seen]
    images = pa.table({"group_id": ["one"], "urls": [urls]})
    found = find(gather_evidence(make_annotations(rows), class_map, images), "quux")
    assert (found.pictures, found.meaning) == (1, Meaning.LITTLE)
    assert found.probability < 0.995
    assert find(gather_evidence(make_annotations(rows), class_map), "quux").pictures == times


@examples(50)
@given(
    asked=st.lists(st.integers(0, 9), min_size=1),
    listed=st.dictionaries(st.integers(0, 11), st.tuples(st.sampled_from("ABC"), st.booleans())),
)
def test_answers_about_copies_are_about_one_picture(
    class_map: ClassMap, asked: list[int], listed: dict[int, tuple[str, bool]]
) -> None:
    """The first URL of a group stands for it; a URL of which no picture is known stands for itself."""
    images = pa.table(
        {
            "group_id": pa.array([group for group, _ in listed.values()], pa.string()),
            "urls": pa.array([[f"u{url:02d}", *([f"v{url:02d}"] if more else [])] for url, (_, more) in listed.items()], pa.list_(pa.string())),
        }
    )  # fmt: skip
    reading = number_answers(make_annotations([(f"u{url:02d}", "w", "Japan") for url in asked]), class_map, images)
    groups = {url: group for url, (group, _) in listed.items()}
    first: dict[str, int] = {}
    for url in sorted(set(asked)):
        first.setdefault(groups.get(url, str(url)), url)
    assert list(reading.name_pictures(reading.picture)) == [f"u{first[groups.get(url, str(url))]:02d}" for url in asked]


@examples(8)
@given(pictures=st.integers(1, 60), worker=st.sampled_from(["w01", None]))
def test_one_workers_word_is_never_evidence(class_map: ClassMap, pictures: int, worker: str | None) -> None:
    """However often one person writes it; people without a name count as one."""
    rows: Rows = list(draw_crowd(pictures=60))
    rows += [(f"https://flags.test/{6 * place + 4:04d}.png", worker, "nippon") for place in range(pictures)]
    found = find(gather_evidence(make_annotations(rows), class_map), "nippon")
    assert (found.workers, found.meaning) == (1, Meaning.LITTLE)


def test_an_answer_is_no_evidence_for_itself(class_map: ClassMap) -> None:
    """A worker who writes both words of one picture has not said what others say."""
    rows: Rows = [(f"https://flags.test/{place}.png", f"w{place % 5}", word) for place in range(20) for word in ("Japan", "nippon")]
    found = find(gather_evidence(make_annotations(rows), class_map), "nippon")
    assert (found.witnessed, found.meaning) == (0, Meaning.LITTLE)


def test_nothing_to_tell_is_told_as_nothing(class_map: ClassMap) -> None:
    """No rows, no worker, no map hit: empty answers, no fault."""
    assert gather_evidence(make_annotations([]), class_map).spellings == []
    alone = gather_evidence(make_annotations([("https://flags.test/1.png", None, "quux")]), class_map)
    assert find(alone, "quux").class_id is None
