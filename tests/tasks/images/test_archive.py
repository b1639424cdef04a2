import io
import tarfile
import zipfile

import pytest

from tasks.images.archive import clean_name, leads_out, read_archive
from unfont.errors import UserError


def tar_of(path, names):
    with tarfile.open(path, "w:gz") as archive:
        for name in names:
            entry = tarfile.TarInfo(name)
            entry.size = 512  # a whole block: nothing is padded
            archive.addfile(entry, io.BytesIO(bytes(512)))
    return path


def test_only_what_is_wanted_is_read(here):
    members = list(read_archive(tar_of(here / "a.tar.gz", ["a", "b", "c"]), wanted="b".__eq__))
    assert [(m.name, m.data is not None, m.reason) for m in members] == [
        ("a", False, None),
        ("b", True, None),
        ("c", False, None),
    ]


def test_what_is_cut_off_at_a_files_end_is_noticed(here):
    with tarfile.open(here / "whole.tar", "w") as archive:
        for name in "ab":
            archive.addfile(tarfile.TarInfo(name))
    (here / "cut.tar").write_bytes((here / "whole.tar").read_bytes()[:1024])
    with pytest.raises(UserError, match="damaged or cut off"):
        list(read_archive(here / "cut.tar", wanted=lambda name: True))


@pytest.mark.parametrize("name", ["../a", "/a", "a/../../b", ".."])
def test_names_that_lead_out_are_known(name):
    assert leads_out(name)


def test_names_are_cleaned():
    assert [clean_name(name) for name in ("./a/b", "a//b", "a/b")] == ["a/b"] * 3
    assert not leads_out("a..b/..c")


class Unmarked(zipfile.ZipInfo):
    """An entry whose name is UTF-8 and does not say so, as macOS writes it."""

    def _encodeFilenameFlags(self):  # noqa: N802
        return self.filename.encode(), self.flag_bits


def test_names_of_other_systems_are_as_they_were_meant(here):
    with zipfile.ZipFile(here / "a.zip", "w") as archive:
        archive.writestr(Unmarked("Ω/日.png"), b"")
        archive.writestr("Latn\\b.png", b"")
        archive.writestr("..\\c.png", b"")
    members = list(read_archive(here / "a.zip", wanted=lambda name: False))
    assert [member.name for member in members] == ["Ω/日.png", "Latn/b.png", "../c.png"]
    assert members[2].reason == "leads out of the archive"
