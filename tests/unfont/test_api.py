"""`unfont.identify` with the shipped champion, as a program that runs OCR calls it."""

import io
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

import unfont
from tests.unfont.drawing import below, word
from unfont import UserError, identify
from unfont.model import champion


@pytest.fixture(scope="module")
def latin():
    return word("unfamiliar handwriting", size=36)


def test_a_word_in_a_font_of_another_foundry_is_read(latin):
    answer = identify(latin)
    assert answer.script == "Latn" and answer.p > 0.9
    assert answer.top[0] == ("Latn", answer.p) and len(answer.top) == 3
    assert 0 < answer.agree <= answer.windows and answer.shares == {} and answer.turned == 0


def test_paths_bytes_images_and_arrays_are_the_same_picture(latin, tmp_path):
    path = tmp_path / "word.png"
    Image.fromarray(latin).save(path)
    colour = np.stack([latin] * 3, axis=-1)
    opaque = np.concatenate([colour, np.full((*latin.shape, 1), 255, np.uint8)], axis=-1)
    deep = latin.astype(np.uint16) * 257
    images = [path, str(path), path.read_bytes(), Image.open(path), latin, latin[..., None], colour, opaque, deep]
    answers = identify(images)
    assert answers == [identify(latin)] * len(images)
    binary = latin > 128
    assert identify(binary) == identify(Image.fromarray(binary))


def test_only_expected_scripts_are_considered_and_doubt_is_withheld(latin):
    answer = identify(latin, among=["Arab", "Hebr"], top=9, abstain_below=1.0)
    assert {script for script, _ in answer.top} == {"Arab", "Hebr"}
    assert sum(p for _, p in answer.top) == pytest.approx(1, abs=1e-5)
    assert answer.script is None and answer.top[0][1] == answer.p


@pytest.mark.parametrize(("turns", "degrees"), [(1, 270), (2, 180), (3, 90)])
def test_turned_it_is_turned_back(turns, degrees):
    # Upside down, words whose letters look like others then are taken for Latin as they stand.
    answer = identify(np.rot90(word("Big yellow taxi", size=36), turns))
    assert (answer.script, answer.turned) == ("Latn", degrees)


def test_nothing_written_is_zxxx():
    blank, solid, pixel = (np.full((60, 200), value, np.uint8) for value in (255, 0, 255))
    pixel[30, 100] = 0
    assert [answer.script for answer in identify([blank, solid, pixel])] == ["Zxxx"] * 3


@pytest.mark.parametrize("picture", ["line", "page"])
def test_extreme_pictures_are_answered(picture):
    if picture == "line":
        image = np.tile(np.pad(word("handwriting", size=28), 2, constant_values=255), 200)[:40, :30000]
    else:
        line = np.tile(word("handwriting and more", size=30), 5)
        image = np.pad(below([line] * 40, 20), 300, constant_values=255)
    answer = identify(image)
    assert answer.script == "Latn" and answer.windows > 20


@pytest.mark.parametrize(
    ("image", "said"),
    [
        (np.zeros((3, 3), np.uint8), "3×3 pixels"),
        (np.zeros((0, 30), np.uint8), "empty"),
        (np.zeros((20, 30, 2), np.uint8), "no picture"),
        (np.zeros((20, 30), np.float64), "no picture"),
        (np.zeros(30, np.uint8), "no picture"),
        (b"", "empty"),
        (b"no picture", "no picture"),
        ("none.png", "no such file"),
        (7, "a int is no picture"),
    ],
)
def test_what_is_no_picture_is_told_with_its_number(image, said):
    with pytest.raises(UserError, match=said) as told:
        identify([np.full((40, 90), 255, np.uint8), image])
    assert told.value.fix
    if not isinstance(image, str):
        assert told.value.where == "image 1"


def test_an_empty_list_has_no_answers():
    assert identify([]) == []


def run(*arguments: object, code: str | None = None) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, *(["-c", code] if code else ["-m", "unfont"]), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True)


def test_the_module_prints_a_line_a_file_and_tells_what_it_cannot_read(latin, tmp_path):
    Image.fromarray(latin).save(tmp_path / "a.png")
    (tmp_path / "b.png").write_text("no picture")
    done = run(tmp_path / "a.png", tmp_path / "b.png", "--among", "Latn,Cyrl")
    assert done.returncode == 2
    script, p, name = done.stdout.rstrip("\n").split("\t")
    assert (script, name) == ("Latn", str(tmp_path / "a.png")) and 0.5 < float(p) <= 1
    assert done.stderr.startswith("unfont: this is no picture") and done.stderr.count("\n") == 1
    wrong = run(tmp_path / "a.png", "--among", "Klin")
    assert (wrong.returncode, wrong.stdout) == (2, "") and "unknown label 'Klin'" in wrong.stderr


def test_importing_it_loads_no_model_and_nothing_of_the_pipeline():
    code = """
import sys, unfont
assert "onnxruntime" not in sys.modules
unfont.identify
heavy = {"torch", "pandas", "pyarrow", "prefect", "mlflow", "dvc", "tasks", "models", "apps", "flows", "pydantic"}
print(sorted(heavy & set(sys.modules)))
"""
    assert run(code=code).stdout == "[]\n"


def test_names_that_are_not_there_are_told_as_of_any_module():
    with pytest.raises(AttributeError, match="no attribute 'identity'"):
        unfont.identity  # noqa: B018


@pytest.mark.parametrize("text", ["12.50", "1999", "2024-03-12", "$1,299.00"])
def test_digits_and_signs_alone_are_of_no_script(text):
    answer = identify(word(text))
    assert answer.script == "Zyyy" and answer.p > 0.9


def test_the_champion_is_small_and_carries_its_card():
    model = champion()
    assert model is champion()
    assert len(model.labels) == 29 and {"Zxxx", "Zyyy", "Zzzz"} <= set(model.labels) and model.target == "script"
    assert (unfont.model.CHAMPION).stat().st_size <= 4 * 2**20
    text = unfont.model.CHAMPION.with_name("README.md").read_text(encoding="utf-8")
    assert all(script in text for script in model.labels) and "## Limits" in text and "OFL" in text


def test_a_word_on_a_transparent_ground_is_read_whatever_its_ink(latin):
    for ink in (0, 255):
        pixels = np.full((*latin.shape, 4), ink, np.uint8)
        pixels[..., 3] = 255 - latin
        file = io.BytesIO()
        Image.fromarray(pixels).save(file, "PNG")
        assert identify(file.getvalue()).script == "Latn"
