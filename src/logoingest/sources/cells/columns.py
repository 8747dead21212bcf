"""Which column is which: by the words of its name and by what stands in it."""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple
from urllib.parse import quote

from logoingest.config import SourceConfig
from logoingest.errors import Problem
from logoingest.sources.cells.answers import Answer, AnswerError, describe_scalar, join_boxes, read_answers

#: A column's name → its values in the first rows.
Sample = Mapping[str, Sequence[Any]]

_LINK_IN_BRACKETS = re.compile(r"[^()]*\((https?://[^()\s]+)\)\s*", re.IGNORECASE)
_SCHEME = re.compile(r"\s*(?:https?|ftp|s3|gs|file)://", re.IGNORECASE)
ENDINGS = r"\.(?:jpe?g|png|gif|webp|bmp|tiff?|svg|avif|heic|jp2|ico)"
IMAGE_ENDING = re.compile(rf"{ENDINGS}(?=$|[?#])", re.IGNORECASE)
_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+|[^\W\d_A-Za-z]+")
_HIDDEN = dict.fromkeys(map(ord, "\ufeff\u200b\u200c\u200d\u2060\u00ad"))

_PICTURE_WORDS = frozenset({
    "image", "images", "img", "picture", "pic", "photo", "photos", "bild", "foto", "imagen", "imagem", "immagine", "afbeelding",
    "изображение", "фото", "画像", "图片", "圖片", "이미지",
})  # fmt: skip
_LINK_WORDS = frozenset({"url", "urls", "uri", "link", "href", "src"})
_PLACE_WORDS = frozenset({"file", "path", "filename", "location"})
_OTHER_LINKS = frozenset(
    {"video", "thumb", "thumbnail", "page", "homepage", "website", "profile", "licence", "license", "avatar", "callback", "webhook"}
)
LABEL_WORDS = {
    "label": 10, "labels": 10, "brand": 10, "brands": 10, "answer": 9, "answers": 9, "choice": 9, "class": 8, "classname": 8,
    "category": 8, "logo": 8, "logos": 8, "tag": 7, "tags": 7, "keyword": 7, "keywords": 7, "response": 6, "annotation": 6,
    "antwort": 9, "antworten": 9, "klasse": 8, "kategorie": 8, "bezeichnung": 7, "reponse": 9, "classe": 8, "categorie": 8, "etiquette": 8,
    "respuesta": 9, "clase": 8, "categoria": 8, "etiqueta": 8, "resposta": 9, "risposta": 9, "etichetta": 8, "antwoord": 9, "klass": 8,
    "kategori": 8, "svar": 9, "odpowiedz": 9, "kategoria": 8, "ответ": 9, "класс": 8, "категория": 8, "метка": 8, "відповідь": 9,
    "回答": 9, "ラベル": 10, "标签": 10, "標籤": 10, "类别": 8, "類別": 8, "답변": 9, "라벨": 10, "الإجابة": 9, "الفئة": 8,
    "name": 5, "text": 5, "value": 4, "title": 3, "caption": 3, "description": 2, "raw": 2, "subtitles": 1,
}  # fmt: skip
NEVER_LABEL = frozenset({
    "id", "uuid", "key", "time", "timestamp", "date", "at", "created", "started", "updated", "submitted", "url", "uri", "link",
    "href", "src", "status", "trust", "count", "number", "index", "score", "confidence", "width", "height", "country",
    "channel", "split", "lang", "language", "script", "email", "ip", "comment", "comments", "state", "golden", "gold", "hint",
    "note", "notes", "remark", "remarks", "feedback", "weight", "bemerkung", "bemerkungen", "kommentar", "kommentare", "notiz", "notizen",
    "anmerkung", "anmerkungen", "commentaire", "commentaires", "remarque", "remarques", "comentario", "comentarios", "nota", "notas",
    "observacion", "observaciones", "observacao", "observacoes", "commento", "commenti", "osservazioni", "opmerking", "opmerkingen", "uwagi",
    "komentarz", "комментарий", "комментарии", "примечание", "примечания", "备注", "備註", "備考", "コメント", "비고", "datum", "zeit", "fecha", "hora", "heure",
    "suggestion", "suggestions", "prediction", "predictions",
})  # fmt: skip
WORKER_WORDS = {
    "worker": 10, "annotator": 10, "labeler": 10, "labeller": 10, "rater": 10, "contributor": 9, "participant": 9, "coder": 9,
    "judge": 8, "performer": 8, "user": 7, "author": 4, "username": 7, "tagger": 9, "volunteer": 8, "turker": 10, "crowdworker": 10,
    "bearbeiter": 9, "bearbeiterin": 9, "nutzer": 7, "benutzer": 7, "annotierer": 10, "annotateur": 10, "utilisateur": 7, "anotador": 10,
    "usuario": 7, "trabajador": 9, "utilizador": 7, "annotatore": 10, "utente": 7, "gebruiker": 7, "anvandare": 7, "uzytkownik": 7,
    "respondent": 7, "prolific": 9, "email": 4, "mail": 4,
    "работник": 9, "исполнитель": 9, "разметчик": 10, "пользователь": 7, "标注员": 10, "標註者": 10, "用户": 7, "用戶": 7, "作業者": 9, "작업자": 9, "사용자": 7,
}  # fmt: skip
#: Of a column beside a question, and of an answer: none of the choices, but what is typed there.
OTHER_WORDS = frozenset({
    "other", "others", "sonstige", "sonstiges", "andere", "anderes", "autre", "autres", "otro", "otra", "otros", "outro", "outra", "altro", "altra",
    "anders", "annan", "annat", "inne", "другое", "інше", "其他", "その他", "기타",
})  # fmt: skip
#: Of what somebody says of his own answer: how sure he is.
CERTAINTY_WORDS = frozenset({
    "certain", "certainty", "uncertain", "uncertainty", "confidence", "confident", "sure", "unsure", "sureness", "sicher", "sicherheit", "certitude", "confianza", "certeza", "seguro", "segura", "seguridad", "confianca", "certezza", "sicuro", "sicurezza", "zeker", "zekerheid", "saker", "sakerhet",
    "pewnosc", "pewny", "уверенность", "уверены", "確信度", "自信", "确定程度", "확신", "확신도",
})  # fmt: skip
_COMMENT_WORDS = frozenset({
    "comment", "comments", "note", "notes", "remark", "remarks", "feedback", "bemerkung", "bemerkungen", "kommentar", "commentaire", "comentario", "commento",
})  # fmt: skip
_NO_WORKER_WORDS = NEVER_LABEL - {"id", "uuid", "key", "number", "index", "email"}
_BOX_WORDS = frozenset(
    {"bbox", "box", "boxes", "bboxes", "bounding", "boundingbox", "rect", "rectangle", "roi", "region", "coordinates"}
)
#: Of somebody's column the words from this on are what he said (``worker_answer``), those below who he is (``user_name``).
_SAID = 6
#: A name with this score is the answer's though all rows say the same.
_PLAINLY = 8
#: Cells that are looked into to tell what a column holds.
_SOME = 20
_ID_WORDS = {"assignment": 6, "annotation": 5, "answer": 5, "judgment": 5, "response": 5, "row": 3, "record": 3, "result": 3}


