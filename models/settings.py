"""Settings of everything in `models/`: frozen, strict, and free of torch so that reading params stays quick."""

from typing import Annotated, Final, Literal, get_args

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, field_validator, model_validator

Severity = Literal["clean", "light", "medium", "heavy", "scan"]  # of `models.degrade`
SEVERITY_NAMES = get_args(Severity)
CLEAN: Final[Severity] = "clean"
MODE_NAMES = (
    "erm",
    "reversal",
    "conditional",
    "ascent",
    "pairs",
    "coral",
    "erasure",
    "bottleneck",
)  # of `models.invariance`


class Settings(BaseModel):
    """Base of every settings class: a misspelt key or a wrong type is an error, and nothing changes later."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")


class NetworkSettings(Settings):
    channels: list[Annotated[int, Field(ge=1, le=4096)]] = Field(min_length=2, max_length=16)
    downsampling: int = Field(ge=1, le=8)
    attention: int = Field(default=0, ge=0, le=64)  # networks of before it was there have no heads
    embedding: int = Field(ge=4, le=4096)
    dropout: float = Field(ge=0, lt=1)


class DegradeSettings(Settings):
    rotation: float = Field(ge=0, le=45)
    shear: float = Field(ge=0, le=1)
    scale: float = Field(ge=0, lt=1)
    shift: float = Field(ge=0, le=0.5)
    perspective: float = Field(ge=0, le=0.4)
    bend: float = Field(ge=0, le=8)
    stroke: float = Field(ge=0, le=1)
    colour: float = Field(ge=0, le=1)
    texture: float = Field(ge=0, le=1)
    contrast: float = Field(ge=0, lt=1)
    invert: float = Field(ge=0, le=1)
    shadow: float = Field(ge=0, lt=1)
    motion: float = Field(ge=0, le=16)
    blur: float = Field(ge=0, le=4)
    resolution: float = Field(ge=0, le=0.9)
    noise: float = Field(ge=0, le=1)
    jpeg: float = Field(ge=0, le=0.99)
    wear: float = Field(default=0.0, ge=0, le=1)
    halftone: float = Field(default=0.0, ge=0, le=0.6)
    show_through: float = Field(default=0.0, ge=0, lt=1)
    speckle: float = Field(default=0.0, ge=0, le=0.5)
    binarise: float = Field(default=0.0, ge=0, lt=0.5)
    outline: float = Field(default=0.0, ge=0, le=1)
    relief: float = Field(default=0.0, ge=0, le=1)
    ground: float = Field(default=0.0, ge=0, le=1)
    light: float = Field(default=0.0, ge=0, lt=1)
    screen: float = Field(default=0.0, ge=0, le=0.9)


class AugmentSettings(DegradeSettings):
    """The degradations of training: `strong` and `scan` are the fractions of the crops of these kinds."""

    strong: float = Field(default=0.0, ge=0, le=1)
    scan: float = Field(default=0.0, ge=0, le=1)

    @model_validator(mode="after")
    def _kinds_are_disjoint(self) -> "AugmentSettings":
        if self.strong + self.scan > 1:
            raise ValueError("degrade.strong and degrade.scan are fractions of the same crops: at most 1 together")
        return self


class LossSettings(Settings):
    name: Literal["cross_entropy", "focal"]
    gamma: float = Field(ge=0, le=10)
    alpha: float | None = Field(ge=0, le=1)
    smoothing: float = Field(ge=0, lt=1)
    prior_bias: bool
    hardest: float = Field(gt=0, le=1)


PLAIN_LOSS = LossSettings(name="cross_entropy", gamma=0.0, alpha=None, smoothing=0.0, prior_bias=False, hardest=1.0)


class TrainSettings(Settings):
    epochs: int = Field(ge=1, le=1000)
    batch: int = Field(ge=2, le=65536)
    learning_rate: float = Field(gt=0, le=10)
    weight_decay: float = Field(ge=0, le=1)
    warmup: float = Field(ge=0, lt=1)
    balanced: bool
    ramp: float = Field(ge=0, le=1)
    precision: Literal["auto", "float32", "bfloat16"]
    processes: int = Field(ge=1, le=1024)
    nodes: int = Field(ge=1, le=1024)


def parts_of(mode: str) -> list[str]:
    """The modes that `mode` names: itself, or the parts of a sum such as `conditional+pairs`.

    Raises:
        ValueError: there is no such mode, one is named twice, or `erm` is part of a sum.
    """
    parts = mode.split("+")
    for part in parts:
        if part not in MODE_NAMES:
            raise ValueError(f"there is no mode '{part}': modes are {', '.join(MODE_NAMES)}, and sums (pairs+coral)")
    if len(set(parts)) < len(parts):
        raise ValueError(f"'{mode}' names a mode twice")
    if "erm" in parts and len(parts) > 1:
        raise ValueError(f"'{mode}': erm adds nothing to a sum: name it alone")
    return parts


def _checked(mode: str) -> str:
    parts_of(mode)
    return mode


class InvarianceSettings(Settings):
    """How a mode is trained, and the weights of its terms."""

    modes: list[Annotated[str, AfterValidator(_checked)]] = Field(min_length=1)
    epochs: int = Field(ge=1, le=1000)
    learning_rate: float = Field(gt=0, le=10)
    strength: float = Field(ge=0, le=100)
    head_learning_rate: float = Field(gt=0, le=100)
    head_steps: int = Field(ge=1, le=100)
    pair_weight: float = Field(ge=0, le=1000)
    coral_weight: float = Field(ge=0, le=1000)
    erased: int = Field(ge=1, le=4095)
    margin: float = Field(gt=0, le=1000)

    @field_validator("modes")
    @classmethod
    def _each_once(cls, modes: list[str]) -> list[str]:
        sums = [frozenset(parts_of(mode)) for mode in modes]
        if len(set(sums)) < len(sums):
            raise ValueError("a mode is listed twice")
        return modes


class ProbeSettings(Settings):
    """The probe's crops, and how both of its kinds are fitted; the same for every model."""

    severity: Severity
    train: int = Field(ge=10, le=1_000_000)
    test: int = Field(ge=10, le=1_000_000)
    decays: list[Annotated[float, Field(gt=0, le=100)]] = Field(min_length=1, max_length=16)
    hidden: int = Field(ge=1, le=4096)
    epochs: int = Field(ge=1, le=1000)
    batch: int = Field(ge=1, le=65536)
    learning_rate: float = Field(gt=0, le=1)


