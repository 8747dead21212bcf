"""Words that are never a brand: what is used where a class map does not list its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

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

_BESIDE_BRANDS: Mapping[str, Sequence[str]] = {
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

NOISE_WORDS: Mapping[str, Sequence[str]] = {
    language: tuple(dict.fromkeys((*_BESIDE_BRANDS.get(language, ()), *ARTICLES.get(language, ()))))
    for language in {**_BESIDE_BRANDS, **ARTICLES}
}
"""What people write beside a brand's name, and articles, per language."""

CANNOT_TELL_BY_LANGUAGE: Mapping[str, Sequence[str]] = {
    "any": ("", "?", "??", "???", ".", "...", "🤷", "🤷♂", "🤷♀", "❓", "¿?", "#n/a"),
    "en": (
        "can't see", "cannot see", "can't read", "cannot read", "not sure", "unsure", "i don't know", "don't know", "do not know", "dont no", "idk",
        "dunno", "no idea", "image not loading", "image does not load", "image didn't load", "image not available", "no image", "404",
        "404 not found", "broken link", "broken image", "link broken", "dead link", "skip", "no picture", "no photo", "can't tell", "cannot tell",
        "can't say", "cannot say", "can't determine", "cannot determine", "unable to determine", "unable to tell", "hard to tell", "hard to say",
        "impossible to tell", "impossible to say", "can't identify", "cannot identify", "unidentifiable", "not identifiable", "unrecognizable",
        "unrecognisable", "not recognizable", "not recognisable", "not legible", "not assessable", "can't see anything", "cannot see anything",
        "undefined", "i do not know", "i dont know", "dont know", "i have no idea", "no clue", "i'm not sure", "i am not sure", "beats me",
        "who knows", "no answer", "no response", "no comment", "prefer not to say", "not available", "page not found", "image not found",
        "image doesn't load", "image won't load", "image did not load", "image failed to load", "image doesn't show", "picture doesn't load",
        "picture not loading", "photo not loading", "photo doesn't load", "no image available",
    ),
    "de": (
        "weiß nicht", "weiss nicht", "ich weiß nicht", "keine ahnung", "weiß ich nicht", "weiss ich nicht", "ich weiß es nicht", "ich weiss nicht",
        "ich weiss es nicht", "kann ich nicht sagen", "nicht zu erkennen", "nicht zu sehen", "kann nicht erkennen", "kann man nicht erkennen",
        "nicht lesbar", "nicht beurteilbar", "nicht sicher", "bin nicht sicher", "bin mir nicht sicher", "keine angabe", "k.a.", "k. a.",
        "keine antwort", "kein bild", "bild lädt nicht", "bild wird nicht geladen",
    ),
    "fr": (
        "je ne sais pas", "aucune idée", "ne sais pas", "sais pas", "je sais pas", "je ne sais", "jsp", "je n'en sais rien", "je ne vois pas",
        "je ne vois rien", "on ne voit rien", "on ne voit pas", "impossible à dire", "non identifiable", "pas sûr", "pas sûre", "ne se prononce pas",
        "sans réponse", "pas d'image", "image non chargée", "l'image ne charge pas", "l'image ne s'affiche pas",
    ),
    "es": (
        "no sé", "no lo sé", "no se ve", "no se", "ni idea", "no tengo idea", "no lo veo", "no se ve nada", "no se distingue", "no se aprecia",
        "no se puede ver", "no estoy seguro", "no estoy segura", "ns/nc", "sin respuesta", "sin imagen", "no hay imagen", "no carga",
        "la imagen no carga",
    ),
    "pt": ("não sei", "não faço ideia", "não dá para ver", "não consigo ver", "não tenho certeza", "sem resposta", "sem imagem", "a imagem não carrega"),
    "it": (
        "non so", "non lo so", "boh", "non saprei", "nessuna idea", "non ne ho idea", "non si vede", "non si vede niente", "non si capisce",
        "non sono sicuro", "non sono sicura", "nessuna immagine",
    ),
    "nl": (
        "weet niet", "weet ik niet", "geen idee", "weet het niet", "ik weet het niet", "niet te zien", "niet te lezen", "niet zeker",
        "geen afbeelding", "geen antwoord",
    ),
    "sv": ("vet ej", "vet inte", "jag vet inte", "ingen aning", "syns inte", "ser inte", "ingen bild", "inget svar"),
    "da": ("ved ikke", "ved ej", "jeg ved ikke", "det ved jeg ikke", "ingen anelse", "kan ikke se"),
    "no": ("vet ikke", "jeg vet ikke", "aner ikke", "ingen anelse"),
    "fi": ("en tiedä", "ei tietoa", "ei näy", "en osaa sanoa"),
    "cs": ("nevím", "nelze určit", "není vidět", "nemám tušení"),
    "sk": ("neviem", "nevidno"),
    "hu": ("nem tudom", "nem látom", "nem látszik", "fogalmam sincs"),
    "ro": ("nu știu", "nu se vede", "habar n-am"),
    "hr": ("ne znam", "nemam pojma", "ne vidi se"),
    "pl": ("nie wiem", "nie widać", "nie mam pojęcia", "nie wiadomo", "trudno powiedzieć"),
    "tr": ("bilmiyorum", "bilmem", "görünmüyor", "fikrim yok", "emin değilim", "okunmuyor"),
    "ru": (
        "не знаю", "не видно", "нет изображения", "не знаю точно", "непонятно", "не понятно", "неясно", "не могу определить", "не могу сказать",
        "затрудняюсь ответить", "не уверен", "не уверена", "не разобрать", "без понятия", "хз", "нет ответа", "картинка не загружается",
        "изображение не загружается", "картинка не грузится", "нет картинки",
    ),
    "uk": ("не знаю", "не видно", "незрозуміло", "не впевнений", "не впевнена"),
    "bg": ("не знам", "не се вижда"),
    "sr": ("не знам", "не види се"),
    "el": ("δεν ξέρω", "δε ξέρω", "δεν φαίνεται"),
    "ar": ("لا أعرف", "لا اعرف", "لا أدري", "لا ادري", "لا أعلم", "لا اعلم", "غير واضح", "لست متأكدا"),
    "he": ("לא יודע", "לא יודעת", "לא ברור", "לא רואים", "אין לי מושג"),
    "fa": ("نمی‌دانم", "نمیدانم", "نمی دانم", "مشخص نیست"),
    "hi": ("पता नहीं", "मालूम नहीं", "नहीं पता", "मुझे नहीं पता", "दिखाई नहीं दे रहा"),
    "th": ("ไม่รู้", "ไม่ทราบ", "ไม่แน่ใจ", "มองไม่เห็น", "ไม่เห็น"),
    "zh": ("不知道", "看不清", "看不到", "不认识", "看不见", "看不見", "看不清楚", "不确定", "不確定", "不认得", "不認識", "无法识别", "無法辨識", "无法辨认", "无法判断", "不晓得"),
    "ja": ("わからない", "分からない", "わかりません", "見えない", "わかんない", "知らない", "分かりません", "判別不能", "判断できない", "判断不能", "見えません", "読めない"),
    "ko": ("모름", "모르겠음", "모르겠다", "모르겠습니다", "안 보임", "모르겠어요", "몰라요", "몰라", "잘 모르겠음", "안보임", "알 수 없음", "확인 불가"),
    "vi": ("không biết", "không rõ", "không thấy", "tôi không biết"),
    "id": ("tidak tahu", "tidak jelas", "tidak terlihat", "tidak yakin", "nggak tahu", "gak tahu"),
}  # fmt: skip
"""Answers that say nothing in any task: who gave them cannot tell, or the picture is gone; per language."""

