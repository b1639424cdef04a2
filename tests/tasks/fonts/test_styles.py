from pathlib import Path

import pytest

from tasks.fonts.designs import read_designs
from tasks.fonts.styles import read_styles
from unfont.errors import UserError

COMMITTED = Path("data/fonts")


def test_families_are_read_by_style(tmp_path: Path) -> None:
    path = tmp_path / "styles.json"
    assert read_styles(path) == {}
    path.write_text('{"blackletter": ["a", "b"], "serif": ["c"]}')
    assert read_styles(path) == {"a": "blackletter", "b": "blackletter", "c": "serif"}


@pytest.mark.parametrize("text", ["{", "[]", '{"serif": 3}', '{"gothic": ["a"]}', '{"serif": ["a"], "display": ["a"]}'])
def test_a_damaged_list_is_named(text: str, tmp_path: Path) -> None:
    (tmp_path / "styles.json").write_text(text)
    with pytest.raises(UserError, match=r"damaged.*styles\.json.*git"):
        read_styles(tmp_path / "styles.json")


def test_blackletter_has_designs_on_every_side() -> None:
    designs, sides = read_designs(COMMITTED / "designs.json")
    styles = read_styles(COMMITTED / "styles.json")
    found = [sides[designs[family]] for family, style in styles.items() if style == "blackletter"]
    assert found.count("train") >= 4
    assert found.count("validation") >= 2 and found.count("test_unseen") >= 2
