"""Words that are never a brand: what is used where a class map does not list its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

NOISE_WORDS: Mapping[str, Sequence[str]] = {
    "en": (
        "logo", "logos", "logotype", "the logo of", "logo of", "logo of the", "brand", "brand name", "the brand", "brand of", "sign", "symbol",
        "emblem", "icon", "text", "wordmark", "trademark", "the", "a", "an", "company", "official", "image of", "picture of", "photo of",
    ),
    "de": ("schriftzug", "marke", "die marke", "das logo von", "logo von", "firma", "zeichen", "emblem", "teilsichtbar", "wortmarke"),
    "fr": ("marque", "la marque", "le logo de", "logo de", "enseigne", "symbole", "sigle"),
    "es": ("marca", "la marca", "logotipo", "logotipo de", "el logotipo de", "el logo de", "símbolo"),
    "pt": ("marca", "logomarca", "logotipo da", "logotipo do", "logo da", "logo do", "o logo da"),
    "it": ("marchio", "il marchio", "il logo di", "logo di", "simbolo"),
    "nl": ("merk", "het merk", "het logo van", "logo van", "beeldmerk"),
    "pl": ("marka", "znak", "logotyp"),
    "tr": ("logosu", "markası", "marka"),
    "ru": ("логотип", "лого", "бренд", "марка", "знак"),
    "uk": ("логотип", "лого", "бренд", "марка", "знак"),
    "el": ("λογότυπο", "σήμα", "μάρκα"),
    "ar": ("شعار", "علامة", "ماركة", "علامة تجارية"),
    "he": ("לוגו", "סמל", "מותג"),
    "hi": ("लोगो", "ब्रांड", "चिह्न"),
    "th": ("โลโก้", "ยี่ห้อ"),
    "zh": ("标志", "标识", "商标", "品牌", "標誌", "商標", "品牌标志", "的标志", "的 logo"),
    "ja": ("ロゴ", "のロゴ", "マーク", "のマーク", "ブランド", "社のロゴ"),
    "ko": ("로고", "의 로고", "상표", "브랜드", "마크"),
    "vi": ("biểu tượng", "thương hiệu"),
    "id": ("merek", "merk"),
}  # fmt: skip
"""What people write beside a brand's name, per language."""

NO_LABEL: Mapping[str, Sequence[str]] = {
    "any": ("", "?", "??", "???", "-", "--", ".", "...", "x", "xxx", "0"),
    "en": (
        "none", "no", "nothing", "n/a", "na", "null", "nil", "nan", "no logo", "no brand", "no label", "not visible", "can't see", "cannot see",
        "can't read", "cannot read", "unreadable", "not readable", "illegible", "unclear", "not clear", "blurry", "too blurry", "not sure", "unsure",
        "unknown", "i don't know", "don't know", "do not know", "dont no", "idk", "dunno", "no idea", "not applicable", "none of the above",
        "image not loading", "image does not load", "image didn't load", "image not available", "no image", "not found", "404", "404 not found",
        "broken link", "broken image", "broken", "link broken", "dead link", "error", "empty", "blank", "skip", "no picture", "no photo", "not a logo",
    ),
    "de": ("keine", "kein", "keins", "nichts", "kein logo", "keine marke", "weiß nicht", "weiss nicht", "ich weiß nicht", "keine ahnung", "unbekannt", "nicht sichtbar", "nicht erkennbar", "unleserlich"),
    "fr": ("aucun", "aucune", "rien", "pas de logo", "aucun logo", "je ne sais pas", "inconnu", "illisible", "pas visible"),
    "es": ("ninguno", "ninguna", "nada", "sin logo", "no sé", "no lo sé", "no se ve", "desconocido", "ningún logo"),
    "pt": ("nenhum", "nenhuma", "nada", "sem logo", "não sei", "desconhecido", "nenhum logo"),
    "it": ("nessuno", "nessuna", "niente", "nulla", "nessun logo", "non so", "non lo so", "sconosciuto"),
    "nl": ("geen", "niets", "geen logo", "weet niet", "weet ik niet", "onbekend"),
    "pl": ("brak", "nic", "brak logo", "nie wiem", "nieznane", "nieznany"),
    "tr": ("yok", "hiçbiri", "logo yok", "bilmiyorum", "bilinmiyor"),
    "ru": ("нет", "ничего", "нет логотипа", "не знаю", "неизвестно", "не видно", "нет изображения"),
    "uk": ("немає", "нічого", "не знаю", "невідомо"),
    "el": ("τίποτα", "κανένα", "δεν ξέρω"),
    "ar": ("لا شيء", "لا يوجد", "لا أعرف", "غير معروف", "لا يوجد شعار"),
    "he": ("אין", "כלום", "לא יודע", "לא ידוע"),
    "hi": ("कुछ नहीं", "कोई नहीं", "पता नहीं", "मालूम नहीं"),
    "th": ("ไม่มี", "ไม่รู้", "ไม่ทราบ"),
    "zh": ("无", "没有", "沒有", "不知道", "没有标志", "不清楚", "看不清", "看不到", "未知", "不认识"),
    "ja": ("なし", "無し", "わからない", "分からない", "わかりません", "不明", "見えない", "ロゴなし", "ない"),
    "ko": ("없음", "없다", "모름", "모르겠음", "모르겠다", "모르겠습니다", "안 보임"),
    "vi": ("không", "không có", "không biết"),
    "id": ("tidak ada", "tidak tahu"),
}  # fmt: skip
"""Answers that mean "no label is there", "I cannot tell" or "the picture is gone", per language."""

