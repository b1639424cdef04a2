"""Numbers in a script's own digits, alone: "१९४७", "٩/١". Those in the digits 0 to 9 are of no script (`Zyyy`)."""

import random

from tasks.crop_table.text_side import digest_of

# The zero of the script's own digits (Arabic also has those of Persian and Urdu).
ZEROS = {
    "Arab": "٠۰", "Beng": "০", "Deva": "०", "Gujr": "૦", "Guru": "੦", "Khmr": "០", "Knda": "೦", "Laoo": "໐",
    "Mlym": "൦", "Mymr": "၀", "Orya": "୦", "Taml": "௦", "Telu": "౦", "Thai": "๐", "Tibt": "༠",
}  # fmt: skip
Random = random.Random
DIGITS = {ord(figure): int(figure) for figure in "0123456789"}
FORMS = ("{a}", "{a}", "{a}", "{year}", "{year}", "{a}/{b}", "{a}-{b}", "{a}.{b}", "{day}/{month}/{year}")


def own_numbers(script: str, count: int) -> list[str]:
    """At most `count` different numbers of two digits or more, sorted; none where the script has no digits of its own.

    One digit alone is no number here: it is like a letter of one script or another (٥ and o, १ and ?).
    """
    zeros = ZEROS.get(script)
    if zeros is None:
        return []
    found: dict[str, None] = {}
    for number in range(4 * count):
        chance = Random(digest_of("own numbers", script, number))
        values = {
            "a": chance.randrange(10, 10 ** chance.choice((2, 2, 3, 4))), "b": chance.randrange(1, 100),
            "year": chance.randrange(1300, 2040), "day": chance.randrange(1, 32), "month": chance.randrange(1, 13),
        }  # fmt: skip
        text = chance.choice(FORMS).format(**values)
        found[in_digits(text, chance.choice(zeros))] = None
        if len(found) == count:
            break
    return sorted(found)


def in_digits(text: str, zero: str) -> str:
    """`text` with the digits that begin with `zero` in place of 0 to 9.

    >>> in_digits("19/4", "०")
    '१९/४'
    """
    return text.translate({figure: ord(zero) + value for figure, value in DIGITS.items()})