class Roles(NamedTuple):
    """The column names that were found; None where there is none."""

    url: str | None
    label: str | None
    worker: str | None
    bbox: str | None
    id: str | None


def clean_column_name(name: str) -> str:
    """A header name without byte-order mark, zero-width characters and outer white space."""
    return name.translate(_HIDDEN).strip()


def fold_name(name: str) -> str:
    """A header name without signs, in lower case: ``Input.imageUrl_2`` → inputimageurl2."""
    return "".join(character for character in name.lower() if character.isalnum())


def index_names(names: Iterable[str]) -> dict[str, str]:
    """Folded name → name, of equal ones the first."""
    return {fold_name(name): name for name in reversed(list(names))}


def has_scheme(text: str) -> bool:
    """Whether a text starts like an absolute URL."""
    return bool(_SCHEME.match(text))


def guess_roles(sample: Sample) -> Roles:
    """The likeliest columns for image URL, answer, worker, box and id, by name and by the sample's content."""
    url = _best(sample, score_url)
    worker = _best(_without(sample, url), score_worker)
    bbox = _best(_without(sample, url, worker), _score_box)
    identifier = _best(_without(sample, url, worker, bbox), lambda name, values: _score_id(name, values, sample))
    label = guess_label(_without(sample, url, worker, bbox, identifier))
    return Roles(url, label, worker, bbox, identifier)


