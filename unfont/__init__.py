"""READ: which script a picture of a word or a line is written in, whatever font it is set in.

`unfont.identify(image)` answers with the shipped champion. The parts are imported as they are asked for, since whoever
reads pictures alone needs no model.
"""

from typing import Any

_HOMES = {"Answer": "api", "identify": "api", "OnnxModel": "model", "UserError": "errors"}
__all__ = ["Answer", "OnnxModel", "UserError", "identify"]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'unfont' has no attribute '{name}'")
    import importlib

    return getattr(importlib.import_module(f"unfont.{_HOMES[name]}"), name)
