"""Answers to samples: what wins, what is refused and why, and that nothing is lost."""

from __future__ import annotations

import itertools

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders.answers import DROPPED, IGNORED, REVIEW, UNKNOWN, Answered, refusals_of, sample_of
from builders.laws import examples
from logoingest.config import SamplesConfig
from logoingest.errors import LogoingestError
from logoingest.samples.boxes import DrawnBox, measure_overlap, merge_boxes
from logoingest.samples.settling import settle_samples
from logoingest.schemas import AgreementRow, Reason, RejectedRow, SampleRow, WorkerRow


class TestOneClass:
    def test_agreed_picture_becomes_a_sample(self):
        """Three equal answers: the class, all three as voters, nothing rejected."""
        answered = Answered()
        ids = answered.vote("p", ["nike", "nike", "nike"])
        settled = answered.settle()
        sample = sample_of(settled, "p")
        assert (sample["class_id"], sample["class_ids"]) == ("nike", ["nike"])
        assert sample["annotation_ids"] == sorted(ids)
        assert (sample["votes"], sample["agreement"], sample["boxes"]) == (3, 1.0, [])
        assert sample["confidence"] > 0.9
        assert len(settled.rejected) == 0

    def test_outvoted_annotation_is_still_a_voter(self):
        """Who named another class voted all the same, and has no row in rejected."""
        answered = Answered()
        answered.add_crowd()
        ids = answered.vote("p", ["nike", "nike", "nike", "puma"])
        settled = answered.settle()
        assert sample_of(settled, "p")["annotation_ids"] == sorted(ids)
        assert sample_of(settled, "p")["agreement"] == 0.75

    @pytest.mark.parametrize("method", ["majority", "one_coin"])
    def test_even_votes_are_a_tie(self, method):
        """Two against two among equals is a tie that says so."""
        answered = Answered()
        for label in ("nike", "nike", "puma", "puma"):
            answered.say("p", label)
        settled = answered.settle(method=method)
        assert sample_of(settled, "p") is None
        assert refusals_of(settled, "p") == {(Reason.TIE, "nike 2 : puma 2")}
        assert len(settled.rejected) == 4

    def test_one_spammer_against_four_nones_is_no_class(self):
        """ "No label" is a candidate: four of them beat one Nike, whose annotation is rejected with the count."""
        answered = Answered()
        answered.add_crowd()
        answered.vote("p", [IGNORED, IGNORED, IGNORED, IGNORED, "nike"])
        settled = answered.settle()
        assert sample_of(settled, "p") is None
        assert refusals_of(settled, "p") == {(Reason.NO_LABEL_WON, "nike 1 : no label 4")}
        assert len(settled.rejected) == 1

    def test_low_confidence_says_how_low(self):
        """A share of 2 in 3 under a bar of 0.9 is refused with both figures."""
        answered = Answered()
        answered.vote("p", ["nike", "nike", "puma"])
        settled = answered.settle(method="majority", min_confidence=0.9)
        assert refusals_of(settled, "p") == {
            (Reason.LOW_CONFIDENCE, "nike 2 : puma 1; confidence 0.67 of samples.min_confidence = 0.9")
        }

    def test_too_few_votes(self):
        """Fewer answers naming a class than asked for, however sure."""
        answered = Answered()
        answered.vote("p", ["nike"])
        settled = answered.settle(min_votes=2)
        assert refusals_of(settled, "p") == {(Reason.TOO_FEW_VOTES, "nike 1; 1 of samples.min_votes = 2 votes")}

    def test_a_plain_list_with_one_label_a_picture_goes_through(self):
        """One anonymous answer a picture is enough at the default bar, for rare classes too."""
        answered = Answered()
        for number in range(60):
            answered.say(f"p{number}", "common" if number < 40 else f"rare{number}")
        assert len(answered.settle().samples) == 60

    def test_unread_answers_lower_the_confidence_and_change_nothing_else(self):
        """Answers in review or unknown are doubt; from someone who never says anything readable they are hardly any."""
        confidences = []
        for worker in (None, "reader", "babbler"):
            answered = Answered()
            answered.add_crowd()
            answered.vote("p", ["nike", "nike"])
            if worker == "reader":
                answered.say("p", UNKNOWN, "w5")
            if worker == "babbler":
                for number in range(12):
                    answered.say(f"plain{number}", UNKNOWN, "babbler")
                answered.say("p", UNKNOWN, "babbler")
            sample = sample_of(answered.settle(), "p")
            assert (sample["class_id"], sample["votes"], len(sample["annotation_ids"])) == ("nike", 2, 2)
            confidences.append(sample["confidence"])
        alone, doubted, babbled = confidences
        assert doubted < alone
        assert babbled == pytest.approx(alone, abs=0.002)


