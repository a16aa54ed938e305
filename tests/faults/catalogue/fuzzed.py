"""F: the readers of foreign bytes on bytes that are made up, beside other readers."""

from __future__ import annotations