def guess_label(sample: Sample) -> str | None:
    """The likeliest answer column, an empty one only where all are; the only remaining one when its name says nothing."""
    sample = {name: values for name, values in sample.items() if _is_filled(values)} or sample
    found = _best(sample, score_label)
    if found is not None and score_label(found, sample[found]) >= 1:
        return found
    possible = [name for name in list_possible_labels(sample) if not split_words(name) & OTHER_WORDS]
    asked = [name for name in possible if "?" in name]
    rest = [name for name in possible if name != found]
    return next((some[0] for some in (rest, asked) if len(some) == 1), found)


def pick_label(sample: Sample) -> str | None:
    """Of columns that are all answers the one that is plainly the label: the only one that says what is seen, or the best by name; else
    None.
    """
    sample = {name: values for name, values in sample.items() if not is_beside_label(name)} or sample
    if len(sample) < 2:
        return next(iter(sample), None)
    scores = {name: score_label(name, values) for name, values in sample.items()}
    best = max(scores.values())
    winners = [name for name, score in scores.items() if score == best]
    return winners[0] if len(winners) == 1 and best > 0 else None


def is_certainty(name: str) -> bool:
    """Whether a column says by its name how sure people were of their answers."""
    return bool(split_words(name) & CERTAINTY_WORDS)


def is_beside_label(name: str) -> bool:
    """Whether an answer is by its name no label but what stands beside one: a comment, how sure somebody is, what "other" was."""
    words = split_words(name)
    return bool(words & (CERTAINTY_WORDS | OTHER_WORDS | _COMMENT_WORDS))


def list_possible_labels(sample: Sample) -> list[str]:
    """The columns that could hold answers, whatever they are called."""
    return [
        name
        for name, values in sample.items()
        if name
        and not split_words(name) & (NEVER_LABEL | _BOX_WORDS | CERTAINTY_WORDS)
        and _share(values, has_scheme) < 0.5
        and not _hold_objects(values)
    ]


def score_label(name: str, values: Sequence[Any]) -> float:
    """How much a column looks like the answer; 0 when not at all."""
    words = split_words(name)
    if words & (NEVER_LABEL | CERTAINTY_WORDS) - {"lang"} or _share(values, has_scheme) >= 0.5:
        return 0.0
    if not words & LABEL_WORDS.keys() or words & OTHER_WORDS:
        return 0.0
    if words & WORKER_WORDS.keys() and _score_words(name, LABEL_WORDS) < _SAID:
        return 0.0
    score = _score_words(name, LABEL_WORDS)
    if _hold_objects(values) or (score < _SAID and _never_repeats(values)) or (score < _PLAINLY and _says_one_thing(values)):
        return 0.1
    return score + (0.5 if _is_filled(values) else 0.0)


def _never_repeats(values: Sequence[Any]) -> bool:
    """Whether a column says something else in every row, as names of rows do and no answers."""
    texts = _texts(values)
    return len(texts) >= _SOME and len(set(map(str, texts))) == len(texts)


def _says_one_thing(values: Sequence[Any]) -> bool:
    texts = _texts(values)
    return len(texts) >= _SOME and len(set(map(str, texts))) == 1


