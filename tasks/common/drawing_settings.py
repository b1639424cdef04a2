"""Settings of what is rendered: fonts, words, crops."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from models.settings import Settings

Share = Annotated[float, Field(ge=0, le=1)]
Count = Annotated[int, Field(ge=0)]


class ReinkedSettings(Settings):
    """Fonts drawn again with other pens: `designs` that a script is to have in training, `pens` a design at most."""

    designs: int = Field(ge=0, le=100)
    pens: int = Field(ge=0, le=4)
    workers: int = Field(ge=1, le=1024)


class FontsSettings(Settings):
    source: str = Field(min_length=1)
    optional: bool
    weights: list[int] = Field(min_length=1)
    widths: list[int] = Field(min_length=1)
    italics: list[str]
    font_style: Literal["serif", "sans-serif", "display", "handwriting", "monospace", "blackletter"] | None
    reinked: ReinkedSettings = ReinkedSettings(designs=0, pens=0, workers=1)


class WordsSettings(Settings):
    scripts: list[str] = Field(min_length=2)
    lists: str = Field(min_length=1)
    length: int = Field(ge=1, le=64)
    drawn: int = Field(ge=0, le=100_000)
    common: int = Field(ge=0, le=100_000)
    others: int = Field(ge=0, le=10_000)


class SplitCounts(Settings):
    """How many crops each split gets."""

    train: Count
    pool: Count
    validation: Count
    test_seen: Count
    test_unseen: Count


class MixSettings(Settings):
    """How words are varied: fractions of the text crops."""

    letter: Share
    two: Share
    digits: Share
    punctuation: Share
    title: Share
    capitals: Share
    vertical: Share
    window: Share
    tight: Share
    loose: Share
    neighbours: Share
    rules: Share
    sloped: Share

    @model_validator(mode="after")
    def _shares_fit(self) -> "MixSettings":
        if max(self.letter + self.two, self.title + self.capitals, self.tight + self.loose) > 1:
            raise ValueError("letter + two, title + capitals, and tight + loose are shares of one whole: at most 1")
        if self.rules + self.sloped > 1:
            raise ValueError("rules + sloped are shares of one whole: at most 1")
        return self


class RunnerSettings(Settings):
    """Where many items of work run: threads or processes of this machine, or a Dask cluster."""

    runner: Literal["threads", "processes", "dask"]
    workers: int = Field(ge=1, le=1024)
    scheduler: str | None


class CropsSettings(RunnerSettings):
    height: int = Field(ge=16, le=256)
    width: int = Field(ge=16, le=2048)
    channels: Literal[1, 3]
    text: SplitCounts
    designs: Annotated[int, Field(ge=1)] | None = None
    others: float = Field(ge=1, le=100)
    background: SplitCounts
    mix: MixSettings
    pairs: Share
