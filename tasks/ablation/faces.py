"""The faces of an archive or a folder, with pose and person; and rotations of the people that are held out."""

import logging
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from tasks.common.params import ProblemSettings
from tasks.crop_table.text_side import share_of
from tasks.images.file_kinds import counted, shortened
from tasks.images.given_pictures import Picture, given_pictures
from tasks.images.picture_table import PAIR
from unfont.errors import UserError
from unfont.picture import picture_of

POSES = ("left", "right", "straight", "up")
MIRRORED = (1, 0, 2, 3)  # the pose that each becomes in a mirror, by index
OTHER_POSE = f"shows none of the poses {', '.join(POSES)}"
TEST, VALIDATION, NEW, TRAIN = "test", "validation", "new", "train"
TEST_SHARE = 0.2  # of the training people's pictures
PEOPLE_A_VALIDATION = 6  # one in so many people validates
FEWEST = 2  # pictures of a person: one to learn from, one to test
SHOWN = 4  # names that a line shows

log = logging.getLogger("unfont")

Split = Mapping[str, np.ndarray]  # indices of pictures by part: train, test, validation, new


@dataclass(frozen=True, kw_only=True)
class Faces:
    """`images` uint8 `[n, height, width]`, `poses` int64 `[n]` into `POSES`, and of each picture the `people`, its
    `pairs` (what another person's picture in the same pose shares: expression and glasses) and its name."""

    images: np.ndarray
    poses: np.ndarray
    people: np.ndarray
    pairs: np.ndarray
    names: list[str]

    @property
    def each_person(self) -> list[str]:
        """Names of the people in an order by chance, always the same."""
        return sorted(set(self.people.tolist()), key=lambda name: share_of("rotation", name))


def read_faces(source: Path, problem: ProblemSettings, *, size: tuple[int, int]) -> Faces:
    """Read the pictures whose paths fit the problem's pattern; what is left out is told, a line a reason.

    Args:
        problem: `faces` of params.yaml: its target is the pose, its group the person.
        size: height and width in pixels; pictures of another size are scaled.

    Raises:
        UserError: there is no such source, it cannot be read, or no picture shows some pose.
    """
    left_out: dict[str, list[str]] = {}
    rows: list[tuple[np.ndarray, Picture]] = []
    for picture in given_pictures(source, problem=problem):
        pixels, reason = _read(picture, problem, size)
        if pixels is None:
            left_out.setdefault(str(reason), []).append(picture.name)
        else:
            rows.append((pixels, picture))
    people = Counter(picture.labels[problem.group] for _, picture in rows)
    alone = sorted(str(name) for name, count in people.items() if count < FEWEST)
    rows = [(pixels, picture) for pixels, picture in rows if people[picture.labels[problem.group]] >= FEWEST]
    for reason, names in sorted(left_out.items()):
        log.warning("left out: %s, each of which %s (%s)", counted(len(names), "file"), reason, shortened(names, 1))
    if alone:
        log.warning("left out: people with one picture, which cannot test what was learned of them: %s",
                    shortened(alone, SHOWN))  # fmt: skip
    _check_poses(Counter(str(picture.labels[problem.target]) for _, picture in rows), source)
    return Faces(
        images=np.stack([pixels for pixels, _ in rows]),
        poses=np.array([POSES.index(str(picture.labels[problem.target])) for _, picture in rows]),
        people=np.array([str(picture.labels[problem.group]) for _, picture in rows]),
        pairs=np.array([str(picture.labels[PAIR]) for _, picture in rows]),
        names=[picture.name for _, picture in rows],
    )


def _read(picture: Picture, problem: ProblemSettings, size: tuple[int, int]) -> tuple[np.ndarray | None, str | None]:
    """The pixels, or the reason why there are none."""
    if picture.data is None:
        return None, picture.reason
    if picture.labels[problem.target] not in POSES:
        return None, OTHER_POSE
    if picture.labels[problem.group] is None:
        return None, f"names no {problem.group}"
    try:
        pixels = picture_of(picture.data, where=picture.name)
    except UserError as error:
        return None, f"cannot be read: {error.what}"
    if pixels.shape != size:
        pixels = np.asarray(Image.fromarray(pixels).resize((size[1], size[0]), Image.Resampling.BOX))
    return pixels, None


def _check_poses(found: Counter[str], source: Path) -> None:
    for pose in POSES:
        if not found[pose]:
            raise UserError(f"no picture looks {pose}", where=source, fix=f"give pictures of each: {', '.join(POSES)}")


def rotations_of(faces: Faces, rotations: int) -> list[Split]:
    """The splits of each rotation: every `rotations`th person is new, others validate, the rest are learned from.

    Every person is new once. Of the training people's pictures `TEST_SHARE` are `test`.

    Raises:
        UserError: there are too few people, or a pose is shown by people that are held out alone.
    """
    people = faces.each_person
    validating = max(1, len(people) // PEOPLE_A_VALIDATION)
    fewest = rotations if rotations > 1 else 2
    if len(people) - -(-len(people) // rotations) - validating < 2 or len(people) < fewest:
        raise UserError(
            f"{len(people)} people are too few for {rotations} rotations",
            where="--rotations", fix="give pictures of more people, or hold out fewer at a time",
        )  # fmt: skip
    return [_rotation(faces, people, turn, rotations, validating) for turn in range(rotations)]


def _rotation(faces: Faces, people: list[str], turn: int, rotations: int, validating: int) -> Split:
    new = set(people[turn::rotations])
    others = [name for name in people if name not in new]
    judges = {others[(turn * validating + number) % len(others)] for number in range(validating)}
    parts = np.array([
        NEW if person in new else VALIDATION if person in judges
        else TEST if share_of("split", name) < TEST_SHARE else TRAIN
        for person, name in zip(faces.people.tolist(), faces.names, strict=True)
    ])  # fmt: skip
    split = {part: np.flatnonzero(parts == part) for part in (TRAIN, TEST, VALIDATION, NEW)}
    where = f"rotation {turn + 1}"
    for part, rows in split.items():
        if not len(rows):
            raise UserError(f"no picture is left for {part}", where=where, fix="give more pictures of each person")
    learned = set(faces.poses[split[TRAIN]].tolist())
    for number, pose in enumerate(POSES):
        if number not in learned:
            fix = "give pictures of that pose of more people"
            raise UserError(f"no picture to learn from looks {pose}", where=where, fix=fix)
    return split


def partners(faces: Faces) -> tuple[np.ndarray, int]:
    """A number `[n]` of each picture's pair name, and how many there are."""
    names, numbers = np.unique(faces.pairs, return_inverse=True)
    return numbers, len(names)
