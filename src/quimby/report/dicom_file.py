"""What every DICOM file that Quimby writes has in common."""

from __future__ import annotations

import uuid
from hashlib import sha256
from io import BytesIO

from pydicom.dataset import Dataset
from pydicom.uid import UID

IMPLEMENTATION = "2.25.209846357120931857640912375801923475601"


def uid(*parts: str | bytes) -> UID:
    """A UID under 2.25 from a digest of the parts: the same parts, the same UID."""
    whole = sha256()
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        whole.update(len(data).to_bytes(8, "big") + data)
    return UID(f"2.25.{uuid.UUID(bytes=whole.digest()[:16], version=5).int}")


def identity(source: Dataset) -> str:
    """Study and series of an image, which the UIDs of what is made from it rest on."""
    return f"{source.StudyInstanceUID} {source.SeriesInstanceUID}"


def in_bytes(ds: Dataset) -> bytes:
    """The file as it would lie on disk."""
    out = BytesIO()
    ds.save_as(out, enforce_file_format=True)
    return out.getvalue()
