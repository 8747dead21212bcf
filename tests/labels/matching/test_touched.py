"""What a changed map does not touch it decides as before."""

from __future__ import annotations

from hypothesis import assume, event, given
from hypothesis import strategies as st

from builders.laws import examples
from builders.reviews import MAP, stored_labels
from logoingest.errors import ClassMapError
from logoingest.labels import ClassMap
from logoingest.labels.matching.match import decide_labels
from logoingest.labels.matching.touched import AnswerKeys

WORDS = [
    "pmua", "fanta", "zitron", "citron", "mercedez", "hugo boss", "müller", "mueller", "h&m", "handm", "пума", "адидас", "アディダス",
    "مرسيدس", "奔驰", "u.s.a", "usa", "!!!", "+nike", "tide & fils", "levi's", "marca pmua", "7up", "seven up", "fantaa",
]  # fmt: skip
GLUE = [" ", ", ", "/", " & ", " and ", "", "; "]
TEXTS = st.one_of(
    st.sampled_from(WORDS),
    st.builds(lambda one, glue, other: one + glue + other, st.sampled_from(WORDS), st.sampled_from(GLUE), st.sampled_from(WORDS)),
    st.builds(lambda word, place: word[:place] + word[place + 1 :], st.sampled_from(WORDS), st.integers(0, 6)),
    st.builds(lambda one, other: f'["{one}", "{other}"]', st.sampled_from(WORDS), st.sampled_from(WORDS)),
    stored_labels,
)


def quote(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


MAPS = st.one_of(
    st.builds(lambda text: f"{MAP}[classes.new]\nname = {quote(text)}\n", st.sampled_from(WORDS)),
    st.builds(
        lambda text, is_exact: (
            f"{MAP}[classes.x]\nname = 'X'\naliases = [{{ text = {quote(text)}, exact = {str(is_exact).lower()} }}]\n"
        ),
        st.sampled_from(WORDS),
        st.booleans(),
    ),
    st.builds(lambda text: MAP.replace('aliases = ["pumma"]', f'aliases = ["pumma", {quote(text)}]'), st.sampled_from(WORDS)),
    st.builds(lambda text: MAP.replace("noise_words = [", f"noise_words = [{quote(text)}, "), st.sampled_from(WORDS)),
    st.builds(lambda text: MAP.replace("no_label = [", f"no_label = [{quote(text)}, "), st.sampled_from(WORDS)),
    st.just(MAP + 'distinct_from = [["puma", "pmua"]]\n'),
)


def read_map(text: str) -> ClassMap | None:
    try:
        return ClassMap.from_toml(text)
    except ClassMapError:
        return None


@examples(300)
@given(answers=st.lists(TEXTS, min_size=1, max_size=12, unique=True), text=MAPS, is_taken_back=st.booleans())
def test_an_answer_that_is_not_touched_is_decided_as_before(answers: list[str], text: str, is_taken_back: bool) -> None:
    """An alias, a class, a noise word, a text that means no label: added or taken back."""
    changed, plain = read_map(text), ClassMap.from_toml(MAP)
    assume(changed is not None)
    before, after = (changed, plain) if is_taken_back else (plain, changed)
    touched = AnswerKeys.collect(answers, before).list_touched(before, after)
    event("all" if touched is None else "some")
    made = zip(answers, decide_labels(answers, before), decide_labels(answers, after), strict=True)
    otherwise = {text for text, one, other in made if (one.decision, one.class_ids) != (other.decision, other.class_ids)}
    assert touched is None or otherwise <= set(touched)
