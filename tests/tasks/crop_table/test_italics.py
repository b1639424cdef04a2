"""How a design's name tells italics."""

from tasks.crop_table.italics import is_italic, italic_design


def test_an_italic_is_told_by_its_designs_name() -> None:
    assert is_italic(italic_design("lora")) and not is_italic("lora")
    assert not is_italic("italic") and not is_italic("italiana")
