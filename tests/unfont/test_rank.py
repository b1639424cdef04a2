"""A picture's answer from the probabilities of its windows."""

import numpy as np
import pytest

from unfont.combine import combined
from unfont.errors import UserError
from unfont.rank import answer

LABELS = ["Cyrl", "Grek", "Latn", "Zxxx"]
HAN = ["Hani", "Jpan", "Kore", "Latn", "Zxxx"]


def sure(*labels: str, of: list[str] = LABELS) -> np.ndarray:
    """Windows that are sure of these labels."""
    return np.array([[0.97 if label == name else 0.03 / (len(of) - 1) for name in of] for label in labels])


def test_labels_are_ordered_by_probability():
    found = answer(np.array([[0.1, 0.2, 0.6, 0.1]]), LABELS, top=3)
    assert (found["script"], found["p"]) == ("Latn", 0.6)
    assert found["top"] == [
        {"script": "Latn", "p": 0.6},
        {"script": "Grek", "p": 0.2},
        {"script": "Cyrl", "p": 0.1},  # as likely as Zxxx, and before it
    ]
    assert len(answer(np.array([[0.1, 0.2, 0.6, 0.1]]), LABELS, top=99)["top"]) == 4


def test_among_considers_only_those_labels_and_renormalises():
    found = answer(np.array([[0.1, 0.2, 0.6, 0.1]]), LABELS, among=["Zxxx", "Grek"])
    assert found["top"] == [{"script": "Grek", "p": 0.666667}, {"script": "Zxxx", "p": 0.333333}]
    certain = answer(np.array([[0.0, 0.0, 1.0, 0.0]]), LABELS, among=["Cyrl", "Grek"])
    assert [one["p"] for one in certain["top"]] == [0.5, 0.5]


def test_below_the_threshold_the_prediction_is_withheld_and_top_is_not():
    row = np.array([[0.1, 0.2, 0.6, 0.1]])
    assert answer(row, LABELS, abstain_below=0.6)["script"] == "Latn"
    withheld = answer(row, LABELS, abstain_below=0.61)
    assert withheld["script"] is None and withheld["p"] == 0.6 and withheld["top"][0]["script"] == "Latn"
    # Renormalised first: among two, the same picture is sure enough.
    assert answer(row, LABELS, abstain_below=0.7, among=["Cyrl", "Latn"])["script"] == "Latn"


def test_it_says_how_many_windows_spoke_and_how_many_agree():
    found = answer(sure("Latn", "Latn", "Grek"), LABELS, length=3.0)
    assert (found["script"], found["windows"], found["agree"]) == ("Latn", 3, 2)
    assert "shares" not in found


def test_windows_that_are_sure_of_two_scripts_are_a_mixed_picture():
    found = answer(sure(*["Latn"] * 6, *["Grek"] * 3, "Zxxx"), LABELS, length=9.0)
    assert (found["script"], found["shares"]) == ("mixed", {"Latn": 0.667, "Grek": 0.333})
    assert (found["p"], found["windows"], found["agree"]) == (0.97, 10, 9)
    assert answer(sure(*["Latn"] * 6, *["Grek"] * 3), LABELS, length=9.0, abstain_below=0.98)["script"] is None


@pytest.mark.parametrize(
    "windows",
    [
        sure(*["Latn"] * 6, *["Grek"] * 2),  # too few
        sure(*["Latn"] * 15, *["Grek"] * 3),  # too small a part
        np.concatenate([sure(*["Latn"] * 6), np.array([[0.05, 0.9, 0.03, 0.02]] * 4)]),  # not sure
        sure(*["Latn"] * 6, *["Zxxx"] * 4),  # no script
    ],
)
def test_few_or_doubtful_windows_make_no_mixed_picture(windows):
    assert answer(windows, LABELS, length=9.0)["script"] == "Latn"


def test_only_scripts_that_are_expected_are_mixed():
    windows = sure(*["Latn"] * 6, *["Grek"] * 4)
    assert answer(windows, LABELS, length=9.0, among=["Cyrl", "Latn"])["script"] == "Latn"


def test_kanji_and_kana_are_no_mixed_picture():
    found = answer(sure(*["Hani"] * 5, *["Jpan"] * 4, of=HAN), HAN, length=9.0)
    assert (found["script"], found["agree"]) == ("Jpan", 9)


def test_kanji_alone_is_hani_and_japanese_or_korean_where_only_these_are_expected():
    kanji = sure("Hani", "Hani", of=HAN)
    assert answer(kanji, HAN, length=2.0)["script"] == "Hani"
    for among in (["Jpan", "Latn"], ["Kore", "Latn"]):
        found = answer(kanji, HAN, length=2.0, among=among)
        assert found["script"] == among[0] and found["p"] > 0.9


@pytest.mark.parametrize("options", [{"top": 0}, {"abstain_below": 2}, {"among": ["Klin"]}])
def test_wrong_options_are_told(options):
    with pytest.raises(UserError):
        answer(sure("Latn"), LABELS, **options)


def test_among_makes_an_unknown_script_no_surer_of_those_that_are_named():
    labels = [*LABELS, "Zzzz"]
    row = np.array([[0.04, 0.02, 0.12, 0.02, 0.8]])
    assert answer(row, labels)["script"] == "Zzzz"
    found = answer(row, labels, among=["Cyrl", "Latn"], abstain_below=0.5)
    assert found["script"] is None and found["p"] == pytest.approx(0.2 * 0.12 / 0.16)
    assert sum(one["p"] for one in found["top"]) == pytest.approx(1 - 0.8)
    named = answer(row, labels, among=["Latn", "Zzzz"])  # there it is an answer
    assert (named["script"], named["p"]) == ("Zzzz", pytest.approx(0.8 / 0.92))


def test_among_spares_what_looks_like_a_known_script():
    labels = [*LABELS, "Zzzz"]
    row = np.array([[0.5, 0.0, 0.45, 0.0, 0.05]])
    found = answer(row, labels, among=["Latn"], abstain_below=0.9)
    assert (found["script"], found["p"]) == ("Latn", pytest.approx(0.95))


def test_a_mixture_among_named_labels_is_as_sure_as_it_is_known():
    labels = [*LABELS, "Zzzz"]
    windows = sure(*["Latn"] * 5, *["Grek"] * 4, of=labels)
    found = answer(windows, labels, length=9.0, among=["Grek", "Latn"])
    unknown = combined(windows, labels, length=9.0)[-1]
    assert found["script"] == "mixed" and 0 < unknown < 0.05
    kept = 0.97 / (0.97 + 0.03 / 4)
    assert found["p"] == pytest.approx((1 - unknown) * kept, abs=1e-6)
