"""Words that name siblings: north and south, upper and lower, June and July. Few letters apart, they are never slips.

Each line is one group; a name with one of its words in the place of another is another name ("Øst-" and "Vestflandern",
"dolno-" and "hornolužický"). Beginnings of words are enough where the endings are inflected. What denies a word (un-, non-) makes another one, too. Those of ``_ALONE`` count as whole words only: nobody has put "she" into "porcshe".
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from functools import cache, lru_cache
from itertools import accumulate
from typing import NamedTuple

from rapidfuzz.distance import OSA

from logoingest.labels.text.known_names import is_known_name

_LINES = """
north south east west mid central middle|northern southern eastern western|northeast northwest southeast southwest
nord sued ost west mittel|nord sud ost west mittel|nord sud est ouest|nord sud est ovest|norte sur este oeste|norte sul leste oeste|nord syd ost ost vest vast
nordost nordwest sudost sudwest|nordest nordouest sudest sudouest|noreste noroeste sureste suroeste|nordeste noroeste sudeste sudoeste
norra sodra ostra vastra|nordre sondre ostre vestre|norr soder oster vaster|norr soder oster vester|nordlig sydlig ostlig vastlig|nordlig sydlig ostlig vestlig
noord zuid oost west|noorder zuider ooster wester|noordelijk zuidelijk oostelijk westelijk
nordlich sudlich ostlich westlich|noerdlich suedlich oestlich westlich|nordre sydre|norden suden osten westen
septentrional meridional oriental occidental|oriental occidental noroccidental nororiental suroccidental suroriental noroccidental
septentrionale meridionale orientale occidentale otzidentale osidentale|boreal austral|boreale australe
pohjois etela ita lansi keski|pohja louna ida laane loode kagu kirde edela|ala yla|alam ulem|ziemel dienvid austrum rietum|siaur piet ryt vakar
polnocn poludniow wschodni zachodni|polnoc poludnie wschod zachod|severn jizn vychodn zapadn|sever jih vychod zapad|severn juzn vychodn zapadn
sjevern juzn istocn zapadn|sever jug istok zapad|severn juzn vzhodn zahodn|gorn doln|horn doln|hornje dolnje|gornj donj|vyssi nizsi|verkhn nizhn
eszak del kelet nyugat|also felso|kis nagy|regi uj|nord sud est vest|nordic sudic estic vestic|superioara inferioara
kuzey guney dogu bati|ust alt|buyuk kucuk|eski yeni|simal canub sarq qarb|shimoliy janubiy sharqiy garbiy|quyi yuqori
bac nam dong tay|utara selatan timur barat tengah|hulu hilir|hilaga timog silangan kanluran|kaskazini kusini mashariki magharibi
iparralde hegoalde ekialde mendebalde|ipar hego ekialde mendebal|nevez kozh|gogledd de dwyrain gorllewin|thuaidh theas thoir thiar|tuaisceart deisceart
veri jug lindje perendim|jugor verior lindor perendimor|xuuni lindje|nord sid|noor suid oos wes|noord suid oos wes
upper lower middle inner outer|uppermost lowermost|ober unter nieder mittel inner ausser|haut bas|haute basse|hauts bas|alto bajo|alta baja|alto baixo
alta baixa|alto basso|alta bassa|superior inferior|superiore inferiore|superieur inferieur|neder boven opper|ovre nedre|ovre yttre inre|anterior posterior
big small little|great little|grand petit|grande petite|gross klein|grande pequeno|groot klein|stor liten|stora lilla|store lille|large medium small
old new|older newer|alt neu|alte neue|alter neuer|vieux nouveau|vieille nouvelle|viejo nuevo|vieja nueva|velho novo|vecchio nuovo|oud nieuw|gammel ny
star nov|stary novy|velik mal|velk mal|velyk mal|duzy maly|wielk mal
left right center|links rechts|gauche droite|izquierda derecha|sinistra destra|first second third fourth fifth sixth seventh eighth ninth tenth last
one two three four five six seven eight nine ten|eins zwei drei|uno dos tres|einzel doppel|single double triple|mono bi tri|mono stereo
day night|morning evening|tag nacht|jour nuit|summer winter spring autumn|sommer winter|sun moon|sunrise sunset|today tomorrow
man woman|men women|mens womens|male female|boy girl|boys girls|father mother|son daughter|brother sister|uncle aunt|king queen
herr frau|herren damen|homme femme|hombre mujer|mann frau|gentleman gentlewoman|husband wife|grandfather grandmother|nephew niece|prince princess
januar februar marz april mai juni juli august september oktober november dezember|juin juillet mai mars|junio julio|giugno luglio|junho julho|juni juli
junij julij|lipiec lipca czerwiec czerwca|cerven cervenec|haziran temmuz|kesakuu heinakuu
monday tuesday wednesday thursday friday saturday sunday|montag dienstag mittwoch donnerstag freitag samstag sonntag|mandag tirsdag onsdag torsdag fredag
lunes martes miercoles jueves viernes|lundi mardi mercredi jeudi vendredi|lunedi martedi mercoledi giovedi venerdi|mandag sondag
over under|open closed|full half empty|hot cold
import export|input output|internal external|interior exterior|intra inter extra|interne externe|pre post|ante post|hyper hypo|macro micro|mega micro
mini maxi midi|mini micro|positive negative|positiv negativ|increase decrease|increasing decreasing|plus minus|ascending descending|active passive
inclusive exclusive|implicit explicit|employer employee|major minor|maximum minimum|proton neutron|convex concave|homo hetero|auto allo|endo exo ecto
forbidden allowed|prohibited permitted|verboten erlaubt geboten gestattet|interdit permis autorise|prohibido permitido|proibido permitido|vietato permesso
semi demi hemi quasi|infra supra|normo hypo hyper|gain loss|win lose|love hate|light dark|hard soft|wet dry|rich poor|fast slow|high low|long short|thick thin|wide narrow|near far|front back rear|land sea
gold silver bronze|black white|red green blue|blonde brunette|english spanish|latin greek|systolic diastolic|afferent efferent|benign malignant
север юг восток запад|северн южн восточн западн центральн|северо юго восточно западно|северо-восточн юго-восточн|верхн нижн|верхне нижне|стар нов|старо ново
больш мал средн|велик мал|мужск женск|мужчин женщин|июнь июль|июня июля|правый левый|право лево|красн черн|внутренн внешн|внутренн наружн|передн задн
північ південь схід захід|північн південн східн західн|верхн нижн|червень червня липень липня|север юг изток запад|северн южн източн западн|горн долн
север југ исток запад|северн јужн источн западн|горњ доњ|јуни јули|юни юли|паўночн паўднёв усходн заходн|хойд өмнөд зүүн баруун|умард өмнөд дорнод
солтүстік оңтүстік шығыс батыс|түндүк түштүк чыгыш батыш|төньяк көньяк көнчыгыш көнбатыш|жоғарғы төменгі|шимолий жанубий шарқий ғарбий|шимолӣ ҷанубӣ шарқӣ ғарбӣ
βορεια νοτια ανατολικη δυτικη|βορειος νοτιος ανατολικος δυτικος|βορειο νοτιο ανατολικο δυτικο|ανω κατω|ανατολ δυτ|βορει νοτι|μεγαλ μικρ|παλι νε|ιουνι ιουλι
شمال جنوب شرق غرب وسط|شمالي جنوبي شرقي غربي|الشمال الجنوب الشرق الغرب الوسط|شمالية جنوبية شرقية غربية|كبير صغير|كبرى صغرى|قديم جديد|عليا سفلى|اعلى اسفل|يونيو يوليو
شمالی جنوبی شرقی غربی مشرقی مغربی خاوری باختری|باشوور باکوور|باشووری باکووری|ڕۆژهەڵات ڕۆژئاوا|باشور باکور|شمال جنوب مشرق مغرب|بالایی پایینی|جون جولائی
צפון דרום מזרח מערב מרכז|צפונית דרומית מזרחית מערבית|צפוני דרומי מזרחי מערבי|עליון תחתון|עליונה תחתונה|גדול קטן|חדש ישן|יוני יולי|זכר נקבה
उत्तर दक्षिण पूर्व पश्चिम मध्य|उत्तरी दक्षिणी पूर्वी पश्चिमी|ऊपरी निचली|उपरी निचली|नया पुराना|जून जुलाई|उच्च निम्न|उत्तर दखिन पूरब पच्छिम
উত্তর দক্ষিণ পূর্ব পশ্চিম|উচ্চ নিম্ন|ਉੱਤਰੀ ਦੱਖਣੀ ਪੂਰਬੀ ਪੱਛਮੀ|ਉੱਤਰ ਦੱਖਣ ਪੂਰਬ ਪੱਛਮ|ઉત્તર દક્ષિણ પૂર્વ પશ્ચિમ|ઉત્તરી દક્ષિણી પૂર્વી પશ્ચિમી|ଉତ୍ତର ଦକ୍ଷିଣ ପୂର୍ବ ପଶ୍ଚିମ
வட தென் கிழக்கு மேற்கு|வடக்கு தெற்கு|ఉత్తర దక్షిణ తూర్పు పశ్చిమ|ఎగువ దిగువ|ಉತ್ತರ ದಕ್ಷಿಣ ಪೂರ್ವ ಪಶ್ಚಿಮ|വടക്ക് തെക്ക് കിഴക്ക് പടിഞ്ഞാറ്|വടക്കൻ തെക്കൻ കിഴക്കൻ പടിഞ്ഞാറൻ|උතුරු දකුණු නැගෙනහිර බටහිර
เหนือ ใต้ ออก ตก กลาง|ตะวันออก ตะวันตก|ใหม่ เก่า|ใหญ่ เล็ก|บน ล่าง|ซ้าย ขวา|ชาย หญิง|ມິຖຸນາ ກໍລະກົດ|ເໜືອ ໃຕ້|ຕາເວັນອອກ ຕາເວັນຕົກ|ออก ตก|ອອກ ຕົກ
ជើង ត្បូង កើត លិច|မြောက် တောင် အရှေ့ အနောက်|အရှေ့ အနောက်|အထက် အောက်|ჩრდილოეთ სამხრეთ აღმოსავლეთ დასავლეთ|ზემო ქვემო|აღმოსავლ დასავლ|ჩრდილო სამხრ
հյուսիսային հարավային արևելյան արևմտյան|հյուսիս հարավ արևելք արևմուտք|վերին ստորին|հունիս հուլիս|ሰሜን ደቡብ ምስራቅ ምዕራብ|ላይኛው ታችኛው
"""

_ALONE = """
de sus de jos|sid no les wes|un deux trois|he she|his her
mr mrs ms|january february march april may june july august september october november december|jan feb mar apr may jun jul aug sep oct nov dec|with without|mit ohne|avec sans|con sin|com sem|con senza|med utan|yes no|true false|on off|in out|up down
"""

_DENIALS = (
    "un", "in", "im", "ir", "il", "non", "no", "not", "dis", "anti", "pre", "nicht", "kein", "sans", "sin", "не", "без", "анти", "нон", "غير", "لا", "אי", "לא", "בלתי",
    "μη", "αν", "अ", "अन", "गैर", "ไม่", "ไม",
)  # fmt: skip
_DENIALS_BY_LENGTH = {
    place: [denial for denial in _DENIALS if (len(denial), denial.isascii()) == place]
    for place in {(len(denial), denial.isascii()) for denial in _DENIALS}
}
_SURE_DENIALS = ("un", "non", "nicht", "kein")
_MIN_PART = 3
_MIN_REST = 5
_MAX_ENDING = 5
_KEY_LETTERS = 2
_UNSPACED = frozenset({"THAI", "LAO", "MYANMAR", "KHMER"})


class _Part(NamedTuple):
    """A word of a group as it stands in a spelling: whole, or as a part of the compound ``before`` + word + ``after``."""

    start: int
    end: int
    before: str
    after: str
    word: str
    others: Sequence[str]
    is_alone: bool


def find_counterpart(query: str, key: str, words: Sequence[str]) -> str | None:
    """The word in an answer that is the sibling, or the denial, of the one the spelling has in its place; None without one.

    Args:
        query: the answer's key, without spaces.
        key: the spelling's.
        words: the words the spelling is made of.
    """
    answer, spelling = _bare(query), _bare(key)
    for part in _list_parts(tuple(words)):
        now = answer[part.start : len(answer) - len(spelling) + part.end]
        if now in part.others and answer == spelling[: part.start] + now + spelling[part.end :] and _is_told_apart(part, now):
            return f"{part.before}{now}{part.after}"
    return _find_denial(answer, spelling, words)


@lru_cache(maxsize=8192)
def _list_parts(words: tuple[str, ...]) -> Sequence[_Part]:
    bare = [_bare(word) for word in words]
    starts = [0, *accumulate(map(len, bare))]
    return [
        _Part(start + place, start + place + len(part), word[:place], word[place + len(part) :], part, others, is_alone)
        for start, word in zip(starts, bare, strict=False)
        for place in range(len(word))
        for part, others, is_alone in _read_groups().get(word[place : place + _KEY_LETTERS], ())
        if word.startswith(part, place)
    ]


def _is_told_apart(part: _Part, other: str) -> bool:
    """The two are whole words, or parts of compounds and no slip of each other ("porche" is not written "porcshe" for a she)."""
    rest = part.before + part.after
    if not rest:
        return True
    if part.is_alone:
        return False
    if min(len(part.word), len(other)) < _MIN_PART and not _is_unspaced(part.word):
        return False
    if not part.word.isascii():
        return OSA.distance(part.word, other) > 1 or (not part.before and len(part.after) <= _MAX_ENDING)
    if part.before and part.after:
        return False  # "Belinvestbank"
    least = _MIN_PART if OSA.distance(part.word, other) > 1 else _MIN_REST
    return is_known_name(rest) or (not part.before and len(rest) >= least)


def _is_unspaced(word: str) -> bool:
    """Written in a script that sets no spaces between words: Thai, Lao, Burmese, Khmer."""
    return unicodedata.name(word[0], "").split(" ")[0] in _UNSPACED


def _find_denial(answer: str, spelling: str, words: Sequence[str]) -> str | None:
    more = len(answer) - len(spelling)
    denials = _DENIALS_BY_LENGTH.get((abs(more), answer.isascii()), ())
    start = 0
    for word in map(_bare, words) if denials else ():
        head, tail = spelling[:start], spelling[start:]
        for denial in denials:
            rest = word[len(denial) :]
            if more > 0 and answer == head + denial + tail and _may_deny(denial, word):
                return denial + word
            if more < 0 and word == denial + rest and answer == head + tail[len(denial) :] and _may_deny(denial, rest):
                return rest
        start += len(word)
    return None


def _may_deny(denial: str, word: str) -> bool:
    """What is left is a word ("undamaged", not "Instagram"), as far as a dictionary can tell; at least three letters."""
    return len(word) >= _MIN_PART and (not word.isascii() or denial in _SURE_DENIALS or is_known_name(word))


def _bare(text: str) -> str:
    """Without accents, so that one spelling of each word is enough."""
    if text.isascii():
        return text
    return "".join(char for char in unicodedata.normalize("NFD", text) if unicodedata.category(char) != "Mn" or char > "\u036f")


@cache
def _read_groups() -> Mapping[str, Sequence[tuple[str, Sequence[str], bool]]]:
    """The first two letters of a word → such words, each with its siblings and whether it makes no compounds."""
    table: dict[str, list[tuple[str, Sequence[str], bool]]] = {}
    for lines, is_alone in ((_LINES, False), (_ALONE, True)):
        for group in (dict.fromkeys(map(_bare, group.split())) for line in lines.split("\n") for group in line.split("|")):
            for word in group:
                entry = (word, [other for other in group if other != word], is_alone)
                table.setdefault(word[:_KEY_LETTERS], []).append(entry)
    return table
