import numpy as np
import pytest

from tasks.live.sweep import sweep
from unfont.answers import answers
from unfont.errors import UserError
from unfont.reading import fit


def test_every_font_that_can_draw_the_word_is_asked(model, book):
    parts = list(sweep(model, book, "abc", script="Latn"))
    rows = [row for part in parts for row in part.answers]
    fonts = book.of_script("Latn")
    assert [row["row"] for row in rows] == [font.row for font in fonts] and parts[-1].done == parts[-1].total == len(
        fonts
    )
    picture = book.draw(rows[0]["row"], "abc")
    wanted = answers(model.model, [picture], top=3)[0]
    assert (rows[0]["label"], rows[0]["p"]) == (wanted["script"], pytest.approx(wanted["p"], abs=1e-4))
    assert rows[0]["p_right"] == pytest.approx(
        next(one["p"] for one in wanted["top"] if one["script"] == "Latn"), abs=1e-4
    )
    assert np.array_equal(parts[0].pictures[0], fit(picture, height=16, width=64))


def test_what_cannot_be_swept_is_one_line(model, small, book):
    for live, text, script, said in (
        (small, "abc", "Latn", "does not know"), (model, "abc", "Grek", "does not know"),
        (model, "αβγ", "Latn", "not written in Latn"), (model, "Ʊ" * 3, "Latn", "no font of Latn"),
    ):  # fmt: skip
        with pytest.raises(UserError, match=said):
            list(sweep(live, book, text, script=script))
