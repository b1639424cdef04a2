"""The card of a model folder, and the identity of its weights; without torch."""

import json
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from models.settings import NetworkSettings
from tasks.common.files import read_json, sha256_of
from unfont.errors import UserError

FORMAT = 1
WEIGHTS_FILE, CARD_FILE = "model.safetensors", "model.json"
FIX = "make the model again, or restore it from where it came"


def read_card(folder: Path) -> dict[str, Any]:
    """`model.json`, checked; `channels` is 1 where an older one has none.

    One of the mode `erasure` has `erased`, how many directions its embedding has lost at most; one of `bottleneck` has
    `margin`, how far below the largest logit its embedding still tells the others apart.

    A registered model's has `temperature`, by which its logits are divided (`tasks.predict.register`).

    Raises:
        UserError: it is missing, no JSON, or lacks what a model needs.
    """
    path = folder / CARD_FILE
    try:
        card: dict[str, Any] = read_json(path)
        labels = card["labels"]
        fits = (
            card["format"] == FORMAT
            and all(isinstance(label, str) for label in labels)
            and labels == sorted(set(labels))
            and len(labels) > 0
            and min(int(card["height"]), int(card["width"])) > 0
            and card.setdefault("channels", 1) in (1, 3)
            and 0 < float(card.get("temperature", 1)) < float("inf")
            and 0 < int(card.get("erased", 1)) < int(card["network"]["embedding"])
            and 0 < float(card.get("margin", 1)) < float("inf")
        )
        NetworkSettings(**card["network"])
    except (FileNotFoundError, NotADirectoryError):
        raise UserError("there is no model", where=path, fix="train it, or name another folder") from None
    except (json.JSONDecodeError, UnicodeDecodeError, KeyError, TypeError, ValueError, ValidationError) as error:
        raise UserError("this is no model card", where=path, fix=FIX) from error
    if not fits:
        raise UserError("this is no model card", where=path, fix=FIX)
    return card


def weights_of(folder: Path) -> str:
    """The identity of a model's weights: SHA-256 of their file."""
    path = folder / WEIGHTS_FILE
    if not path.is_file():
        raise UserError("there is no model", where=path, fix="train it, or name another folder")
    return sha256_of(path)
