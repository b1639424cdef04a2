"""A Prefect server that goes away in the middle of a run: what was done is kept, and said in a line."""

import contextlib
import logging
import os
import sys
from collections.abc import Iterator

from unfont.errors import UnreachableError

log = logging.getLogger("unfont")


@contextlib.contextmanager
def needs_server() -> Iterator[None]:
    """For what cannot go on without the server.

    Raises:
        UnreachableError: it no longer answers, after Prefect has tried for a minute or two.
    """
    try:
        yield
    except Exception as error:
        if not _is_of_a_lost_server(error):
            raise
        fix = "start it, or unset PREFECT_API_URL, and run again: what is finished is kept"
        where = os.environ.get("PREFECT_API_URL", "Prefect")
        raise UnreachableError("the Prefect server went away in the middle of a run", where=where, fix=fix) from error


@contextlib.contextmanager
def shown_if_there() -> Iterator[None]:
    """For what is only for the server's pages: without it the work goes on."""
    try:
        with needs_server():
            yield
    except UnreachableError as gone:
        log.warning("warning: %s", gone)


def _is_of_a_lost_server(error: Exception) -> bool:
    httpx = sys.modules.get("httpx")  # by which Prefect speaks to its server
    return httpx is not None and isinstance(error, httpx.TransportError)
