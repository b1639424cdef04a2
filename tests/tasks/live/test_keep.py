import numpy as np
import pytest
from PIL import Image

from tasks.crop_table.text_side import may_train
from tasks.images.given_pictures import given_pictures
from tasks.live.keep import keep_crop, read_kept
from tests.tasks.live.conftest import PARAMS
from unfont.errors import UserError

FOLDER = PARAMS.home / "live"


def word(book, *, trained):
    """A word of the toy alphabet that training may show, or may not."""
    for text in ("abc", "bcd", "cde", "def", "efg", "fgh", "ghi", "hij", "ijk", "jkl", "klm", "lmn", "mno", "nop"):
        if may_train(text, script="Latn", settings=PARAMS.tag, seed=PARAMS.seed) == trained:
            return text
    raise AssertionError


def font_of(book, side):
    return next(font for font in book.of_script("Latn") if font.side == side)


def test_a_crop_is_kept_with_its_right_label_as_tag_takes_it(here, book):
    font, text = font_of(book, "train"), word(book, trained=True)
    kept = keep_crop(PARAMS, book, row=font.row, text=text)
    with Image.open(kept.file) as image:
        assert np.array_equal(np.asarray(image), book.draw(font.row, text))
    (picture,) = given_pictures(FOLDER / "manifest.csv", problem=PARAMS.labels)
    assert picture.data == kept.file.read_bytes() and picture.reason is None
    labels = {"script": "Latn", "font_style": font.font_style, "design": font.design, "text": text}
    assert {name: picture.labels[name] for name in labels} == labels


def test_it_is_kept_once(here, book):
    font, text = font_of(book, "train"), word(book, trained=True)
    assert not keep_crop(PARAMS, book, row=font.row, text=text).again
    again = keep_crop(PARAMS, book, row=font.row, text=text)
    assert again.again and again.count == 1 == len(read_kept(FOLDER))


@pytest.mark.parametrize("side", ["validation", "test_unseen"])
def test_a_held_out_design_is_refused(here, book, side):
    with pytest.raises(UserError, match="the test stays a test"):
        keep_crop(PARAMS, book, row=font_of(book, side).row, text=word(book, trained=True))
    assert not FOLDER.exists()


def test_a_held_out_text_is_refused(here, book):
    with pytest.raises(UserError, match="this text is held out"):
        keep_crop(PARAMS, book, row=font_of(book, "train").row, text=word(book, trained=False))


def test_a_text_of_another_script_is_refused(here, book):
    with pytest.raises(UserError, match="its label would be wrong"):
        keep_crop(PARAMS, book, row=font_of(book, "train").row, text="αβγ")


def test_a_manifest_of_something_else_is_not_overwritten(here, book):
    FOLDER.mkdir(parents=True)
    (FOLDER / "manifest.csv").write_text("a,b\n1,2\n")
    with pytest.raises(UserError, match="no manifest of kept crops"):
        keep_crop(PARAMS, book, row=font_of(book, "train").row, text=word(book, trained=True))
    assert (FOLDER / "manifest.csv").read_text() == "a,b\n1,2\n"


def test_a_text_with_commas_and_quotes_is_one_field(here, book, monkeypatch):
    monkeypatch.setattr(book, "draw", lambda row, text: np.zeros((9, 9), np.uint8))  # the toy fonts have no comma
    monkeypatch.setattr("tasks.live.keep.may_train", lambda *_, **__: True)
    keep_crop(PARAMS, book, row=font_of(book, "train").row, text='ab , " cd')
    assert [row["text"] for row in read_kept(FOLDER)] == ['ab , " cd']
