import numpy as np
from PIL import Image

from tasks.pages.sprites import SHEET_HEIGHT, SHEET_WIDTH, shown_size, write_sheet


def test_every_crop_lies_where_the_sheet_says(tmp_path):
    crops = {f"key{n}": np.full((32, 128), n * 17, np.uint8) for n in range(16)}
    sheet = write_sheet(tmp_path / "sheet.png", crops, file="sheet.png")
    with Image.open(tmp_path / "sheet.png") as image:
        pixels = np.asarray(image.convert("L"))
    for key, (x, y) in sheet.places.items():
        # 16 levels of grey hold multiples of 17 exactly.
        assert np.array_equal(pixels[y : y + 32, x : x + 128], crops[key])


def test_the_same_crops_give_the_same_bytes(tmp_path):
    crops = {"a": np.arange(32 * 64, dtype=np.uint8).reshape(32, 64)}
    first, second = tmp_path / "1.png", tmp_path / "2.png"
    write_sheet(first, crops, file="")
    write_sheet(second, crops, file="")
    assert first.read_bytes() == second.read_bytes()


def test_large_crops_are_shown_smaller_in_proportion():
    assert shown_size((32, 128)) == (32, 128)
    assert shown_size((128, 512)) == (64, 256)
    assert shown_size((16, 2048)) == (2, 256)


def test_what_no_browser_could_decode_is_left_out(tmp_path):
    many = {str(n): np.zeros((64, 256), np.uint8) for n in range(4 * SHEET_HEIGHT // 64 + 5)}
    sheet = write_sheet(tmp_path / "sheet.png", many, file="")
    with Image.open(tmp_path / "sheet.png") as image:
        assert image.size == (SHEET_WIDTH, SHEET_HEIGHT)
    assert len(sheet.places) == len(many) - 5


def test_no_crops_no_file(tmp_path):
    assert write_sheet(tmp_path / "sheet.png", {}, file="") is None
    assert not any(tmp_path.iterdir())


def test_crops_in_colour_stay_in_colour(tmp_path):
    rng = np.random.default_rng(0)
    crops = {"rgb": rng.integers(0, 256, (8, 12, 3)).astype(np.uint8), "grey": np.full((8, 12), 90, np.uint8)}
    sheet = write_sheet(tmp_path / "sheet.png", crops, file="sheet.png")
    assert sheet is not None
    with Image.open(tmp_path / "sheet.png") as image:
        pixels = np.asarray(image.convert("RGB"))
    for key, crop in crops.items():
        x, y = sheet.places[key]
        shown = pixels[y : y + 8, x : x + 12]
        assert np.array_equal(shown, crop if crop.ndim == 3 else np.stack([crop] * 3, axis=-1))


def test_a_sheet_of_few_colours_keeps_rare_hues(tmp_path):
    """A patch of orange in a thousand greys: less than a hundredth of the pixels."""
    greys = np.random.default_rng(0).integers(0, 256, (64, 128, 1)).astype(np.uint8).repeat(3, axis=2)
    greys[10:14, 20:36] = (201, 84, 18)
    for name in ("a", "b"):
        write_sheet(tmp_path / f"{name}.png", {"key": greys}, file="", colours=32)
    with Image.open(tmp_path / "a.png") as image:
        assert image.mode == "P" and len(image.getcolors()) <= 32
        pixels = np.asarray(image.convert("RGB")).astype(int)
    assert np.abs(pixels[10:14, 20:36] - (201, 84, 18)).max() < 40
    assert np.abs(pixels - greys).mean() < 16
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
