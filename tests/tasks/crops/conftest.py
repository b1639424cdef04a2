"""What the tests of drawing crops share: tables of fonts and words."""

from pathlib import Path

import pytest

from tests.tasks.crops.toysource import make_font_table, write_words


@pytest.fixture(scope="module")
def fonts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_font_table(tmp_path_factory.mktemp("fonts"))


@pytest.fixture(scope="module")
def words(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_words(tmp_path_factory.mktemp("words") / "words.parquet")
