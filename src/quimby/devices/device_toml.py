"""A document as TOML that people like to edit: one block a record, short tables on one line."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import tomli_w


def toml_of(document: Mapping[str, Any]) -> str:
    """The whole document: plain keys first, then tables, then lists of records."""
    plain = {k: v for k, v in document.items() if not _table(v) and not _records(v)}
    plain |= {k: v for k, v in document.items() if _records(v) and not v}
    tables = "".join(f"\n[{k}]\n{_lines(v)}" for k, v in document.items() if _table(v))
    records = "".join(blocks(k, v) for k, v in document.items() if _records(v))
    return tomli_w.dumps(plain) + tables + records


def table(name: str, content: Mapping[str, Any]) -> str:
    """One table with its heading."""
    return f"\n[{name}]\n{_lines(content)}"


def blocks(name: str, records: list[Mapping[str, Any]]) -> str:
    """Records of a list, each as a block that may stand anywhere below the plain keys."""
    return "".join(f"\n[[{name}]]\n{_lines(record)}" for record in records)


def _table(value: Any) -> bool:
    return isinstance(value, Mapping)


def _records(value: Any) -> bool:
    return isinstance(value, list | tuple) and all(isinstance(v, Mapping) for v in value)


def _lines(content: Mapping[str, Any]) -> str:
    return "".join(f"{_line(key, value)}\n" for key, value in content.items())


def _line(key: str, value: Any) -> str:
    if not isinstance(value, Mapping):
        return tomli_w.dumps({key: value}).strip()
    inner = ", ".join(_line(k, v) for k, v in value.items())
    return f"{tomli_w.dumps({key: ''}).split('=')[0].strip()} = {{ {inner} }}"


def replace_file(path: Path, text: str) -> None:
    """Write beside, then move into place: a reader sees the old file or the new one, whole."""
    partial = path.with_name(f".{path.name}.partial")
    with partial.open("w", encoding="utf-8", newline="\n") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    if path.exists():
        shutil.copymode(path, partial)
    partial.replace(path)
