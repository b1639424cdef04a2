"""Which model a name on the command line means."""

from collections.abc import Mapping
from pathlib import Path

from tasks.common.params import Params
from tasks.predict.champion import ALIAS, find_model
from tasks.train.card import CARD_FILE, WEIGHTS_FILE
from unfont.errors import UserError
from unfont.text import shown

CHAMPION = ALIAS  # the model that `unfont predict` uses


def named_model(params: Params, name: str, models: Mapping[str, Path]) -> Path:
    """The folder of the model called `name`: one of `models`, the champion, or a model folder of the user's own.

    Args:
        models: folders of all models that the pipeline can make, by name; the flows know them.

    Raises:
        UserError: there is no such model; the error names those that exist.
    """
    folder = models.get(name)
    if folder is not None and _is_model(folder):
        return folder
    if name == CHAMPION:
        return find_model(params)
    if _is_model(Path(name)):
        return Path(name)
    trained = [known for known, path in models.items() if _is_model(path)]
    fix = f"choose one of {', '.join([*trained, CHAMPION])}" if trained else "run `unfont run`"
    raise UserError(
        f"there is no model '{shown(name)}'",
        where=params.home,
        fix=f"{fix}, or name a folder with {WEIGHTS_FILE} and {CARD_FILE}",
    )


def _is_model(folder: Path) -> bool:
    return (folder / CARD_FILE).is_file()
