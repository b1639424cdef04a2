"""The files of a tar or zip archive, read in its order and never unpacked to disk."""

import contextlib
import stat
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

from unfont.errors import UserError
from unfont.picture import MOST_BYTES, too_many_bytes

BLOCK = 512  # bytes, of a tar archive
UTF8 = 0x800  # flag of a zip's entry: its name is UTF-8, else code page 437
SUFFIXES = ".tar, .tar.gz, .tar.bz2, .tar.xz or .zip"


class Member(NamedTuple):
    """A file of an archive: its bytes if they were wanted, or the reason why it cannot be read."""

    name: str
    data: bytes | None = None
    reason: str | None = None


def read_archive(path: Path, *, wanted: Callable[[str], bool]) -> Iterator[Member]:
    """Every member except folders, with the bytes of those whose name is `wanted`.

    Links, devices, encrypted files, names that lead out of the archive and repeated names are not read and have a
    reason.

    Raises:
        UserError: the file is no such archive, or it is damaged, so that files of it may be missing.
    """
    seen: set[str] = set()
    read = _of_zip if path.suffix.lower() == ".zip" else _of_tar
    try:
        for member in read(path, wanted):
            again = member.name in seen
            seen.add(member.name)
            yield Member(member.name, reason="has the name of another file") if again else member
    except UserError:
        raise
    except tarfile.ReadError as error:
        fix = f"give a whole {SUFFIXES}, or a folder"
        raise UserError("the archive cannot be read: it is damaged, or of another kind", where=path, fix=fix) from error
    except Exception as error:  # damaged bytes can make the readers raise any exception
        raise UserError(
            f"the archive cannot be read: {error}", where=path, fix=f"give a whole {SUFFIXES}, or a folder"
        ) from error


def clean_name(name: str) -> str:
    """A name inside an archive without `./`, doubled and trailing slashes."""
    return str(PurePosixPath(name))


def leads_out(name: str) -> bool:
    """Whether a name is absolute or has `..` in it (path traversal)."""
    parts = PurePosixPath(name)
    return parts.is_absolute() or ".." in parts.parts


def _of_tar(path: Path, wanted: Callable[[str], bool]) -> Iterator[Member]:
    with tarfile.open(path) as tar:
        while (entry := tar.next()) is not None:
            kept: list[tarfile.TarInfo] = vars(tar)["members"]
            kept.clear()  # otherwise a million members would stay in memory
            if entry.isdir():
                continue
            name = clean_name(entry.name)
            reason = _why_not(name, entry.isreg(), entry.size)
            if reason or not wanted(name):
                yield Member(name, reason=reason)
                continue
            file = tar.extractfile(entry)
            assert file is not None
            yield Member(name, file.read())
        _check_end(tar.fileobj, tar.offset, path)


def _check_end(file: Any, offset: int, path: Path) -> None:
    # tarfile takes a damaged header for the end: the files after it would be lost silently.
    file.seek(offset)
    if file.read(BLOCK) != bytes(BLOCK):
        raise UserError("the archive is damaged or cut off", where=path, fix="pack or fetch it again")
    while file.read(2**20):
        pass  # to the end, where the compression's checksum is verified


def _of_zip(path: Path, wanted: Callable[[str], bool]) -> Iterator[Member]:
    with zipfile.ZipFile(path) as archive:
        for entry in archive.infolist():
            if entry.is_dir():
                continue
            name = clean_name(_zip_name(entry))
            kind = stat.S_IFMT(entry.external_attr >> 16)
            reason = _why_not(name, kind in (0, stat.S_IFREG), entry.file_size)
            if reason is None and entry.flag_bits & 1:
                reason = "is encrypted"
            yield Member(name, reason=reason) if reason or not wanted(name) else _unzipped(archive, entry, name)


def _zip_name(entry: zipfile.ZipInfo) -> str:
    """A name as it was meant: macOS writes UTF-8 without saying so, and some programs of Windows write backslashes."""
    name = entry.filename
    if not entry.flag_bits & UTF8:
        with contextlib.suppress(UnicodeError):
            name = name.encode("cp437").decode("utf-8")
    return name if "/" in name else name.replace("\\", "/")


def _unzipped(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, name: str) -> Member:
    # Files of a zip are independent: a damaged one does not affect the others.
    try:
        with archive.open(entry) as file:
            data = file.read(MOST_BYTES + 1)
    except Exception:
        return Member(name, reason="is damaged in the archive")
    return Member(name, data) if len(data) <= MOST_BYTES else Member(name, reason=too_many_bytes(name).what)


def _why_not(name: str, regular: bool, size: int) -> str | None:
    if leads_out(name):
        return "leads out of the archive"
    if not regular:
        return "is a link or a device"
    return too_many_bytes(name).what if size > MOST_BYTES else None
