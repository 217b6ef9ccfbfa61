"""Reading elements of real DICOM files, which are often a little wrong, without hiding it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import pydicom
from pydicom import config
from pydicom.datadict import tag_for_keyword
from pydicom.dataset import Dataset
from pydicom.errors import InvalidDicomError
from pydicom.tag import BaseTag, Tag

from quimby.core.notes import refusal


@contextmanager
def tolerant() -> Iterator[None]:
    """Read values whose form breaks the standard (long decimals, dots in dates) without noise."""
    with config.disable_value_validation():
        yield


def open_file(path: Path | str, *, pixels: bool = True, tags: list[str] | None = None) -> Dataset:
    """One DICOM file, whole or its header only.

    E-DCM-FILE when it is not DICOM, is cut short in its header, or cannot be read.
    """
    try:
        return pydicom.dcmread(path, stop_before_pixels=not pixels, specific_tags=tags)
    except InvalidDicomError:
        return _without_preamble(Path(path), pixels, tags)
    except (OSError, EOFError, ValueError, NotImplementedError, KeyError) as error:
        raise refusal("E-DCM-FILE", where=str(path), reason=str(error)) from None


def _without_preamble(path: Path, pixels: bool, tags: list[str] | None) -> Dataset:
    """Old files lack the preamble; they are DICOM when they name their class."""
    with path.open("rb") as stream:
        start = stream.read(2)
    if start in (b"\x08\x00", b"\x02\x00"):
        try:
            found = pydicom.dcmread(
                path, force=True, stop_before_pixels=not pixels, specific_tags=tags
            )
        except Exception as error:  # a stray file can break the parser in any way
            raise refusal("E-DCM-FILE", where=str(path), reason=str(error)) from None
        if text(found, "SOPClassUID"):
            return found
    raise refusal("E-DCM-FILE", where=str(path), reason="it is not a DICOM file")


@cache
def _tag(keyword: str) -> BaseTag:
    """Tags by keyword; looking one up by name is slow over thousands of slices."""
    number = tag_for_keyword(keyword)
    if number is None:
        raise LookupError(f"{keyword} is no DICOM keyword")
    return Tag(number)


def value(data: Dataset, keyword: str) -> Any:
    """The element's value, None when absent, empty or unreadable as its own type."""
    tag = _tag(keyword)
    if tag not in data:
        return None
    try:
        found = data[tag].value
    except (ValueError, TypeError, OverflowError):
        return None
    return None if found is None or found == "" else found


def text(data: Dataset, keyword: str) -> str:
    """The element as text; several values are joined with a backslash, none give ''."""
    found = value(data, keyword)
    if found is None:
        return ""
    if isinstance(found, (list, pydicom.multival.MultiValue)):
        return "\\".join(str(part) for part in found)
    return str(found).strip(" \0")


def texts(data: Dataset, keyword: str) -> tuple[str, ...]:
    """The element's values as texts."""
    joined = text(data, keyword)
    return tuple(part.strip() for part in joined.split("\\")) if joined else ()


def number(data: Dataset, keyword: str) -> float | None:
    """The element as a number (its first value), None when absent or not a finite number."""
    found = numbers(data, keyword)
    return found[0] if found else None


def numbers(data: Dataset, keyword: str) -> tuple[float, ...]:
    """The element's values as finite numbers; () when absent or any is none."""
    found = value(data, keyword)
    if found is None:
        return ()
    many = found if isinstance(found, (list, tuple, pydicom.multival.MultiValue)) else [found]
    try:
        parts = tuple(float(part) for part in many)
    except (ValueError, TypeError):
        return ()
    return parts if all(part == part and abs(part) != float("inf") for part in parts) else ()


def items(data: Dataset, keyword: str) -> Sequence[Dataset]:
    """The items of a sequence; () when absent."""
    found = value(data, keyword)
    return found if isinstance(found, pydicom.Sequence) else ()


def first(data: Dataset, *path: str) -> Dataset | None:
    """The first item down a path of sequences, None where one is absent."""
    here: Dataset | None = data
    for keyword in path:
        inside = items(here, keyword) if here is not None else ()
        here = inside[0] if len(inside) else None
    return here
