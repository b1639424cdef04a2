"""Words of a line, joined as their script joins them."""

import pytest

from tasks.crops.lines import as_written


@pytest.mark.parametrize(("script", "line"), [("Latn", "rio grande"), ("Thai", "riogrande"), ("Tibt", "rio་grande")])
def test_words_are_joined_as_their_script_joins_them(script: str, line: str) -> None:
    assert as_written("rio grande", script) == line


def test_half_of_the_ethiopic_lines_have_dots() -> None:
    lines = [as_written(f"a{number} b", "Ethi") for number in range(400)]
    assert 160 < sum("፡" in line for line in lines) < 240
    assert all(("፡" in line) != (" " in line) for line in lines)


def test_scripts_that_are_not_learned_are_joined_each_in_its_way() -> None:
    lines = {"ᏣᎳᎩ ᎠᎹ": "ᏣᎳᎩ ᎠᎹ", "ㄅㄆ ㄇㄈ": "ㄅㄆㄇㄈ", "𐤀𐤁 𐤂": "𐤀𐤁\U0001091f𐤂"}
    assert {line: as_written(line, "Zzzz") for line in lines} == lines
