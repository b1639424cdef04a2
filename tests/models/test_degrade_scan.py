import numpy as np
import pytest
import torch

from models.degrade import Draw, binarise, halftone, seeds_of, show_through, speckle, wear
from models.degrade.noise_banks import speck_bank
from models.degrade.scan import BINARISED, HALFTONED, PERIODS, SHOWN, SPECKLED, WORN
from tests.models.test_degrade import alike, rows_of

KEYS = [f"{number * 0x9E3779B97F4A7C15 % 2**64:016x}" for number in range(1, 201)]


def letters(count: int = 200, channels: int = 1) -> torch.Tensor:
    """Black strokes of three pixels on white, on the left half."""
    images = torch.ones(count, channels, 32, 64)
    images[..., 6:26, 5:8] = images[..., 6:26, 20:23] = images[..., 14:17, 5:23] = 0
    return images


def draw() -> Draw:
    return Draw(seeds_of(KEYS, 0))


STEPS = [(wear, "wear", WORN), (halftone, "halftone", HALFTONED), (show_through, "show_through", SHOWN)]
STEPS += [(speckle, "speckle", SPECKLED), (binarise, "binarise", BINARISED)]


@pytest.mark.parametrize(("step", "name", "fraction"), STEPS)
@pytest.mark.parametrize("channels", [1, 3])
def test_a_step_changes_its_fraction_of_the_crops_and_no_more(step, name: str, fraction: float, channels: int):
    images = letters(channels=channels).mul(0.8).add(0.1)
    changed = step(images.clone(), draw(), alike(**{name: 0.3}))
    assert fraction - 0.12 < len(rows_of(changed, images)) / 200 < fraction + 0.12
    assert changed.min() > -0.01 and changed.max() < 1.01
    if channels == 3:
        assert (changed[:, 0] == changed[:, 2]).all()


@pytest.mark.parametrize(("step", "name", "fraction"), STEPS)
def test_empty_paper_stays_empty(step, name: str, fraction: float):
    paper = torch.full((200, 1, 32, 64), 0.9)
    changed = step(paper.clone(), draw(), alike(**{name: 0.2}))
    if step not in (speckle, halftone):
        assert (changed.mean((1, 2, 3)) > 0.88).all()


def test_worn_ink_swells_and_breaks_near_its_edges_and_nowhere_else():
    images = letters()
    worn = wear(images.clone(), draw(), alike(wear=0.3))
    share = ((1 - worn).sum((1, 2, 3)) / (1 - images).sum((1, 2, 3))).numpy()
    assert 0.3 < share.min() < 0.9 and 1.1 < share.max() < 2.2
    assert (worn[..., 40:] == 1).all()  # no ink appears where none is near
    gaps = (worn[:, 0, 8:24, 6].amax(1) > 0.6).float().mean()  # along the middle of a stroke
    assert 0.01 < gaps < 0.3


def test_a_halftones_dots_cover_what_its_tint_takes():
    images = letters()
    printed = halftone(images.clone(), draw(), alike(halftone=0.4))
    numbers = draw()
    rows = rows_of(printed, images)
    paper = [row for row in rows if numbers.unit("tinted")[row] >= 0.5]
    assert paper
    for row in paper:
        tint = (0.2 + 0.8 * numbers.unit("halftone")[row]) * 0.4
        # The dots' shares are those of the screen's values above the tone: from 0.1 to 0.9, few at the ends.
        assert 0 < (1 - printed[row, :, :, 28:]).mean() <= tint + 0.02
        waves = torch.fft.rfft2(printed[row, 0, :, 28:] - printed[row, 0, :, 28:].mean()).abs()
        down, right = divmod(int(waves.argmax()), waves.shape[1])
        frequency = np.hypot(min(down, 32 - down) / 32, right / 36)
        shortest, longest = PERIODS
        assert frequency < 0.05 or 0.6 / longest < frequency < 1.6 / shortest


def test_what_shows_through_is_the_crop_mirrored_and_moved():
    images = letters()
    shown = show_through(images.clone(), draw(), alike(show_through=0.5))
    numbers = draw()
    rows = rows_of(shown, images)
    assert (shown <= images + 1e-6).all() and (shown[rows] >= images[rows] * 0.5 - 1e-6).all()
    for row in rows[:10]:
        behind = 1 - images[row, 0].flip(1)
        behind = behind.roll((-numbers.whole("behind-y", 32)[row], 1 + numbers.whole("behind-x", 64)[row]), (0, 1))
        lost = (images - shown)[row, 0]
        where = images[row, 0] == 1
        assert torch.corrcoef(torch.stack([lost[where], behind[where]]))[0, 1] > 0.7


def test_specks_cover_the_sampled_fraction_in_dots_of_one_to_three_pixels():
    ranks = speck_bank(1024, torch.device("cpu"))
    for fraction in (0.01, 0.03):
        assert (ranks < fraction).float().mean() == pytest.approx(fraction, rel=0.15)
    white = torch.ones(200, 1, 32, 64)
    white[..., 0, 0] = 0  # a range from ink to paper
    specked = speckle(white.clone(), draw(), alike(speckle=0.1))
    for row in rows_of(specked, white):
        expected = 0.1 * draw().unit("dust")[row] ** 2
        assert ((specked != white)[row].float().mean() - expected).abs() < 0.035


def test_what_is_binarised_has_two_values_or_is_that_softened():
    soft = torch.nn.functional.avg_pool2d(letters(), 3, 1, 1, count_include_pad=False)
    made = binarise(soft.clone(), draw(), alike(binarise=0.3))
    numbers = draw()
    rows = rows_of(made, soft)
    hard = [row for row in rows if numbers.unit("softened")[row] <= 0.5]
    assert len(hard) > len(rows) / 3
    assert set(made[hard].unique().tolist()) == {0, 1}
    ink, level = 1 - made.mean((1, 2, 3)), numbers.signed("binarise", 0.3)
    low, high = ([row for row in rows if lowest < level[row] < lowest + 0.1] for lowest in (-0.3, 0.2))
    assert ink[low].mean() < 0.8 * ink[high].mean()  # a high threshold takes grey for ink
