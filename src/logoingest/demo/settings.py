"""The two files a user would write by hand: dataset.toml and the class map, with comments that explain them."""

from __future__ import annotations

import json
from collections.abc import Iterable

from logoingest.demo.brands import BRANDS, NO_LABEL, NOISE_WORDS, SEPARATORS

_CONFIG = """\
# The demo's dataset. Every key is explained by: python -m logoingest init
# Relative paths are relative to this file.

[dataset]
name = "demo"
workspace = "workspace"              # the release is written to workspace/release/
description = "Drawn logos of invented brands, labelled by simulated workers."
licence = "apache-2.0"
min_images = {min_images}                    # fewer released pictures end the run with exit code 3

[[sources]]
path = "annotations.csv"             # MTurk batch results
format = "mturk"
url_column = "Input.image_url"
label_column = "Answer.brand"

[labels]
class_map = "label_maps/demo.toml"

[fetch]                              # the proxy is given by the demo: --set fetch.proxy=http://127.0.0.1:…
contact = "demo@example.org"           # named in the User-Agent
concurrency = 64
per_host = 16
connect_timeout_s = 3
read_timeout_s = 3
total_timeout_s = 3                  # short, because the demo's slow hosts are slow on purpose
max_attempts = 3
backoff_s = 0.1
shard_size = 800                     # two shards: the slow hosts of both are waited for at the same time

[images]
min_side_px = 32

[splits]
train = 0.7
validation = 0.15
test = 0.15

[train]                              # from scratch: nothing is downloaded
model = "resnet18"
weights = "none"
image_side_px = 64
epochs = 4
batch_size = 32
lr = 0.003
"""


def format_config(min_images: int) -> str:
    """dataset.toml."""
    return _CONFIG.format(min_images=min_images)


def _format_array(values: Iterable[str]) -> str:
    """A TOML array; a JSON string is a TOML basic string (TOML 1.0, string)."""
    return "[" + ", ".join(json.dumps(value, ensure_ascii=False) for value in dict.fromkeys(values)) + "]"


def format_class_map() -> str:
    """label_maps/demo.toml."""
    noise = _format_array(word for words in NOISE_WORDS.values() for word in words)
    nothing = _format_array(answer for answers in NO_LABEL.values() for answer in answers)
    lines = [
        "# What the workers' answers mean. An answer matches an alias before anything is guessed.",
        "",
        "# Words around a brand that say nothing.",
        f"noise_words = {noise}",
        '# Answers that mean "there is no logo" or "I cannot tell".',
        f"no_label = {nothing}",
        "# What stands between two brands in one answer; tried only when the whole answer matches nothing (Ouro & Sal is one).",
        f"separators = {_format_array(SEPARATORS)}",
    ]
    for brand in BRANDS:
        lines += ["", f"[classes.{brand.class_id}]", f"name = {json.dumps(brand.name, ensure_ascii=False)}"]
        lines += [f"[classes.{brand.class_id}.aliases]"]
        lines += [f"{language} = {_format_array(spellings)}" for language, spellings in brand.aliases.items()]
    return "\n".join(lines) + "\n"
