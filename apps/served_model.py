"""The model as MLflow serves it: models from code, weights from safetensors, nothing unpickled.

`mlflow models serve --env-manager local -m models:/unfont@champion`, then POST to /invocations:

    {"dataframe_records": [{"image": "<base64 of a PNG, JPEG, …>"}], "params": {"top": 3, "among":
    "Latn,Cyrl"}}
"""

import base64
import binascii
import re
from pathlib import Path
from typing import Any

import mlflow
import pandas as pd
from mlflow.pyfunc.model import PythonModel, PythonModelContext

from tasks.predict.torch_model import TorchModel
from tasks.train.card import read_card
from unfont.answers import answers
from unfont.errors import UserError
from unfont.picture import MOST_BYTES, picture_of, too_many_bytes
from unfont.rank import check_options

DATA_URL = re.compile(r"^\s*data:[^,]{0,200};base64,", re.IGNORECASE)
URL_SAFE = str.maketrans("-_", "+/")
COLUMNS = ("p", "top", "windows", "agree", "shares", "turned", "error")


class ServedModel(PythonModel):
    """Predicts the labels of pictures.

    It takes bytes or base64, never a path: a server reads no files for others.
    """

    def load_context(self, context: PythonModelContext) -> None:
        folder = Path(context.artifacts["weights"]).parent
        self.model = TorchModel.of_folder(folder, temperature=float(read_card(folder).get("temperature", 1.0)))

    def predict(
        self, context: PythonModelContext, model_input: pd.DataFrame, params: dict[str, Any] | None = None
    ) -> pd.DataFrame:
        """Predictions for the pictures in column `image`, a row each, in order.

        Params are `top`, `among` (labels with commas between) and `abstain_below`, as for `unfont predict`.

        Returns: The target's column (None where the model abstains) and the others of `unfont.answers.answers`, None
            where a picture has none, and `error`: None, or why the picture cannot be read; then the others are None.

        Raises:
            MlflowException: an option is wrong.
        """
        options = self._options(params or {})
        columns = [self.model.target, *COLUMNS]
        rows: list[dict[str, Any]] = []
        pictures = []
        for number, image in enumerate(model_input["image"]):
            where = f"row {number}"
            try:
                pictures.append(picture_of(_bytes_of(image, where=where), where=where, channels=self.model.shape[2]))
                rows.append(dict.fromkeys(columns))
            except UserError as error:
                rows.append(dict.fromkeys(columns) | {"error": str(error)})
        good = [row for row in rows if row["error"] is None]
        for row, found in zip(good, answers(self.model, pictures, **options), strict=True):
            row.update(found)
        return pd.DataFrame(rows, columns=columns, dtype=object)

    def _options(self, params: dict[str, Any]) -> dict[str, Any]:
        names = [name.strip() for name in str(params.get("among") or "").split(",") if name.strip()]
        options: dict[str, Any] = {
            "top": int(params.get("top", 3)),
            "among": names or None,
            "abstain_below": float(params.get("abstain_below", 0.0)),
        }
        try:
            check_options(self.model.labels, **options)
        except UserError as error:
            raise mlflow.MlflowException.invalid_parameter_value(str(error)) from error
        return options


def _bytes_of(image: Any, *, where: str) -> bytes:
    """The file's bytes: as they are, or base64 of either alphabet, wrapped, without padding, or in a data: URL."""
    if isinstance(image, bytes):
        return image
    try:
        text = DATA_URL.sub("", image, count=1)
        if len(text) > 2 * MOST_BYTES:  # base64 takes four letters for three bytes, and few of them are line ends
            raise too_many_bytes(where)
        text = "".join(text.split()).translate(URL_SAFE).rstrip("=")
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError, TypeError) as error:
        raise UserError("this is no base64", where=where, fix="send the file's bytes in base64") from error


mlflow.models.set_model(ServedModel())
