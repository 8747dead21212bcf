"""What names of businesses are made of, in many languages: words that are translated where the rest of a name is spelt as it sounds.

No brand stands here, and no name of a person: general trade words, what a company calls its form, and some countries and cities whose Chinese
characters do not sound like their English name. Folded spelling, both Chinese writings. No single sign of a script without
spaces: it stands in too many names for its sound (measured: leaving them out gains one point in a hundred).
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from logoingest.labels.text.fold import fold

_WORDS: Mapping[str, str] = {
    "bank": "banco banca banque banka bankas banki banku panka bankasi банк банка банки банкъ банку банкі 銀行 银行 은행 뱅크 بنك بانک بینک مصرف البنك المصرف "
    "בנק τράπεζα ბანკი ბანკ բանկ ธนาคาร बैंक बँक ব্যাংক ব্যাঙ্ক ਬੈਂਕ બેંક வங்கி బ్యాంక్ ಬ್ಯಾಂಕ್ ബാങ്ക് ባንክ バンク",
    "commercial": "商業 商业 коммерческий комерційний التجاري תجاري εμπορική 상업",
    "savings": "儲蓄 储蓄 сбережения ощадний 저축 貯蓄 ออมสิน",
    "credit": "credito crédit кредит кредитный 信用 신용 ائتمان القرض クレジット",
    "union": "союз спілка 聯合 联合 اتحاد الاتحاد ユニオン",
    "finance": "financial finanz финанс финансы 金融 ファイナンス 파이낸스 금융 مالية תمويل",
    "insurance": "assurance seguros assicurazioni versicherung страхование страховая 保険 保險 保险 보험 تأمين التأمين ביטוח ασφάλειες ประกันภัย ประกัน बीमा",
    "securities": "證券 证券 証券 증권",
    "trust": "信託 信托 траст",
    "pharmacy": "farmacia farmacias pharmacie apotheke apteka apteki lekarna lékárna eczane apotek pharmacies аптека аптеки аптеке аптек аптэка апотека 藥局 薬局 药房 藥房 药店 "
    "大药房 약국 صيدلية صيدليات الصيدلية داروخانه בית_מרקחת φαρμακείο აფთიაქი დეღատուն դեղատուն ร้านขายยา",
    "drug": "drugstore drugs ドラッグ 薬品 藥妝 药妆 드럭",
    "hospital": "больница лікарня 醫院 医院 病院 병원 مستشفى โรงพยาบาล अस्पताल",
    "clinic": "klinik clinica клиника клініка 診所 诊所 クリニック 클리닉 의원 عيادة",
    "hotel": "hotels отель гостиница готель 酒店 飯店 饭店 大飯店 大饭店 賓館 宾馆 ホテル 호텔 فندق فنادق هتل מלון ξενοδοχείο სასტუმრო โรงแรม होटल",
    "inn": "旅館 旅馆",
    "restaurant": "restaurants restaurante ristorante ресторан ресторани ресторант 餐廳 餐厅 食堂 酒楼 酒樓 レストラン 레스토랑 식당 مطعم مطاعم رستوران מסעדה מסעדת εστιατόριο რესტორანი",
    "cafe": "caffe kafe kavarna cafetería кафе кав'ярня 咖啡館 咖啡馆 咖啡廳 咖啡厅 カフェ 카페 مقهى كافيه قهوه کافه קפה καφέ კაფე ร้านกาแฟ",
    "coffee": "koffie kaffee kava kahve кофе кава кофейня 咖啡 珈琲 コーヒー 커피 قهوة กาแฟ कॉफी",
    "tea": "thee чай ティー شاي ชา",
    "bakery": "backerei bageri boulangerie panaderia panificio пекарня булочная хлебница 麵包 面包 パン工房 ベーカリー 베이커리 빵집 مخبز مخابز מאפיית φούρνος เบเกอรี่",
    "bread": "хлеб хліб хляб خبز",
    "cake": "cakes торт 蛋糕 糕餅 糕点 ケーキ 케이크",
    "dessert": "甜品 甜點",
    "pizza": "pizzeria пицца піца пица 披萨 披薩 比薩 ピザ 피자 بيتزا פיצה πίτσα პიცა พิซซ่า पिज्जा",
    "burger": "burgers бургер 漢堡 汉堡 バーガー 버거 برجر برغر בורגר เบอร์เกอร์",
    "chicken": "pollo курочка курица 炸雞 炸鸡 チキン 치킨 دجاج",
    "beef": "牛肉 ビーフ",
    "noodle": "noodles 面馆 麵館 拉麵店 국수",
    "beef noodle": "牛肉麵 牛肉面",
    "ramen": "拉麵 拉面 ラーメン らーめん 라멘 ราเมน",
    "udon": "うどん 烏龍麵 우동",
    "soba": "そば 蕎麦",
    "sushi": "壽司 寿司 すし スシ 스시 суши суші سوشي סושי ซูชิ",
    "steak": "стейк 牛排 ステーキ 스테이크",
    "hot pot": "火鍋 火锅 涮涮鍋 しゃぶしゃぶ",
    "barbecue": "bbq 燒烤 烧烤 焼肉 燒肉 바베큐",
    "grill": "гриль グリル 그릴 شواء",
    "kitchen": "кухня 廚房 厨房 キッチン 키친 مطبخ",
    "food": "foods продукты продукти 食品 フード フーズ 푸드 غذاء",
    "meat": "мясо м'ясо 肉の мясокомбинат м'ясокомбінат",
    "fish": "рыба риба",
    "fruit": "fruits фрукты 水果 フルーツ 과일",
    "vegetable": "vegetables овощи 野菜 蔬菜",
    "milk": "молоко 牛奶 牛乳 ミルク 우유 حليب",
    "water": "вода ماء",
    "wine": "wines vino вино 葡萄酒 ワイン 와인",
    "beer": "bier пиво 啤酒 ビール 맥주",
    "ice cream": "мороженое 冰淇淋 アイスクリーム 아이스크림",
    "supermarket": "supermarche supermercado supermercati supermarkets супермаркет 超市 超級市場 超级市场 スーパー スーパーマーケット 슈퍼마켓 سوبرماركت سوبر_ماركت "
    "סופרמרקט σούπερ მარკეტი ซูเปอร์มาร์เก็ต",
    "hypermarket": "гипермаркет гіпермаркет 大賣場 هايبر_ماركت هایپرمارکت",
    "market": "markt marche mercado mercato маркет рынок ринок 市場 市场 マーケット 마켓 마트 ماركت سوق مارکت שוק αγορά მარკეტი मार्केट ตลาด",
    "mart": "март マート 超商 ماركت مارت มาร์ท",
    "convenience store": "便利店 便利商店 コンビニ 편의점",
    "store": "stores shop shops магазин магазини крамниця продавница дућан 商店 商場 商场 ストア ショップ 스토어 상점 متجر محل فروشگاه חנות κατάστημα მაღაზია խանութ ร้าน",
    "department store": "универмаг 百貨 百货 百貨店 デパート 백화점 ห้างสรรพสินค้า",
    "mall": "молл торговый_центр 購物中心 购物中心 モール مول קניון",
    "plaza": "плаза 廣場 广场 プラザ 플라자 بلازا",
    "center": "centre centro zentrum центр центар 中心 センター 센터 مركز מרכז κέντρο ცენტრი ศูนย์",
    "house": "home casa haus дом дім дома 之家 の家 ハウス ホーム 하우스 بيت البيت بیت בית σπίτι სახლი บ้าน",
    "furniture": "muebles mobili mobel meble мебель меблі намештај 家具 傢俬 가구 أثاث ריהיט רהיטים έπιπλα ავეჯი",
    "books": "book bookstore libreria librairie ksiegarnia книги книжный книгарня книжара књижара 書店 书店 書局 ブック ブックス 서점 كتب مكتبة ספרים βιβλία",
    "toys": "toy игрушки іграшки 玩具 おもちゃ 장난감",
    "shoes": "shoe обувь взуття シューズ 신발 أحذية נעלי παπούτσια รองเท้า",
    "clothes": "clothing одежда одяг 服飾 服饰 衣料 의류 ملابس",
    "jewelry": "jewellery ювелирный 珠寶 珠宝 ジュエリー 주얼리 مجوهرات",
    "optical": "optics optik optika optica optician оптика 眼鏡 眼镜 メガネ めがね 안경 بصريات אופטיקה οπτικά ოპტიკა แว่น",
    "flowers": "flower цветы квіти フラワー פרחי",
    "sports": "sport спорт 運動 运动 體育 スポーツ 스포츠 رياضة ספורט",
    "fitness": "фитнес фітнес 健身 フィットネス 휘트니스 피트니스 لياقة",
    "club": "клуб 俱樂部 俱乐部 クラブ 클럽 نادي",
    "bicycle": "bike велосипед 自行車 自転車 サイクル 자전거",
    "car": "cars auto авто 汽車 汽车 자동차 오토 سيارات",
    "rent a car": "car_rental прокат レンタカー 렌터카 租車 租车",
    "parking": "парковка 停車場 パーキング 주차장",
    "motors": "motor 自動車 моторс モーターズ 모터스",
    "tire": "tires tyre шины шини 輪胎 轮胎 タイヤ 타이어",
    "oil": "нефть нафта 石油 オイル 오일 نفط النفط آئل น้ำมัน ऑयल",
    "petroleum": "petrol петрол 中油 석유 بترول البترول نفطي ปิโตรเลียม",
    "gas": "газ азс азк 加油站 ガス 가스 주유소 غاز گاز وقود",
    "energy": "энергия енергія 能源 エネルギー 에너지 طاقة",
    "electric": "電力 电力 電気 전기 كهرباء ηλεκτρισμού",
    "telecom": "телеком 電信 电信 通信 텔레콤 اتصالات الاتصالات",
    "mobile": "мобайл 移動 移动 モバイル 모바일 موبايل موبایل מובייל",
    "post": "пошта почта пошта 郵政 邮政 郵便局 郵便 우체국 بريد البريد پست דואר ταχυδρομεία ფოსტა փոստ ไปรษณีย์ डाक",
    "express": "экспресс експрес 快遞 快递 速運 速运 エクスプレス 익스프레스 اكسبريس",
    "logistics": "логистика 物流 ロジスティクス 물류",
    "travel": "tourist туристическая 旅遊 旅游 旅行 トラベル 여행 سفر",
    "airlines": "airline авиалинии 航空 항공 الطيران",
    "railway": "железные 鐵路 铁路 鉄道 철도",
    "school": "schule escola escuela школа 學校 学校 學院 スクール 학교 مدرسة בית_ספר σχολείο โรงเรียน",
    "university": "universitat universidad университет 大學 大学 대학교 جامعة אוניברסיטה πανεπιστήμιο มหาวิทยาลัย",
    "kindergarten": "детский_сад 幼稚園 幼儿园 幼稚园 유치원",
    "library": "библиотека 圖書館 图书馆 図書館 도서관 ספריית",
    "church": "церковь 教會 教会 교회",
    "cinema": "cinemas kino кино кіно 影城 影院 電影院 シネマ シネマズ 시네마 سينما סינמה σινεμά",
    "company": "corporation corp inc co limited ltd llc plc gmbh sa ag group holdings grupo компания компанія 公司 有限公司 股份有限公司 集團 集团 株式会社 会社 グループ 주식회사 그룹 "
    "شركة الشركة مجموعة شرکت בעמ εταιρεία ооо тов пат зат ат ао оао зао ооо บริษัท จำกัด มหาชน लिमिटेड লিমিটেড",
    "cooperative": "coop cooperative кооператив 合作社 農協 协同 組合 협동조합 تعاونية",
    "agricultural": "農業 农业 농업 الزراعي เกษตร कृषि",
    "industrial": "工業 工业 промышленный 산업 الصناعي",
    "construction": "建設 建设 строительный",
    "international": "интернешнл международный 國際 国际 国際 インターナショナル 국제 인터내셔널 دولي الدولي الدولية διεθνής",
    "national": "национальный національний народна 國民 国民 國家 국민 وطني الوطني الوطنية ملی ملي εθνική राष्ट्रीय แห่งชาติ",
    "state": "държавна державний государственный اسٹیٹ स्टेट",
    "people": "народный 人民 الشعبي",
    "development": "развития розвитку 開發 开发 تنمية التنمية",
    "first": "первый перший 第一 أول الأول",
    "central": "центральний центральный 中央 セントラル 중앙 مركزي",
    "united": "объединенный المتحدة المتحد 聯合",
    "new": "новый нова новая ново нови новий новая ニュー جديد الجديد חדש νέα ახალი",
    "old": "старый старий стара",
    "big": "большой велика ビッグ كبير",
    "great": "великий グレート",
    "little": "маленький リトル 리틀",
    "golden": "gold золотой золотий златна золота ゴールデン ゴールド 골든 ذهبي",
    "silver": "серебро срібло",
    "red": "красный червоний червона červený красная レッド 레드 أحمر الأحمر אדום",
    "cross": "крест хрест хреста 十字 십자",
    "red cross": "красный_крест червоного_хреста 赤十字 紅十字 红十字 紅十字會 红十字会 적십자 الهلال_الأحمر",
    "blue": "синий синій голубой ブルー 블루 أزرق",
    "green": "зеленый зелений зелена グリーン 그린 أخضر الأخضر ירוק",
    "white": "белый біла білий бела бяла ホワイト 화이트 أبيض לבן",
    "black": "черный чорний ブラック 블랙 أسود שחור",
    "star": "звезда зірка звёзд зорка スター 스타 نجمة كوكب",
    "sun": "солнце сонце 太陽 太阳 شمس שמש",
    "world": "мир світ 世界 ワールド 월드 العالم",
    "city": "город місто град 城市 シティ 시티 مدينة المدينة סיטי",
    "park": "парк 公園 公园 パーク 파크",
    "garden": "сад 花園 花园 ガーデン 가든 حديقة",
    "king": "король キング ملك",
    "royal": "королевский 皇家 ロイヤル 로얄",
    "dragon": "дракон",
    "family": "семья сім'я 家庭 ファミリー 패밀리 عائلة",
    "children": "kids дети дитячий детский 兒童 儿童 子供 こども キッズ 키즈 أطفال",
    "baby": "малыш 嬰兒 ベビー 베이비",
    "mother": "мама 媽媽 妈妈 マザー 엄마 أم",
    "mr": "mister мистер 先生 ミスター 미스터 السيد",
    "beauty": "красота краса 美容 ビューティー 뷰티 جمال",
    "health": "здоровье здоров'я здароўя 健康 ヘルス 건강 صحة",
    "fresh": "свежий 新鮮 フレッシュ 프레시 طازج",
    "super": "супер 슈퍼 سوبر סופר",
    "electronics": "электроника електроніка 電器 电器 電機 電子 家電 전자 إلكترونيات",
    "computer": "компьютер комп'ютер 電腦 电脑 コンピュータ 컴퓨터",
    "factory": "фабрика завод 工廠 工厂 工房 ファクトリー 팩토리 مصنع",
    "lottery": "лотерея 彩券 彩票 宝くじ 로또 يانصيب",
    "gas station": "заправка 加油站 ガソリンスタンド ガスステーション",
    "station": "станция станція ステーション 스테이션 محطة",
    "laundry": "прачечная химчистка 洗衣 クリーニング 세탁",
    "pawnshop": "lombard ломбард 質屋",
    "storage": "склад 倉庫 仓库 창고",
    "life": "жизнь життя 生命 ライフ 라이프 생명 حياة",
    "land": "ленд земля ランド 랜드",
    "chinese": "китайский 中華 中华 中国料理",
    "china": "китай 中國 中国 중국 الصين",
    "japan": "nippon nihon япония 日本 일본 اليابان",
    "korea": "корея 韓國 韩国 한국 كوريا",
    "taiwan": "臺灣 台灣 台湾",
    "hong kong": "гонконг 香港 홍콩",
    "taipei": "台北 臺北",
    "tokyo": "токио 東京 东京 도쿄",
    "osaka": "大阪",
    "kyoto": "京都",
    "yokohama": "横浜",
    "hokkaido": "北海道",
    "macau": "澳門 澳门",
    "singapore": "сингапур 新加坡 星洲 싱가포르",
    "asia": "азия азія 亞洲 亚洲 アジア 아시아 آسيا",
    "east asia": "東亞 东亚",
    "europe": "европа європа 歐洲 欧洲 유럽 أوروبا",
    "america": "american америка 美國 美国 アメリカ 미국 أمريكا",
    "california": "加州 캘리포니아",
    "england": "english british 英國 英国 영국",
    "france": "french франция 法國 法国 프랑스 فرنسا",
    "germany": "german германия 德國 德国 독일 ألمانيا",
    "india": "индия 印度 인도 الهند भारतीय भारत",
    "egypt": "египет مصر",
    "morocco": "maroc марокко المغرب المغربي المغربية",
    "algeria": "algerie algérie الجزائر الجزائري الجزائرية",
    "saudi": "السعودي السعودية",
    "oman": "عمان عماني العماني",
    "qatar": "قطر قطري",
    "kuwait": "الكويت كويت الكويتي",
    "iran": "ایران",
    "pakistan": "پاکستان",
    "iraq": "العراق",
    "israel": "ישראל ישראלי",
    "greece": "ελλάδα ελλάδος ελληνική",
    "cyprus": "κύπρου κύπρος",
    "georgia": "საქართველო საქართველოს",
    "armenia": "հայաստան հայ",
    "ukraine": "україна україни український украина",
    "russia": "россия российский",
    "belarus": "беларусь белорусский",
    "serbia": "србија",
    "bulgaria": "българия българска",
    "macedonia": "македонија",
    "moscow": "москва московский",
    "kyiv": "київ київський",
    "bangkok": "กรุงเทพ",
    "thai": "ไทย タイ 태국",
    "south": "южный південний",
    "north": "северный північний",
    "east": "восточный східний",
    "west": "западный західний",
    "and": "и і и та und et y e και و and &",
    "of": "de di du des del da of do von van der das die la le el los las les the a an آف",
}  # fmt: skip


#: Concepts that say so little that a name may come with or without them.
SILENT = frozenset({"of", "company", "al"})

_UNSPACED = re.compile("[\u0e00-\u0e7f\u3040-\u30ff\u3400-\u9fff\uac00-\ud7a3]+")
_TABLE: dict[str, str] = {}
"""Folded word → English; where two claim a word, the first has it."""
for _english, _words in _WORDS.items():
    for _word in (_english.replace(" ", "_"), *_words.split()):
        _TABLE.setdefault(fold(_word.replace("_", " ")).plain, _english)
_RUN_WORDS = re.compile(
    "|".join(sorted((word for word in _TABLE if _UNSPACED.fullmatch(word)), key=lambda word: (-len(word), word)))
)
_LONGEST = max(word.count(" ") for word in _TABLE) + 1


def translate(plain: str) -> str:
    """``Folded.plain`` with the words that are known in English; scripts without spaces are cut where a known word stands.

    ``SILENT`` words are left out unless nothing else is there.
    """
    words = _UNSPACED.sub(lambda run: f" {_RUN_WORDS.sub(lambda word: f' {_TABLE[word.group()]} ', run.group())} ", plain).split()
    translated: list[str] = []
    start = 0
    while start < len(words):
        length = next((n for n in range(_LONGEST, 0, -1) if _find(" ".join(words[start : start + n]))), 1)
        found = " ".join(words[start : start + length])
        translated += (_find(found) or _drop_article(found)).split()
        start += length
    return " ".join([word for word in translated if word not in SILENT] or translated)


def _find(text: str) -> str | None:
    """The English for a word, with or without the Arabic article."""
    return _TABLE.get(text) or _TABLE.get(_drop_article(text))


def _drop_article(text: str) -> str:
    return text[2:] if text.startswith("ال") and len(text) > 4 else text
