"""The name of an italic's design, by which the table of fonts tells italics: its upright's name and ` italic`."""

ITALIC = " italic"


def italic_design(upright: str) -> str:
    """The design of the italics of the design `upright`.

    >>> italic_design("lora")
    'lora italic'
    """
    return upright + ITALIC


def is_italic(design: str) -> bool:
    """Whether a design is one of italics."""
    return design.endswith(ITALIC)
