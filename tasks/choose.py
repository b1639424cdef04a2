"""Choose the one model that stands for all: by validation, before any test crop is scored."""

from pathlib import Path
from typing import Any

from tasks.errors import UserError
from tasks.files import read_json, sha256_of

SPLIT, SEVERITY, FIGURE = "validation", "light", "accuracy"
CRITERION = f"{SPLIT}.{SEVERITY}.{FIGURE}"


def choose_model(accuracies: dict[str, float | None]) -> str:
    """The name with the highest validation accuracy; of equals, the one given first.

    Raises:
        UserError: no model has an accuracy, because validation has no text crops.
    """
    known = {name: value for name, value in accuracies.items() if value is not None}
    if not known:
        raise UserError(
            "no model can be chosen: validation has no text crops",
            where="params.yaml: crops.text.validation",
            mend="give validation some crops",
        )
    return max(known, key=lambda name: known[name])


def choice_of(name: str, *, folder: Path, home: Path, value: float) -> dict[str, Any]:
    """What `chosen.json` says: the model's name, its folder as seen from `home`, its weights, and why."""
    return {
        "name": name,
        "path": folder.resolve().relative_to(home.resolve()).as_posix(),
        "weights": sha256_of(folder / "model.safetensors"),
        "criterion": CRITERION,
        "value": value,
    }


def read_choice(home: Path) -> dict[str, Any] | None:
    """`home`'s `chosen.json`, or None where no model was chosen yet.

    Raises:
        UserError: the file is there and is not what `choice_of` writes.
    """
    path = home / "chosen.json"
    try:
        choice: dict[str, Any] = read_json(path)
        if not all(isinstance(choice[key], str) for key in ("name", "path", "weights")):
            raise TypeError
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError) as error:
        raise UserError("the choice of the model does not read", where=path, mend="run `unfont evaluate`") from error
    return choice
