import numpy as np
import pytest

from unfont.errors import UserError


def test_a_text_is_dark_on_white_with_room_around_it(book):
    font = book.of_script("Latn")[0]
    picture = book.draw(font.row, "Latin")
    assert picture.dtype == np.uint8 and (picture == 0).any()
    edges = np.concatenate(
        [picture[:10].ravel(), picture[-10:].ravel(), picture[:, :10].ravel(), picture[:, -10:].ravel()]
    )
    assert (edges == 255).all()
    assert book.draw(font.row, "Latin Latin").shape[1] > 1.8 * picture.shape[1] - 40


def test_two_fonts_draw_a_word_differently(book):
    first, second = (font for font in book.of_script("Grek")[:2])
    assert not np.array_equal(book.draw(first.row, "αβγ"), book.draw(second.row, "αβγ"))


def test_the_script_of_a_text_is_that_of_most_of_its_words(book):
    assert book.scripts == ["Grek", "Latn"]
    assert book.script_of("abc") == "Latn" and book.script_of("αβγ δε abc") == "Grek"
    assert book.script_of("12 日") is None


def test_the_first_font_that_can_draw_a_text_is_found(book):
    assert book.font_for("αβγ").script == "Grek" and book.font_for("12").script in ("Grek", "Latn")
    assert book.font_for("αβγ", "Latn") is None and book.font_for("日本") is None


def test_a_text_fits_the_script_that_it_is_written_in(book):
    assert book.fits("abc", "Latn") and not book.fits("abc", "Grek") and not book.fits("12", "Latn")
    assert book.fits("日本", "Zzzz") and not book.fits("abc", "Zzzz") and not book.fits("12", "Zzzz")


def test_a_script_has_a_word_of_its_own(book):
    word = book.word_of("Grek")
    assert book.script_of(word) == "Grek" and 3 <= len(word) <= 10
    assert book.word_of("Thai") is None


@pytest.mark.parametrize(
    ("text", "said"), [("", "1 to 60"), ("a" * 61, "1 to 60"), ("日", "cannot draw"), (" ", "1 to 60")]
)
def test_what_cannot_be_drawn_is_one_line(book, text, said):
    with pytest.raises(UserError, match=said):
        book.draw(book.of_script("Latn")[0].row, text)


def test_a_font_that_is_not_there_is_one_line(book):
    with pytest.raises(UserError, match="no font 9999"):
        book.draw(9999, "a")


def test_all_fonts_are_listed_with_their_sides(book):
    listed = book.listed()
    assert [font["script"] for font in listed] == sorted(font["script"] for font in listed)
    assert {font["side"] for font in listed} == {"train", "validation", "test_unseen"}
    assert set(listed[0]) == {"row", "family", "script", "font_style", "design", "side", "weight"}
