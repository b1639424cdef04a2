"""Options whose value is a list of pairs, `a=b,c=d`; and options that need another one."""

from collections.abc import Mapping

from unfont.errors import UserError


def pairs_of(text: str, *, option: str = "--columns", example: str = "script=lang") -> dict[str, str]:
    """`script=lang,font_style=face` as a mapping.

    Raises:
        UserError: a part is no pair, or a name has two values.
    """
    found: dict[str, str] = {}
    for part in filter(str.strip, text.split(",")):
        name, equals, value = (word.strip() for word in part.partition("="))
        where = f"{option} {text}"
        if not (name and equals and value):
            raise UserError(f"'{part.strip()}' is no pair", where=where, fix=f"write it as in {example}")
        if found.setdefault(name, value) != value:
            raise UserError(f"'{name}' is there twice", where=where, fix="give it one value")
    return found


def label_pairs(text: str) -> dict[str, str]:
    """`Bangla=Beng,Arabic=Arab` as a mapping of a user's names to labels.

    Raises:
        UserError: as `pairs_of`.
    """
    return pairs_of(text, option="--labels", example="Bangla=Beng")


def refuse_options(options: Mapping[str, object]) -> None:
    """Raises UserError where an option of the import is given, and no pictures are."""
    for option, value in options.items():
        if value:
            fix = "give --from or --manifest" if "--beside-drawn" in options else "give --from"
            raise UserError("this option needs pictures of yours", where=option, fix=fix)
