from tasks.images.file_kinds import OTHER_FILE, SYSTEM_FILE
from tasks.images.given_pictures import Picture
from tasks.images.path_pattern import NO_MATCH
from tasks.images.tally import COPY, Tally


def picture(name: str, data: bytes | None = None, reason: str | None = None, script: str = "Latn") -> Picture:
    return Picture(name=name, data=data, labels={"script": script}, reason=reason)


def test_copies_of_one_file_are_counted_and_lose_their_bytes():
    tally = Tally()
    rows = list(tally.pictures(picture(f"{n}.png", b"same") for n in range(4_000)))
    assert [row.reason for row in rows[:2]] == [None, COPY]
    assert sum(row.data is not None for row in rows) == 1
    assert tally.copies() == "3999 pictures are copies of one"


def test_the_same_file_with_two_labels_is_no_copy():
    tally = Tally()
    rows = list(tally.pictures([picture("a.png", b"same"), picture("b.png", b"same", script="Cyrl")]))
    assert [row.reason for row in rows] == [None, None] and tally.copies() is None


def test_what_is_no_picture_is_counted_apart():
    tally = Tally()
    given = [
        picture("a.png", b"a"),
        picture("b.txt", reason=OTHER_FILE),
        picture("._a.png", reason=SYSTEM_FILE),
        picture("x/y.png", reason=NO_MATCH),
    ]
    assert [row.name for row in tally.pictures(given)] == ["a.png", "x/y.png"]
    assert (tally.system, tally.others, tally.outside) == (1, {".txt": 1}, ["x/y.png"])
    assert tally.reasons == {None: 1, NO_MATCH: 1} and tally.example == {NO_MATCH: "x/y.png"}
