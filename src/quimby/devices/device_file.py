"""Changing a device document on disk: no record is lost, comments stay, writers take turns."""

from __future__ import annotations

import os
import re
import time
import tomllib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from quimby.core.notes import refusal
from quimby.devices.counting_device import Device, device, read_document
from quimby.devices.device_toml import blocks, replace_file, table, toml_of

GROWING = ("done", "calibration", "clock", "repair", "baseline", "former_dead_time", "test")
"""Lists of records that may only grow."""
WAIT_S = 5.0


def changed(
    path: Path, change: Callable[[Device], Device], *, lacking: Mapping[str, Any] | None = None
) -> Device:
    """Read the document, change it, write it back; returns the new device.

    `change` may add records to the lists in `GROWING` and replace other parts. The text is
    edited where its comments can stay, else written anew with the old one kept as NAME.old.
    `lacking` fills in keys that `change` is about to set and the document does not have yet.
    E-DEV-READ, E-DEV-RECORD; E-DEV-BUSY where another writer does not end; ValueError where
    `change` would lose a record.
    """
    with _alone(path):
        old = device({**(lacking or {}), **read_document(path)}, where=str(path))
        new = device(_document(change(old)), where=str(path))
        if new != old:
            _check_kept(old, new)
            _write(path, old, new)
        return new


def _document(found: Device) -> dict[str, Any]:
    return found.model_dump(exclude_defaults=True)


def _check_kept(old: Device, new: Device) -> None:
    for name in GROWING:
        before, after = getattr(old, name), getattr(new, name)
        if after[: len(before)] != before:
            raise ValueError(f"{name}: records of the device document would be lost")


def _write(path: Path, old: Device, new: Device) -> None:
    text = path.read_text("utf-8")
    edited = _edited(text, _document(old), _document(new))
    if not _means(edited, new):
        edited = toml_of(_document(new))
        replace_file(path.with_name(f"{path.name}.old"), text)
    if not _means(edited, new):
        raise ValueError("the device document could not be written as it should read")
    replace_file(path, edited)


def _means(text: str, wanted: Device) -> bool:
    try:
        return device(tomllib.loads(text), where="device document") == wanted
    except tomllib.TOMLDecodeError:
        return False


def _edited(text: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> str:
    """The text with new records at its end and changed parts replaced."""
    added = ""
    for key, value in new.items():
        if key in GROWING:
            added += blocks(key, list(value[len(old.get(key, ())) :]))
        elif value != old.get(key):
            text = _without(text, key)
            if isinstance(value, Mapping):
                added += table(key, value)
            else:
                text = _with_key(text, toml_of({key: value}))
    return text.rstrip("\n") + "\n" + added if added else text


def _without(text: str, key: str) -> str:
    """The text without a top-level key or table; comments stay where they are."""
    kept: list[str] = []
    section = ""
    for line in text.splitlines(keepends=True):
        head = re.match(r"\s*\[+\s*([^\]]+?)\s*\]+", line)
        section = head[1] if head else section
        mine = section == key or (not section and re.match(rf"\s*{key}\s*=", line))
        if not (mine and line.strip() and not line.lstrip().startswith("#")):
            kept.append(line)
    return "".join(kept)


def _with_key(text: str, line: str) -> str:
    """The text with a plain key added below the other plain keys."""
    lines = text.splitlines(keepends=True)
    first = next((i for i, row in enumerate(lines) if row.lstrip().startswith("[")), len(lines))
    plain = [i for i in range(first) if lines[i].strip() and not lines[i].lstrip().startswith("#")]
    at = plain[-1] + 1 if plain else first
    return "".join([*lines[:at], line, *lines[at:]])


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Hold the right to write; other writers wait. A lock left by a crash is named, not broken."""
    lock = path.with_name(f".{path.name}.lock")
    until = time.monotonic() + WAIT_S
    while not _taken(lock):
        if time.monotonic() > until:
            raise refusal("E-DEV-BUSY", where=str(path), lock=lock.name)
        time.sleep(0.05)
    try:
        yield
    finally:
        lock.unlink(missing_ok=True)


def _taken(lock: Path) -> bool:
    try:
        os.close(os.open(lock, os.O_CREAT | os.O_EXCL | os.O_WRONLY))
    except FileExistsError:
        return False
    except OSError as error:
        why = error.strerror or str(error)
        raise refusal("E-DEV-READ", where=str(lock.parent), why=why) from None
    return True