ARTICLES: Mapping[str, Sequence[str]] = {
    "en": ("a", "an", "the"),
    "de": ("der", "die", "das", "den", "dem", "des", "ein", "eine", "einen", "einem", "einer", "eines"),
    "fr": ("le", "la", "les", "l", "un", "une", "du", "des"),
    "es": ("el", "la", "los", "las", "un", "una", "unos", "unas"),
    "pt": ("o", "a", "os", "as", "um", "uma", "uns", "umas"),
    "it": ("il", "lo", "la", "i", "gli", "le", "l", "un", "uno", "una"),
    "nl": ("de", "het", "een"),
    "da": ("en", "et"),
    "sv": ("en", "ett"),
    "el": ("ο", "η", "το", "οι", "τα", "ένας", "μια", "μία", "ένα"),
    "hu": ("a", "az", "egy"),
    "ro": ("un", "o"),
    "vi": ("một", "con", "cái"),
}
"""Articles, per language: what people set before a name, never behind it."""

DENYING_WORDS = frozenset(
    (
        "no", "not", "non", "without", "never", "neither", "nor", "isnt", "kein", "keine", "keinen", "nicht", "ohne", "nie", "pas", "sans", "aucun",
        "aucune", "sin", "ningun", "ninguna", "nunca", "tampoco", "nao", "sem", "nenhum", "nenhuma", "senza", "nessun", "nessuna", "geen", "niet",
        "zonder", "inte", "ingen", "inget", "utan", "ikke", "uten", "uden", "ei", "ilman", "nie", "bez", "brak", "nem", "nincs", "fara", "yok", "degil",
        "не", "нет", "без", "ні", "немає", "няма", "нема", "δεν", "χωρίς", "όχι", "لا", "ليس", "بدون", "غير", "לא", "אין", "בלי", "नहीं", "बिना",
    )
)  # fmt: skip
"""Words that deny what stands beside them, as ``plain`` and ``ascii`` text write them."""

SEPARATORS: Sequence[str] = (
    "\n", ";", "；", "|", " / ", "/", "／", ",", "，", "、", "،", " and ", " und ", " et ", " y ", " e ", " и ", " en ", " و ", " と ", " with ", " + ", " & ", "+", "&",
)  # fmt: skip
"""What people write between several brands, strongest first; only looked for when the whole answer is no brand."""

