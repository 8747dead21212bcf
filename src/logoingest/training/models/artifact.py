"""The trained model on disk: weights as safetensors, and beside them what is needed to use them."""

from __future__ import annotations

import json
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
from logoingest.training.models.network import build_architecture

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


def save_artifact(network: nn.Module, class_ids: tuple[str, ...], config: TrainConfig, out_dir: Path) -> None:
    """Write model.safetensors and model.json."""
    state = {name: value.detach().cpu().contiguous().clone() for name, value in network.state_dict().items()}
    save_file(state, out_dir / WEIGHTS_FILE, metadata={"format": "pt"})
    card = {
        "format": 1,
        "architecture": config.model,
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
    (out_dir / CARD_FILE).write_text(json.dumps(card, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def load_artifact(out_dir: Path) -> tuple[nn.Module, tuple[str, ...], Preprocessing]:
    """Read them again: (model in eval mode, class ids, transform).

    Raises:
        UsageError: a file is missing or damaged, or they do not fit together.
    """
    card = _read_card(out_dir / CARD_FILE)
    try:
        class_ids = tuple(str(class_id) for class_id in card["class_names"])
        side = int(card["preprocessing"]["side_px"])
        network = build_architecture(str(card["architecture"]), len(class_ids), side)
        network.load_state_dict(load_file(out_dir / WEIGHTS_FILE))
    except ConfigError:
        raise
    except (KeyError, TypeError, ValueError, OSError, RuntimeError, SafetensorError) as error:
        line = quote_first_line(error)
        raise UsageError(Problem(str(out_dir), f"{WEIGHTS_FILE} and {CARD_FILE} cannot be used ({line})", "train again")) from error
    if card.get("transform_input"):
        network.transform_input = True  # type: ignore[assignment]  # a plain attribute of theirs
    return network.eval(), class_ids, Preprocessing(side)


def _read_card(path: Path) -> dict[str, Any]:
    try:
        card = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise UsageError(Problem(str(path), f"cannot be read ({error})", "train a baseline first")) from error
    if not isinstance(card, dict):
        raise UsageError(Problem(str(path), "is no model card", "train a baseline first"))
    return card