class TestPictures:
    def test_same_bytes_at_two_urls_are_one_task(self):
        """Votes at both URLs of a picture count for the one picture."""
        answered = Answered()
        ids = [answered.say("p", "nike", f"w{place}", url=f"http://p.test/{place % 2}.jpg") for place in range(4)]
        settled = answered.settle()
        assert len(settled.samples) == 1
        assert sample_of(settled, "p")["annotation_ids"] == sorted(ids)

    def test_annotations_without_a_picture_are_neither_kept_nor_rejected(self):
        """Their URL was rejected by an earlier stage."""
        answered = Answered()
        answered.say("gone", "nike", "w0", has_image=False)
        answered.vote("p", ["nike"])
        settled = answered.settle()
        assert len(settled.samples) == 1
        assert len(settled.rejected) == 0

    def test_placeholder_is_told_by_disagreement(self):
        """One picture at many URLs, every one called something else: no class, whoever leads."""
        answered = Answered()
        for place in range(6):
            for worker in range(2):
                answered.say("p", f"brand{place}", f"w{worker + 2 * place}", url=f"http://p.test/{place}.jpg")
        settled = answered.settle()
        assert refusals_of(settled, "p") == {(Reason.PLACEHOLDER, "same picture at 6 URLs, 6 classes named")}
        assert len(settled.rejected) == 12

    def test_placeholder_is_told_by_silence(self):
        """One picture at many URLs that people mostly see no label on."""
        answered = Answered()
        for place in range(5):
            answered.say("p", IGNORED, f"w{place}", url=f"http://p.test/{place}.jpg")
        answered.say("p", "nike", "w9", url="http://p.test/0.jpg")
        detail = "same picture at 5 URLs, 1 class named, 'no label' 5 of 6 times"
        assert refusals_of(answered.settle(), "p") == {(Reason.PLACEHOLDER, detail)}

    def test_popular_picture_is_no_placeholder(self):
        """The same logo at many URLs on which people agree is a sample."""
        answered = Answered()
        for place in range(8):
            answered.say("p", "nike" if place else "puma", f"w{place}", url=f"http://p.test/{place}.jpg")
        assert sample_of(answered.settle(), "p")["class_id"] == "nike"

    def test_placeholders_can_be_switched_off(self):
        """0 URLs means never."""
        answered = Answered()
        for place in range(6):
            answered.say("p", f"brand{place}", f"w{place}", url=f"http://p.test/{place}.jpg")
        assert {reason for reason, _ in refusals_of(answered.settle(placeholder_min_urls=0), "p")} == {Reason.TIE}


