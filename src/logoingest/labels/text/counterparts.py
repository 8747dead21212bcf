"""Words that name siblings: north and south, upper and lower, June and July. Few letters apart, they are never slips.

Each line is one group; a name with one of its words in the place of another is another name ("Øst-" and "Vestflandern",
"dolno-" and "hornolužický"). Beginnings of words are enough where the endings are inflected. What denies a word (un-, non-) makes another one, too.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from functools import cache
from itertools import accumulate

_LINES = """
north south east west mid central middle|northern southern eastern western|northeast northwest southeast southwest
nord sud sued ost west mittel|nord sud est ouest|nord sud est ovest|norte sur este oeste|norte sul leste oeste|nord syd ost ost vest vast
nordost nordwest sudost sudwest|nordest nordouest sudest sudouest|noreste noroeste sureste suroeste|nordeste noroeste sudeste sudoeste
norra sodra ostra vastra|nordre sondre ostre vestre|norr soder oster vaster vester|nordlig sydlig ostlig vastlig vestlig
noord zuid oost west|noorder zuider ooster wester|noordelijk zuidelijk oostelijk westelijk
nordlich sudlich ostlich westlich|noerdlich suedlich oestlich westlich|nordre sydre|norden suden osten westen
septentrional meridional oriental occidental|oriental occidental noroccidental nororiental suroccidental suroriental noroccidental
septentrionale meridionale orientale occidentale otzidentale osidentale|boreal austral|boreale australe
pohjois etela ita lansi keski|pohja louna ida laane loode kagu kirde edela|ala yla|alam ulem|ziemel dienvid austrum rietum|siaur piet ryt vakar
polnocn poludniow wschodni zachodni|polnoc poludnie wschod zachod|severn jizn vychodn zapadn|sever jih vychod zapad|severn juzn vychodn zapadn
sjevern juzn istocn zapadn|sever jug istok zapad|severn juzn vzhodn zahodn|gorn doln|horn doln|hornje dolnje|gornj donj|vyssi nizsi|verkhn nizhn
eszak del kelet nyugat|also felso|kis nagy|regi uj|nord sud est vest|nordic sudic estic vestic|superioara inferioara|de sus de jos
kuzey guney dogu bati|ust alt|buyuk kucuk|eski yeni|simal canub sarq qarb|shimoliy janubiy sharqiy garbiy|quyi yuqori
bac nam dong tay|utara selatan timur barat tengah|hulu hilir|hilaga timog silangan kanluran|kaskazini kusini mashariki magharibi
iparralde hegoalde ekialde mendebalde|ipar hego ekialde mendebal|nevez kozh|gogledd de dwyrain gorllewin|thuaidh theas thoir thiar|tuaisceart deisceart
veri jug lindje perendim|jugor verior lindor perendimor|xuuni lindje|nord sid|sid no les wes|noor suid oos wes|noord suid oos wes
upper lower middle inner outer|uppermost lowermost|ober unter nieder mittel inner ausser|haut bas|haute basse|hauts bas|alto bajo|alta baja|alto baixo
alta baixa|alto basso|alta bassa|superior inferior|superiore inferiore|superieur inferieur|neder boven opper|ovre nedre|ovre yttre inre|anterior posterior
big small little|great little|grand petit|grande petite|gross klein|grande pequeno|groot klein|stor liten|stora lilla|store lille|large medium small
old new|older newer|alt neu|alte neue|alter neuer|vieux nouveau|vieille nouvelle|viejo nuevo|vieja nueva|velho novo|vecchio nuovo|oud nieuw|gammel ny
star nov|stary novy|velik mal|velk mal|velyk mal|duzy maly|wielk mal
left right center|links rechts|gauche droite|izquierda derecha|sinistra destra|first second third fourth fifth sixth seventh eighth ninth tenth last
one two three four five six seven eight nine ten|eins zwei drei|un deux trois|uno dos tres|einzel doppel|single double triple|mono bi tri|mono stereo
day night|morning evening|tag nacht|jour nuit|summer winter spring autumn|sommer winter|sun moon|sunrise sunset|today tomorrow
man woman|men women|mens womens|male female|boy girl|boys girls|he she|his her|father mother|son daughter|brother sister|uncle aunt|king queen|mr mrs ms
herr frau|herren damen|homme femme|hombre mujer|mann frau|gentleman gentlewoman|husband wife|grandfather grandmother|nephew niece|prince princess
january february march april may june july august september october november december|jan feb mar apr may jun jul aug sep oct nov dec
januar februar marz april mai juni juli august september oktober november dezember|juin juillet mai mars|junio julio|giugno luglio|junho julho|juni juli
junij julij|lipiec lipca czerwiec czerwca|cerven cervenec|haziran temmuz|kesakuu heinakuu
monday tuesday wednesday thursday friday saturday sunday|montag dienstag mittwoch donnerstag freitag samstag sonntag|mandag tirsdag onsdag torsdag fredag
lunes martes miercoles jueves viernes|lundi mardi mercredi jeudi vendredi|lunedi martedi mercoledi giovedi venerdi|mandag sondag
with without|mit ohne|avec sans|con sin|com sem|con senza|med utan|yes no|true false|on off|in out|up down|over under|open closed|full half empty|hot cold
import export|input output|internal external|interior exterior|intra inter extra|interne externe|pre post|ante post|hyper hypo|macro micro|mega micro
mini maxi midi|mini micro|positive negative|positiv negativ|increase decrease|increasing decreasing|plus minus|ascending descending|active passive
inclusive exclusive|implicit explicit|employer employee|major minor|maximum minimum|proton neutron|convex concave|homo hetero|auto allo|endo exo ecto
gain loss|win lose|love hate|light dark|hard soft|wet dry|rich poor|fast slow|high low|long short|thick thin|wide narrow|near far|front back rear|land sea
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
հյուսիսային հարավային արևելյան արևմտյան|հյուսիս հարավ արևելք արևմուտք|վերին ստորին|հունիս հուլիս|ሰሜን ደቡብ ምስራቅ ምዕራብ|ላይኛው ታችኛው|北 南 東 西|きた みなみ ひがし にし
"""

_DENIALS = (
    "un", "in", "im", "ir", "il", "non", "dis", "anti", "nicht", "kein", "sans", "sin", "не", "без", "анти", "нон", "غير", "لا", "אי", "לא", "בלתי",
    "μη", "αν", "अ", "अन", "गैर", "ไม่", "ไม",
)  # fmt: skip


def find_counterpart(query: str, key: str, words: Sequence[str]) -> str | None:
    """The word in an answer that is the sibling, or the denial, of the one the spelling has in its place; None without one.

    Args:
        query: the answer's key, without spaces.
        key: the spelling's.
        words: the words the spelling is made of.
    """
    answer, spelling = _bare(query), _bare(key)
    ends = {0, *accumulate(len(_bare(word)) for word in words)}
    for word, others in _read_groups():
        if word in spelling:
            for place in _find_places(spelling, word):
                if spelling.isascii() and ends.isdisjoint((place, place + len(word))):
                    continue  # "Belinvestbank"
                before, after = spelling[:place], spelling[place + len(word) :]
                for other in others:
                    if len(answer) == len(before) + len(other) + len(after) and answer == before + other + after:
                        return other
    return _find_denial(answer, [_bare(word) for word in words])


def _find_denial(answer: str, words: Sequence[str]) -> str | None:
    start = 0
    spelling = "".join(words)
    for word in words:
        for denial in _DENIALS:
            if answer == spelling[:start] + denial + spelling[start:]:
                return denial + word
            if (
                len(word) > len(denial) + 2
                and word.startswith(denial)
                and answer == spelling[:start] + spelling[start + len(denial) :]
            ):
                return word[len(denial) :]
        start += len(word)
    return None


def _find_places(text: str, word: str) -> Iterator[int]:
    place = text.find(word)
    while place >= 0:
        yield place
        place = text.find(word, place + 1)


def _bare(text: str) -> str:
    """Without accents, so that one spelling of each word is enough."""
    if text.isascii():
        return text
    return "".join(char for char in unicodedata.normalize("NFD", text) if unicodedata.category(char) != "Mn" or char > "\u036f")


@cache
def _read_groups() -> Sequence[tuple[str, Sequence[str]]]:
    groups = (dict.fromkeys(map(_bare, group.split())) for line in _LINES.split("\n") for group in line.split("|"))
    return [(word, [other for other in group if other != word]) for group in groups for word in group]
