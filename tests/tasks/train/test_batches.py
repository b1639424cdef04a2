import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from models.degrade import COLOURS, colours_of, seeds_at
from models.settings import DegradeSettings
from models.training import UNKNOWN
from tasks.common.params import Params
from tasks.crop_table.shards import read_rows
from tasks.invariance.train import ModeJob, train_mode
from tasks.train.batches import Crops, Labels, as_images, read_crops
from tasks.train.replicas import Replica
from tests.tasks.toycrops import make_round_0, make_toy_table, toy_params
from unfont.errors import UserError

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
    make_round_0(params, table, tmp_path / "0")
    card = json.loads((tmp_path / "0" / "model.json").read_text())
    assert card["channels"] == 3
    assert card["nuisances"] == {"font_style": ["bold", "light"], "colour": list(COLOURS)}
    replica = Replica(seed=0, arm="seed")
    for mode in ("erm", "conditional", "ascent+coral"):
        folders = {"table": table, "start": tmp_path / "0", "scratch": tmp_path / mode}
        metrics = train_mode(ModeJob(params=params, mode=mode, replica=replica, progress=lambda _: None, **folders))
        assert np.isfinite([metrics["colour_loss"], metrics["font_style_loss"]]).all()
        assert 0 <= metrics["colour_accuracy"] <= 1


@pytest.mark.parametrize(
    ("changes", "said"),
    [({"crops": {"channels": 1}}, "crops.channels"), ({"degrade": {"colour": 0.0}}, "degrade.colour")],
)
def test_colour_that_cannot_be_seen_cannot_be_unlearned(table: Path, tmp_path: Path, changes: dict, said: str):
    params = coloured_params()
    changed = {key: {**params.model_dump()[key], **value} for key, value in changes.items()}
    with pytest.raises(UserError, match=said):
        make_round_0(coloured_params(**changed), table, tmp_path / "0")


def test_partners_share_a_number(table: Path):
    crops = crops_of(table)
    named = read_rows(table, ["key", "pair"]).set_index("key")["pair"][crops.keys].tolist()
    numbers = crops.batch(torch.arange(len(crops)), None).pairs.tolist()
    assert [number == UNKNOWN for number in numbers] == [pd.isna(name) for name in named]
    paired = [(number, name) for number, name in zip(numbers, named, strict=True) if number != UNKNOWN]
    assert len(set(paired)) == len({number for number, _ in paired}) == len({name for _, name in paired}) == 48
    assert crops.batch(torch.tensor([3, 5]), None).pairs.tolist() == [numbers[3], numbers[5]]


def test_crops_are_counted_by_target_and_nuisance(table: Path):
    crops, labels = crops_of(table), Labels.of_table(table, coloured_params().labels, channels=3)
    counts = crops.counts(labels, PRINTED, seed=4)
    rows = read_rows(table, ["script", "font_style"], ["train", "pool"])
    for place, script in enumerate(labels.target):
        of_script = rows[rows["script"] == script]["font_style"].value_counts()
        assert counts["font_style"][place].tolist() == [of_script.get(style, 0) for style in ("bold", "light")]
    first = crops.batch(torch.arange(len(crops)), PRINTED, epoch=0, seed=4)
    inks = torch.bincount(first.nuisances["colour"], minlength=len(COLOURS))
    assert torch.equal(counts["colour"].sum(0), inks)
