"""What long work tells of itself."""

from collections.abc import Callable

Progress = Callable[[str], None]  # is told a line: what is done next, or how far it is


def silent(_: str) -> None:
    """A `Progress` that says nothing."""
