"""Who is champion, decided by a person: promote a registered version, or go back to the one before."""

from typing import Any

from tasks.common.mlflow_store import client, use_store
from tasks.predict.champion import ALIAS, WEIGHTS_TAG, registered_name
from unfont.errors import UserError

HISTORY_TAG = "unfont.champions"  # of the registered model: the versions that were champion, oldest first
ROLLED_BACK_TAG = "unfont.rolled_back"  # of a version: a person took the alias from it


def promote(problem: str, run: str) -> str:
    """Make the version of `run` champion; what was done, in words.

    Args:
        run: a version's number; or the id of an MLflow run: the one that registered it, or that trained its weights.

    Raises:
        UserError: there is no such version.
    """
    use_store()
    name = registered_name(problem)
    version = _version_of(name, run)
    if version.tags.get(ROLLED_BACK_TAG):
        client().delete_model_version_tag(name, version.version, ROLLED_BACK_TAG)
    make_champion(name, str(version.version))
    return f"{name} version {version.version} is champion"


def rollback(problem: str) -> str:
    """Give the alias back to the champion before; `register` does not give it to this one again by itself.

    Raises:
        UserError: there was no other champion before.
    """
    use_store()
    name = registered_name(problem)
    model = next((found for found in client().search_registered_models(f"name = '{name}'")), None)
    champions = _history(model)
    if len(champions) < 2:
        raise UserError("there was no champion before", where=name, fix="choose one with `unfont promote VERSION`")
    gone, before = champions[-1], champions[-2]
    client().set_model_version_tag(name, gone, ROLLED_BACK_TAG, "true")
    client().set_registered_model_alias(name, ALIAS, before)
    client().set_registered_model_tag(name, HISTORY_TAG, ",".join(champions[:-1]))
    return f"{name} version {before} is champion again, in place of {gone}"


def make_champion(name: str, version: str) -> None:
    """Move the alias to `version`, and note it for `rollback`."""
    champions = _history(client().get_registered_model(name))
    client().set_registered_model_alias(name, ALIAS, version)
    if champions[-1:] != [version]:
        client().set_registered_model_tag(name, HISTORY_TAG, ",".join([*champions, version]))


def _history(model: Any) -> list[str]:
    """The champions so far; the present one is the last, though the alias was moved by other means."""
    if model is None:
        return []
    known = [version for version in model.tags.get(HISTORY_TAG, "").split(",") if version]
    held = model.aliases.get(ALIAS)
    return known if held is None or known[-1:] == [str(held)] else [*known, str(held)]


def _version_of(name: str, run: str) -> Any:
    from mlflow import MlflowException

    versions = list(client().search_model_versions(f"name = '{name}'"))
    wanted = [version for version in versions if run in (str(version.version), version.run_id)]
    if not wanted:
        try:
            weights = client().get_run(run).data.tags.get(WEIGHTS_TAG)
        except MlflowException:
            weights = None
        wanted = [version for version in versions if weights and version.tags.get(WEIGHTS_TAG) == weights]
    if not wanted:
        known = ", ".join(sorted((str(version.version) for version in versions), key=int)) or "none"
        fix = f"name one of its versions ({known}), or the MLflow run of one"
        raise UserError(f"no registered version is of '{run}'", where=name, fix=fix)
    return max(wanted, key=lambda version: int(version.version))
