"""Checkpoints, from which an interrupted training resumes: all that its next epoch depends on."""

import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from models.training import Training
from tasks.common.files import read_json, write_json, written_whole
from tasks.train.curves import Curve
from tasks.train.weights import load_tensors, save_tensors
from unfont.errors import UserError

History = list[dict[str, float | None]]
Facts = dict[str, Any]  # all that the weights of a training depend on, by name; as JSON has it
LONG = 1800.0  # seconds of training that nobody throws away unasked
SAID = 6  # changed settings that are named
Examples = dict[str, Any]  # what `tasks.train.loop.histogram_of` counts
log = logging.getLogger("unfont")


@dataclass(kw_only=True)
class Trained:
    """What a training leaves beside the weights.

    `history` has an entry an epoch, `curve` about 50 points (`tasks.train.curves`); `examples` is the
    histogram of p(true label) in the last epoch; `seconds` is the time of all sittings together.
    """

    history: History = field(default_factory=list)
    curve: Curve = field(default_factory=list)
    examples: Examples = field(default_factory=dict)
    seconds: float = 0.0


def save_checkpoint(folder: Path, training: Training, trained: Trained, *, facts: Facts) -> None:
    """Write the training's state after an epoch; it replaces the one before as a whole."""
    with written_whole(folder) as beside:
        beside.mkdir()
        save_tensors(beside / "state.safetensors", state_of(training))
        progress = {**vars(trained), "facts": facts, "step": training.step}
        write_json(beside / "progress.json", progress)


def restore_checkpoint(folder: Path, training: Training, *, facts: Facts) -> Trained:
    """Restore `training` from the checkpoint and return its results so far, nothing where no checkpoint fits.

    Raises:
        UserError: the checkpoint is of a long training with other `facts`, which a new one would replace.
    """
    try:
        progress = read_json(folder / "progress.json")
        found = Trained(**{part.name: progress[part.name] for part in fields(Trained)})
        others = [name for name in sorted({*facts, *progress["facts"]}) if _differs(name, facts, progress["facts"])]
        if not others:
            restore_state(training, load_tensors(folder / "state.safetensors"))
            training.step = progress["step"]
            return found
    except FileNotFoundError:
        return Trained()
    except (UserError, json.JSONDecodeError, KeyError, TypeError, RuntimeError) as error:
        log.warning("the checkpoint in %s cannot be used, starting over: %s", folder, error)
        return Trained()
    if found.seconds >= LONG:
        raise UserError(
            f"here lie {len(found.history)} epochs ({found.seconds / 60:.0f} minutes) of training with other settings:"
            f" {_changes(others, facts, progress['facts'])}",
            where=folder,
            fix="set them back to go on with it, or remove this folder to start over",
        )
    return Trained()


def _differs(name: str, facts: Facts, others: Facts) -> bool:
    return json.dumps(facts.get(name)) != json.dumps(others.get(name))


def _changes(names: Sequence[str], facts: Facts, others: Facts) -> str:
    """Each name with its value there and now; of crops only that they are others."""
    said = [
        "the crops" if name == "crops" else f"{name} was {others.get(name)}, is {facts.get(name)}" for name in names
    ]
    return "; ".join(said[:SAID]) + (f" and {len(said) - SAID} more" if len(said) > SAID else "")


def epochs_in(folder: Path) -> int:
    """Epochs that the checkpoint is of; 0 where there is none."""
    try:
        return len(read_json(folder / "progress.json")["history"])
    except (FileNotFoundError, json.JSONDecodeError, KeyError):
        return 0


def state_of(training: Training) -> dict[str, Tensor]:
    """The tensors that a training goes on from: the network's, the heads' and the optimizer's."""
    flat = {f"network.{name}": tensor for name, tensor in training.network.state_dict().items()}
    flat |= {f"heads.{name}": tensor for name, tensor in training.heads.state_dict().items()}
    for number, state in training.optimizer.state_dict()["state"].items():
        flat |= {f"optimizer.{number}.{name}": tensor for name, tensor in state.items()}
    return flat


def restore_state(training: Training, flat: dict[str, Tensor]) -> None:
    """Give `training` what `state_of` another one was."""
    parts: dict[str, dict[str, Tensor]] = {"network": {}, "heads": {}, "optimizer": {}}
    for name, tensor in flat.items():
        part, _, rest = name.partition(".")
        parts[part][rest] = tensor
    weights = [weight for group in training.optimizer.param_groups for weight in group["params"]]
    state: dict[int, dict[str, Any]] = {}
    for name, tensor in parts["optimizer"].items():
        number, _, field = name.partition(".")
        weight = weights[int(number)]
        # The fused optimizer goes by memory: its moments need the layout of the weights (channels last).
        laid_out = torch.zeros_like(weight).copy_(tensor) if tensor.shape == weight.shape else tensor
        state.setdefault(int(number), {})[field] = laid_out
    training.network.load_state_dict(parts["network"])
    training.heads.load_state_dict(parts["heads"])
    training.optimizer.load_state_dict({**training.optimizer.state_dict(), "state": state})
