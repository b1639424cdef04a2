"""`params.yaml`, read once into frozen, strict settings."""

from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import Field, ValidationError, model_validator

from models.settings import (
    AttributionSettings,
    AugmentSettings,
    CompareSettings,
    InfluenceSettings,
    InvarianceSettings,
    LossSettings,
    NetworkSettings,
    ProbeSettings,
    Settings,
    Severity,
    TrainSettings,
)
from tasks.common.drawing_settings import CropsSettings, FontsSettings, RunnerSettings, Share, WordsSettings
from unfont.errors import UserError
from unfont.labels import UNWRITTEN as UNWRITTEN

PARAMS_FILE = Path("params.yaml")
SYMBOLS = "Zsym"  # ISO 15924: the "script" of fonts of icons, which serve backgrounds only
# dvc.yaml reads these for the graph itself: a problem's own values would not be seen there.
IN_THE_GRAPH = ("problems", "rounds", "fonts", "words", "invariance.modes")


class ProblemSettings(Settings):
    """What a table of images is about: the target to learn, the nuisances to unlearn, the group to hold out.

    `source` says where its crops come from: `drawn` (rendered from fonts and words), `own` pictures that
    `unfont tag --from` imported, or `both`. `settings` are values of params.yaml that differ for this problem.
    """

    target: str
    nuisances: list[str]
    group: str
    source: Literal["drawn", "own", "both"] = "drawn"
    pattern: str | None = None
    settings: dict[str, Any] = Field(default_factory=dict)

    @property
    def draws(self) -> bool:
        """Whether crops are rendered from fonts and words."""
        return self.source != "own"

    @property
    def brings(self) -> bool:
        """Whether the user's own pictures are among the crops."""
        return self.source != "drawn"


class TagSettings(Settings):
    validation_words: Share
    test_words: Share
    validation_groups: Share
    test_groups: Share
    pool: Share
    near: int = Field(ge=0, le=16)
    rejected: Share


class ScoreSettings(RunnerSettings):
    severity: Severity


class MineSettings(Settings):
    threshold: Share
    share: Share
    quota: Share
    nuisance_quota: Share
    near: float = Field(ge=0, le=2)
    folds: int = Field(ge=0, le=20)
    start: Literal["warm", "scratch"]
    epochs: int = Field(ge=1, le=1000)
    learning_rate: float = Field(gt=0, le=10)
    hard: float = Field(ge=0, lt=1)
    visits: int = Field(ge=1, le=1000)


class StudySettings(Settings):
    seeds: int = Field(ge=1, le=100)
    control: bool
    stop: bool


class RoundSettings(Settings):
    previous: str = Field(pattern=r"^\d+$")


class SweepSettings(RunnerSettings):
    """What a sweep tries where its command does not say; torch's random state is a process's, so no threads."""

    runner: Literal["processes", "dask"]
    strength: list[Annotated[float, Field(ge=0, le=100)]] = Field(min_length=1)
    seeds: int = Field(ge=1, le=100)


class AblationSettings(Settings):
    """The architecture experiments on faces (`unfont ablation`): pictures, the base network, its training."""

    height: int = Field(ge=16, le=512)
    width: int = Field(ge=16, le=512)
    filters: list[Annotated[int, Field(ge=1, le=512)]] = Field(min_length=1, max_length=4)
    dense: list[Annotated[int, Field(ge=1, le=1024)]] = Field(min_length=1, max_length=8)
    epochs: int = Field(ge=1, le=1000)
    augmented_epochs: int = Field(ge=1, le=1000)
    batch: int = Field(ge=2, le=4096)
    learning_rate: float = Field(gt=0, le=1)
    seeds: int = Field(ge=2, le=100)
    rotations: int = Field(ge=2, le=100)
    steps: int = Field(ge=8, le=100_000)


class EvaluateSettings(Settings):
    batch: int = Field(ge=1, le=65536)
    cell_crops: int = Field(default=200, ge=1, le=1_000_000)
    choice_crops: int = Field(default=30, ge=1, le=1_000_000)
    resamples: int = Field(ge=100, le=100_000)
    confidence: float = Field(gt=0.5, lt=1)


class ReportSettings(Settings):
    crops: int = Field(ge=1)
    top: int = Field(ge=1, le=64)
    projected: int = Field(ge=0, le=64)
    units: Annotated[int, Field(ge=1)] | None
    attributed: Annotated[int, Field(ge=1)] | None
    mistakes: int = Field(ge=1, le=1000)
    map_crops: int = Field(ge=5, le=2000)
    steps: Annotated[int, Field(ge=8, le=100_000)] | None
    search: int = Field(ge=4, le=10_000)
    settings: Literal["paper", "search"]


