"""Make one of the invented radioiodine patients: ordinary files, and the truth beside them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from quimby.demo.make import truth_path
from quimby.demo.radioiodine import benign, dtc, mibg
from quimby.demo.radioiodine.truth import Truth

PATIENTS: Mapping[str, Callable[[Path, int | None], Truth]] = {
    "benign-thyroid": benign.make,
    "dtc": dtc.make,
    "mibg": mibg.make,
}
"""What each demo is called on the command line."""


def make_radioiodine(therapy: str, folder: Path, *, seed: int | None = None) -> Truth:
    """Write study.toml, tables and devices into a folder, and the truth beside it.

    `therapy` is one of `PATIENTS` (KeyError otherwise). The same therapy and seed
    give the same bytes; without a seed the patient's own is taken.
    """
    maker = PATIENTS[therapy]
    folder.mkdir(parents=True, exist_ok=True)
    known = maker(folder, seed)
    truth_path(folder).write_text(known.as_json() + "\n", "utf-8")
    return known


__all__ = ["PATIENTS", "make_radioiodine", "truth_path"]
