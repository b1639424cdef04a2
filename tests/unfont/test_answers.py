"""Pictures are read upright unless they read far better turned; the model here knows where a picture is dark."""

from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.unfont.drawing import Grey, below, word
from unfont.answers import BATCH, answers, see
from unfont.errors import UserError
from unfont.reading import read


class ByInk:
    """A model of two scripts: `Latn` has its ink in the lower half of a window, `Grek` in the upper.

    It is as sure as `sure` says; a window without a difference is `Zxxx`.
    """

    labels: Sequence[str] = ("Grek", "Latn", "Zxxx")
    target = "script"
    shape = (32, 128, 1)

    def __init__(self, sure: dict[str, float]) -> None:
        self.sure = sure

    def probabilities(self, crops: NDArray[np.uint8]) -> NDArray[np.float64]:
        ink = 255.0 - crops
        upper, lower = ink[:, :16].sum((1, 2)), ink[:, 16:].sum((1, 2))
        found = ["Zxxx" if a == b else "Grek" if a > b else "Latn" for a, b in zip(upper, lower, strict=True)]
        rows = [
            [self.sure[one] if one == label else (1 - self.sure[one]) / 2 for label in self.labels] for one in found
        ]
        return np.array(rows)


def heavy_below() -> Grey:
    """Thin bars on a thick line: its ink is in the lower half."""
    picture = np.full((40, 200), 255, np.uint8)
    picture[6:34, 10:190:12] = 0
    picture[28:34, 10:186] = 0
    return picture


def test_what_is_clear_is_read_as_it_stands():
    model = ByInk({"Latn": 0.97, "Grek": 0.97, "Zxxx": 0.97})
    for picture, script in ((heavy_below(), "Latn"), (heavy_below()[::-1], "Grek")):
        (found,) = answers(model, [picture])
        assert found["script"] == script and "turned" not in found


def test_what_reads_far_better_turned_is_turned():
    # As Greek it is a guess, as Latin nearly sure.
    model = ByInk({"Latn": 0.9, "Grek": 0.4, "Zxxx": 0.9})
    (found,) = answers(model, [heavy_below()[::-1, ::-1]])
    assert (found["script"], found["turned"]) == ("Latn", 180)


def test_what_is_certain_at_a_first_look_is_not_read_at_all_scales():
    doubtful, certain = (answers(ByInk({"Latn": p, "Grek": p, "Zxxx": p}), [heavy_below()])[0] for p in (0.8, 0.999))
    height, width, _ = ByInk.shape
    whole = len(read(heavy_below(), height=height, width=width).windows)
    # Its ink is 180 × 28 pixels, which is 206 × 32 in windows of 128.
    assert (certain["windows"], doubtful["windows"]) == (2, whole) and whole > 6


def test_a_turned_picture_is_read_whole_only_where_its_first_look_is_worth_it():
    shown: list[int] = []

    class Counted(ByInk):
        def probabilities(self, crops: NDArray[np.uint8]) -> NDArray[np.float64]:
            shown.append(len(crops))
            return super().probabilities(crops)

    whole = len(read(heavy_below(), height=32, width=128).windows)
    answers(Counted({"Latn": 0.9, "Grek": 0.4, "Zxxx": 0.9}), [heavy_below()[::-1, ::-1]])
    assert shown == [2, whole, 2, whole]
    shown.clear()
    answers(Counted({"Latn": 0.4, "Grek": 0.6, "Zxxx": 0.9}), [heavy_below()[::-1, ::-1]])
    assert shown == [2, whole, 2]


@pytest.mark.parametrize("latin", [0.59, 0.85])
def test_what_reads_little_better_is_left_upright(latin):
    # 0.59 is too little for any script; 0.85 has not ten times the odds of 0.8.
    model = ByInk({"Latn": latin, "Grek": 0.5 if latin < 0.6 else 0.8, "Zxxx": 0.9})
    (found,) = answers(model, [heavy_below()[::-1]])
    assert found["script"] == "Grek" and "turned" not in found


def test_pictures_of_crop_size_and_models_of_no_writing_are_shown_whole():
    model = ByInk({"Latn": 0.4, "Grek": 0.4, "Zxxx": 0.9})
    crop = np.full((32, 128), 255, np.uint8)
    crop[20:30, 40:90] = 0
    model.labels = ("Grek", "Latn", "Zxxx")
    (seen,) = see(model, [crop])
    np.testing.assert_array_equal(seen.reading.windows[0], crop)
    assert seen.reading.length is None
    other = ByInk(model.sure)
    other.labels = ("down", "up", "wide")
    other.sure = {"Latn": 0.9, "Grek": 0.9, "Zxxx": 0.9}
    other.probabilities = lambda crops: np.full((len(crops), 3), 1 / 3)  # type: ignore[method-assign]
    (seen,) = see(other, [word()])
    assert len(seen.reading.windows) == 1 and seen.reading.length is None


def test_a_batch_answers_as_its_pictures_alone():
    model = ByInk({"Latn": 0.9, "Grek": 0.4, "Zxxx": 0.9})
    pictures = [heavy_below(), heavy_below()[::-1], np.full((50, 90), 255, np.uint8), below([word()] * 3, 30)]
    many = pictures * (BATCH // 4 + 1)
    alone = [answers(model, [picture])[0] for picture in pictures]
    assert answers(model, many) == alone * (BATCH // 4 + 1)
    assert alone[2]["windows"] == 1 and alone[3]["windows"] == 3 * answers(model, [word()])[0]["windows"]


def test_options_are_checked_though_there_is_no_picture():
    with pytest.raises(UserError, match="unknown label 'Klin'"):
        answers(ByInk({}), [], among=["Klin"])
    assert answers(ByInk({}), []) == []


class Unknown(ByInk):
    """Ink in the upper half is `Zzzz`, in the lower `Latn`."""

    labels = ("Latn", "Zxxx", "Zzzz")

    def probabilities(self, crops: NDArray[np.uint8]) -> NDArray[np.float64]:
        lower = (255.0 - crops)[:, 16:].sum((1, 2)) > (255.0 - crops)[:, :16].sum((1, 2))
        return np.where(lower[:, None], [self.sure["Latn"], 0.0, 1 - self.sure["Latn"]], [0.02, 0.0, 0.98])


@pytest.mark.parametrize(("latin", "script"), [(0.99, "Latn"), (0.7, "Zzzz")])
def test_what_looks_unknown_is_turned_where_that_is_clear(latin, script):
    (found,) = answers(Unknown({"Latn": latin}), [heavy_below()[::-1, ::-1]])
    assert (found["script"], "turned" in found) == (script, script == "Latn")
