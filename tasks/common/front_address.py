"""Where the page of `unfont ui` is, so that what is written for later readers can link it."""

import contextlib

from tasks.common.dvc_stage import WORK

DEFAULT_PORT = 8760
ADDRESS_FILE = WORK / "servers" / "front.txt"


def keep_front_address(address: str) -> None:
    """`unfont ui` says where it opens; it is likely to open there the next time."""
    ADDRESS_FILE.parent.mkdir(parents=True, exist_ok=True)
    ADDRESS_FILE.write_text(f"{address}\n", encoding="utf-8")


def front_address() -> str:
    """The address at which `unfont ui` opened last, or would open: without a slash at its end."""
    with contextlib.suppress(OSError, UnicodeDecodeError):
        return ADDRESS_FILE.read_text(encoding="utf-8").strip()
    return f"http://127.0.0.1:{DEFAULT_PORT}"
