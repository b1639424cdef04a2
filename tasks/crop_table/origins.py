"""Where a crop comes from: the column `origin`."""

import re

USER = "user"  # a picture that was brought in; its label is a person's
LIVE = "live"  # one that was brought in, but was kept on the live page: its label is that of the font that drew it
BROUGHT = (USER, LIVE)
_KEPT = re.compile(r"(?:.*/)?live-[0-9a-f]{24}\.png")


def kept_name(key: str) -> str:
    """The file of a crop that the live page keeps, by its key."""
    return f"live-{key[:24]}.png"


def origin_of(name: str) -> str:
    """The origin of a picture that was brought in, by its file's name."""
    return LIVE if _KEPT.fullmatch(name) else USER
