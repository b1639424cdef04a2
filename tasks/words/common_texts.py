"""Texts of no script: numbers, prices, dates and signs alone, label `Zyyy` (ISO 15924: common)."""

import random
from collections.abc import Callable

from tasks.crop_table.text_side import digest_of

CURRENCIES = "€$£¥₹₩₽₺₴₪₫฿¢"
DASHES = "-–—/"
SIGNS = (
    "...", "…", "!", "!!!", "?", "?!", "&", "§", "%", "‰", "*", "***", "+", "±", "=", "×", "÷", "<", ">", "#", "@", "°",
    "→", "←", "•", "·", "—", "–", "( )", "[…]", "“”", "«»", "„“", "‘’", "†", "‡", "¶", "©", "®", "™", "/", "|", "~",
    ":", ";", ".", ",", "½", "¼", "¾", "©", "§§", "//", "--", "+/-", "→→", "•••", "(?)", "(!)", "{}", "<>", "^",
)  # fmt: skip

Random = random.Random


def common_texts(count: int) -> list[str]:
    """`count` different texts without spaces, sorted; the same ones always. Signs alone are among the first.

    None has a letter, nor a digit of one script's own: those belong to their script.
    """
    found = dict.fromkeys(sign.replace(" ", "") for sign in SIGNS[:count])
    number = 0
    while len(found) < count:
        chance = Random(digest_of("common", number))
        found.setdefault(KINDS[number % len(KINDS)](chance))
        number += 1
    return sorted(found)


def _whole(chance: Random) -> str:
    return str(chance.randrange(10 ** chance.choice((1, 2, 2, 3, 3, 4, 4, 5, 6))))


def _grouped(chance: Random) -> str:
    return f"{chance.randrange(1000, 10**7):,}".replace(",", chance.choice(",.'"))


def _decimal(chance: Random) -> str:
    digits = chance.choice((1, 2, 2, 3))
    return f"{chance.choice(('', '', '-', '+'))}{chance.randrange(1000) / 10:.{digits}f}".replace(
        ".", chance.choice(".,")
    )


def _price(chance: Random) -> str:
    amount = chance.choice((f"{chance.randrange(1, 500)}.{chance.choice(('00', '50', '99', '95'))}", _grouped(chance)))
    amount = chance.choice((amount, amount.replace(".", ","), f"{chance.randrange(1, 1000)},-"))
    sign = chance.choice(CURRENCIES[:4] * 2 + CURRENCIES)
    return chance.choice((sign + amount, amount + sign))


def _date(chance: Random) -> str:
    day, month, year = chance.randrange(1, 32), chance.randrange(1, 13), chance.randrange(1600, 2035)
    mark = chance.choice("./-")
    first, last = chance.choice(((f"{day:02}", f"{year}"), (f"{day}", f"{year % 100:02}"), (f"{year}", f"{day:02}")))
    return mark.join((first, f"{month:02}", last))


def _time(chance: Random) -> str:
    clock = f"{chance.randrange(24)}{chance.choice(':.')}{chance.randrange(60):02}"
    return chance.choice((clock, clock, f"{clock}–{chance.randrange(24)}:{chance.randrange(60):02}"))


def _range(chance: Random) -> str:
    low = chance.randrange(1, 2000)
    return f"{low}{chance.choice(DASHES)}{low + chance.randrange(1, 60)}"


def _percent(chance: Random) -> str:
    return f"{chance.choice(('', '-', '+', '<', '≈'))}{chance.randrange(101)}{chance.choice(('%', '%', '‰', '°'))}"


def _numbered(chance: Random) -> str:
    shape = chance.choice(("({})", "[{}]", "{}.", "{})", "#{}", "§{}", "-{}-", "–{}–", "*{}", "{}*", "{}:", "@{}"))
    return shape.format(chance.randrange(1, 500))


def _phone(chance: Random) -> str:
    parts = [str(chance.randrange(10 ** (size - 1), 10**size)) for size in (chance.choice((2, 3)), 3, 4)]
    return chance.choice(("+", "0", "")) + chance.choice("-./").join(parts)


def _sum(chance: Random) -> str:
    one, other = chance.randrange(1, 100), chance.randrange(1, 100)
    return chance.choice((f"{one}×{other}", f"{one}+{other}={one + other}", f"{one}/{other}", f"{one}:{other}"))


KINDS: tuple[Callable[[Random], str], ...] = (
    _whole, _whole, _whole, _grouped, _decimal, _price, _date, _time, _range, _percent, _numbered, _phone, _sum,
)  # fmt: skip
