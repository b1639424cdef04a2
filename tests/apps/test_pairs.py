import pytest

from apps.pairs import label_pairs, pairs_of, refuse_options
from unfont.errors import UserError


def test_columns_are_pairs_of_ours_and_theirs():
    assert pairs_of("script=lang, font_style = face") == {"script": "lang", "font_style": "face"}
    assert pairs_of("") == {}


def test_several_names_may_have_one_label():
    assert label_pairs("Bangla=Beng,Bengali=Beng") == {"Bangla": "Beng", "Bengali": "Beng"}


@pytest.mark.parametrize("text", ["script", "script=", "=lang", "script=lang,style"])
def test_what_is_no_pair_is_refused(text):
    with pytest.raises(UserError, match="script=lang"):
        pairs_of(text)


def test_a_name_with_two_labels_is_refused():
    with pytest.raises(UserError, match=r"'A' is there twice \(--labels"):
        label_pairs("A=Latn,A=Cyrl")


def test_options_without_pictures_are_refused():
    refuse_options({"--pattern": None, "--beside-drawn": False})
    with pytest.raises(UserError, match="--from or --manifest"):
        refuse_options({"--pattern": "{script}/*", "--beside-drawn": False})
    with pytest.raises(UserError, match=r"give --from$"):
        refuse_options({"--pattern": None, "--labels": "A=Latn"})
