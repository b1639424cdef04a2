import pytest

from tasks.images.given_pictures import Picture
from tasks.images.label_names import LabelNames
from unfont.errors import UserError


def labels_of(names, *found):
    pictures = [Picture(name="a.png", labels={"script": name, "text": "Bangla"}) for name in found]
    return [picture.labels for picture in names.mapped(pictures, "script")]


def test_several_names_may_have_one_label_and_other_columns_stay():
    names = LabelNames({"Bangla": "Beng", "Bengali": "Beng"})
    mapped = labels_of(names, "Bangla", "Bengali", "Latn", None)
    assert [labels["script"] for labels in mapped] == ["Beng", "Beng", "Latn", None]
    assert {labels["text"] for labels in mapped} == {"Bangla"}
    assert names.unused() == []


def test_composed_and_decomposed_names_are_the_same():
    names = LabelNames({"Cafe\u0301": "Latn"})
    assert names.label("Café") == "Latn"


def test_names_that_never_occur_are_told():
    names = LabelNames({"Bangla": "Beng", "Hindi": "Deva"})
    labels_of(names, "Bangla", "Latn")
    assert names.unused() == ["note: --labels: no picture is labelled Hindi; there are Bangla, Latn"]


def test_a_mapping_the_wrong_way_round_is_refused():
    names = LabelNames({"Beng": "Bangla"})
    labels_of(names, "Bangla", "Hindi")
    with pytest.raises(UserError, match=r"labelled Beng .*NAME=LABEL.*Bangla, Hindi"):
        names.unused()
