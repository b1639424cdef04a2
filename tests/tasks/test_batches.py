import json
from pathlib import Path

import numpy as np
import pytest
import torch

from models.degrade import COLOURS, colours_of, seeds_at
from models.invariance import UNKNOWN
from models.settings import DegradeSettings
from tasks.baseline import train_baseline
from tasks.batches import Crops, Labels, as_images, read_crops
from tasks.errors import UserError
from tasks.params import Params
from tasks.table import read_rows
from tasks.unlearn import train_invariance
from tests.tasks.toycrops import make_toy_table, toy_params

NONE = DegradeSettings(**dict.fromkeys(DegradeSettings.model_fields, 0.0))
PRINTED = NONE.model_copy(update={"colour": 1.0})


def coloured_params(**changes) -> Params:
    """The toy problem with colour as its second nuisance, on crops of three channels."""
    params = toy_params(crops={"channels": 3}, degrade={"colour": 1.0}, train={"epochs": 1})
    values = params.model_dump()
    values["problems"]["scripts"]["nuisances"] = ["font_style", "colour"]
    for key, value in changes.items():
        values[key] |= value
    return Params(**values)


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_toy_table(tmp_path_factory.mktemp("batches") / "table")


def crops_of(table: Path, channels: int = 3) -> Crops:
    labels = Labels.of_table(table, coloured_params().labels, channels=channels)
    return read_crops(table, labels, keys=read_rows(table, ["key"], ["train", "pool"])["key"])


def test_grey_and_coloured_pixels_become_images_of_the_wanted_channels():
    grey = torch.randint(0, 256, (2, 4, 6), dtype=torch.uint8)
    rgb = torch.randint(0, 256, (2, 4, 6, 3), dtype=torch.uint8)
    assert torch.equal(as_images(grey), grey[:, None].float() / 255)
    assert torch.equal(as_images(grey, 3), (grey[:, None].float() / 255).repeat(1, 3, 1, 1))
    assert torch.equal(as_images(rgb, 3)[1, 2], rgb[1, ..., 2].float() / 255)
    assert torch.allclose(as_images(grey[..., None].expand(-1, -1, -1, 3)), as_images(grey), atol=1e-6)


def test_colours_labels_are_those_of_the_ink_that_each_epoch_draws(table: Path):
    crops = crops_of(table)
    rows = torch.arange(len(crops))
    first, second = (crops.batch(rows, PRINTED, epoch=epoch, seed=3) for epoch in (0, 1))
    expected = colours_of(seeds_at(crops.seeds, 1, seed=3), PRINTED)
    assert torch.equal(second.nuisances["colour"], expected)
    assert not torch.equal(first.nuisances["colour"], expected)
    assert first.images.shape == (len(crops), 3, 16, 48)
    assert set(first.nuisances) == {"font_style", "colour"}


def test_a_picture_with_colours_of_its_own_has_no_known_ink(table: Path):
    grey = crops_of(table)
    rgb = grey.images[..., None].repeat(1, 1, 1, 3)
    rgb[::2, 0, 0, 0] = 255 - rgb[::2, 0, 0, 0]
    crops = Crops(**{**vars(grey), "images": rgb})
    inks = crops.batch(torch.arange(len(crops)), PRINTED).nuisances["colour"]
    assert (inks[::2] == UNKNOWN).all()
    assert torch.equal(inks[1::2], grey.batch(torch.arange(len(crops)), PRINTED).nuisances["colour"][1::2])


def test_a_linear_probe_reads_the_colour_off_three_channels_and_not_off_one(table: Path):
    shares = []
    for channels in (3, 1):
        crops = crops_of(table, channels)
        batch = crops.batch(torch.arange(len(crops)), PRINTED)
        ink = batch.images.flatten(2).quantile(0.05, dim=2)
        features = torch.cat([ink, ink**2, torch.ones(len(ink), 1)], 1).double()
        truth = torch.nn.functional.one_hot(batch.nuisances["colour"], len(COLOURS)).double()
        half = len(ink) // 2
        weights = torch.linalg.lstsq(features[:half], truth[:half], driver="gelsd").solution
        guess = (features[half:] @ weights).argmax(1)
        shares.append((guess == batch.nuisances["colour"][half:]).double().mean().item())
    assert shares[0] > 0.6
    assert shares[1] < shares[0] - 0.15  # brightness alone tells black from orange, and little more


def test_colour_is_unlearned_beside_a_style(table: Path, tmp_path: Path):
    params = coloured_params()
    train_baseline(params, table=table, out=tmp_path / "0", work=tmp_path / "work", progress=lambda _: None)
    card = json.loads((tmp_path / "0" / "model.json").read_text())
    assert card["channels"] == 3
    assert card["nuisances"] == {"font_style": ["bold", "light"], "colour": list(COLOURS)}
    for mode in ("erm", "conditional"):
        folders = {"start": tmp_path / "0", "out": tmp_path / mode, "work": tmp_path / "work"}
        figures = train_invariance(params, mode=mode, table=table, progress=lambda _: None, **folders)
        assert np.isfinite([figures["colour_loss"], figures["font_style_loss"]]).all()
        assert 0 <= figures["colour_accuracy"] <= 1


@pytest.mark.parametrize(
    ("changes", "said"),
    [({"crops": {"channels": 1}}, "crops.channels"), ({"degrade": {"colour": 0.0}}, "degrade.colour")],
)
def test_colour_that_cannot_be_seen_cannot_be_unlearned(table: Path, tmp_path: Path, changes: dict, said: str):
    params = coloured_params()
    changed = {key: {**params.model_dump()[key], **value} for key, value in changes.items()}
    with pytest.raises(UserError, match=said):
        train_baseline(coloured_params(**changed), table=table, out=tmp_path / "0", work=tmp_path / "work")
