"""Names of the numbers in a label map: from a JSON or CSV beside it, or from its header."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from quimby.core.notes import refusal
from quimby.measure.nifti_header import read_header

IN_HEADER = re.compile(r'<Label\s[^>]*?Key="(\d+)"[^>]*>\s*(?:<!\[CDATA\[)?([^<\]]+)')


def names_beside(file: Path) -> dict[int, str]:
    """Names from NAME.json or NAME.csv beside a label map; nothing where neither is there.

    JSON: `{"labels": {"1": "liver"}}`, the other way round, or without the outer key. CSV: a
    column of numbers (label, index, id, value or key) and one of names (name, region or
    structure).
    E-NII-NAMES for a file that says neither.
    """
    beside = file_beside(file)
    return {} if beside is None else _READERS[beside.suffix](beside)


def file_beside(file: Path) -> Path | None:
    """The JSON or CSV of a label map's names, None where neither is there."""
    base = file.name.split(".nii")[0]
    ways = (file.with_name(base + ending) for ending in _READERS)
    return next((beside for beside in ways if beside.is_file()), None)


def names_in_header(file: Path) -> dict[int, str]:
    """Names from the label table that some programs write into the header's extension."""
    found = IN_HEADER.findall(read_header(file).text)
    return {int(number): name.strip() for number, name in found}


def _json(path: Path) -> dict[int, str]:
    try:
        data = json.loads(path.read_text("utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError):
        raise refusal("E-NII-NAMES", where=str(path)) from None
    rows = data.get("labels", data) if isinstance(data, Mapping) else None
    if not isinstance(rows, Mapping) or not rows:
        raise refusal("E-NII-NAMES", where=str(path))
    return _checked([_pair(a, b) for a, b in rows.items()], path)


def _pair(key: Any, value: Any) -> tuple[Any, Any]:
    """Number and name, whichever of the two came first."""
    return (key, value) if str(key).strip().isdigit() else (value, key)


def _csv(path: Path) -> dict[int, str]:
    try:
        text = path.read_text("utf-8-sig")
    except UnicodeDecodeError:
        raise refusal("E-NII-NAMES", where=str(path)) from None
    head = text.splitlines()[0] if text else ""
    rows = list(csv.DictReader(text.splitlines(), delimiter=";" if ";" in head else ","))
    columns = {str(name).strip().lower(): name for name in (rows[0] if rows else {})}
    number = next(
        (columns[n] for n in ("label", "index", "id", "value", "key") if n in columns), ""
    )
    name = next((columns[n] for n in ("name", "region", "structure") if n in columns), "")
    if not number or not name:
        raise refusal("E-NII-NAMES", where=str(path))
    return _checked([(row[number], row[name]) for row in rows], path)


def _checked(rows: list[tuple[Any, Any]], path: Path) -> dict[int, str]:
    """Whole numbers once each, with a name that is a text; the background (0) is none."""
    found: dict[int, str] = {}
    for number, name in rows:
        if not str(number).strip().isdigit() or not isinstance(name, str) or not name.strip():
            raise refusal("E-NII-NAMES", where=str(path))
        if int(number) in found:
            raise refusal("E-NII-NAMES", where=str(path))
        found[int(number)] = name.strip()
    return {number: name for number, name in found.items() if number != 0}


_READERS = {".json": _json, ".csv": _csv}
