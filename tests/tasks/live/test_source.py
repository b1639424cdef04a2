import io

import numpy as np
import pytest
from PIL import Image

from tasks.live.source import FILE, FRAME, HEADER, STILL, Source
from unfont.errors import UserError


def message(kind, pixels, number=7):
    height, width = pixels.shape[:2]
    return HEADER.pack(kind, number, width, height) + pixels.tobytes()


def png(pixels):
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, format="PNG")
    return HEADER.pack(FILE, 1, 0, 0) + out.getvalue()


def test_a_frame_is_rgba_pixels_without_their_transparency():
    pixels = np.random.default_rng(0).integers(0, 256, (5, 6, 4), dtype=np.uint8)
    source = Source.of_message(message(FRAME, pixels))
    assert source.moving and source.number == 7 and not Source.of_message(message(STILL, pixels)).moving
    assert np.array_equal(source.pixels, pixels[..., :3])


def test_a_frame_may_be_grey():
    grey = np.random.default_rng(0).integers(0, 256, (5, 6), dtype=np.uint8)
    assert np.array_equal(Source.of_message(message(FRAME, grey)).pixels, grey)


def test_a_file_is_decoded_when_it_is_asked_for():
    pixels = np.random.default_rng(1).integers(0, 256, (9, 8, 3), dtype=np.uint8)
    assert np.array_equal(Source.of_message(png(pixels)).pixels, pixels)


def test_the_windows_of_a_picture_are_found_once(model):
    source = Source.of_pixels(3, np.full((30, 90), 255, np.uint8))
    assert source.windows(model, whole=False) is source.windows(model, whole=False)


def test_a_damaged_file_is_one_line():
    source = Source.of_message(HEADER.pack(FILE, 1, 0, 0) + b"\x89PNG\r\n\x1a\n damaged")
    with pytest.raises(UserError, match="the picture"):
        _ = source.pixels


def test_a_picture_of_a_hundred_megapixels_is_refused_by_its_header():
    whole = io.BytesIO()
    Image.new("1", (10_000, 10_000)).save(whole, format="PNG")
    source = Source.of_message(HEADER.pack(FILE, 1, 0, 0) + whole.getvalue())
    with pytest.raises(UserError, match="more than 32 million pixels"):
        _ = source.pixels


@pytest.mark.parametrize(
    "bad",
    [
        b"",
        b"\x01\x00",
        HEADER.pack(9, 1, 4, 4) + bytes(64),
        HEADER.pack(FRAME, 1, 4, 4) + bytes(63),
        HEADER.pack(FRAME, 1, 0, 0),
        HEADER.pack(FRAME, 1, 9000, 4) + bytes(9000 * 16),
    ],
)
def test_what_is_no_picture_is_refused(bad):
    with pytest.raises(UserError, match="reload the page"):
        Source.of_message(bad)
