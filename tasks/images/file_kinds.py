"""Which files a user means as pictures: by their names, before any is opened."""

import re
from collections import Counter
from collections.abc import Iterable
from pathlib import PurePosixPath

SYSTEM_FILE = "is a file of the operating system"
OTHER_FILE = "is no picture by its suffix"
_READ = (".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".pgm", ".ppm", ".pbm", ".pnm", ".tif", ".tiff", ".webp", ".bmp")
# A person takes a GIF for a picture, too, and is told what to do with it.
_TOLD = (".gif", ".avif", ".heic", ".heif", ".jp2", ".j2k", ".jpf", ".jpx", ".jxl")
PICTURE_SUFFIXES = frozenset((*_READ, *_TOLD))
_SYSTEM_NAMES = frozenset((".ds_store", "thumbs.db", "ehthumbs.db", "desktop.ini", "icon\r"))
_SYSTEM_FOLDERS = frozenset(("__macosx", ".appledouble", ".spotlight-v100", ".trashes", ".fseventsd", "@eadir"))
_NAMED_SUFFIX = re.compile(r"\.[^*./{}]+$")
MOST_SUFFIXES = 4  # shown


def is_system_file(name: str) -> bool:
    """Whether macOS, Windows or a file server put the file there by itself: `__MACOSX/…`, `._*`, `Thumbs.db`, …"""
    parts = [part.lower() for part in name.split("/")]
    return parts[-1] in _SYSTEM_NAMES or parts[-1].startswith("._") or not _SYSTEM_FOLDERS.isdisjoint(parts[:-1])


def is_picture_name(name: str) -> bool:
    """Whether the suffix is one of pictures."""
    return PurePosixPath(name).suffix.lower() in PICTURE_SUFFIXES


def names_suffix(pattern: str) -> bool:
    """Whether a pattern says the suffix of the files that it takes, as `*.png` does and `*` does not."""
    return _NAMED_SUFFIX.search(pattern) is not None


def why_left_out(name: str, *, matches: bool, any_suffix: bool) -> str | None:
    """Why a file is not among the pictures at all; None where it is.

    A file that `matches` the pattern is a picture whatever its suffix where the pattern takes `any_suffix`; else if it
    has a picture's suffix, or none.
    """
    if is_system_file(name):
        return SYSTEM_FILE
    if is_picture_name(name):
        return None
    last = PurePosixPath(name)
    bare = last.suffix == "" and not last.name.startswith(".")
    return None if matches and (any_suffix or bare) else OTHER_FILE


def left_out_notes(system: int, others: Counter[str], target: str) -> list[str]:
    """A line on the system's files that were left out, and one on files without a picture's suffix, by suffix."""
    notes = []
    if system:
        notes.append(f"left out: {counted(system, 'file')} of the operating system (such as .DS_Store, Thumbs.db)")
    if others:
        files = counted(others.total(), "file")
        notes.append(f"left out: {files} without a picture's suffix; {other_suffixes_hint(others, target)}")
    return notes


def other_suffixes_hint(others: Counter[str], target: str) -> str:
    """How to import files without a picture's suffix, counted by suffix, where they are pictures."""
    named = [suffix for suffix, _ in others.most_common() if suffix]
    if not named:
        return "give them the suffix of a picture if they are some"
    return f"if {shortened(named, MOST_SUFFIXES)} are pictures, name the suffix: --pattern '{{{target}}}/*{named[0]}'"


def suffix_of(name: str) -> str:
    return PurePosixPath(name).suffix.lower()


def counted(number: int, noun: str) -> str:
    """`1 picture`, `2 pictures`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def shortened(names: Iterable[str], most: int) -> str:
    """At most `most` names, with a sign that there are more."""
    every = list(names)
    return ", ".join(every[:most]) + (", …" if len(every) > most else "")
