"""Work for tests of the fan-out: functions that any worker can import."""

import os
from pathlib import Path

from unfont.errors import UserError


def write_square(number: int, folder: Path) -> Path:
    """Write the square of `number` into a file of its own in `folder`; note that it was begun."""
    with (folder / "begun").open("a") as file:
        file.write(f"{number}\n")
    path = folder / f"{number}.txt"
    path.write_text(f"{number * number}")
    return path


def die_once(number: int, folder: Path) -> Path:
    """As `write_square`, but the worker that is first to have 3 dies of it."""
    if number == 3 and not (folder / "dead").exists():
        (folder / "dead").touch()
        os._exit(1)
    return write_square(number, folder)


def die(number: int) -> int:
    """A worker that has 1 dies, each time."""
    if number == 1:
        os._exit(1)
    return number


def refuse(number: int) -> int:
    """A user's mistake at 2."""
    if number == 2:
        raise UserError("two is too many", where="number", fix="take one")
    return number


def begun(folder: Path) -> list[int]:
    """The numbers whose work was begun, as often as it was, sorted."""
    return sorted(int(line) for line in (folder / "begun").read_text().split())
