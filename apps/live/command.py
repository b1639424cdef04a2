"""`unfont live`: which network is shown first, which others the page may choose, and the server."""

import re
import signal
import sys
from pathlib import Path

from apps.live.server import HOST, listen, make_app, serve
from flows.evaluate import models_of, replicas_of_study
from flows.fonts import OUT as FONTS
from flows.words import OUT as WORDS
from tasks.common.params import PARAMS_FILE, Params, read_params
from tasks.live.engine import Engine
from tasks.live.network import LiveNetwork
from tasks.live.report_units import UnitReport
from tasks.live.typed import FontBook
from tasks.predict.named_model import CHAMPION, named_model
from tasks.predict.predict import usable_cpus
from tasks.train.card import CARD_FILE
from unfont.errors import UserError
from unfont.text import clip

SIZE = re.compile(r"([1-9]\d{0,3})[x×]([1-9]\d{0,3})")


def live(model: str | None, *, network: str | None, size: str | None, port: int) -> None:
    """Serve the page until Ctrl-C.

    Args:
        model: name of a model, `champion` unless given, or a model folder; not with `network`.
        network: MODULE:CALLABLE that returns one; it needs no project.
        size: HEIGHTxWIDTH of its pictures.
        port: on loopback.

    Raises:
        UserError: anything of it is wrong, or the port is taken.
    """
    engine = _engine(model, network=network, size=size)
    first = engine.described(engine.names[0])
    # A small network is done before a second thread has begun; the other processors read frames and serve.
    app = make_app(engine, threads=usable_cpus() if engine.own else 1)
    listening = listen(port)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    print(f"{clip(first['name'])}, {len(first['layers'])} layers: http://{HOST}:{port}  (Ctrl-C ends it)", flush=True)
    serve(app, listening)


def _engine(model: str | None, *, network: str | None, size: str | None) -> Engine:
    params = read_params() if network is None or PARAMS_FILE.exists() else None
    if network is None:
        if size is not None:
            raise UserError("a model has its own size", where="--size", fix="leave it out, or name a --network")
        assert params is not None
        return _of_project(params, _models(params, model))
    if model is not None:
        raise UserError("two networks are named", where="--network and MODEL", fix="name one of them")
    own = LiveNetwork.of_own(network, size=_size(size))
    return Engine({}, own=own) if params is None else _of_project(params, _trained(params), own=own)


def _of_project(params: Params, folders: dict[str, Path], *, own: LiveNetwork | None = None) -> Engine:
    book = FontBook.of_project(FONTS, WORDS) if params.labels.draws else None
    return Engine(folders, params=params, book=book, report=UnitReport.of_project(params), own=own)


def _models(params: Params, model: str | None) -> dict[str, Path]:
    """All trained models by name, the one that is asked for first."""
    trained = _trained(params)
    name = CHAMPION if model is None else model
    first = named_model(params, name, trained)
    return {name: first} | trained


def _trained(params: Params) -> dict[str, Path]:
    known = models_of(params) | replicas_of_study(params)
    return {name: folder for name, folder in known.items() if (folder / CARD_FILE).is_file()}


def _size(text: str | None) -> tuple[int, int] | None:
    if text is None:
        return None
    found = SIZE.fullmatch(text)
    if found is None:
        raise UserError(f"'{clip(text)}' is no size", where="--size", fix="write it as in 224x224, height first")
    return int(found[1]), int(found[2])
