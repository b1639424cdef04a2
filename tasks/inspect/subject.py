"""A network and its real images: a model of the project, or any network of the user's own."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import Tensor, nn

from models.explain.hooks import layers_of
from tasks.common.determinism import deterministic
from tasks.common.params import UNWRITTEN, Params
from tasks.explain.synthetic_pixels import ENTRY
from tasks.inspect.load_network import OPTION, load_network, reason_of
from tasks.inspect.real_images import RealImages
from tasks.train.card import weights_of
from tasks.train.weights import check_size, load_model
from unfont.errors import UserError
from unfont.text import clip


@dataclass(frozen=True, kw_only=True)
class Subject:
    """A network and its real images, in as many channels as it takes.

    `entry` names the module whose output is optimised (`models.explain.maximise.canvas`); `labels` are those of a
    project's model, whose weights' SHA-256 is `weights`; `notes` are sentences for the user.
    """

    network: nn.Module
    name: str
    real: RealImages
    channels: int
    entry: str | None = None
    labels: list[str] = field(default_factory=list)
    weights: str | None = None
    notes: list[str] = field(default_factory=list)

    def images(self, numbers: Sequence[int]) -> Tensor:
        """`float32[n, channels, h, w]` in [0, 1], by the images' numbers."""
        return self.real.read(numbers, self.channels)

    @property
    def two(self) -> Tensor:
        """Two images, to try the network on."""
        return self.images([0, len(self.real.names) - 1])


def model_subject(params: Params, folder: Path, *, name: str, pictures: Path | None) -> Subject:
    """A model of the project, over validation crops of the table or over pictures, in crops as it was trained on.

    Raises:
        UserError: the model or the pictures cannot be used, or they do not fit each other.
    """
    network, card = load_model(folder)
    size = (network.height, network.width)
    if pictures is None:
        real = RealImages.of_table(params.home / "table", target=card["target"], most=params.report.crops)
        check_size(real.pixels, {clip(name): network}, params.home / "table")
    else:
        in_windows = UNWRITTEN in card["labels"]  # such a model reads writing in windows (`unfont.answers`)
        real = RealImages.of_folder(pictures, most=params.report.crops, size=size, in_windows=in_windows)
    return Subject(
        network=network, name=name, real=real, channels=network.channels, entry=ENTRY, labels=card["labels"],
        weights=weights_of(folder), notes=_notes(real, network.channels),
    )  # fmt: skip


def own_subject(params: Params, address: str, *, pictures: Path) -> Subject:
    """A network of the user's own (`tasks.inspect.load_network`) over pictures, which must have one size.

    It gets grey pictures in one channel and coloured ones in three; where it refuses, the other way round.

    Raises:
        UserError: the network or the pictures cannot be used, or they do not fit each other.
    """
    real = RealImages.of_folder(pictures, most=params.report.crops)
    network = load_network(address)
    with deterministic(params.threads):
        channels = _channels_of(network, real, address)
    return Subject(network=network, name=address, real=real, channels=channels, notes=_notes(real, channels))


def layers_in(subject: Subject) -> tuple[dict[str, int], list[str]]:
    """The layers worth showing, with their numbers of units, and the names of all modules."""
    names = [name for name, _ in subject.network.named_modules() if name]
    try:
        return layers_of(subject.network, subject.two), names
    except Exception:  # a convolution or linear layer is called in a way that does not tell its units
        return {}, names


def _channels_of(network: nn.Module, real: RealImages, address: str) -> int:
    own = 3 if real.colour else 1
    refusals = []
    for channels in (own, 4 - own):
        try:
            with torch.no_grad():
                network(real.read([0, len(real.names) - 1], channels))
        except Exception as error:
            refusals.append(reason_of(error))
        else:
            return channels
    what = f"the network takes no {_times(real.size)} pictures, in 1 channel or in 3: {refusals[0]}"
    raise UserError(
        what,
        where=f"{OPTION} {clip(address)}",
        fix="give pictures of the size that it was made for, or a network that takes one batch of images",
    )


def _notes(real: RealImages, channels: int) -> list[str]:
    notes = []
    if real.there > real.taken:
        notes.append(f"Of {real.there} pictures {real.taken} were used, at even distances by name.")
    if len(real.names) > real.taken:
        notes.append(f"Long lines were cut: {real.taken} pictures gave {len(real.names)} windows, each an image here.")
    if real.colour and channels == 1:
        notes.append("Some pictures are in colour and the network takes one channel: it got them in grey.")
    if not real.colour and channels == 3:
        notes.append("The pictures are grey and the network takes three channels: all three are the same.")
    return notes


def _times(size: tuple[int, int]) -> str:
    return f"{size[0]}×{size[1]}"
