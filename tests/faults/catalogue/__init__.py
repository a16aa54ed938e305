"""The cases, a module for what breaks; importing the package fills ``CATALOGUE``."""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules

from ..harness.case import CATALOGUE
from .unwritten import TITLES

for _module in iter_modules(__path__):
    import_module(f".{_module.name}", __name__)

#: What is to be written yet, by id.
UNWRITTEN = {id: title for id, title in TITLES.items() if id not in CATALOGUE}

__all__ = ["CATALOGUE", "UNWRITTEN"]
