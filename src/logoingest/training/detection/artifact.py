"""A trained detector on disk: weights as safetensors, and beside them what is needed to build and use it again."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple

from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import nn

from logoingest.errors import ConfigError, Problem, UsageError, quote_first_line
from logoingest.training.data.feeds import MEAN, STD
from logoingest.training.detection.networks import Design, build_detector
from logoingest.training.models.artifact import CARD_FILE, NO_CODE, WEIGHTS_FILE, AllowedCode, check_code, read_card, write_artifact
from logoingest.training.models.states import load_state

#: As ``train.recipe`` has it; says in model.json what the files are.
RECIPE_NAME = "detect"


class Stored(NamedTuple):
    """What the files hold."""

    network: nn.Module
    """In eval mode, on the CPU."""
    design: Design
    class_ids: tuple[str, ...]
    threshold: float
    """The score from which on a box is believed."""


def save_detector(stored: Stored, out_dir: Path, fingerprint: str = "") -> None:
    """Write model.safetensors and model.json; ``fingerprint`` is that of the release that was learned from."""
    card = {
        "format": 2,
        "recipe": RECIPE_NAME,
        **{name: value for name, value in asdict(stored.design).items() if name != "class_count"},
        "release": fingerprint,
        "class_names": list(stored.class_ids),
        "threshold": stored.threshold,
        "preprocessing": {
            "side_px": stored.design.side_px,
            "resize": "the whole picture, its longer side this long, antialiased; EXIF orientation applied",
            "scale": "0 to 1",
            "mean": list(MEAN),
            "std": list(STD),
        },
    }
    write_artifact(stored.network, card, out_dir)


def holds_detector(folder: Path) -> bool:
    """Whether a folder's model.json is that of a detector."""
    try:
        return read_card(folder / CARD_FILE).get("recipe") == RECIPE_NAME
    except UsageError:
        return False


def read_detector(folder: Path, code: AllowedCode = NO_CODE) -> Stored:
    """Read them again; nothing in the files is ever executed, and no code that they name is imported unless ``code`` allows it.

    Raises:
        UsageError: a file is missing or damaged, they do not fit together, or they are no detector's.
    """
    card = read_card(folder / CARD_FILE)
    if card.get("recipe") != RECIPE_NAME:
        raise UsageError(Problem(str(folder), "is no detector", "open it with load_baseline"))
    try:
        class_ids = tuple(str(class_id) for class_id in card["class_names"])
        design = _read_design(card, len(class_ids))
        check_code(folder, design.architecture, code)
        network = build_detector(design, code.base_dir)
        load_state(network, load_file(folder / WEIGHTS_FILE))
        return Stored(network.eval(), design, class_ids, float(card["threshold"]))
    except (ConfigError, UsageError):
        raise
    except (KeyError, TypeError, ValueError, OSError, RuntimeError, AssertionError, SafetensorError) as error:
        line = quote_first_line(error)
        problem = Problem(str(folder), f"{WEIGHTS_FILE} and {CARD_FILE} cannot be used ({line})", "train again")
        raise UsageError(problem) from error


def _read_design(card: dict[str, Any], class_count: int) -> Design:
    return Design(
        architecture=str(card["architecture"]),
        head=str(card["head"]),
        class_count=class_count,
        side_px=int(card["side_px"]),
        strides=tuple(int(stride) for stride in card["strides"]),
        channels=int(card["channels"]),
        proposals=int(card["proposals"]),
        min_score=float(card["min_score"]),
        anchors=tuple(tuple((float(width), float(height)) for width, height in level) for level in card["anchors"]),
        options=dict(card["options"]),
    )
