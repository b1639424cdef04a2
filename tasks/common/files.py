"""Files that appear whole or not at all, and their hashes."""

import contextlib
import hashlib
import json
import os
import re
import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from unfont.errors import UserError


@contextlib.contextmanager
def written_whole(path: Path) -> Iterator[Path]:
    """Yield a path beside `path`; what is written there replaces `path` if the block ends well.

    The block may create a file or a folder; a folder's new content replaces the old one as a whole. What processes that
    were killed had begun to write is removed first.

    Raises:
        UserError: when the folder cannot be written.
    """
    beside = _beside(path, "part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _remove_abandoned(path)
        yield beside
        _replace(beside, path)
    except (PermissionError, NotADirectoryError, FileExistsError) as error:
        raise UserError(
            f"cannot write: {error.strerror}", where=error.filename or path, fix="make the folder writable"
        ) from error
    except OSError as error:
        if error.errno not in (28, 30):  # no space left, read-only file system
            raise
        said = os.strerror(error.errno)  # pyarrow adds words of its own
        raise UserError(
            f"cannot write: {said}", where=error.filename or path, fix="free space or write elsewhere"
        ) from error
    finally:
        _remove(beside)


def _beside(path: Path, suffix: str) -> Path:
    """A hidden name beside `path` that tells which process writes there."""
    return path.with_name(f".{path.name}.{os.getpid()}-{uuid.uuid4().hex[:8]}.{suffix}")


def _remove_abandoned(path: Path) -> None:
    pattern = re.compile(rf"\.{re.escape(path.name)}\.(\d+)-[0-9a-f]{{8}}\.(part|old)")
    for other in path.parent.iterdir():
        found = pattern.fullmatch(other.name)
        if found and not _is_alive(int(found[1])):
            _remove(other)


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True  # another user's
    return True


def _replace(beside: Path, path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        # A folder cannot be renamed over one that has content: step it aside first.
        old = _beside(path, "old")
        path.rename(old)
        beside.rename(path)
        shutil.rmtree(old)
    else:
        beside.replace(path)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        # The folder above it may be what could not be made.
        with contextlib.suppress(OSError):
            path.unlink(missing_ok=True)


def write_json(path: Path, value: Any) -> None:
    """Write `value` as JSON: sorted keys, so the same value is the same bytes."""
    with written_whole(path) as beside:
        beside.write_text(json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False) + "\n", encoding="utf-8")


def read_json(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def sha256_of(path: Path) -> str:
    """SHA-256 of a file's bytes, hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
