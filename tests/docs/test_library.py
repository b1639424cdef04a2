"""The library's page: its Python is run where the engine is installed, and is Python everywhere."""

import ast
import importlib.util
import re
import shutil
import subprocess

import numpy as np
import pytest
from PIL import Image

from tests.conftest import ROOT
from tests.unfont.drawing import word

PAGE = (ROOT / "docs/how-to/the-library.md").read_text(encoding="utf-8")
SECTIONS = {part.split("\n", 1)[0]: part for part in re.split(r"^#+ ", PAGE, flags=re.MULTILINE)[1:]}
BLOCKS = {
    name: found[1] for name, part in SECTIONS.items() if (found := re.search(r"```python\n(.*?)```", part, re.DOTALL))
}
ENGINES = {"Before Tesseract": "pytesseract", "Before PaddleOCR": "paddleocr", "Before EasyOCR": "easyocr"}


def run(code: str) -> dict:
    names: dict = {}
    exec(compile(code, "the-library.md", "exec"), names)
    return names


@pytest.fixture
def line(here):
    picture = word("Handwriting is another thing", size=40, margin=20)
    Image.fromarray(picture).save(here / "line.png")
    for name in ("a.png", "b.png"):
        Image.fromarray(picture).save(here / name)
    shutil.copy(ROOT / "unfont/champion/model.onnx", here / "mine.onnx")
    return picture


def test_every_engine_is_put_behind_it_in_few_lines():
    assert BLOCKS.keys() == {"The library", *ENGINES}
    for code in BLOCKS.values():
        ast.parse(code)
    assert all(len([row for row in BLOCKS[engine].splitlines() if row]) <= 5 for engine in ENGINES)


def test_the_page_s_first_lines_run(line):
    names = run(BLOCKS["The library"])
    assert names["answer"].script == "Latn" and len(names["answers"]) == 2 and names["mine"] == names["answer"]


def languages() -> str:
    if shutil.which("tesseract") is None:
        return ""
    return subprocess.run(["tesseract", "--list-langs"], capture_output=True, text=True).stdout


@pytest.mark.parametrize("engine", ENGINES)
def test_the_engine_reads_what_it_is_sent(engine, line):
    if importlib.util.find_spec(ENGINES[engine]) is None or (engine.endswith("Tesseract") and "eng" not in languages()):
        pytest.skip(f"{ENGINES[engine]} is not installed")
    assert np.any(line < 128)
    text = run(BLOCKS[engine])["text"]
    assert "andwriting" in text
