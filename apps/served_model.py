"""The model as MLflow serves it: models from code, weights from safetensors, nothing unpickled.

`mlflow models serve --env-manager local -m models:/unfont@champion`, then POST to /invocations:

    {"dataframe_records": [{"image": "<base64 of a PNG, JPEG, …>"}], "params": {"top": 3, "among":
    "Latn,Cyrl"}}
"""

import base64
import binascii
from pathlib import Path
from typing import Any

import mlflow
import pandas as pd
from mlflow.pyfunc.model import PythonModel, PythonModelContext

from tasks.predict.windows import picture_probabilities, windows_of_bytes
from tasks.train.weights import load_model
from unfont.errors import UserError
from unfont.rank import check_options, ranked


class ServedModel(PythonModel):
    """Predicts the labels of pictures.

    It takes bytes or base64, never a path: a server reads no files for others.
    """

    def load_context(self, context: PythonModelContext) -> None:
        self.network, self.card = load_model(Path(context.artifacts["weights"]).parent)

    def predict(
        self, context: PythonModelContext, model_input: pd.DataFrame, params: dict[str, Any] | None = None
    ) -> pd.DataFrame:
        """Predictions for the pictures in column `image`, a row each, in order.

        Params are `top`, `among` (labels with commas between) and `abstain_below`, as for `unfont predict`.

        Returns: The target's column (None where the model abstains), `p`, `top` (a list of the most
            probable labels), and `error`: None, or why the picture cannot be read; then the others are None.

        Raises:
            MlflowException: an option is wrong.
        """
        options = self._options(params or {})
        empty = {self.card["target"]: None, "p": None, "top": None}
        rows: list[dict[str, Any]] = []
        pictures = []
        for number, image in enumerate(model_input["image"]):
            try:
                data = _bytes_of(image, where=f"row {number}")
                pictures.append(windows_of_bytes(data, self.card, where=f"row {number}"))
                rows.append({**empty, "error": None})
            except UserError as error:
                rows.append({**empty, "error": str(error)})
        good = [row for row in rows if row["error"] is None]
        if pictures:
            temperature = self.card.get("temperature", 1.0)
            probabilities = picture_probabilities(self.network, pictures, self.card["labels"], temperature=temperature)
            for row, found in zip(good, ranked(probabilities, self.card["labels"], **options), strict=True):
                row.update(found)
        return pd.DataFrame(rows, columns=[*empty, "error"], dtype=object)

    def _options(self, params: dict[str, Any]) -> dict[str, Any]:
        names = [name.strip() for name in str(params.get("among") or "").split(",") if name.strip()]
        options: dict[str, Any] = {
            "top": int(params.get("top", 3)),
            "among": names or None,
            "abstain_below": float(params.get("abstain_below", 0.0)),
        }
        try:
            check_options(self.card["labels"], **options)
        except UserError as error:
            raise mlflow.MlflowException.invalid_parameter_value(str(error)) from error
        return {"target": self.card["target"], **options}


def _bytes_of(image: Any, *, where: str) -> bytes:
    if isinstance(image, bytes):
        return image
    try:
        return base64.b64decode(image, validate=True)
    except (binascii.Error, ValueError, TypeError) as error:
        raise UserError("this is no base64", where=where, fix="send the file's bytes in base64") from error


mlflow.models.set_model(ServedModel())
