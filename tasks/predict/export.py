"""Export: a model as one ONNX file that `unfont.OnnxModel` opens, its card inside."""

import contextlib
import io
import json
import logging
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from torch import Tensor, nn

from models.network import CropNet, folded
from tasks.common.files import read_json, written_whole
from tasks.common.params import Params
from tasks.predict.model_card import model_card
from tasks.predict.torch_model import TorchModel
from tasks.train.batches import as_images
from unfont.errors import UserError
from unfont.model import CARD, CROPS, FORMAT, LOGITS, OnnxModel

OPSET = 20
CHECKED = 64  # crops on which the file must say what the network says
CLOSE = 1e-4  # difference of a logit
MANY = 1000  # weights of a layer from which they are written in half precision


class _OfCrops(nn.Module):
    """The network with what turns crops, uint8, into the images that it takes; its weights are rounded to halves."""

    def __init__(self, network: CropNet) -> None:
        super().__init__()
        self.network, self.channels = folded(network), network.channels
        for weight in self.network.state_dict().values():
            rounded = weight.half().float()
            if rounded.isfinite().all():
                weight.copy_(rounded)

    def forward(self, crops: Tensor) -> Tensor:
        return self.network(as_images(crops, self.channels))  # type: ignore[no-any-return]


def export_model(model: TorchModel, file: Path, *, name: str) -> None:
    """Write `model` as an ONNX file: crops uint8 [n, height, width] or [..., 3] to logits [n, labels].

    Batch normalisation is folded in, and weights are rounded to half precision, which halves the file; it computes in
    single precision. The file's metadata have the card: labels, size, target, temperature and
    `name`. Nothing of this machine is in it. It is read back and compared before it is there.

    Raises:
        UserError: the file says something else than the network, which a damaged installation would do.
    """
    height, width, channels = model.shape
    card = {
        "format": FORMAT, "name": name, "target": model.target, "labels": list(model.labels),
        "height": height, "width": width, "channels": channels, "temperature": model.temperature,
    }  # fmt: skip
    with written_whole(file) as part:
        part.write_bytes(_onnx_of(model, card))
        written = OnnxModel(part)
        shape = (CHECKED, height, width, *([3] if channels == 3 else []))
        crops = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
        crops[:, : height // 3] = 255  # else a crop is as dark as light, and its ink either
        with torch.inference_mode():
            expected = _OfCrops(model.network)(torch.from_numpy(crops)).numpy()
        apart = float(np.abs(written.logits(crops) - expected).max())
        if not apart <= CLOSE:
            raise UserError(
                f"the ONNX model's logits are {apart:.2g} from the network's",
                where=file,
                fix="install the versions of torch, onnx and onnxruntime in constraints.txt",
            )


def export_with_card(
    params: Params,
    folder: Path,
    file: Path,
    *,
    name: str,
    temperature: float,
    measured: str,
    fonts: Path,
    card: Path | None = None,
    real: Path | None = None,
) -> str:
    """`export_model` of a model folder, and a model card in words.

    Args:
        measured: the model's name in what `evaluate` measured.
        fonts: the fonts' table.
        card: where to write a model card in Markdown.
        real: JSON of `benchmarks.real`, for that card.

    Returns: what was written.

    Raises:
        UserError: as `export_model` and `model_card`, or a suffix or `real` is wrong; then nothing is written.
    """
    if file.suffix != ".onnx":
        raise UserError("a model is exported as .onnx", where=file, fix="name a file that ends with .onnx")
    model = TorchModel.of_folder(folder, temperature=temperature)
    text = None
    if card is not None:
        facts = {"name": name, "labels": model.labels}
        text = model_card(params, measured, card=facts, fonts=fonts, real=_real_of(real))
    export_model(model, file, name=name)
    if card is not None and text is not None:
        with written_whole(card) as part:
            part.write_text(text, encoding="utf-8")
    return f"{file}: {file.stat().st_size / 2**20:.1f} MiB, {len(model.labels)} labels"


def _real_of(file: Path | None) -> dict[str, Any] | None:
    try:
        return None if file is None else dict(read_json(file))
    except (OSError, ValueError, TypeError) as error:
        raise UserError("this is not what benchmarks.real wrote", where=file, fix="run it again") from error


def _onnx_of(model: TorchModel, card: dict[str, Any]) -> bytes:
    height, width, channels = model.shape
    example = torch.zeros((2, height, width, *([3] if channels == 3 else [])), dtype=torch.uint8)
    with _quiet():
        program = torch.onnx.export(
            _OfCrops(model.network).eval(),
            (example,),
            dynamo=True,
            opset_version=OPSET,
            input_names=[CROPS],
            output_names=[LOGITS],
            dynamic_shapes={"crops": {0: torch.export.Dim("n")}},
        )
    assert program is not None
    proto = program.model_proto
    _write_halves(proto.graph)
    # The exporter notes each node's line of code: with paths of this machine.
    for part in [*proto.graph.node, *proto.graph.input, *proto.graph.output, *proto.graph.value_info]:
        del part.metadata_props[:]
        part.doc_string = ""
    del proto.graph.metadata_props[:]
    del proto.metadata_props[:]
    entry = proto.metadata_props.add()
    entry.key, entry.value = CARD, json.dumps(card, ensure_ascii=False, sort_keys=True)
    return bytes(proto.SerializeToString(deterministic=True))


def _write_halves(graph: Any) -> None:
    """Write the large weights that half precision holds exactly as such, each with a node that makes them single."""
    casts = []
    for weights in graph.initializer:
        single = onnx.numpy_helper.to_array(weights)
        with np.errstate(over="ignore"):
            half = single.astype(np.float16)
        if single.dtype == np.float32 and single.size >= MANY and np.array_equal(half, single):
            name, stored = weights.name, f"{weights.name}.half"
            weights.CopyFrom(onnx.numpy_helper.from_array(half, stored))
            casts.append(onnx.helper.make_node("Cast", [stored], [name], to=onnx.TensorProto.FLOAT))
    nodes = [*casts, *graph.node]
    del graph.node[:]
    graph.node.extend(nodes)


@contextlib.contextmanager
def _quiet() -> Any:
    """Without the exporter's progress, and its list of packages that are not there."""
    for name in ("torch.onnx", "onnxscript", "onnx_ir"):
        logging.getLogger(name).setLevel(logging.ERROR)
    with (
        warnings.catch_warnings(),
        contextlib.redirect_stdout(io.StringIO()),
        contextlib.redirect_stderr(io.StringIO()),
    ):
        warnings.simplefilter("ignore")
        yield
