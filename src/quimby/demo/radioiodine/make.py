"""Make one of the invented radioiodine patients: ordinary files, and the truth beside them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from quimby.demo.make import truth_path
from quimby.demo.radioiodine import benign, dtc, mibg
from quimby.demo.radioiodine.truth import Truth
from quimby.protocols import Protocol, load

PATIENTS: Mapping[str, Callable[[Path, Protocol, int | None], Truth]] = {
    "i131-benign-thyroid": benign.make,
    "i131-dtc": dtc.make,
    "i131-mibg": mibg.make,
}
"""Who is treated, by therapy."""


def make_radioiodine(protocol: str, folder: Path, *, seed: int | None = None) -> Truth:
    """Write study.toml, tables and devices into a folder, and the truth beside it.

    The patient is that of the protocol's therapy (KeyError for another), the readings are those
    that the protocol takes. The same protocol and seed give the same bytes; without a seed the
    patient's own is taken.
    """
    asked = load(protocol)
    maker = PATIENTS[asked.therapy]
    folder.mkdir(parents=True, exist_ok=True)
    known = maker(folder, asked, seed)
    truth_path(folder).write_text(known.as_json() + "\n", "utf-8")
    return known


__all__ = ["PATIENTS", "make_radioiodine", "truth_path"]
