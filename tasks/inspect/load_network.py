"""A network of the user's own, made by the user's own code."""

import importlib
import sys
import traceback
from contextlib import redirect_stdout
from functools import reduce
from pathlib import Path
from typing import Any

import torch
from torch import nn

from unfont.errors import UserError
from unfont.text import clip

OPTION = "--network"
EXAMPLE = f"name a module and what in it makes the network, as in {OPTION} mycode:make"


def load_network(address: str) -> nn.Module:
    """The network that `MODULE:CALLABLE` returns, in evaluation mode, as 32-bit floats, on the CPU.

    The module is looked for in the current folder, then where Python looks. Its code is run; nothing is unpickled. The
    name may also be of a network. Random weights are the same every time.

    Raises:
        UserError: there is no such module or callable, its code fails, or it returns no network.
    """
    module, _, name = address.partition(":")
    if not module or not name:
        raise UserError("this is no MODULE:CALLABLE", where=_where(address), fix=EXAMPLE)
    if module.endswith(".py"):
        fix = f"leave out .py: {OPTION} {clip(module.removesuffix('.py'))}:{clip(name)}"
        raise UserError("a module goes by its name, not by its file", where=_where(address), fix=fix)
    found = _found(_imported(module, address), name, address)
    if isinstance(found, nn.Module):
        return _ready(found, address)
    if not callable(found):
        raise UserError(f"'{clip(name)}' is {_kind(found)}, not callable", where=_where(address), fix=EXAMPLE)
    try:
        with torch.random.fork_rng(devices=[]), redirect_stdout(sys.stderr):
            torch.manual_seed(0)
            made = found()
    except (Exception, SystemExit) as error:
        raise _failed(f"'{clip(name)}()' failed", error, address) from error
    return _ready(made, address)


def _imported(module: str, address: str) -> Any:
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.insert(0, here)  # and it stays: the network's code may import more when it runs
    importlib.invalidate_caches()
    try:
        with redirect_stdout(sys.stderr):  # what the command prints may be read by a program
            return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name is not None and (module == error.name or module.startswith(f"{error.name}.")):
            fix = f"stand in the folder of {clip(module)}.py, or put it on PYTHONPATH"
            raise UserError(f"there is no module '{clip(module)}'", where=_where(address), fix=fix) from None
        raise _failed(f"importing '{clip(module)}' failed", error, address) from error
    except (Exception, SystemExit) as error:
        raise _failed(f"importing '{clip(module)}' failed", error, address) from error


def _found(module: Any, name: str, address: str) -> Any:
    try:
        return reduce(getattr, name.split("."), module)
    except AttributeError:
        file = clip(getattr(module, "__file__", None) or module.__name__, 200)
        fix = f"name what {file} has, or rename your module where that is another one"
        raise UserError(f"there is no '{clip(name)}' in it", where=_where(address), fix=fix) from None


def _ready(network: Any, address: str) -> nn.Module:
    if not isinstance(network, nn.Module):
        what = f"it returns {_kind(network)}, not a torch.nn.Module"
        raise UserError(what, where=_where(address), fix="return the network itself")
    try:
        return network.cpu().float().eval()
    except Exception as error:
        raise _failed("the network cannot be moved to the CPU", error, address) from error


def _failed(what: str, error: BaseException, address: str) -> UserError:
    last = traceback.extract_tb(error.__traceback__)[-1]
    line = f"{Path(last.filename).name} line {last.lineno}"
    return UserError(f"{what}: {reason_of(error)}", where=_where(address), fix=f"fix what {line} does")


def reason_of(error: BaseException) -> str:
    """An error's type and the first line of its message."""
    message = str(error).strip().partition("\n")[0]
    return clip(f"{type(error).__name__}: {message}" if message else type(error).__name__, 300)


def _kind(value: Any) -> str:
    return "None" if value is None else clip(type(value).__name__)


def _where(address: str) -> str:
    return f"{OPTION} {clip(address)}"
