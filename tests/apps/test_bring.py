import pytest

from apps.bring import pairs_of, refuse_options
from unfont.errors import UserError


def test_columns_are_pairs_of_ours_and_theirs():
    assert pairs_of("script=lang, font_style = face") == {"script": "lang", "font_style": "face"}
    assert pairs_of("") == {}


@pytest.mark.parametrize("text", ["script", "script=", "=lang", "script=lang,style"])
def test_what_is_no_pair_is_refused(text):
    with pytest.raises(UserError, match="script=lang"):
        pairs_of(text)


def test_options_without_pictures_are_refused():
    refuse_options({"--pattern": None, "--beside-drawn": False})
    with pytest.raises(UserError, match="--from"):
        refuse_options({"--pattern": "{script}/*"})