GENERIC_WORDS = frozenset(
    (
        "the", "of", "and", "for", "in", "at", "by", "on", "a", "an", "de", "del", "la", "le", "les", "los", "las", "el", "du", "des", "da", "do", "di",
        "der", "die", "das", "und", "et", "y", "e", "&", "+", "van", "von", "al", "company", "co", "corp", "corporation", "inc", "ltd", "llc", "gmbh",
        "ag", "sa", "group", "grupo", "groupe", "gruppe", "international", "service", "services", "center", "centre", "centro", "bank", "banca", "banco",
        "banka", "banque", "store", "stores", "shop", "shops", "market", "markt", "mart", "supermarket", "super", "hypermarket", "express", "city", "hotel",
        "hotels", "restaurant", "restaurants", "coffee", "cafe", "food", "foods", "house", "bar", "grill", "pizza", "burger", "burgers", "bakery",
        "pharmacy", "farmacia", "clinic", "school", "university", "insurance", "fitness", "club", "home", "motors", "motor", "energy", "beer", "text",
        "symbol", "logo",
    )
)  # fmt: skip
"""Words so many names share that agreeing on them says little; further ones are counted in each class map."""

EMPTY_TALK = frozenset(
    (
        "good", "very good", "nice", "great", "ok", "okay", "yes", "yeah", "fine", "cool", "best", "super", "excellent", "true", "false", "done", "test",
        "hello", "hi", "thanks", "thank you", "asdf", "asd", "asdasd", "asdfgh", "asdfghjkl", "qwe", "qwer", "qwerty", "qwertyuiop", "zxcv", "zxcvbnm",
        "abc", "abcd", "aaa", "aaaa", "sdf", "dfg", "jkl", "image", "picture", "photo",
    )
)  # fmt: skip
"""Answers that name nothing where people type what they like; a first class map makes no class of them unless the answers are a
closed set ("yes" and "no"), or people agree on them picture by picture."""

EVERYDAY_THINGS = frozenset(("product", "shop", "car", "food", "drink", "shirt", "shoes"))
"""Words for things that are no spelling of a brand, though a pack may say so."""

CANNOT_TELL = frozenset(
    (
        "", "?", "??", "???", ".", "...", "can't see", "cannot see", "can't read", "cannot read", "not sure", "unsure", "i don't know", "don't know",
        "do not know", "dont no", "idk", "dunno", "no idea", "image not loading", "image does not load", "image didn't load", "image not available",
        "no image", "404", "404 not found", "broken link", "broken image", "link broken", "dead link", "skip", "no picture", "no photo",
        "weiß nicht", "weiss nicht", "ich weiß nicht", "keine ahnung", "je ne sais pas", "no sé", "no lo sé", "no se ve", "não sei", "non so", "non lo so",
        "weet niet", "weet ik niet", "nie wiem", "bilmiyorum", "не знаю", "нет изображения", "δεν ξέρω", "لا أعرف", "לא יודע", "पता नहीं", "मालूम नहीं",
        "ไม่รู้", "ไม่ทราบ", "不知道", "看不清", "看不到", "不认识", "わからない", "分からない", "わかりません", "見えない", "모름", "모르겠음", "모르겠다",
        "모르겠습니다", "안 보임", "không biết", "tidak tahu",
    )
)  # fmt: skip
"""Answers of ``NO_LABEL`` that say nothing in any task: who gave them cannot tell, or the picture is gone. The others ("no", "0",
"x", "none", "unknown") are labels where the answers are a closed set."""

LOGO_ROOTS = ("logo", "лого", "λογό", "לוגו", "लोगो", "โลโก้", "로고", "ロゴ", "شعار", "标志", "標誌", "商标", "商標", "brand", "marque", "marca", "brend", "бренд", "ブランド", "브랜드", "品牌", "ماركة", "schriftzug")  # fmt: skip
"""What stands in the noise words that are about logos alone: where people write these, the task is one about logos."""
