"""Families whose style is listed by hand: no package's category is `blackletter`."""

from pathlib import Path

from tasks.common.files import read_json
from tasks.fonts.font_file import STYLES
from unfont.errors import UserError


def read_styles(path: Path) -> dict[str, str]:
    """Read the committed list, style → families, as family → style; empty where there is no list.

    Raises:
        UserError: the list is damaged: no JSON, an unknown style, a family with two.
    """
    if not path.is_file():
        return {}
    try:
        value = read_json(path)
        pairs = [(family, style) for style, families in value.items() for family in families]
    except (ValueError, TypeError, AttributeError) as error:
        raise _damaged(f"{type(error).__name__}: {error}", path) from error
    if unknown := sorted(value.keys() - set(STYLES)):
        raise _damaged(f"'{unknown[0]}' is none of {', '.join(STYLES)}", path)
    if len(dict(pairs)) < len(pairs):
        raise _damaged("a family has two styles", path)
    return dict(pairs)


def _damaged(what: str, path: Path) -> UserError:
    return UserError(f"the list of styles is damaged: {what}", where=path, fix="restore it from git")
