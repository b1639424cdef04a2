import json

import pytest

from apps.live.messages import MOST_TEXT, Show, Type, message_of
from tasks.live.view import NONE
from unfont.errors import UserError


def test_a_message_is_checked():
    show = message_of(
        json.dumps({"type": "show", "names": ["erm"], "view": {"degrade": NONE | {"blur": 2}}, "version": 3})
    )
    assert isinstance(show, Show) and show.view.degrade.blur == 2 and show.view.degrade.noise == 0
    typed = message_of('{"type": "type", "text": "abc", "number": 4}')
    assert isinstance(typed, Type) and typed.font is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "nonsense",
        '{"type": "drop table"}',
        '{"type": "show", "names": [], "view": {}, "version": 0}',
        '{"type": "show", "names": ["a", "b", "c"], "view": {}, "version": 0}',
        '{"type": "show", "names": ["a"], "view": {"unit": -1}, "version": 0}',
        '{"type": "show", "names": ["a"], "view": {"rule": "magic"}, "version": 0}',
        '{"type": "show", "names": ["a"], "view": {"degrade": {"blur": 99}}, "version": 0}',
        '{"type": "show", "names": ["a"], "view": {"degrade": {"blur": NaN}}, "version": 0}',
        '{"type": "keep", "text": "a", "font": 1, "side": "train"}',
        '{"type": "type", "text": "' + "a" * 300 + '", "number": 0}',
        '{"type": "sweep", "text": "' + "a" * MOST_TEXT + '"}',
    ],
)
def test_what_is_no_message_is_one_line(text):
    with pytest.raises(UserError) as found:
        message_of(text)
    assert "\n" not in str(found.value) and len(str(found.value)) < 400
