import numpy as np

from tasks.report.poster import EDGE, GAP, LINE, TILE, PosterRow, poster


def test_every_picture_is_at_its_place_enlarged_by_whole_pixels():
    crop = np.arange(32 * 128, dtype=np.uint8).reshape(32, 128)
    small = np.array([[0, 255], [255, 0]], np.uint8)
    sheet = poster([PosterRow("conv", "Curves: Latn", [crop, small]), PosterRow("head", "Cyrl", [small])])
    assert sheet.shape == (2 * EDGE + 2 * (LINE + TILE[0] + GAP), 2 * EDGE + 256 + GAP + 64)
    top = EDGE + LINE
    assert (sheet[top : top + 64 : 2, EDGE : EDGE + 256 : 2] == crop).all()
    assert (sheet[top : top + 64 : 32, EDGE + 256 + GAP :: 32][:, :2] == small).all()
    below = top + LINE + TILE[0] + GAP
    assert (sheet[below : below + 64 : 32, EDGE : EDGE + 64 : 32] == small).all()
    assert (sheet[EDGE : EDGE + LINE - 4] < 100).any()


def test_a_picture_in_colour_makes_the_poster_one_in_colour():
    large = np.zeros((128, 512, 3), np.uint8)
    sheet = poster([PosterRow("conv", "name", [large, np.zeros((32, 128), np.uint8)])])
    assert sheet.shape == (2 * EDGE + LINE + TILE[0] + GAP, 2 * EDGE + 2 * 256 + GAP, 3)
