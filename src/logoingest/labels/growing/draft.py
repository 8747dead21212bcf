"""A first class map from the answers themselves, for a person to go over."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import tomlkit
from rapidfuzz.distance import OSA

from logoingest.choices import read_choices
from logoingest.labels.class_map.class_map import ClassMap
from logoingest.labels.class_map.map_file import Thresholds
from logoingest.labels.matching.match import decide_labels
from logoingest.labels.matching.nearest import MAX_KEY_LENGTH, judge_edits
from logoingest.labels.matching.spelling_index import join_key
from logoingest.labels.text.fold import Folded, fold
from logoingest.labels.text.noise import NoisePhrases, as_folded
from logoingest.labels.text.words import EMPTY_TALK, GENERIC_WORDS, NO_LABEL, NOISE_WORDS, SEPARATORS
from logoingest.schemas import Decision

_SURE_SEPARATORS = re.compile(r"[\n;；|]| / ")
"""No name holds them."""
_MAX_CLASSES = 1000
_MAX_COMMENTS = 200
_COMMON_RATIO = 3
_ID_LENGTH = 60
_LETTERS_PER_HINT = 4


@dataclass(slots=True)
class _Cluster:
    """Answers with one key."""

    key: str
    words: Sequence[str]
    is_latin: bool
    spellings: defaultdict[str, int] = field(default_factory=lambda: defaultdict(int))
    """Readable spelling → how often."""
    merged: list[str] = field(default_factory=list)
    """Readable spellings of clusters taken in, which need an alias."""

    @property
    def count(self) -> int:
        return sum(self.spellings.values())

    @property
    def name(self) -> str:
        """The most frequent spelling; of equally frequent ones the one with most capitals, so that it reads as a name."""
        return min(self.spellings, key=lambda text: (-self.spellings[text], -sum(char.isupper() for char in text), text))


def draft_class_map(labels_with_counts: Sequence[tuple[str, int]], name: str) -> str:
    """A commented class map as TOML text: what ``init`` writes.

    Answers are clustered by their key (case, accents, punctuation, spaces and noise words aside), then by an edit distance
    that needs one spelling to be three times as common as the other; the most frequent spelling is the class's name. What is
    rare, or in another script than most answers, is listed in comments. The text parses whatever the answers hold.

    Args:
        labels_with_counts: distinct raw answers and how often each was given.
        name: what the map is for, for its first comment.
    """
    counted = _count_values(labels_with_counts)
    clusters, left = _cluster(counted)
    enough = _choose_min_count(sum(count for _, count in counted))
    seeds = _choose_seeds(clusters, enough)
    classes = _merge_slips(seeds)
    document = _start_document(name)
    ids = _add_classes(document, classes)
    made = ClassMap.from_toml(tomlkit.dumps(document), name)
    undecided = [text for text, _ in counted if text in left or len(text) > MAX_KEY_LENGTH]
    chosen = {id(cluster) for cluster in seeds}
    undecided += [text for cluster in clusters if id(cluster) not in chosen for text in cluster.spellings]
    open_counts = _list_open(undecided, dict(counted), clusters, made)
    _add_comments(document, open_counts, has_classes=bool(ids))
    return tomlkit.dumps(document)


def _count_values(labels_with_counts: Sequence[tuple[str, int]]) -> list[tuple[str, int]]:
    """Distinct texts, sorted, and how often each was said, by itself or among several.

    A typed text ("nike / puma") is several where one of its parts is an answer by itself.
    """
    known = {fold(value).text for answer, _ in labels_with_counts for value in read_choices(answer) or [answer]}
    counts: Counter[str] = Counter()
    for answer, count in labels_with_counts:
        for value in read_choices(answer) or [answer]:
            parts = [part for part in map(str.strip, _SURE_SEPARATORS.split(value)) if part]
            is_several = len(parts) > 1 and any(fold(part).text in known for part in parts)
            for said in parts if is_several else [value]:
                counts[said] += count
    return sorted(counts.items())


def _cluster(counted: Sequence[tuple[str, int]]) -> tuple[list[_Cluster], set[str]]:
    """Clusters by key, and the answers that cannot name a class."""
    noise = NoisePhrases.build([fold(word).text for words in NOISE_WORDS.values() for word in words])
    silent = {fold(answer).text for answers in NO_LABEL.values() for answer in answers}
    clusters: dict[str, _Cluster] = {}
    left: set[str] = set()
    for text, count in counted:
        folded = fold(text)
        rests = noise.strip(folded)
        bare = as_folded(rests[-1]) if rests else folded
        key = join_key(bare)
        readable = _make_readable(text)
        if folded.text in silent or folded.plain in silent:
            continue
        if not _may_name(folded, bare, readable, noise) or not 1 < len(key) <= MAX_KEY_LENGTH:
            left.add(text)
            continue
        words = bare.ascii.split() if bare.is_latin else bare.plain.split()
        cluster = clusters.setdefault(key, _Cluster(key, words, bare.is_latin))
        cluster.spellings[readable if not rests else bare.text] += count
    return list(clusters.values()), left


def _may_name(folded: Folded, bare: Folded, readable: str, noise: NoisePhrases) -> bool:
    is_talk = folded.plain in EMPTY_TALK or f"{bare.plain} " in noise.by_first.get(bare.plain, ())
    return not (folded.is_reversed or folded.is_cut or is_talk) and bool(bare.plain) and bool(fold(readable).plain)


def _choose_min_count(total: int) -> int:
    return 3 if total >= 200 else 2 if total >= 30 else 1


def _choose_seeds(clusters: Sequence[_Cluster], enough: int) -> list[_Cluster]:
    """Clusters common enough to be a class, most common first; other scripts only where Latin is not what most wrote in."""
    latin = sum(cluster.count for cluster in clusters if cluster.is_latin)
    is_mostly_latin = 2 * latin >= sum(cluster.count for cluster in clusters)
    seeds = [cluster for cluster in clusters if cluster.count >= enough and (cluster.is_latin or not is_mostly_latin)]
    counts = {cluster.key: cluster.count for cluster in seeds}
    single = [cluster for cluster in seeds if not _names_several(cluster, counts)]
    return sorted(single, key=lambda cluster: (-cluster.count, cluster.key))[:_MAX_CLASSES]


def _names_several(cluster: _Cluster, counts: Mapping[str, int]) -> bool:
    """Every part between separators is a more common answer itself ("nike / puma")."""
    text = fold(cluster.name).text
    for separator in SEPARATORS:
        keys = [join_key(fold(part)) for part in text.split(separator)]
        if len(keys) > 1 and all(counts.get(key, 0) > cluster.count for key in keys):
            return True
    return False


def _merge_slips(seeds: Sequence[_Cluster]) -> list[_Cluster]:
    """The seeds that stay classes; a seed that is a slip of a much more common one becomes its alias."""
    kept: list[_Cluster] = []
    thresholds = Thresholds()
    for seed in seeds:
        target = next((other for other in kept if _is_slip(seed, other, thresholds)), None)
        if target is None:
            kept.append(seed)
        else:
            target.merged.append(seed.name)
    return kept


def _is_slip(seed: _Cluster, other: _Cluster, thresholds: Thresholds) -> bool:
    if other.count < _COMMON_RATIO * seed.count or seed.is_latin != other.is_latin:
        return False
    edits = OSA.distance(seed.key, other.key, score_cutoff=thresholds.max_edits)
    if edits > thresholds.max_edits or [c for c in seed.key if c.isdigit()] != [c for c in other.key if c.isdigit()]:
        return False
    return judge_edits(seed.key, other.key, other.words, GENERIC_WORDS, thresholds) is None


def _start_document(name: str) -> tomlkit.TOMLDocument:
    document = tomlkit.document()
    for line in (
        f"Class map of {_make_readable(name)}: a first draft, made from the answers. Please go over it.",
        "",
        "An answer is compared without case, accents, punctuation and spaces, so an alias is only needed where letters differ.",
        'Aliases may be one list, or one per language: aliases.ja = ["ナイキ"].',
    ):
        document.add(tomlkit.comment(line) if line else tomlkit.comment(""))
    document.add(tomlkit.nl())
    for key, words, why in (
        ("noise_words", NOISE_WORDS, "Words people put beside a brand, per language."),
        ("no_label", NO_LABEL, 'Answers that mean "no label is there", "I cannot tell" or "the picture is gone", per language.'),
    ):
        table = tomlkit.table()
        for language, texts in words.items():
            table.add(language, list(texts))
        document.add(tomlkit.comment(why))
        document.add(key, table)
        document.add(tomlkit.nl())
    return document


def _add_classes(document: tomlkit.TOMLDocument, classes: Sequence[_Cluster]) -> Mapping[str, _Cluster]:
    ids: dict[str, _Cluster] = {}
    holder = tomlkit.table(is_super_table=True)
    claimed = {fold(answer).text for answers in NO_LABEL.values() for answer in answers}
    for cluster in sorted(classes, key=lambda cluster: (cluster.key, cluster.name)):
        class_id = _make_id(cluster, ids)
        table = tomlkit.table()
        table.add("name", cluster.name)
        table["name"].comment(f"{cluster.count} answers{_hint(cluster, classes)}")
        aliases = [text for text in dict.fromkeys(cluster.merged) if fold(text).text not in claimed]
        claimed.update(fold(text).text for text in aliases)
        if aliases:
            table.add("aliases", aliases)
        holder.add(class_id, table)
        ids[class_id] = cluster
    if not ids:
        holder.add("example", tomlkit.item({"name": "Example Brand", "aliases": ["example brand company"]}))
    document.add("classes", holder)
    return ids


def _hint(cluster: _Cluster, classes: Sequence[_Cluster]) -> str:
    """What a class might be an alias of: a more common one that it extends, or that it is an edit or two away from."""
    for other in classes:
        if other is cluster or other.count <= cluster.count:
            continue
        if set(other.words) < set(cluster.words):
            return f"; an alias of {other.name}?"
        reach = len(cluster.key) // _LETTERS_PER_HINT
        if OSA.distance(cluster.key, other.key, score_cutoff=reach) <= reach:
            return f"; {other.name} misspelt?"
    return ""


def _make_id(cluster: _Cluster, taken: Mapping[str, object]) -> str:
    folded = fold(cluster.name)
    words = "_".join("".join(char for char in word if char.isalnum()) for word in folded.ascii.split())
    stem = words.strip("_")[:_ID_LENGTH] or "class"
    class_id, number = stem, 2
    while class_id in taken:
        class_id, number = f"{stem}_{number}", number + 1
    return class_id


def _list_open(
    undecided: Sequence[str], counts: Mapping[str, int], clusters: Sequence[_Cluster], class_map: ClassMap
) -> list[tuple[str, int]]:
    """Spellings the draft does not decide, with how often they came, most common first."""
    readable_counts: defaultdict[str, int] = defaultdict(int)
    for cluster in clusters:
        for text, count in cluster.spellings.items():
            readable_counts[text] += count
    distinct = sorted(set(undecided))
    decisions = decide_labels(distinct, class_map)
    found: defaultdict[str, int] = defaultdict(int)
    for text, decision in zip(distinct, decisions, strict=True):
        if decision.decision not in {Decision.ACCEPTED, Decision.IGNORED}:
            found[_make_readable(text)[:MAX_KEY_LENGTH]] += counts.get(text, readable_counts.get(text, 0))
    return sorted(found.items(), key=lambda item: (-item[1], item[0]))


def _add_comments(document: tomlkit.TOMLDocument, open_counts: Sequence[tuple[str, int]], *, has_classes: bool) -> None:
    if not has_classes:
        document.add(tomlkit.comment("No answer was common enough to be a class: put your own in place of the example."))
    if not open_counts:
        return
    document.add(tomlkit.nl())
    document.add(
        tomlkit.comment(
            "Not decided yet (times given, answer). Make them aliases, classes, or no_label answers, or leave them out."
        )
    )
    for text, count in open_counts[:_MAX_COMMENTS]:
        document.add(tomlkit.comment(f"{count:6} {text}"))
    if len(open_counts) > _MAX_COMMENTS:
        document.add(tomlkit.comment(f"… and {len(open_counts) - _MAX_COMMENTS} more"))


def _make_readable(text: str) -> str:
    """One line of printable characters, white space squeezed; nothing that TOML or a terminal would act upon."""
    return "".join(char for char in " ".join(text[: 4 * MAX_KEY_LENGTH].split()) if char.isprintable()).strip()
