"""What a command does now and for how long: one line on a terminal, gone when the command is done."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TextIO

from rich.console import Console
from rich.markup import escape
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn


@contextmanager
def shown_progress(stream: TextIO | None = None) -> Iterator[Callable[[str], None]]:
    """Gives what is told each step; it says nothing where `stream`, stderr unless given, is no terminal."""
    stream = stream or sys.stderr
    if not stream.isatty():
        yield lambda _: None
        return
    columns = SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn()
    with Progress(*columns, console=Console(file=stream), transient=True) as line:
        task = line.add_task("starting")
        yield lambda step: line.update(task, description=escape(step))
