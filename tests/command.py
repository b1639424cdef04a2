"""The command line in this process."""

import sys

import pytest

from apps import cli


def status_of(monkeypatch: pytest.MonkeyPatch, *words: str) -> int:
    """The exit status of `unfont` with these words; what it prints is for `capsys`."""
    monkeypatch.setattr(sys, "argv", ["unfont", *words])
    with pytest.raises(SystemExit) as end:
        cli.main()
    return int(end.value.code or 0)
