"""Real files of every kind, and every kind of damage."""

import contextlib
import io
import os
import struct
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from unfont.errors import UserError
from unfont.picture import FEWEST_PIXELS, picture_of, read_picture

HEIGHT, WIDTH = 16, 40


def ramp():
    """Grey values that rise from left to right."""
    return np.broadcast_to(np.linspace(10, 245, WIDTH).astype(np.uint8), (HEIGHT, WIDTH)).copy()


@pytest.mark.parametrize("name", ["a.png", "a.pgm", "a.tiff", "a.bmp", "a.webp"])
def test_a_lossless_grey_picture_is_read_as_it_is(here, name):
    Image.fromarray(ramp()).save(here / name, **({"lossless": True} if name == "a.webp" else {}))
    np.testing.assert_allclose(read_picture(here / name).astype(int), ramp(), atol=1 if name == "a.webp" else 0)


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "P", "CMYK", "LA", "YCbCr"])
def test_colour_models_are_read_as_grey(here, mode):
    name = {"CMYK": "a.tiff", "YCbCr": "a.jpg"}.get(mode, "a.png")
    picture = Image.fromarray(ramp())
    (picture if mode == "P" else picture.convert("RGB")).convert(mode).save(here / name)
    np.testing.assert_allclose(read_picture(here / name).astype(int), ramp(), atol=8)


@pytest.mark.parametrize("name", ["a.png", "a.tiff", "a.pgm"])
def test_sixteen_bits_keep_their_range(here, name):
    Image.fromarray(ramp().astype(np.uint16) * 257).save(here / name)
    np.testing.assert_array_equal(read_picture(here / name), ramp())


@pytest.mark.parametrize("bits", [8, 10, 12, 14, 16])
@pytest.mark.parametrize("name", ["a.png", "a.tiff"])
def test_fewer_bits_in_a_file_of_sixteen_are_the_whole_range(here, name, bits):
    values = np.rint(ramp() / 255 * (2**bits - 1)).astype(np.uint16)
    Image.fromarray(values).save(here / name)
    np.testing.assert_allclose(read_picture(here / name), ramp(), atol=1)


def test_a_pgm_says_its_white(here):
    Image.fromarray(np.full((HEIGHT, WIDTH), 200, np.uint16)).save(here / "a.pgm")
    assert read_picture(here / "a.pgm").max() <= 1


@pytest.mark.parametrize("top", [1.0, 255.0, 65535.0, 9e6])
def test_floating_point_pictures_are_scaled_by_what_range_they_fill(here, top):
    Image.fromarray((ramp() / 245 * top).astype(np.float32)).save(here / "a.tiff")
    np.testing.assert_allclose(read_picture(here / "a.tiff").astype(int), ramp() / 245 * 255, atol=1)


def test_light_ink_on_transparent_ground_is_laid_on_black(here):
    ink = np.zeros((HEIGHT, WIDTH, 4), np.uint8)
    ink[..., :3] = 255
    ink[..., 3] = ramp()
    Image.fromarray(ink).save(here / "white.png")
    np.testing.assert_array_equal(read_picture(here / "white.png"), ramp())


def test_transparency_is_laid_on_white(here):
    pixels = np.zeros((HEIGHT, WIDTH, 4), np.uint8)
    pixels[:, :20, 3] = 255  # black ink on the left, nothing on the right
    Image.fromarray(pixels).save(here / "rgba.png")
    Image.fromarray(pixels[..., 0]).convert("P").save(here / "palette.png", transparency=0)
    crop = read_picture(here / "rgba.png")
    assert (crop[:, :20] == 0).all() and (crop[:, 20:] == 255).all()
    assert (read_picture(here / "palette.png") == 255).all()


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_rotation_is_undone(here, orientation):
    upright = Image.fromarray(ramp()).resize((40, 16))
    stored = {  # how a camera held that way stores the picture: the inverse of what EXIF says to do
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    picture = upright.transpose(stored[orientation]) if orientation > 1 else upright
    exif = Image.Exif()
    exif[0x0112] = orientation
    picture.save(here / "a.png", exif=exif)
    np.testing.assert_array_equal(read_picture(here / "a.png"), ramp())


def test_damaged_exif_does_not_matter(here):
    Image.fromarray(ramp()).save(here / "a.jpg", exif=b"Exif\0\0MM\0*\0\0\0\x08\xff\xff garbage", quality=95)
    np.testing.assert_allclose(read_picture(here / "a.jpg").astype(int), ramp(), atol=8)


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "P", "CMYK", "YCbCr"])
def test_three_channels_keep_the_colour(here, mode):
    name = {"CMYK": "a.tiff", "YCbCr": "a.jpg"}.get(mode, "a.png")
    colours = np.stack([ramp(), ramp()[:, ::-1], np.full_like(ramp(), 90)], axis=-1)
    Image.fromarray(colours).convert(mode).save(here / name, **({"quality": 100} if mode == "YCbCr" else {}))
    expected = np.asarray(Image.fromarray(colours).convert(mode).convert("RGB")).astype(int)
    crop = read_picture(here / name, channels=3)
    np.testing.assert_allclose(crop.astype(int), expected, atol=6 if mode == "YCbCr" else 0)
    grey = expected @ [0.299, 0.587, 0.114]  # ITU-R 601
    np.testing.assert_allclose(read_picture(here / name).astype(int), grey, atol=6 if mode == "YCbCr" else 1)


