"""Sesame, a local server for Alibaba Cloud Secrets Manager, for tests.

    with Sesame.start() as sesame:
        client = sesame.client()

pytest loads its fixtures from `sesame_kms.pytest_plugin` by itself. Only the standard library is needed; `client()` needs the
official SDK (`pip install 'sesame-kms[sdk]'`).
"""
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ._control import Clock, Faults, Requests
    from ._program import ProgramMissing, find_program
    from ._sesame import Sesame
    from ._server import StartFailed

__all__ = ["Clock", "Faults", "ProgramMissing", "Requests", "Sesame", "StartFailed", "find_program"]

_HOMES = {"Clock": "_control", "Faults": "_control", "Requests": "_control", "ProgramMissing": "_program",
          "find_program": "_program", "Sesame": "_sesame", "StartFailed": "_server"}


def __getattr__(name: str) -> Any:
    # Every pytest run imports this package for the plugin. The rest is imported when it is used.
    if name not in _HOMES:
        raise AttributeError(f"module 'sesame_kms' has no attribute {name!r}")
    from importlib import import_module
    return getattr(import_module("." + _HOMES[name], __name__), name)
