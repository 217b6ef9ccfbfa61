"""Reading elements of real DICOM files, which are often a little wrong, without hiding it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, BinaryIO

import pydicom
from pydicom import config
from pydicom.datadict import dictionary_VR, tag_for_keyword
from pydicom.dataelem import RawDataElement, convert_raw_data_element
from pydicom.dataset import Dataset
from pydicom.errors import InvalidDicomError
from pydicom.tag import BaseTag, Tag

from quimby.core.notes import refusal

SIMPLE = frozenset(
    ("AS", "CS", "DA", "DS", "DT", "FD", "FL", "IS", "LO", "LT", "PN", "SH", "SL", "SS", "ST",
     "TM", "UI", "UL", "US")
)  # fmt: skip
"""Kinds of value that stand for themselves: the same bytes mean the same in every file."""
SHORT = 128  # bytes; longer values are rarely met again


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
    except UNREADABLE as error:
        raise refusal("E-DCM-FILE", where=str(path), reason=str(error)) from None


UNREADABLE = (OSError, EOFError, ValueError, NotImplementedError, KeyError)


def open_stream(stream: BinaryIO, path: Path) -> Dataset:
    """The header of an open file, which is left standing where the picture begins.

    E-DCM-FILE as `open_file`, also for an old file without its preamble.
    """
    try:
        return pydicom.dcmread(stream, stop_before_pixels=True)
    except (InvalidDicomError, *UNREADABLE) as error:
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
    raw: object = data.get_item(tag, keep_deferred=True)
    if raw is None:
        return None
    try:
        if isinstance(raw, RawDataElement) and _simple(raw, keyword):
            found = _met_before(raw, keyword)
        else:
            found = data[tag].value
    except (ValueError, TypeError, OverflowError):
        return None
    return None if found is None or found == "" else found


def _simple(raw: RawDataElement, keyword: str) -> bool:
    """Whether the bytes of an element not yet looked at say its value, whatever the file."""
    if raw.value is None:
        return False
    kind = raw.VR or _kind(keyword)
    plain = raw.value.isascii() and b"\x1b" not in raw.value  # the same in every character set
    return kind in SIMPLE and len(raw.value) <= SHORT and (plain or kind in ("FD", "FL"))


def _met_before(raw: RawDataElement, keyword: str) -> Any:
    """Its value. Slices of a series repeat each other: the same bytes are converted once."""
    return _converted(keyword, raw.VR, raw.value, raw.is_implicit_VR, raw.is_little_endian)


@lru_cache(maxsize=8192)
def _converted(keyword: str, kind: str | None, held: bytes, implicit: bool, little: bool) -> Any:
    raw = RawDataElement(_tag(keyword), kind, len(held), held, 0, implicit, little)
    return convert_raw_data_element(raw).value


@cache
def _kind(keyword: str) -> str:
    return dictionary_VR(_tag(keyword))


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