def test_three_channels_of_a_grey_picture_are_alike(here):
    for name, picture in {"a.png": ramp(), "b.png": ramp().astype(np.uint16) * 257}.items():
        Image.fromarray(picture).save(here / name)
        crop = read_picture(here / name, channels=3)
        np.testing.assert_array_equal(crop, np.repeat(ramp()[..., None], 3, axis=2))


@pytest.mark.parametrize("white", [1, 15, 156, 300, 4095])
@pytest.mark.parametrize("channels", [1, 3])
def test_a_netpbm_picture_is_scaled_by_its_own_white(white, channels):
    values = np.random.default_rng(white).integers(0, white + 1, (HEIGHT, WIDTH, channels))
    data = b"P%d\n# a comment\n40 16\n%d\n" % (5 if channels == 1 else 6, white)
    data += values.astype("u1" if white < 256 else ">u2").tobytes()
    crop = picture_of(data, where="a.pgm", channels=channels)
    np.testing.assert_array_equal(crop.reshape(values.shape), np.rint(values * 255 / white))
    with pytest.raises(UserError, match="damaged"):
        picture_of(data[:-1], where="a.pgm")


def png_of(width, height):
    """A PNG that says it is of that size, and holds nothing."""

    def chunk(name, data):
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


def bad_files(folder):
    """Every kind of file that is no word picture, and what is said of it."""
    Image.fromarray(ramp()).save(folder / "whole.png")
    noise = np.random.default_rng(0).integers(0, 256, (64, 160)).astype(np.uint8)
    Image.fromarray(noise).save(folder / "whole.jpg")
    whole = (folder / "whole.png").read_bytes()
    (folder / "truncated.png").write_bytes(whole[: len(whole) * 2 // 3])
    (folder / "truncated.jpg").write_bytes((folder / "whole.jpg").read_bytes()[:3000])
    (folder / "empty.png").touch()
    (folder / "text.png").write_text("no picture at all")
    (folder / "page.svg").write_text("<svg xmlns='http://www.w3.org/2000/svg'/>")
    (folder / "bomb.png").write_bytes(png_of(60_000, 60_000))
    (folder / "large.png").write_bytes(png_of(6_000, 6_000))
    (folder / "folder.png").mkdir()
    frames = [Image.new("L", (40, 16), grey) for grey in (0, 255)]
    for name in ("animated.png", "animated.webp", "pages.tiff"):
        frames[0].save(folder / name, save_all=True, append_images=frames[1:])
    frames[0].save(folder / "a.gif")
    (folder / "a.avif").write_bytes(b"\0\0\0\x20ftypavif\0\0\0\0")  # as far as such a file is looked at
    (folder / "a.heic").write_bytes(b"\0\0\0\x18ftypheic\0\0\0\0")
    (folder / "a.jp2").write_bytes(b"\0\0\0\x0cjP  \r\n\x87\n")
    (folder / "a.pdf").write_bytes(b"%PDF-1.7\n")
    Image.new("L", (1, 1)).save(folder / "pixel.png")
    Image.new("L", (40_000, 32)).save(folder / "wide.png")
    nans = np.full((HEIGHT, WIDTH), np.nan, np.float32)
    Image.fromarray(nans).save(folder / "nan.tiff")
    os.mkfifo(folder / "pipe.png")
    return {
        "truncated.png": "damaged",
        "truncated.jpg": "damaged",
        "empty.png": "empty",
        "text.png": "no picture",
        "page.svg": "no picture",
        "a.gif": "this is a GIF: save it as PNG",
        "a.avif": "this is an AVIF: save it as PNG",
        "a.heic": "this is a HEIC: save it as PNG",
        "a.jp2": "this is a JPEG 2000: save it as PNG",
        "a.pdf": "this is a PDF: save it as PNG",
        "bomb.png": "million pixels",
        "large.png": "million pixels",
        "folder.png": "a folder",
        "animated.png": "several pictures",
        "animated.webp": "several pictures",
        "pages.tiff": "several pictures",
        "pixel.png": "1×1 pixels",
        "nan.tiff": "no numbers",
        "pipe.png": "no regular file",
        "none.png": "no such file",
    }


def test_what_is_no_picture_of_a_word_is_told_in_one_line(here):
    for name, said in bad_files(here).items():
        try:
            read_picture(here / name)
            line = f"{name} was read"
        except UserError as error:
            line = str(error)
        assert said in line and name in line and "\n" not in line, line


def test_any_cut_of_any_file_is_read_or_refused(here):
    for name in ("a.png", "a.jpg", "a.tiff", "a.webp", "a.bmp", "a.pgm"):
        Image.fromarray(ramp()).save(here / name)
        whole = (here / name).read_bytes()
        for end in range(0, len(whole), max(1, len(whole) // 40)):
            try:
                crop = picture_of(whole[:end], where=name)
                assert crop.shape == (HEIGHT, WIDTH)
            except UserError:
                pass


def test_any_changed_byte_is_read_or_refused(here):
    rng = np.random.default_rng(5)
    for name in ("a.png", "a.jpg", "a.tiff", "a.webp", "a.bmp", "a.pgm"):
        Image.fromarray(ramp()).save(here / name)
        whole = np.frombuffer((here / name).read_bytes(), np.uint8)
        for _ in range(60):
            changed = whole.copy()
            changed[rng.integers(0, min(len(whole), 300), 3)] = rng.integers(0, 256, 3)
            with contextlib.suppress(UserError):
                picture_of(changed.tobytes(), where=name)


def damaged_files():
    """Small files of every kind, with their names."""
    rng = np.random.default_rng(1)
    grey, colour = (Image.fromarray(rng.integers(0, 256, size).astype(np.uint8)) for size in ((9, 14), (9, 14, 3)))
    kinds = {"PNG": grey, "JPEG": colour, "TIFF": colour, "WEBP": colour, "BMP": colour, "PPM": grey}
    for name, picture in kinds.items():
        yield name, saved(picture, name)
    yield "palette", saved(colour.convert("P"), "PNG", transparency=3)
    yield "alpha", saved(colour.convert("RGBA"), "PNG")
    yield "deep", saved(Image.fromarray(rng.integers(0, 65536, (9, 14)).astype(np.uint16)), "PNG")
    yield "cmyk", saved(colour.convert("CMYK"), "TIFF", compression="tiff_lzw")
    yield "turned", saved(colour, "JPEG", exif=b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0")
    yield "plain", b"P2 5 4 9 " + b"1 2 3 9 5 " * 4
    yield "white", b"P6 5 4 99 " + bytes(60)


def saved(picture, form, **options):
    file = io.BytesIO()
    picture.save(file, form, **options)
    return file.getvalue()


WHOLE = dict(damaged_files())


@pytest.mark.slow
@settings(max_examples=10_000, derandomize=True, database=None)
@given(case=st.binary(min_size=3, max_size=18))
def test_any_bytes_are_read_or_refused_in_one_line(case):
    # One draw a case, for speed: which file, where it is cut off, and triples of place and value that change.
    name, channels = sorted(WHOLE)[case[0] % len(WHOLE)], (1, 3)[case[1] % 2]
    data = bytearray(WHOLE[name])
    for high, low, value in zip(*[iter(case[3:])] * 3, strict=False):
        data[(high * 256 + low) % len(data)] = value
    if case[2] < 128:
        del data[len(data) * case[2] // 128 :]
    try:
        crop = picture_of(bytes(data), where=name, channels=channels)
    except UserError as error:
        assert "\n" not in str(error)
        return
    assert crop.ndim == 2 + (channels == 3) and min(crop.shape[:2]) >= FEWEST_PIXELS and crop.dtype == np.uint8


def test_the_files_of_the_fuzz_can_be_read():
    for name, data in WHOLE.items():
        picture_of(data, where=name)
