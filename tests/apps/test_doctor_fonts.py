"""Fetched font packages: as pinned and whole, or named."""

import json
import shutil

import pytest

from apps.doctor_fonts import font_packages, is_whole
from tests.tasks.fonts.toypackages import make_package
from tests.toyfonts import make_toy_fonts


@pytest.fixture(scope="module")
def toy(tmp_path_factory):
    return make_toy_fonts(tmp_path_factory.mktemp("toys"), designs_per_style=1) / "toy-serif-1.ttf"


@pytest.fixture
def root(tmp_path, toy):
    """Two packages, one of them optional, as npm leaves them."""
    for name, optional in (("@fontsource/one", False), ("@fontsource/two", True)):
        folder = make_package(tmp_path, name, toy, optional=optional)
        (folder / "package.json").write_text(json.dumps({"license": "OFL-1.1", "version": "1.0.0"}))
    return tmp_path


def test_packages_that_are_as_pinned_and_whole_are_counted(root):
    found = font_packages(root, optional=False)
    assert found.good and found.state == "1 as pinned, their 4 font files whole"
    assert font_packages(root, optional=True).state == "2 as pinned, their 8 font files whole"


def test_a_font_file_of_another_length_is_named(root):
    file = root / "node_modules/@fontsource/one/files/one-greek-300-normal.woff"
    whole = file.read_bytes()
    for wrong in (whole[:-1], whole[: len(whole) // 2], b"", whole + b"more", b"x" * len(whole)):
        file.write_bytes(wrong)
        found = font_packages(root, optional=False)
        assert not found.good and "@fontsource/one/files/one-greek-300-normal.woff" in found.state
        assert "unfont fonts" in found.fix
    file.write_bytes(whole)
    assert font_packages(root, optional=False).good


def test_another_version_another_hash_and_a_missing_package_are_named(root):
    folder = root / "node_modules/@fontsource/one"
    (folder / "package.json").write_text(json.dumps({"version": "1.0.1"}))
    assert "pins them: @fontsource/one" in font_packages(root, optional=False).state
    (folder / "package.json").write_text(json.dumps({"version": "1.0.0"}))
    lock = json.loads((root / "package-lock.json").read_text())
    lock["packages"]["node_modules/@fontsource/two"]["integrity"] = "sha512-y"
    (root / "package-lock.json").write_text(json.dumps(lock))
    assert font_packages(root, optional=False).good
    assert not font_packages(root, optional=True).good
    shutil.rmtree(folder)
    assert "pins them: @fontsource/one" in font_packages(root, optional=False).state


def test_packages_that_no_run_has_fetched_yet_are_no_fault(root):
    shutil.rmtree(root / "node_modules")
    assert font_packages(root, optional=False).good
    (root / "package-lock.json").write_text("[")
    assert "restore it from git" in font_packages(root, optional=False).fix


def test_a_font_that_is_not_packed_tells_its_length_too(toy, tmp_path):
    cut = tmp_path / "cut.ttf"
    cut.write_bytes(toy.read_bytes()[:-5])
    assert is_whole(toy) and not is_whole(cut)
