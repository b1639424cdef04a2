import pytest

from tasks.images.wider_pattern import wider_pattern


@pytest.mark.parametrize(
    ("pattern", "outside", "wider", "taken"),
    [
        ("{script}/*.png", ["Latn/a.PNG", "Cyrl/b.jpg"], "{script}/*", 2),
        ("{script}.png", ["Latn.jpg"], "{script}.*", 1),
        ("{script}_*.p?m", ["Latn_1.png", "Cyrl_2.jpg"], "{script}_*", 2),
        ("/{script}/*", ["Latn/a.png", "Cyrl/b.png"], "{script}/*", 2),
        ("{script}/*", ["crops/Latn/a.png", "crops/Cyrl/b.png"], "**/{script}/*", 2),
        ("{script}/*", ["x/y/Latin/a.png", "x/z/Greek/b.png"], "**/{script}/*", 2),
        ("{script}/*", ["Latn/serif/a.png", "Latn/display/b.png"], "{script}/**/*", 2),
        ("{script}/*", ["x/p/a.png", "x/q/b.png"], "**/{script}/*", 2),
        ("{script}/*", ["p/x/a.png", "q/x/b.png"], "{script}/**/*", 2),
        ("{script}/*", ["Mine/1/a.png", "Yours/2/a.png"], "{script}/**/*", 2),
    ],
)
def test_the_pattern_that_takes_most_and_finds_known_labels_is_named(pattern, outside, wider, taken):
    found = wider_pattern(pattern, outside, target="script", columns=["script"], known=["Mine", "Yours"])
    assert found == (wider, taken)


def test_where_no_folder_names_a_label_there_is_none():
    assert wider_pattern("{script}/*", ["a.png"], target="script", columns=["script"]) is None


def test_the_users_placeholder_is_kept():
    found = wider_pattern("{lang}/*.png", ["Latn/a.jpg"], target="lang", columns=["lang"])
    assert found == ("{lang}/*", 1)
