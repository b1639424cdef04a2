import numpy as np
import pytest

from unfont.combine import FLOOR, KANJI, combined, mixture

LABELS = ["Cyrl", "Hani", "Jpan", "Latn", "Zxxx"]


def test_one_window_s_probabilities_are_the_picture_s():
    window = np.array([[0.1, 0.2, 0.3, 0.35, 0.05]])
    np.testing.assert_allclose(combined(window, LABELS), window[0], atol=1e-9)


def test_windows_are_combined_by_their_geometric_mean_with_a_floor():
    windows = np.array([[0.9, 0, 0, 0.1, 0], [0.2, 0, 0, 0.8, 0]])
    expected = [((a + FLOOR) * (b + FLOOR)) ** 0.5 - FLOOR for a, b in windows.T]
    np.testing.assert_allclose(combined(windows, LABELS), np.array(expected) / sum(expected), atol=1e-6)


def test_one_wrong_window_does_not_decide():
    windows = np.array([[0, 0, 0, 1.0, 0]] * 4 + [[1.0, 0, 0, 0, 0]])
    assert LABELS[combined(windows, LABELS).argmax()] == "Latn"


def test_kanji_beside_kana_is_japanese_and_alone_it_is_not():
    kanji, kana = [0, 1.0, 0, 0, 0], [0, 0, 1.0, 0, 0]
    assert LABELS[combined(np.array([kanji, kanji, kana]), LABELS).argmax()] == "Jpan"
    both = combined(np.array([kanji, kanji]), LABELS)
    assert LABELS[both.argmax()] == "Hani" and both[2] == pytest.approx(KANJI / (1 + KANJI), abs=0.01)


def test_labels_of_other_problems_are_left_alone():
    np.testing.assert_allclose(combined(np.array([[0.5, 0.5], [0.5, 0.5]]), ["up", "down"]), [0.5, 0.5])


def test_long_writing_is_surer_than_one_window_and_a_letter_is_less_sure():
    windows = np.array([[0.6, 0.1, 0.1, 0.1, 0.1]] * 4)
    mean = combined(windows, LABELS)
    one, eight, hundred, letter = (combined(windows, LABELS, length=length)[0] for length in (1.0, 8.0, 100.0, 0.5))
    assert letter < one < eight == hundred
    assert one == pytest.approx(mean[0])
    assert eight == pytest.approx(mean[0] ** 2 / (mean**2).sum())


def test_digits_beside_letters_are_of_their_script_and_alone_of_none():
    labels = ["Cyrl", "Latn", "Zxxx", "Zyyy"]
    digits, latin, doubt = [0, 0.01, 0, 0.99], [0, 0.98, 0.01, 0.01], [0.3, 0.4, 0.0, 0.3]
    answer = {
        name: labels[combined(np.array(windows), labels).argmax()]
        for name, windows in {
            "digits": [digits] * 5,
            "mostly digits": [digits] * 4 + [latin],
            "one doubt": [digits] * 5 + [doubt],
        }.items()
    }
    assert answer == {"digits": "Zyyy", "mostly digits": "Latn", "one doubt": "Zyyy"}
    assert combined(np.array([digits] * 5), labels)[3] > 0.97
    assert mixture(np.array([digits] * 5 + [latin] * 5), labels) == {}


def test_a_few_windows_of_an_unknown_script_make_no_mixture():
    labels = ["Cyrl", "Latn", "Zxxx", "Zzzz"]
    cyrillic, latin, unknown = (
        [0.98 if name == label else 0.01 for name in labels] for label in ("Cyrl", "Latn", "Zzzz")
    )
    assert mixture(np.array([latin] * 6 + [unknown] * 4), labels) == {}
    assert mixture(np.array([latin] * 4 + [unknown] * 6), labels) == {"Zzzz": 0.6, "Latn": 0.4}
    assert mixture(np.array([latin] * 6 + [cyrillic] * 4 + [unknown] * 4), labels) == {"Latn": 0.6, "Cyrl": 0.4}
