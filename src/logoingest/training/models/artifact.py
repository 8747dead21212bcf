"""The trained model on disk: weights as safetensors, and beside them what is needed to use them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from logoingest.config import TrainConfig
from logoingest.errors import ConfigError, Problem, UsageError, quote_first_line
from logoingest.pictures.loading import BACKGROUND, load_picture, show_upright
from logoingest.training.data.feeds import MEAN, STD, normalise_batch
from logoingest.training.data.pictures import squash_picture
from logoingest.training.models.architectures import Architecture, build_architecture
from logoingest.training.models.states import gather_state, load_state
from logoingest.training.named_code import names_code

WEIGHTS_FILE = "model.safetensors"
CARD_FILE = "model.json"


@dataclass(frozen=True, slots=True)
class Preprocessing:
    """A PIL image, or the path of one → what the model takes: float (3, side, side), as in training."""

    side_px: int

    def __call__(self, picture: Image.Image | str | Path) -> Tensor:
        rgb = show_upright(picture) if isinstance(picture, Image.Image) else load_picture(Path(picture).read_bytes())
        pixels = squash_picture(rgb, self.side_px)
        batch = torch.from_numpy(np.array(pixels)).permute(2, 0, 1)[None].float() / 255
        return normalise_batch(batch)[0]


@dataclass(frozen=True, slots=True)
class AllowedCode:
    """Which code a model card may name and have imported, and where it lies beside the installed packages."""

    name: str | None = ""
    """As the card has it; None: any."""
    base_dir: Path = Path()

    @classmethod
    def of(cls, config: TrainConfig, base_dir: Path) -> AllowedCode:
        """What a person's own config names already."""
        return cls(config.model, base_dir)


#: A model from somebody else imports nothing.
NO_CODE = AllowedCode()


def save_artifact(
    network: nn.Module, class_ids: tuple[str, ...], config: TrainConfig, out_dir: Path, fingerprint: str = ""
) -> None:
    """Write model.safetensors and model.json; ``fingerprint`` is that of the release that was learned from."""
    card = {
        "format": 2,
        "architecture": config.model,
        "options": config.model_options,
        "release": fingerprint,
        "transform_input": bool(getattr(network, "transform_input", False)),
        "class_names": list(class_ids),
        "preprocessing": {
            "side_px": config.image_side_px,
            "resize": "the whole picture squeezed to a square, bicubic, antialiased; EXIF orientation applied",
            "background": list(BACKGROUND),
            "scale": "0 to 1",
            "mean": list(MEAN),
            "std": list(STD),
        },
    }
    write_artifact(network, card, out_dir)


def write_artifact(network: nn.Module, card: Mapping[str, Any], out_dir: Path) -> None:
    """Write any recipe's network and what its card says."""
    (out_dir / CARD_FILE).write_text(json.dumps(card, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    save_file(gather_state(network), out_dir / WEIGHTS_FILE, metadata={"format": "pt"})
    (out_dir / WEIGHTS_FILE).chmod((out_dir / CARD_FILE).stat().st_mode & 0o777)  # safetensors lets nobody else read it


def load_artifact(out_dir: Path, code: AllowedCode = NO_CODE) -> tuple[nn.Module, tuple[str, ...], Preprocessing]:
    """Read them again: (model in eval mode, class ids, transform).

    Args:
        out_dir: the folder.
        code: what may be imported where the card names code instead of a known model.

    Raises:
        UsageError: a file is missing or damaged, they do not fit together, or the card names code that is not allowed.
    """
    card = read_card(out_dir / CARD_FILE)
    try:
        class_ids = tuple(str(class_id) for class_id in card["class_names"])
        side = int(card["preprocessing"]["side_px"])
        name = str(card["architecture"])
        check_code(out_dir, name, code)
        network = build_architecture(Architecture(name, side, dict(card.get("options", {})), code.base_dir), len(class_ids))
        load_state(network, load_file(out_dir / WEIGHTS_FILE))
    except (ConfigError, UsageError):
        raise
    except (KeyError, TypeError, ValueError, OSError, RuntimeError, SafetensorError) as error:
        line = quote_first_line(error)
        raise UsageError(Problem(str(out_dir), f"{WEIGHTS_FILE} and {CARD_FILE} cannot be used ({line})", "train again")) from error
    if card.get("transform_input"):
        network.transform_input = True  # type: ignore[assignment]  # a plain attribute of theirs
    return network.eval(), class_ids, Preprocessing(side)


def check_code(out_dir: Path, name: str, code: AllowedCode) -> None:
    """See to it that an architecture is a known model's, or code that may be imported.

    Raises:
        UsageError: it names code that is not allowed.
    """
    if names_code(name) and code.name not in {None, name}:
        hint = "if you trust it: load_baseline(folder, allow_code=True), or allow_code=FOLDER for a module that lies there"
        what = f'names code, "{name}", which is not imported unless you allow it'
        raise UsageError(Problem(str(out_dir / CARD_FILE), what, hint))


def read_model_facts(out_dir: Path) -> dict[str, Any]:
    """Of the model card what decides what the network says: which release it learned from does not.

    Raises:
        UsageError: it cannot be read.
    """
    return {key: value for key, value in read_card(out_dir / CARD_FILE).items() if key != "release"}


def read_card(path: Path) -> dict[str, Any]:
    """What model.json says.

    Raises:
        UsageError: it is missing or damaged.
    """
    try:
        card = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise UsageError(Problem(str(path), f"cannot be read ({error})", "train a baseline first")) from error
    if not isinstance(card, dict):
        raise UsageError(Problem(str(path), "is no model card", "train a baseline first"))
    return card
