"""Columns named in other languages, and "other, namely": what was typed where no choice was right."""

from __future__ import annotations

import pytest

from logoingest.sources import guess_source
from logoingest.sources.cells.columns import LABEL_WORDS, NEVER_LABEL, OTHER_WORDS, WORKER_WORDS, split_words

URL = "http://x.example/1.jpg"


@pytest.mark.parametrize("word", sorted({*LABEL_WORDS, *NEVER_LABEL, *WORKER_WORDS, *OTHER_WORDS}))
def test_a_word_of_the_lists_is_found_in_a_name(word):
    """As it stands in the list, whatever its script."""
    assert word in split_words(f"{word}_1")


@pytest.mark.parametrize(
    ("head", "label", "worker"),
    [
        ("Bild_URL;Bearbeiter;Vogelart;Bemerkung", "Vogelart", "Bearbeiter"),
        ("photo_link;user;dish;note", "dish", "user"),
        ("Foto;Nutzer;Pflanze;Notiz", "Pflanze", "Nutzer"),
        ("image;annotateur;espèce;commentaire", "espèce", "annotateur"),
        ("imagen;usuario;Respuesta;observación", "Respuesta", "usuario"),
        ("изображение;исполнитель;ответ;комментарий", "ответ", "исполнитель"),
        ("画像;作業者;回答;備考", "回答", "作業者"),
        ("image_url;worker_id;What sign is this?;remark", "What sign is this?", "worker_id"),
    ],
)
def test_columns_in_other_languages(tmp_path, head, label, worker):
    """The answer is the column that is neither the picture, nor who answered, nor a remark."""
    rows = [f"{URL[:-5]}{place}.jpg;w{place % 3};robin;" + ("ok" if place % 2 else "") for place in range(12)]
    (tmp_path / "rows.csv").write_text("\n".join([head, *rows]) + "\n", "utf-8")
    guess = guess_source(tmp_path / "rows.csv")
    assert (guess.label_column, guess.worker_column) == (label, worker)


@pytest.mark.parametrize(
    ("said", "typed", "answer"),
    [
        ("robin", "", "robin"),
        ("Other", "hoopoe", "hoopoe"),
        ("other (please specify)", "hoopoe", "hoopoe"),
        ("Sonstiges:", "Wiedehopf", "Wiedehopf"),
        ("", "hoopoe", "hoopoe"),
        ("Other", "", "Other"),
        ("robin", "hoopoe", "robin"),
        ("otter", "hoopoe", "otter"),
    ],
)
@pytest.mark.parametrize("name", ["species_other", "Other species (please specify)", "other", "species_sonstiges"])
def test_what_was_typed_beside_other_is_the_answer(read, tmp_path, name, said, typed, answer):
    """Where the choice says "other" or nothing; a choice that was made stays."""
    got = read(f"image_url,worker_id,species,{name}\n{URL},w1,{said},{typed}\n{URL},w2,robin,\n")
    assert got.kept[0]["raw_label"] == answer
    assert guess_source(tmp_path / "rows.csv").other_column == name
