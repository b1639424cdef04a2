import pytest
from babel import Locale

from tasks.common.params import read_params
from tasks.images.script_names import is_script_code, label_meant, mapping_hint
from tests.conftest import ROOT

KNOWN = read_params(ROOT / "params.yaml").words.scripts


@pytest.mark.parametrize(
    ("name", "label"),
    [
        *[("Latin", "Latn"), ("Cyrillic", "Cyrl"), ("Arabic", "Arab"), ("Greek", "Grek"), ("Ethiopic", "Ethi")],
        *[("Bangla", "Beng"), ("Bengali", "Beng"), ("Odia", "Orya"), ("Oriya", "Orya"), ("Myanmar", "Mymr")],
        *[("Hindi", "Deva"), ("English", "Latn"), ("Russian", "Cyrl"), ("Urdu", "Arab"), ("Punjabi", "Guru")],
        *[("Chinese", "Hani"), ("Han", "Hani"), ("Simplified Chinese", "Hani"), ("Hant", "Hani"), ("zh-TW", "Hani")],
        *[("Japanese", "Jpan"), ("Hiragana", "Jpan"), ("Korean", "Kore"), ("Hangul", "Kore"), ("ja", "Jpan")],
        *[("hin", "Deva"), ("rus", "Cyrl"), ("eng", "Latn"), ("zho", "Hani"), ("latn", "Latn"), ("ARABIC", "Arab")],
        *[("sr_Latn", "Latn"), ("sr-Cyrl-RS", "Cyrl"), ("pa_PK", "Arab"), ("hindi_words", "Deva"), ("1 Thai", "Thai")],
        *[("Serbian", "Cyrl"), ("Klingon", None), ("Mixed", None), ("", None), ("Latin and Greek", None)],
    ],
)
def test_a_name_means_a_script(name, label):
    assert label_meant(name, KNOWN) == label


def test_every_script_of_ours_is_found_by_its_english_name():
    english = Locale.parse("en").scripts
    assert {code: label_meant(english[code], KNOWN) for code in KNOWN} == {code: code for code in KNOWN}


def test_only_known_labels_are_meant():
    assert label_meant("Korean", ["Kore"]) == label_meant("Hangul", ["Kore"]) == "Kore"
    assert label_meant("Hangul", ["Hang"]) == "Hang"
    assert label_meant("Thai", ["Latn"]) is None
    assert label_meant("Klingon") is None and label_meant("Unwritten") == "Zxxx"
    assert label_meant("Unknown script") == "Zzzz"
    assert is_script_code("Zxxx") and not is_script_code("Latin")


def test_the_hint_is_an_option_as_a_shell_takes_it():
    assert mapping_hint(["Bangla", "Klingon"], KNOWN) == "--labels Bangla=Beng,Klingon=CODE"
    assert mapping_hint(["Old Norse (1)"], KNOWN) == "--labels 'Old Norse (1)=CODE'"
    assert mapping_hint(list("abcdefgh"), KNOWN).endswith("f=CODE,…")