def _is_filled(values: Sequence[Any]) -> bool:
    return any(str(value).strip() not in {"", "{}"} for value in values if value is not None)


def _hold_objects(values: Sequence[Any]) -> bool:
    """Whether most cells are JSON objects that are no answers, as the state of a page is."""
    texts = _texts(values)[:_SOME]
    objects = [text for text in texts if isinstance(text, Mapping) or (isinstance(text, str) and text.lstrip()[:1] == "{")]
    return bool(objects) and sum(map(_is_no_answer, objects)) > len(texts) / 2


def _is_no_answer(value: Any) -> bool:
    try:
        said = read_answers(value)
    except AnswerError:
        return True
    return len(said) == 1 and said[0].label == value and value.strip() != "{}"


def score_worker(name: str, values: Sequence[Any]) -> float:
    """How much a column looks like who answered; 0 when not at all."""
    if split_words(name) & _NO_WORKER_WORDS or _share(values, has_scheme) >= 0.5 or not _is_filled(values):
        return 0.0
    return _score_words(name, WORKER_WORDS)


def score_url(name: str, values: Sequence[Any]) -> float:
    """How much a column looks like the image URL; 0 when not at all."""
    words = split_words(name)
    by_name = 2.0 * bool(words & _PICTURE_WORDS) + 2.0 * bool(words & _LINK_WORDS) + 1.0 * bool(words & _PLACE_WORDS)
    absolute = _share(values, lambda text: has_scheme(text) or _LINK_IN_BRACKETS.fullmatch(text) is not None)
    pictures = _share(values, lambda text: IMAGE_ENDING.search(text) is not None)
    if absolute < 0.5 and not (by_name and (pictures >= 0.5 or not _texts(values) or by_name >= 4.0)) and pictures < 0.9:
        return 0.0
    texts = _texts(values)
    if len(texts) > 2 and len(set(map(str, texts))) == 1:  # where a service calls back
        return 0.1
    return max(by_name + 6.0 * absolute + 2.0 * pictures - 3.0 * bool(words & _OTHER_LINKS), 0.1)


def _score_box(name: str, values: Sequence[Any]) -> float:
    if not split_words(name) & _BOX_WORDS:
        return 0.0
    present = _texts(values)
    return 1.0 if present and sum(map(_is_box, present)) >= 0.8 * len(present) else 0.0


def _is_box(cell: Any) -> bool:
    try:
        join_boxes([Answer("")], cell)
    except AnswerError:
        return False
    return True


def _score_id(name: str, values: Sequence[Any], sample: Sample) -> float:
    words = split_words(name)
    texts = _texts(values)
    if not words & {"id", "uuid"} or len(texts) < len(values):
        return 0.0
    if len(set(map(str, texts))) < len(values) and not _repeats_whole_rows(name, sample):
        return 0.0
    return 1.0 + _score_words(name, _ID_WORDS) + (2.0 if words <= {"id", "uuid"} else 0.0)


def _repeats_whole_rows(name: str, sample: Sample) -> bool:
    """Whether rows with the same value here are the same in every column, as rows that were downloaded twice are; some are not."""
    rows = {
        (str(sample[name][index]), row) for index, row in enumerate(zip(*(map(str, sample[key]) for key in sample), strict=True))
    }
    return 1 < len(rows) == len({value for value, _ in rows})


def _best(sample: Sample, score: Callable[[str, Sequence[Any]], float]) -> str | None:
    """The column with the highest positive score; of equals, the first."""
    scores = {name: score(name, values) for name, values in sample.items() if name}
    best = max(scores.values(), default=0.0)
    return next((name for name, value in scores.items() if value == best), None) if best > 0 else None


def _without(sample: Sample, *names: str | None) -> Sample:
    return {name: values for name, values in sample.items() if name not in names}


