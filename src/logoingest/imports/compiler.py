"""torch's compiler, left out of processes that compile nothing: half of the time that torch takes to load, and 160 MB.

torchvision asks the compiler (``torch._dynamo``) for one function when it is loaded, and an optimizer tells it at every step where not
to look. A stand-in answers both. Whoever asks it for anything else, ``torch.compile`` in a network of one's own, say, gets the compiler
itself, loaded at that moment.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any

_COMPILER = "torch._dynamo"
_UTILS = f"{_COMPILER}.utils"


class _StandIn(ModuleType):
    """A module of the compiler until something is asked of it."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") and (self.__name__, name) != (_COMPILER, "__path__"):  # the import machinery asks every module
            raise AttributeError(name)
        return getattr(_load(self.__name__), name)


def hold_compiler_back() -> None:
    """From now on the compiler is loaded when it is needed; nothing happens where it is loaded already."""
    if _COMPILER in sys.modules:
        return
    compiler, utils = _StandIn(_COMPILER), _StandIn(_UTILS)
    vars(compiler).update(disable=_leave, graph_break=_pass, utils=utils)
    vars(utils).update(is_compile_supported=_ask_whether_supported)
    sys.modules.update({_COMPILER: compiler, _UTILS: utils})


def _leave(fn: Callable[..., Any] | None = None, *_args: Any, **_options: Any) -> Any:
    """``torch._dynamo.disable`` where nothing is compiled: the function as it is."""
    return fn if fn is not None else _leave


def _pass(*_args: Any, **_options: Any) -> None:
    """``torch._dynamo.graph_break`` where nothing is compiled."""


def _ask_whether_supported(*args: Any, **options: Any) -> Any:
    return _load(_UTILS).is_compile_supported(*args, **options)


def _load(name: str) -> ModuleType:
    for held in (_COMPILER, _UTILS):
        if isinstance(sys.modules.get(held), _StandIn):
            del sys.modules[held]
    return importlib.import_module(name)