class Params(Settings):
    problem: str = Field(pattern=r"^[a-z][a-z0-9_-]*$")
    problems: dict[str, ProblemSettings]
    profile: str
    seed: int = Field(ge=0, lt=2**31)
    threads: int = Field(ge=1, le=1024)
    device: Literal["auto", "cpu", "cuda"]
    fonts: FontsSettings
    words: WordsSettings
    crops: CropsSettings
    tag: TagSettings
    degrade: AugmentSettings
    network: NetworkSettings
    loss: LossSettings
    train: TrainSettings
    score: ScoreSettings
    mine: MineSettings
    study: StudySettings
    rounds: dict[str, RoundSettings]
    invariance: InvarianceSettings
    sweep: SweepSettings
    ablation: AblationSettings
    evaluate: EvaluateSettings
    probe: ProbeSettings
    compare: CompareSettings
    attribution: AttributionSettings
    influence: InfluenceSettings
    report: ReportSettings

    @model_validator(mode="after")
    def _names_agree(self) -> "Params":
        known = {"0", *self.rounds}
        for number, settings in self.rounds.items():
            if settings.previous not in known or int(settings.previous) >= int(number):
                raise ValueError(f"rounds.{number}.previous must be an earlier round, not '{settings.previous}'")
        if self.study.stop and self.study.seeds < 2:
            raise ValueError("study.stop needs study.seeds of 2 or more: one training has no spread")
        return self

    @property
    def labels(self) -> ProblemSettings:
        """The chosen problem's columns."""
        return self.problems[self.problem]

    @property
    def home(self) -> Path:
        """The folder of the chosen problem's outputs."""
        return Path("data") / self.problem

    @property
    def pictures(self) -> Path:
        """The folder of the pictures that `unfont tag --from` imported for the chosen problem."""
        return Path("data") / "pictures" / self.problem


def read_params(path: Path = PARAMS_FILE) -> Params:
    """Read and check `params.yaml`.

    Raises:
        UserError: the file is missing, is no YAML, has an unknown key or a value out of range.
    """
    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UserError("there are no parameters", where=path, fix="run unfont in the project's folder") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise UserError(f"the file is not YAML: {error}", where=path, fix="fix its syntax") from error
    if not isinstance(values, dict):
        raise UserError("the file holds no keys", where=path, fix="restore it from git")
    try:
        return Params(**for_problem(values, path))
    except ValidationError as error:
        raise _as_user_error(error, path) from error


def for_problem(values: dict[str, Any], path: Path = PARAMS_FILE) -> dict[str, Any]:
    """`values` with the chosen problem's `settings` laid over them.

    Raises:
        UserError: there is no such problem, it does not say its source, or it sets a key that dvc.yaml reads: the
            graph would not follow.
    """
    problems = values.get("problems")
    name = values.get("problem")
    if not isinstance(problems, dict) or name not in problems:
        known = ", ".join(problems) if isinstance(problems, dict) else "none"
        raise UserError(f"there is no problem '{name}'", where=f"{path}: problem", fix=f"choose one of: {known}")
    problem = problems[name] if isinstance(problems[name], dict) else {}
    if "source" not in problem:
        fix = "add it: drawn, own or both"  # dvc.yaml asks for it
        raise UserError("this key is missing", where=f"{path}: problems.{name}.source", fix=fix)
    own = problem.get("settings", {})
    if not isinstance(own, dict):
        raise UserError("settings must hold keys", where=f"{path}: problems.{name}.settings", fix="as at the top")
    for key, changes in own.items():
        named = {key, *(f"{key}.{below}" for below in changes)} if isinstance(changes, dict) else set()
        if not named or named & set(IN_THE_GRAPH) or not isinstance(values.get(key), dict):
            where = f"{path}: problems.{name}.settings.{key}"
            fix = f"set keys of sections here, and none of {', '.join(IN_THE_GRAPH)}"
            raise UserError("a problem cannot set this", where=where, fix=fix)
    return {**values, **{key: _laid_over(values[key], changes) for key, changes in own.items()}}


def _laid_over(values: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    deeper = {
        key: _laid_over(values[key], change)
        for key, change in changes.items()
        if isinstance(change, dict) and isinstance(values.get(key), dict)
    }
    return {**values, **changes, **deeper}


def _as_user_error(error: ValidationError, path: Path) -> UserError:
    first = error.errors()[0]
    key = ".".join(str(part) for part in first["loc"]) or "params"
    where = f"{path}: {key}"
    if first["type"] == "extra_forbidden":
        return UserError("this key does not exist", where=where, fix="remove it, or fix its spelling")
    if first["type"] == "missing":
        return UserError("this key is missing", where=where, fix="add it; the committed file has every key")
    return UserError(f"{first['msg']}, got {first['input']!r:.80}", where=where, fix="give a value in range")
