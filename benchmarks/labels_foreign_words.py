"""Write the words of other languages that the fuzzy guard takes for meant: frequent ones that the English dictionary lacks.

The folder is ``spellchecker/resources`` of pyspellchecker's wheel, counts of words in subtitles. German nouns were not
counted, as they have capitals: of German every word of at most nine letters is taken. Words that accents alone tell apart ("rose rosé") stand in one line, the less frequent at
least a thirtieth as often as the other.

    pip download --no-deps pyspellchecker && unzip pyspellchecker-*.whl
    python benchmarks/labels_foreign_words.py spellchecker/resources --out src/logoingest/labels/text/foreign_words.txt.gz
"""

from __future__ import annotations

import argparse
import gzip
import json
from collections import defaultdict
from pathlib import Path

from logoingest.labels import fold
from logoingest.labels.text.known_names import is_known_name

LANGUAGES = ("de", "fr", "es", "it", "pt", "nl")
FLOOR = 50
"""What pyspellchecker gives words that were not counted."""
GERMAN_LETTERS = 9


def read_words(folder: Path, language: str) -> dict[str, dict[str, int]]:
    """Key without accents → word as it is written → count."""
    counts: dict[str, int] = json.loads(gzip.decompress((folder / f"{language}.json.gz").read_bytes()))
    found: defaultdict[str, dict[str, int]] = defaultdict(dict)
    for word, count in counts.items():
        if word.isalpha() and (count > FLOOR or language == "de") and (folded := fold(word)).joined.isalpha():
            found[folded.joined][folded.plain] = count
    return found


def main() -> None:
    """Write the file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--least", type=int, default=200)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    lines: set[str] = set()
    for language in LANGUAGES:
        for key, words in read_words(options.folder, language).items():
            kept = sorted(word for word, count in words.items() if 100 * count >= max(words.values()))
            if len(kept) > 1:
                lines.add(" ".join(kept))
            least = FLOOR if language == "de" and len(key) <= GERMAN_LETTERS else options.least
            if len(key) > 3 and not is_known_name(key) and max(words.values()) >= least:
                lines.add(key)
    text = "".join(f"{line}\n" for line in sorted(lines))
    options.out.write_bytes(gzip.compress(text.encode(), 9, mtime=0))
    print(f"{len(lines):,} lines, {options.out.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
