"""One run at a time in a project: a second waits its turn and says so."""

import contextlib
import fcntl
import logging
import os
from collections.abc import Iterator

from tasks.common.dvc_stage import WORK
from unfont.errors import UserError

LOCK = WORK / "run.lock"

log = logging.getLogger("unfont")


@contextlib.contextmanager
def one_run() -> Iterator[None]:
    """Hold the project's lock for the block; wait while another process holds it.

    The kernel frees the lock when its process ends, however that ends, and workers do not inherit it: none is left
    behind. Within one process it excludes nobody.

    Raises:
        UserError: the folder cannot be written.
    """
    try:
        LOCK.parent.mkdir(parents=True, exist_ok=True)
        file = LOCK.open("a+", encoding="utf-8")
    except OSError as error:
        raise UserError(f"cannot write: {error.strerror}", where=LOCK, fix="make the folder writable") from error
    with file:
        try:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            file.seek(0)
            log.warning("another run is under way (process %s): this one waits its turn", file.read().strip() or "?")
            fcntl.lockf(file, fcntl.LOCK_EX)
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield
