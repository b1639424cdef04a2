"""Labels by the names that a user gave them: `--labels Bangla=Beng,Arabic=Arab`."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from tasks.images.file_kinds import shortened
from tasks.images.given_pictures import Picture
from tasks.images.manifest import label_of
from unfont.errors import UserError
from unfont.text import clip

OPTION = "--labels"
SHOWN = 8  # labels


class LabelNames:
    """A mapping of the names that a user's data has to labels; counts which of the names occur.

    Args:
        mapping: the label of a name. Names without one are labels already.
    """

    def __init__(self, mapping: Mapping[str, str]) -> None:
        self._mapping = {label_of(name): label for name, label in mapping.items()}
        self._found: dict[str, None] = {}

    def label(self, name: str) -> str:
        """The label that `name` stands for."""
        self._found[name] = None
        return self._mapping.get(name, name)

    def mapped(self, pictures: Iterable[Picture], target: str) -> Iterator[Picture]:
        """The pictures, with their `target` mapped."""
        for picture in pictures:
            name = picture.labels.get(target)
            label = self.label(name) if name is not None else None
            yield picture if label == name else replace(picture, labels={**picture.labels, target: label})

    def unused(self) -> list[str]:
        """A line on the names that are mapped and never occur, if there are any.

        Raises:
            UserError: none of the names occurs: the mapping is another data set's, or the wrong way round.
        """
        missing = [str(name) for name in self._mapping if name not in self._found]
        if not missing:
            return []
        found = shortened((clip(name) for name in sorted(self._found)), SHOWN)
        said = f"no picture is labelled {shortened(map(clip, missing), SHOWN)}"
        if len(missing) == len(self._mapping):
            fix = f"write NAME=LABEL with names that occur: {found}" if found else "fix the pattern or the manifest"
            raise UserError(said, where=OPTION, fix=fix)
        return [f"note: {OPTION}: {said}; there are {found}"]
