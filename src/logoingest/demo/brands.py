"""The brands of the demo: invented names, the ways people write them, what their logos look like.

None is meant to be a real mark. Names carry accents, ampersands and digits, and aliases come in many scripts, because that is
what makes real answers messy.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Brand:
    """One brand: its class id, display name, its mark (badge and glyph with their colours), and aliases per language."""

    class_id: str
    name: str
    badge: str
    badge_colour: str
    glyph: str
    glyph_colour: str
    aliases: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def spellings(self, language: str) -> tuple[str, ...]:
        """How people of a language write it; the display name where the language has no spelling of its own."""
        return self.aliases.get(language, ()) or (self.name,)


BRANDS: tuple[Brand, ...] = (
    Brand("brisavel", "Brisável", "circle", "#0a7d8c", "wave", "#ffffff", {
        "ru": ("Бризавел",), "ja": ("ブリサベル",), "ar": ("بريسافيل",)}),
    Brand("kuerbisch", "Kürbisch", "octagon", "#f58a07", "leaf", "#1d5c2a", {
        "de": ("Kürbisch", "Kuerbisch"), "ja": ("キュルビッシュ",), "ru": ("Кюрбиш",)}),
    Brand("nakkari", "Näkkäri", "square", "#1f4fbf", "snow", "#cdf3ff", {
        "fi": ("Näkkäri",), "ru": ("Няккяри",), "ja": ("ナッカリ",)}),
    Brand("cvirelka", "Čvirelka", "circle", "#ffd400", "bird", "#16161d", {
        "cs": ("Čvirelka", "Čvirelka káva"), "ru": ("Чвирелка",), "zh": ("奇维雷卡",)}),
    Brand("mollebro", "Møllebro", "shield", "#b3122f", "mill", "#ffffff", {
        "da": ("Møllebro", "Moellebro"), "el": ("Μελεμπρό",), "ja": ("ムレブロ",)}),
    Brand("askvind", "Åskvind", "diamond", "#17181c", "bolt", "#ffe600", {
        "sv": ("Åskvind", "Aaskvind"), "ru": ("Осквинд",), "ko": ("오스크빈드",)}),
    Brand("zelindre", "Zélindre", "arch", "#7a2fd0", "moon", "#ffe9a8", {
        "fr": ("Zélindre", "Maison Zélindre"), "ru": ("Зелиндр",), "ja": ("ゼランドル",)}),
    Brand("nandurama", "Ñandurama", "sunburst", "#239a3b", "eye", "#ffffff", {
        "es": ("Ñandurama",), "pt": ("Nhandurama",), "zh": ("南杜拉玛",)}),
    Brand("lakomil", "Łakomil", "hexagon", "#8ed12f", "drop", "#ffffff", {
        "pl": ("Łakomil", "Mleko Łakomil"), "ru": ("Лакомиль",), "el": ("Λακομίλ",)}),
    Brand("cinarika", "Çinarika", "sprout", "#c2185b", "tree", "#ffe3ee", {
        "tr": ("Çinarika", "Çınarika"), "ar": ("تشيناريكا",), "ru": ("Чинарика",)}),
    Brand("tsukibane", "Tsukibane", "ring", "#d90429", "wings", "#d90429", {
        "ja": ("月羽", "つきばね", "ツキバネ"), "zh": ("月羽牌",), "ko": ("츠키바네",)}),
    Brand("ouro_sal", "Ouro & Sal", "pill", "#2b2b2b", "dots", "#f4c430", {
        "pt": ("Ouro & Sal", "Ouro e Sal"), "es": ("Oro y Sal",), "ja": ("オウロ・イ・サル",)}),
    Brand("quillon_nord", "Quillon Nord", "diamond", "#00613f", "arrow", "#f2e8cf", {
        "fr": ("Quillon Nord", "Quillon du Nord"), "ru": ("Кийон Норд",), "zh": ("奎隆北方",)}),
    Brand("vertigal", "Vertigal", "square", "#ff2e88", "chevrons", "#ffffff", {
        "ru": ("Вертигаль",), "ko": ("베르티갈",), "el": ("Βέρτιγκαλ",)}),
    Brand("ostrevka", "Ostřevka", "circle", "#5d3a1a", "crown", "#ffc65c", {
        "cs": ("Ostřevka",), "ru": ("Остревка",), "ja": ("オストルジェフカ",)}),
    Brand("bulbulo", "Bülbülo", "drop", "#19c3e6", "note", "#0b2545", {
        "tr": ("Bülbülo", "Bülbülo Müzik"), "ar": ("بلبلو",), "ru": ("Бюльбюло",)}),
    Brand("fjallrosk", "Fjällrosk", "triangle", "#233d63", "peaks", "#f4f9ff", {
        "sv": ("Fjällrosk", "Fjaellrosk"), "ru": ("Фьелльроск",), "zh": ("菲耶尔罗斯克",)}),
    Brand("pomodelle", "Pomodelle", "circle", "#e63329", "flower", "#cfe8a0", {
        "it": ("Pomodelle", "Le Pomodelle"), "ru": ("Помоделле",), "ja": ("ポモデッレ",)}),
    Brand("xilopal", "Xilopal", "sunburst", "#ff7a5c", "cross", "#26233a", {
        "es": ("Xilopal", "Jilopal"), "ru": ("Ксилопал",), "ko": ("실로팔",)}),
    Brand("gorgonette", "Gorgonette", "shield", "#3a1f8f", "spiral", "#19f0a5", {
        "fr": ("Gorgonette", "La Gorgonette"), "el": ("Γοργονέτ",), "ru": ("Горгонетт",)}),
    Brand("yottamaro", "Yottamaro", "square", "#101014", "gear", "#ff4b3e", {
        "ja": ("ヨッタマロ", "四田丸"), "zh": ("尤塔马罗",), "ru": ("Йоттамаро",)}),
    Brand("siete_lunas", "7 Lunas", "pill", "#6f9d80", "seven", "#fffbe0", {
        "es": ("7 Lunas", "Siete Lunas"), "en": ("7 Lunas", "Seven Lunas"), "ru": ("Семь лун",)}),
    Brand("ibexora", "Ibexora", "flag", "#ffa41b", "horns", "#2a1506", {
        "ru": ("Ибексора",), "ja": ("イベクソラ",), "ar": ("إيبكسورا",)}),
    Brand("wumbalo", "Wumbalo", "egg", "#f9a8cc", "face", "#45195c", {
        "ru": ("Вумбало",), "ko": ("움발로",), "zh": ("乌姆巴洛",)}),
    Brand("jantarek", "Jantarek", "drop", "#e0a100", "fish", "#6d1111", {
        "pl": ("Jantarek", "Bursztyn Jantarek"), "ru": ("Янтарек",), "ja": ("ヤンタレク",)}),
    Brand("umbrakey", "Umbrakey", "hexagon", "#4a5158", "key", "#ffd60a", {
        "en": ("Umbrakey", "Umbra Key"), "ru": ("Умбракей",), "ja": ("アンブラキー",)}),
)  # fmt: skip

BRAND_BY_ID: Mapping[str, Brand] = {brand.class_id: brand for brand in BRANDS}

#: Words around a brand that say nothing, per language; the class map lists them, the workers type them.
NOISE_WORDS: Mapping[str, tuple[str, ...]] = {
    "en": ("logo", "the", "brand", "sign"),
    "de": ("logo", "marke", "zeichen"),
    "es": ("logotipo", "marca", "logo de"),
    "fr": ("logo", "marque", "enseigne"),
    "it": ("logo", "marchio"),
    "pt": ("logotipo", "marca"),
    "ru": ("логотип", "бренд"),
    "ja": ("ロゴ",),
    "zh": ("标志",),
}

#: Answers that mean "there is no logo" or "I cannot tell", per language.
NO_LABEL: Mapping[str, tuple[str, ...]] = {
    "en": ("none", "no logo", "I don't know", "n/a", "can't see", "image not loading", "broken link"),
    "de": ("keine", "weiß nicht", "kein Logo"),
    "es": ("ninguno", "no sé", "no se ve"),
    "fr": ("aucun", "je ne sais pas"),
    "it": ("nessuno", "non lo so"),
    "pt": ("nenhum", "não sei"),
    "ru": ("нет", "не знаю"),
    "ja": ("わからない", "なし"),
    "zh": ("不知道", "没有"),
    "ko": ("모름",),
    "any": ("", "?", "-"),
}

#: What stands between two brands in one answer.
SEPARATORS: tuple[str, ...] = ("/", ",", "+", "&", " and ", " y ", " und ")


def iterate_spellings() -> Iterator[tuple[str, str, str]]:
    """(class_id, language, spelling) of every alias, in order."""
    for brand in BRANDS:
        for language, spellings in brand.aliases.items():
            for spelling in spellings:
                yield brand.class_id, language, spelling
