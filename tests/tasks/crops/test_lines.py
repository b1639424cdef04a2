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
