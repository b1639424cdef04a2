"""What an import was given: counts by reason, copies of one file, and what was left out."""

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from tasks.images.file_kinds import OTHER_FILE, SYSTEM_FILE, suffix_of
from tasks.images.given_pictures import Picture
from tasks.images.path_pattern import NO_MATCH

COPY = "is a copy of another picture"
SAMPLE = 10_000  # paths outside the pattern that are kept
_DIGEST = 16  # bytes


class Tally:
    """Counts pictures on their way.

    A file whose bytes and labels were there before is a copy: it is kept as a row without its bytes, so that 40,000
    links to one file take neither room nor time behind the import.
    """

    def __init__(self) -> None:
        self.reasons: Counter[str | None] = Counter()
        self.others: Counter[str] = Counter()  # files that are no pictures, by suffix
        self.system = 0  # files of the operating system
        self.outside: list[str] = []  # paths that do not match the pattern, the first of them
        self.example: dict[str, str] = {}  # the first picture's name, by reason
        self._seen: set[bytes] = set()
        self._copied: Counter[bytes] = Counter()  # copies of each file that has any

    def pictures(self, given: Iterable[Picture]) -> Iterator[Picture]:
        """Those of `given` that are pictures, copies with a reason."""
        for picture in given:
            if picture.reason == SYSTEM_FILE:
                self.system += 1
            elif picture.reason == OTHER_FILE:
                self.others[suffix_of(picture.name)] += 1
            else:
                yield self._counted(self._once(picture))

    def copies(self) -> str | None:
        """How many pictures are copies, in words; None if there are none."""
        if not self._copied:
            return None
        others = "one" if len(self._copied) == 1 else f"{len(self._copied)} others"
        total = self._copied.total()
        return f"1 picture is a copy of {others}" if total == 1 else f"{total} pictures are copies of {others}"

    def _once(self, picture: Picture) -> Picture:
        if picture.data is None:
            return picture
        digest = _digest_of(picture.data, picture.labels)
        if digest in self._seen:
            self._copied[digest] += 1
            return replace(picture, data=None, reason=COPY)
        self._seen.add(digest)
        return picture

    def _counted(self, picture: Picture) -> Picture:
        self.reasons[picture.reason] += 1
        if picture.reason == NO_MATCH and len(self.outside) < SAMPLE:
            self.outside.append(picture.name)
        if picture.reason is not None:
            self.example.setdefault(picture.reason, picture.name)
        return picture


def _digest_of(data: bytes, labels: Mapping[str, str | None]) -> bytes:
    # Labels too: which of two labels is right, nobody knows, so both pictures stay, to be rejected.
    found = hashlib.blake2b(data, digest_size=_DIGEST)
    found.update(repr(sorted(labels.items())).encode("utf-8", "surrogatepass"))
    return found.digest()