class TestOneWorkerTwice:
    def test_equal_answers_count_once(self):
        """A worker who says Nike three times has one vote, and three annotations."""
        answered = Answered()
        ids = [answered.say("p", "nike", "w0", minute=place) for place in range(3)]
        sample = sample_of(answered.settle(), "p")
        assert (sample["votes"], sample["annotation_ids"]) == (1, sorted(ids))

    def test_the_latest_of_contradicting_answers_counts(self):
        """Puma, then Nike: Nike."""
        answered = Answered()
        ids = [answered.say("p", "nike", "w0", minute=9), answered.say("p", "puma", "w0", minute=1)]
        sample = sample_of(answered.settle(), "p")
        assert (sample["class_id"], sample["agreement"], sample["annotation_ids"]) == ("nike", 1.0, sorted(ids))

    @pytest.mark.parametrize("minute", [3, None])
    def test_contradiction_at_one_moment_says_nothing(self, minute):
        """Puma and Nike at once, or at times nobody knows: no vote, and both annotations are accounted for."""
        answered = Answered()
        answered.say("p", "nike", "w0", minute=minute)
        answered.say("p", "puma", "w0", minute=minute)
        settled = answered.settle()
        why = "rows of one person contradict each other; 0 of samples.min_votes = 1 votes"
        assert refusals_of(settled, "p") == {(Reason.TOO_FEW_VOTES, why)}
        assert len(settled.rejected) == 2

    def test_a_worker_may_change_her_mind_to_none(self):
        """Nike, later "no logo": no label."""
        answered = Answered()
        answered.say("p", "nike", "w0", minute=1)
        answered.say("p", IGNORED, "w0", minute=2)
        assert refusals_of(answered.settle(), "p") == {(Reason.NO_LABEL_WON, "no label 1")}


class TestSeveralClasses:
    def test_answers_naming_two_brands_settle_both(self):
        """Most say Nike and Puma: both, in class_ids; class_id is null."""
        answered = Answered()
        answered.add_crowd()
        answered.vote("p", ["nike+puma", "puma+nike", "nike+puma", "nike"])
        sample = sample_of(answered.settle(), "p")
        assert (sample["class_id"], sample["class_ids"]) == (None, ["nike", "puma"])
        assert sample["agreement"] == 0.75
        assert 0.6 <= sample["confidence"] <= 1

    @pytest.mark.parametrize("method", ["majority", "one_coin"])
    def test_a_second_brand_one_person_saw_does_not_settle(self, method):
        """One of four adds Audi: the picture stays Nike alone."""
        answered = Answered()
        answered.add_crowd()
        answered.vote("p", ["nike", "nike", "nike", "nike+audi"])
        sample = sample_of(answered.settle(method=method), "p")
        assert (sample["class_id"], sample["class_ids"]) == ("nike", ["nike"])

    def test_two_brands_against_three_nones_are_no_label(self):
        """ "No label" counts against each of several classes."""
        answered = Answered()
        answered.add_crowd()
        answered.vote("p", ["nike+puma", IGNORED, IGNORED, IGNORED])
        detail = "nike 1 : puma 1 : no label 3"
        assert refusals_of(answered.settle(), "p") == {(Reason.NO_LABEL_WON, detail)}

    def test_disputed_brands_are_refused(self):
        """Two people, two pairs of brands: nothing is settled."""
        answered = Answered()
        answered.vote("p", ["nike+puma", "audi+ford"])
        settled = answered.settle()
        assert refusals_of(settled, "p") == {(Reason.TIE, "audi 1 : ford 1 : nike 1 : puma 1")}
        assert len(settled.rejected) == 2


