"""What the page may ask for: JSON messages, each checked before anything is done."""

from typing import Annotated, Literal

from pydantic import Field, TypeAdapter, ValidationError

from models.settings import Settings
from tasks.live.view import View
from unfont.errors import UserError

MOST_TEXT = 2**16  # characters of a JSON message
Name = Annotated[str, Field(max_length=500)]
Words = Annotated[str, Field(max_length=200)]


class Show(Settings):
    """The view from now on, and the one or two networks that it is of. `version` is the page's own count."""

    type: Literal["show"]
    names: list[Name] = Field(min_length=1, max_length=2)
    view: View
    version: int = Field(ge=0)


class Describe(Settings):
    """Layers and labels of a network, which is opened."""

    type: Literal["describe"]
    name: Name


class Type(Settings):
    """Text as the present picture; without a font, in the first that can draw it, of the script if it is given."""

    type: Literal["type"]
    text: Words
    number: int = Field(ge=0)
    font: int | None = Field(default=None, ge=0)
    script: Name | None = None


class Sweep(Settings):
    """The text in every font of a script; a new sweep ends the last one."""

    type: Literal["sweep"]
    name: Name
    text: Words
    script: Name


class Keep(Settings):
    """Keep the text in a font for training."""

    type: Literal["keep"]
    text: Words
    font: int = Field(ge=0)


class Unit(Settings):
    """What the report knows of a unit."""

    type: Literal["unit"]
    name: Name
    layer: Name
    unit: int = Field(ge=0)


class Occlude(Settings):
    """Occlusion of the present picture."""

    type: Literal["occlude"]
    name: Name


class FitStyle(Settings):
    """Fit the probe of the style for a network."""

    type: Literal["style"]
    name: Name


Message = Show | Describe | Type | Sweep | Keep | Unit | Occlude | FitStyle
_ADAPTER: TypeAdapter[Message] = TypeAdapter(Annotated[Message, Field(discriminator="type")])


def message_of(text: str) -> Message:
    """A checked message.

    Raises:
        UserError: it is none.
    """
    if len(text) > MOST_TEXT:
        raise UserError("the message is too long", where="the page's message", fix="reload the page")
    try:
        return _ADAPTER.validate_json(text)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "the page's message"
        raise UserError(f"{first['msg']}", where=where[:100], fix="reload the page") from error
