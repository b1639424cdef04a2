import io
import re

from apps.progress import shown_progress


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_a_terminal_shows_each_step_and_is_left_empty():
    terminal = Terminal()
    with shown_progress(terminal) as progress:
        progress("occlusion of 3 pictures [/3]")
        progress("the page")
    said = terminal.getvalue()
    assert "occlusion of 3 pictures [/3]" in said or "the page" in said
    assert "0:00:00" in said
    assert re.search(r"\x1b\[2K$", said.rstrip())  # the last that is written clears the line


def test_elsewhere_nothing_is_said():
    file = io.StringIO()
    with shown_progress(file) as progress:
        progress("the page")
    assert file.getvalue() == ""
