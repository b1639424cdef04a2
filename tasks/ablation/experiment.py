"""All trainings of a call, what they follow from, and where what is done is kept."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import models.erasure
import models.explain.maximise.ascent
import models.invariance
import models.losses
import models.network
import models.pose_augment
import models.schedule
import models.small_network
import models.squared_error
import models.training
import tasks.ablation.decision_maps
import tasks.ablation.faces
import tasks.ablation.mining
import tasks.ablation.suspicions
import tasks.ablation.train
from tasks.ablation.faces import TRAIN, Faces, Split, read_faces, rotations_of
from tasks.ablation.recipes import Recipe, chosen_recipes, cures_of
from tasks.ablation.train import TrainingJob
from tasks.common.dvc_stage import WORK
from tasks.common.files import sha256_of
from tasks.common.params import AblationSettings, Params
from unfont.errors import UserError

PROBLEM = "faces"
SCRATCH = WORK / "ablation"  # outside of all that dvc.yaml names
SECONDS = 3e-7  # of a core, that a training takes for a pixel of a picture, once: measured with base, on 30 x 32
# What a training follows from, beside its pictures and settings: where one of these is edited, all are made again.
CODE: tuple[ModuleType, ...] = (
    models.erasure, models.explain.maximise.ascent, models.invariance, models.losses, models.network,
    models.pose_augment, models.schedule, models.small_network, models.squared_error, models.training,
    tasks.ablation.decision_maps, tasks.ablation.faces, tasks.ablation.mining, tasks.ablation.suspicions,
    tasks.ablation.train,
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Experiment:
    """Recipes in rotations with seeds; `work` is where their results are kept."""

    source: Path
    faces: Faces
    recipes: Mapping[str, Recipe]
    settings: AblationSettings
    jobs: list[TrainingJob]
    work: Path

    @property
    def variants(self) -> dict[str, Recipe]:
        return {name: recipe for name, recipe in self.recipes.items() if name not in self.cures}

    @property
    def cures(self) -> dict[str, Recipe]:
        known = cures_of(self.settings)
        return {name: recipe for name, recipe in self.recipes.items() if name in known}

    @property
    def of_variants(self) -> list[TrainingJob]:
        """The trainings of the variants, without the cures'."""
        return [job for job in self.jobs if job.recipe.name in self.variants]

    @property
    def left(self) -> list[TrainingJob]:
        """The trainings that are not done yet."""
        return [job for job in self.jobs if not job.result.exists()]

    def minutes_left(self, workers: int) -> float:
        """About how long they take."""
        visits = sum(job.epochs * len(job.split[TRAIN]) for job in self.left)
        pixels = self.settings.height * self.settings.width
        return visits * pixels * SECONDS / workers / 60

    @property
    def name(self) -> str:
        """Of its MLflow run: the same arguments are the same experiment."""
        return f"ablation-{self.work.name}-{self.settings.seeds}-{','.join(self.recipes)}"

    @property
    def facts(self) -> dict[str, Any]:
        """What was read."""
        people = len(self.faces.each_person)
        return {"source": self.source.name, "pictures": len(self.faces.names), "people": people}


def make_experiment(params: Params, source: Path, settings: AblationSettings, *, only: str | None) -> Experiment:
    """The experiment on the faces in `source`.

    Args:
        only: names of variants and cures, with commas; None: all of them.

    Raises:
        UserError: the pictures cannot be used, `only` names what there is not, or params.yaml has no problem `faces`.
    """
    recipes = chosen_recipes(settings, only)
    if PROBLEM not in params.problems:
        fix = "put it back from the committed file: it says how the pictures' paths name pose and person"
        raise UserError(f"there is no problem '{PROBLEM}'", where="params.yaml: problems", fix=fix)
    faces = read_faces(source, params.problems[PROBLEM], size=(settings.height, settings.width))
    splits = rotations_of(faces, settings.rotations)
    work = SCRATCH / _key(params, faces, settings)
    return Experiment(
        source=source, faces=faces, recipes=recipes, settings=settings, work=work,
        jobs=_jobs(params, faces, splits, recipes, settings, work),
    )  # fmt: skip


def _jobs(
    params: Params, faces: Faces, splits: Sequence[Split], recipes: Mapping[str, Recipe], settings: AblationSettings,
    work: Path,
) -> list[TrainingJob]:  # fmt: skip
    return [
        TrainingJob(
            recipe=recipe, rotation=rotation, seed=seed, faces=faces, split=split, settings=settings,
            invariance=params.invariance, work=work,
        )
        for recipe in recipes.values()
        for rotation, split in enumerate(splits)
        for seed in range(settings.seeds)
    ]  # fmt: skip


def _key(params: Params, faces: Faces, settings: AblationSettings) -> str:
    """A digest of all that a training follows from but its recipe, its rotation and its seed."""
    found = hashlib.sha256(faces.images.tobytes() + faces.poses.tobytes())
    labels = [faces.names, faces.people.tolist(), faces.pairs.tolist()]
    values = [settings.model_dump(exclude={"seeds", "epochs", "augmented_epochs"}), params.invariance.model_dump()]
    code = [sha256_of(Path(str(module.__file__))) for module in CODE]
    found.update(json.dumps([labels, values, code], sort_keys=True).encode("utf-8", "surrogatepass"))
    return found.hexdigest()[:16]
