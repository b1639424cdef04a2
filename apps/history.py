"""`unfont history`: tell one crop's story."""

import json
import shutil
import sys
from pathlib import Path

from tasks.browse.history import picture_of, save_picture, story_of
from tasks.browse.history_text import format_story
from tasks.browse.terminal import WIDEST, shows_colour
from tasks.common.params import read_params


def tell_history(key: str, *, picture: Path | None, output_format: str) -> None:
    """Print the story of the crop whose key begins with `key`, as a 'table' or as 'json'; save its `picture`.

    Raises:
        UserError: there is no such crop, or the picture cannot be saved; then nothing is printed.
    """
    params = read_params()
    story = story_of(params, key)
    pixels = picture_of(params, story["key"])
    if picture is not None:
        save_picture(picture, pixels)
    if output_format == "json":
        print(json.dumps(story, indent=2, ensure_ascii=False))
        return
    columns = min(WIDEST, shutil.get_terminal_size((WIDEST, 24)).columns)
    print(format_story(story, picture=pixels, colour=shows_colour(sys.stdout), columns=columns))
    if picture is not None:
        print(f"\ndone: {picture}")
