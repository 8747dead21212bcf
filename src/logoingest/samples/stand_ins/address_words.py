"""What an address says when it leads to a placeholder: words for "no picture here", as sites write them into file names.

Words count as a whole, joined or apart, in any case, percent-encoded or transliterated: ``no-image``, ``NoImage.png``,
``%E6%9A%82%E6%97%A0%E5%9B%BE%E7%89%87.jpg`` and ``zanwutupian.jpg`` say the same; ``casino-image.jpg`` does not.
"""

from __future__ import annotations

import re
from functools import cache
from urllib.parse import unquote, urlsplit

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from unidecode import unidecode

#: Say it by themselves, wherever an address ends.
_PHRASES = """
no image; no images; no img; no photo; no photos; no pic; no pics; no picture; no pictures; no thumb; no thumbnail; no preview;
image not found; photo not found; picture not found; img not found; image not available; photo not available; not available;
image unavailable; photo unavailable; picture unavailable; unavailable; image missing; missing image; photo missing; missing photo;
image removed; photo removed; picture removed; image deleted; photo deleted; image expired; image coming soon; photo coming soon;
coming soon; awaiting image; awaiting photo; default image; default img; default photo; default picture; default thumbnail;
placeholder; image error; broken image; hotlink; hotlinking; no hotlink; bandwidth exceeded; image blocked
kein bild; keine bilder; kein foto; kein produktbild; bild fehlt; bild nicht gefunden; bild nicht verfügbar; nicht verfügbar;
nicht verfuegbar; nicht vorhanden; platzhalter; platzhalterbild; bild entfernt; bild gelöscht; bild geloescht
pas d image; pas de photo; pas de visuel; sans image; sans photo; image indisponible; photo indisponible; non disponible;
visuel non disponible; image introuvable; image supprimée; aucune image; aucune photo; image manquante
sin imagen; sin foto; no disponible; imagen no disponible; foto no disponible; imagen no encontrada; imagen eliminada;
foto eliminada; imagen borrada; imagen por defecto
sem imagem; sem foto; não disponível; imagem indisponível; foto indisponível; indisponível; imagem não encontrada; imagem removida
nessuna immagine; nessuna foto; senza immagine; senza foto; immagine non disponibile; immagine non trovata; immagine rimossa;
segnaposto
geen afbeelding; geen foto; geen plaatje; niet beschikbaar; afbeelding niet gevonden; afbeelding verwijderd
ingen bild; bild saknas; intet billede; ikke tilgængelig; ingen bilde; bilde mangler; ei kuvaa
brak zdjęcia; brak zdjęć; brak obrazka; brak foto; niedostępne; bez obrázku; bez fotky; není k dispozici; nincs kép; fără imagine
нет фото; нет изображения; нет картинки; без фото; фото удалено; изображение удалено; изображение недоступно; недоступно;
заглушка; немає фото; немає зображення; δεν υπάρχει εικόνα
resim yok; fotoğraf yok; görsel yok; resim bulunamadı; tidak ada gambar; tidak tersedia; không có ảnh; không có hình
画像なし; 画像がありません; 写真なし; 画像準備中; 準備中; ノーイメージ; 暂无图片; 暂无照片; 无图片; 图片不存在;
图片已删除; 이미지없음; 이미지 준비중; 사진 없음; لا توجد صورة; الصورة غير متوفرة; غير متوفر; אין תמונה; चित्र उपलब्ध नहीं
"""

#: Say it only where several addresses were redirected to the one that they end.
_HINTS = """
removed; deleted; missing; default; gone; error; 404; 410; 403; not found; blank; empty; dummy; spacer; fallback; generic; expired;
blocked; forbidden; denied; private; taken down; entfernt; gelöscht; geloescht; fehlt; supprimé; introuvable; eliminado; eliminada;
borrado; removido; removida; rimossa; verwijderd; usunięto; saknas; удалено; удалён; silindi; dihapus; 削除; 已删除; 삭제; محذوف
"""

_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")
_WORD = re.compile(r"[a-z]+|[0-9]+")
#: Words of an address's end that are looked at; and of a phrase.
_MAX_WORDS, _MAX_JOINED = 200, 6
_MAX_CHARS = 2_000


def may_hold_words(urls: pa.Array | pa.ChunkedArray) -> npt.NDArray[np.bool_]:
    """Which addresses are worth a closer look, cheaply: all that ``find_phrase`` or ``find_hint`` find something in, and some more."""
    stems = "|".join(sorted({re.escape(_split(phrase)[0]) for phrase in (*_read(_PHRASES).values(), *_read(_HINTS).values())}))
    paths = pc.replace_substring_regex(urls, r"^[A-Za-z][A-Za-z0-9+.-]*://[^/?#]*", "")  # a host's name says nothing
    found = pc.match_substring_regex(paths, rf"(?i)%|[^\x00-\x7f]|{stems}")
    return np.asarray(pc.fill_null(found, fill_value=False).to_numpy(zero_copy_only=False), bool)


def find_phrase(url: str) -> str | None:
    """The words of an address that say there is no picture, by themselves; None where none do."""
    return _find(url, _read(_PHRASES))


def find_hint(url: str) -> str | None:
    """The words of an address that say so where several addresses end in it; None where none do."""
    return _find(url, _read(_HINTS))


def _find(url: str, known: dict[str, str]) -> str | None:
    words = _split(_name_end(url))[:_MAX_WORDS]
    runs = ("".join(words[start:stop]) for start in range(len(words)) for stop in range(start + 1, start + _MAX_JOINED + 1))
    return next((known[run] for run in runs if run in known), None)


def _name_end(url: str) -> str:
    """The last part of an address's path that says anything, without what stands behind the last point, and its query's values."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    folders = [part for part in parts.path.split("/") if part] or [""]
    name, _, ending = folders[-1].rpartition(".")
    values = (pair.partition("=")[2] for pair in parts.query.split("&"))
    return unquote(" ".join([name or ending, *values])[:_MAX_CHARS])


def _split(text: str) -> list[str]:
    return _WORD.findall(unidecode(_CAMEL.sub(" ", text)).lower())


@cache
def _read(phrases: str) -> dict[str, str]:
    """Joined words → the phrase as written above."""
    listed = (phrase.strip() for line in phrases.strip().splitlines() for phrase in line.split(";"))
    return {"".join(_split(phrase)): phrase for phrase in listed if phrase}