class CompareSettings(Settings):
    """The crops that two networks are compared on, and how much the page shows."""

    crops: int = Field(ge=4, le=100_000)
    batch: int = Field(ge=8, le=4096)
    severity: Severity
    explained: float = Field(gt=0, le=1)
    pairs: int = Field(ge=1, le=64)
    top: int = Field(ge=1, le=64)


class AttributionSettings(Settings):
    """How attribution maps are made and checked."""

    window: Annotated[list[Annotated[int, Field(ge=1, le=2048)]], Field(min_length=2, max_length=2)]
    stride: Annotated[list[Annotated[int, Field(ge=1, le=2048)]], Field(min_length=2, max_length=2)]
    steps: int = Field(ge=1, le=1024)
    parts: int = Field(ge=2, le=1024)
    randomised: int = Field(ge=1, le=1000)
    report_stride: Annotated[list[Annotated[int, Field(ge=1, le=2048)]], Field(min_length=2, max_length=2)]
    report_steps: int = Field(ge=1, le=1024)

    @model_validator(mode="after")
    def _no_pixel_is_left_out(self) -> "AttributionSettings":
        for name, stride in (("stride", self.stride), ("report_stride", self.report_stride)):
            if any(step > side for step, side in zip(stride, self.window, strict=True)):
                raise ValueError(
                    f"attribution.{name} must be at most attribution.window: pixels between would never be covered"
                )
        return self


class InfluenceSettings(Settings):
    """The network for a table, its training, and how much of the table is attributed."""

    held_out: float = Field(gt=0, lt=1)
    categories: int = Field(ge=2, le=100_000)
    rare: int = Field(ge=1, le=1_000_000)
    width: int = Field(ge=1, le=256)
    hidden: list[Annotated[int, Field(ge=1, le=4096)]] = Field(min_length=1, max_length=8)
    embedding: int = Field(ge=4, le=4096)
    dropout: float = Field(ge=0, lt=1)
    epochs: int = Field(ge=1, le=100_000)
    steps: int = Field(ge=1, le=10_000_000)
    batch: int = Field(ge=2, le=65536)
    learning_rate: float = Field(gt=0, le=10)
    weight_decay: float = Field(ge=0, le=1)
    warmup: float = Field(ge=0, lt=1)
    seeds: int = Field(ge=2, le=100)
    mode: Annotated[str, AfterValidator(_checked)]
    rows: int = Field(ge=10, le=100_000)
    permuted: int = Field(ge=10, le=10_000_000)
    repeats: int = Field(ge=2, le=100)
    path: int = Field(ge=2, le=1024)
