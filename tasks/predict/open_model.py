"""Which model predicts, where it is, and how to open it: in this process, or in a worker's."""

from dataclasses import dataclass
from pathlib import Path

from unfont.answers import Model

ONNX = ".onnx"


@dataclass(frozen=True, kw_only=True)
class ModelSource:
    """A model's file or folder; small enough to be sent to a process that opens it.

    Attributes:
        path: an ONNX file that `unfont export` wrote, or a model folder.
        temperature: of a folder's probabilities; an ONNX file has its own.
        name: as it is called where its answers are printed.
    """

    path: Path
    temperature: float = 1.0
    name: str

    def open(self) -> Model:
        """The model.

        Raises:
            UserError: a file is missing, truncated, or of something else.
        """
        if self.path.suffix == ONNX:
            from unfont.model import OnnxModel

            return OnnxModel(self.path)
        from tasks.predict.torch_model import TorchModel  # torch takes a second to import

        return TorchModel.of_folder(self.path, temperature=self.temperature)