def split_words(name: str) -> frozenset[str]:
    """The words of a name, in lower case, without accents: ``Input.imageUrl_2`` → input, image, url, 2."""
    bare = "".join(map(_drop_accent, name))
    return frozenset(word.lower() for word in _WORD.findall(bare))


def _drop_accent(char: str) -> str:
    """A Latin letter without its accent; any other character as it is."""
    base = unicodedata.normalize("NFD", char)[:1]
    return base if base.isascii() else char


def _score_words(name: str, scores: Mapping[str, int]) -> float:
    return float(max((scores.get(word, 0) for word in split_words(name)), default=0))


def _texts(values: Sequence[Any]) -> list[Any]:
    return [value for value in values if value is not None and value != ""]


def _share(values: Sequence[Any], holds: Callable[[str], bool]) -> float:
    """Share of the filled cells whose text holds something."""
    present = [str(value) for value in _texts(values)]
    return sum(map(holds, present)) / len(present) if present else 0.0


def find_missing(file_name: str, wanted: Mapping[str, str | None], columns: Sequence[str]) -> list[Problem]:
    """A problem for every wanted column (config key → name) that is not there, with the nearest name and all names."""
    return [
        Problem(file_name, f'has no column "{name}" ({key})', describe_columns(name, columns))
        for key, name in wanted.items()
        if name is not None and name not in columns
    ]


def find_namesakes(file_name: str, guessed: Mapping[str, str | None], columns: Sequence[str]) -> list[Problem]:
    """A problem for every guessed column (config key → name) whose name the header gives to several: which of them, nobody can guess."""
    problems = []
    for key, name in guessed.items():
        base = name.rpartition(":")[0] if name else ""
        same = [f'"{other}"' for other in list_namesakes(base, columns)]
        if name and f'"{name}"' in same:
            what = f'has {len(same)} columns named "{base}", any of which may be meant ({key})'
            problems.append(Problem(file_name, what, f"say which: {key} = {' or '.join(same[:10])}"))
    return problems


def list_namesakes(name: str, columns: Sequence[str]) -> list[str]:
    """The columns that the header calls by this one name, several or none: ``brand:1``, ``brand:2``."""
    same = [column for column in columns if column.rpartition(":")[0] == name and column.rpartition(":")[2].isdecimal()]
    return same if len(same) > 1 and name not in columns else []


def describe_columns(name: str, columns: Sequence[str]) -> str:
    """A hint that names the nearest column and lists them all."""
    same = list_namesakes(name, columns)
    if same:
        return f"its header names {len(same)} columns so: say which, {' or '.join(same[:10])}"
    by_lower = {column.lower(): column for column in columns}
    near = difflib.get_close_matches(name.lower(), list(by_lower), n=1, cutoff=0.6)
    listed = ", ".join(columns[:40]) + (f" and {len(columns) - 40} more" if len(columns) > 40 else "")
    meant = f'did you mean "{by_lower[near[0]]}"? ' if near else ""
    return f"{meant}its columns are {listed}"


def list_urls(values: Sequence[Any]) -> list[str] | None:
    """The URLs among these cells; null when there is none."""
    if not values:
        return None
    return [text.strip() for text in map(describe_scalar, values) if text.strip()] or None


def name_picture(name: str, source: SourceConfig) -> str:
    """The URL of a picture that a format calls by a file name: a path, percent-encoded, unless it is read from this machine."""
    if has_scheme(name) or source.local_root is not None:
        return name
    return complete_url(quote(name, safe="/"), source.url_prefix)


def complete_url(url: str, prefix: str) -> str:
    """The URL; one without a scheme gets the prefix, or takes the place of ``{}`` in it. Of ``name (URL)``, as Airtable writes it, the URL."""
    if url.endswith(")") and (found := _LINK_IN_BRACKETS.fullmatch(url)):
        return found.group(1)
    if not prefix or not url.strip() or has_scheme(url):
        return url
    return prefix.replace("{}", url.strip()) if "{}" in prefix else f"{prefix}{url.strip()}"