_NONE: Mapping[str, Sequence[str]] = {
    "any": ("-", "--", "x", "xxx", "0"),
    "en": (
        "none", "no", "nothing", "n/a", "na", "null", "nil", "nan", "no logo", "no brand", "no label", "not visible", "unreadable", "not readable",
        "illegible", "unclear", "not clear", "blurry", "too blurry", "unknown", "not applicable", "none of the above", "not found", "broken", "error",
        "empty", "blank", "not a logo", "not known", "undetermined", "indeterminate", "unidentified", "nothing visible", "nothing there",
        "nothing here", "nothing to see", "neither", "uninterpretable", "poor quality", "bad quality", "low quality", "image quality too poor",
        "out of focus", "too dark", "too small", "image broken",
    ),
    "de": (
        "keine", "kein", "keins", "nichts", "kein logo", "keine marke", "unbekannt", "nicht sichtbar", "nicht erkennbar", "unleserlich",
        "nichts zu sehen", "nichts zu erkennen", "nicht bekannt", "unklar", "unscharf", "verschwommen", "unsicher", "keiner",
    ),
    "fr": (
        "aucun", "aucune", "rien", "pas de logo", "aucun logo", "inconnu", "illisible", "pas visible", "non visible", "pas clair", "flou",
        "trop flou", "indéterminé", "rien du tout", "aucun des deux",
    ),
    "es": (
        "ninguno", "ninguna", "nada", "sin logo", "desconocido", "desconocida", "ningún logo", "ningún", "no visible", "borroso", "borrosa",
        "ilegible", "no hay nada", "no aplica", "indeterminado", "no identificado",
    ),
    "pt": ("nenhum", "nenhuma", "nada", "sem logo", "desconhecido", "desconhecida", "nenhum logo", "não visível", "ilegível", "borrado", "desfocado", "não se aplica"),
    "it": ("nessuno", "nessuna", "niente", "nulla", "nessun logo", "sconosciuto", "non visibile", "illeggibile", "sfocato", "non leggibile", "non applicabile"),
    "nl": ("geen", "niets", "geen logo", "onbekend", "niet zichtbaar", "onduidelijk", "onleesbaar", "niet leesbaar", "wazig", "n.v.t.", "nvt"),
    "sv": ("inget", "ingen", "inga", "ingenting", "okänd", "okänt", "oläsligt", "ej synlig"),
    "da": ("ingen", "intet", "ingenting", "ukendt"),
    "no": ("ingen", "ingenting", "ukjent"),
    "fi": ("ei mitään", "ei ole", "tuntematon"),
    "cs": ("žádný", "žádná", "žádné", "nic", "neznámé", "neznámý"),
    "sk": ("žiadny", "žiadna", "žiadne", "nič", "neznáme"),
    "hu": ("nincs", "semmi", "ismeretlen", "egyik sem"),
    "ro": ("nimic", "niciunul", "niciuna", "necunoscut"),
    "hr": ("ništa", "nepoznato", "nema"),
    "bg": ("няма", "нищо", "неизвестно"),
    "sr": ("ништа", "нема", "непознато"),
    "fa": ("هیچ", "هیچکدام", "نامشخص"),
    "pl": ("brak", "nic", "brak logo", "nieznane", "nieznany", "nieznana", "nieczytelne", "niewidoczne", "nie dotyczy"),
    "tr": ("yok", "hiçbiri", "logo yok", "bilinmiyor", "hiç", "hiçbir şey", "belirsiz"),
    "ru": ("нет", "ничего", "нет логотипа", "неизвестно", "ничего нет", "ничего не видно", "неизвестен", "неизвестна", "не определено"),
    "uk": ("немає", "нічого", "невідомо"),
    "el": ("τίποτα", "κανένα"),
    "ar": ("لا شيء", "لا يوجد", "غير معروف", "لا يوجد شعار"),
    "he": ("אין", "כלום", "לא ידוע"),
    "hi": ("कुछ नहीं", "कोई नहीं"),
    "th": ("ไม่มี",),
    "zh": ("无", "没有", "沒有", "没有标志", "不清楚", "未知", "無", "不明", "不详", "不詳", "什么都没有", "都不是"),
    "ja": ("なし", "無し", "不明", "ロゴなし", "ない", "無い", "ありません", "該当なし", "特になし"),
    "ko": ("없음", "없다", "없어요", "없습니다", "불명", "해당 없음"),
    "vi": ("không", "không có"),
    "id": ("tidak ada",),
}  # fmt: skip

NO_LABEL: Mapping[str, Sequence[str]] = {
    language: tuple(dict.fromkeys((*_NONE.get(language, ()), *CANNOT_TELL_BY_LANGUAGE.get(language, ()))))
    for language in {**_NONE, **CANNOT_TELL_BY_LANGUAGE}
}
"""Answers that mean "no label is there", "I cannot tell" or "the picture is gone", per language."""

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

CANNOT_TELL = frozenset(answer for answers in CANNOT_TELL_BY_LANGUAGE.values() for answer in answers)
"""Answers of ``NO_LABEL`` that say nothing in any task: who gave them cannot tell, or the picture is gone. The others ("no", "0",
"x", "none", "unknown") are labels where the answers are a closed set."""

LOGO_ROOTS = ("logo", "лого", "λογό", "לוגו", "लोगो", "โลโก้", "로고", "ロゴ", "شعار", "标志", "標誌", "商标", "商標", "brand", "marque", "marca", "brend", "бренд", "ブランド", "브랜드", "品牌", "ماركة", "schriftzug")  # fmt: skip
"""What stands in the noise words that are about logos alone: where people write these, the task is one about logos."""