class TestBoxes:
    def test_one_persons_boxes_are_one_answer(self):
        """Boxes of one submission add up: two classes, three boxes, one vote."""
        answered = Answered()
        for label, x in (("nike", 0), ("nike", 50), ("puma", 100)):
            answered.say("p", label, "w0", bbox=[x, 0, 10, 10])
        sample = sample_of(answered.settle(), "p")
        assert (sample["class_ids"], sample["votes"]) == (["nike", "puma"], 1)
        assert [(box["class_id"], box["bbox"][0]) for box in sample["boxes"]] == [("nike", 0), ("nike", 50), ("puma", 100)]

    def test_boxes_of_nobody_are_one_nobodys(self):
        """A file that doesn't say who drew its boxes doesn't disagree with itself."""
        answered = Answered()
        for label in ("nike", "puma"):
            answered.say("p", label, None, bbox=[0, 0, 10, 10], minute=None)
        assert sample_of(answered.settle(), "p")["class_ids"] == ["nike", "puma"]

    def test_boxes_around_one_thing_are_averaged(self):
        """Two people's overlapping boxes become one, halfway."""
        answered = Answered()
        answered.say("p", "nike", "w0", bbox=[0, 0, 10, 10])
        answered.say("p", "nike", "w1", bbox=[2, 0, 10, 10])
        answered.say("p", "nike", "w2")
        assert sample_of(answered.settle(), "p")["boxes"] == [
            {"class_id": "nike", "bbox": [1, 0, 10, 10], "truncated": None, "attributes": None}
        ]

    def test_a_box_outside_its_picture_is_refused_before_it_votes(self):
        """The row whose box lies elsewhere votes for nothing; what was said beside it counts, and a box that hangs over is cut."""
        answered = Answered()
        answered.say("p", "nike", "w0", bbox=[100, 100, 12, 14])
        answered.say("p", "puma", "w0", bbox=[400, 300, 10, 10])
        answered.say("p", "nike", "w1", bbox=[100, 100, 10.5, 10])
        settled = answered.settle()
        sample = sample_of(settled, "p")
        assert sample["class_ids"] == ["nike"]
        assert sample["boxes"] == [
            {"class_id": "nike", "bbox": [100, 100, 10, 10], "truncated": None, "attributes": '{"clipped": true}'}
        ]
        assert [(row["raw_label"], row["reason"], row["stage"]) for row in settled.rejected.to_pylist()] == [
            ("puma", "bad_box", "samples")
        ]
        assert "[400, 300, 10, 10] of a picture of 110 × 110" in settled.rejected.column("detail")[0].as_py()

    def test_a_box_in_shares_of_its_picture_becomes_pixels(self):
        """What the source gave in shares is measured on the picture; other attributes stay, one elsewhere is refused."""
        answered = Answered()
        answered.say("p", "nike", "w0", attributes='{"bbox_shares": [0.1, 0.2, 0.5, 0.25], "note": "x"}')
        answered.say("p", "puma", "w1", attributes='{"bbox_shares": [1.5, 0.2, 0.5, 0.25]}')
        answered.say("p", "nike", "w2", attributes='{"deep": {"bbox_shares": [0.1, 0.2, 0.5, 0.25]}}')
        settled = answered.settle()
        assert sample_of(settled, "p")["boxes"] == [
            {"class_id": "nike", "bbox": [11, 22, 55, 27.5], "truncated": None, "attributes": '{"note": "x"}'}
        ]
        assert [row["reason"] for row in settled.rejected.to_pylist()] == ["bad_box"]

    def test_a_picture_whose_every_box_lies_elsewhere_is_no_sample(self):
        """Nothing disappears: each such row is refused."""
        answered = Answered()
        answered.say("p", "nike", "w0", bbox=[400, 300, 10, 10])
        settled = answered.settle()
        assert sample_of(settled, "p") is None
        assert [reason for reason, _ in refusals_of(settled, "p")] == ["bad_box"]

    def test_boxes_of_a_class_that_lost_are_left_out(self):
        """The outvoted box is a voter's, and no box of the sample."""
        answered = Answered()
        answered.add_crowd()
        for worker, label in enumerate(("nike", "nike", "nike", "puma")):
            answered.say("p", label, f"w{worker}", bbox=[0, 0, 10, 10])
        sample = sample_of(answered.settle(), "p")
        assert [box["class_id"] for box in sample["boxes"]] == ["nike"]
        assert len(sample["annotation_ids"]) == 4

    def test_own_boxes_side_by_side_stay_apart(self):
        """A person's two boxes are two things, however close."""
        one, other = (0.0, 0.0, 10.0, 10.0), (1.0, 0.0, 10.0, 10.0)
        assert len(merge_boxes([DrawnBox("nike", one, 1), DrawnBox("nike", other, 1)])) == 2
        assert len(merge_boxes([DrawnBox("nike", one, 1), DrawnBox("nike", one, 1)])) == 1
        assert len(merge_boxes([DrawnBox("nike", one, 1), DrawnBox("puma", one, 2)])) == 2

    @pytest.mark.parametrize(
        ("other", "overlap"), [((0, 0, 10, 10), 1), ((5, 0, 10, 10), 1 / 3), ((10, 0, 10, 10), 0), ((0, 0, 0, 0), 0)]
    )
    def test_overlap_is_intersection_over_union(self, other, overlap):
        """1 for equal boxes, 0 for boxes that only touch."""
        assert measure_overlap((0, 0, 10, 10), other) == pytest.approx(overlap)


def test_nothing_in_nothing_out():
    """Empty tables give empty tables with the right columns."""
    settled = Answered().settle()
    assert settled.samples.schema == SampleRow.arrow_schema()
    assert settled.rejected.schema == RejectedRow.arrow_schema()
    assert settled.workers.schema == WorkerRow.arrow_schema()
    assert settled.agreement.schema == AgreementRow.arrow_schema()
    assert [len(table) for table in settled[:3]] == [0, 0, 0]
    assert settled.agreement.to_pylist() == [{"scope": "all", "class_id": None, "answers": 0, "pictures": 0, "alpha": None}]


def test_annotation_without_a_decision_is_our_fault():
    """The stage says which annotation and what to run."""
    answered = Answered()
    number = answered.say("p", "nike")
    answered.decisions.clear()
    with pytest.raises(LogoingestError, match=f"{number} has no decision; .*normalise"):
        answered.settle()


def test_tables_in_several_chunks_are_read():
    """How a table lies in memory changes nothing."""
    answered = Answered()
    answered.add_crowd()
    tables = [pa.concat_tables([table.slice(0, 5), table.slice(5)]) for table in answered.tables()]
    assert settle_samples(*tables, SamplesConfig()).samples.equals(answered.settle().samples)


answer = st.tuples(
    st.sampled_from("abcd"),
    st.sampled_from(["nike", "puma", "nike+puma", "audi", IGNORED, UNKNOWN, REVIEW, DROPPED]),
    st.sampled_from([None, "w0", "w1", "w2", "w3"]),
    st.integers(0, 2),
    st.sampled_from([None, 0, 1]),
    st.sampled_from([None, None, (0.0, 0.0, 4.0, 4.0), (1.0, 0.0, 4.0, 4.0), (-2.0, 108.0, 9.0, 4.0), (200.0, 0.0, 4.0, 4.0)]),
)


@pytest.mark.slow
@examples(30)
@given(
    st.lists(answer, max_size=30), st.sampled_from(["majority", "one_coin"]), st.integers(1, 3), st.sampled_from([0.0, 0.6, 1.0]),
    st.integers(0, 3), st.integers(),
)  # fmt: skip
def test_every_accepted_annotation_is_in_exactly_one_place(answers, method, min_votes, min_confidence, min_urls, seed):
    """The law, whatever people said in whatever order: kept or rejected, never both, never neither; and equal bytes."""
    answered = Answered()
    for picture, label, worker, place, minute, bbox in answers:
        url = f"http://{picture}.test/{place}.jpg"
        box = None if bbox is None else list(bbox)
        answered.say(picture, label, worker, url=url, minute=minute, bbox=box, has_image=picture != "d")
    config = {
        "method": method, "min_votes": min_votes, "min_confidence": min_confidence, "placeholder_min_urls": min_urls
    }  # fmt: skip
    settled = answered.settle(**config)
    expected = sorted(
        row["annotation_id"]
        for row, decision in zip(answered.annotations, answered.decisions, strict=True)
        if decision["decision"] == "accepted" and "d.test" not in row["url"]
    )
    kept = list(itertools.chain.from_iterable(settled.samples.column("annotation_ids").to_pylist()))
    assert sorted(kept + settled.rejected.column("annotation_id").to_pylist()) == expected
    for row in settled.samples.to_pylist():
        SampleRow.model_validate(row)
        assert min_confidence <= row["confidence"] <= 1
        assert row["votes"] >= min_votes
        assert 0 < row["agreement"] <= 1
        assert row["class_ids"] == sorted(set(row["class_ids"]))
        assert row["annotation_ids"] == sorted(row["annotation_ids"])
        assert row["class_id"] == (row["class_ids"][0] if len(row["class_ids"]) == 1 else None)
        assert {box["class_id"] for box in row["boxes"]} <= set(row["class_ids"])
    for table, again in zip(settled, answered.settle(seed, **config), strict=True):
        assert table == again
