"""Writes docs/codes.md from the catalogue of messages: python docs/make_codes.py"""

from __future__ import annotations

import re
import tomllib
from importlib.resources import files
from pathlib import Path

from quimby.core.errors import FAMILIES

PAGE = Path(__file__).with_name("codes.md")
AREAS = {
    "study": "Study document",
    "dcm": "DICOM files",
    "pat": "Patient",
    "time": "Clock times",
    "dec": "Administered activity and decay",
    "nuc": "Nuclides and materials",
    "cal": "Calibration",
    "dt": "Dead time",
    "rc": "Recovery and spheres",
    "sc": "Scatter windows",
    "pln": "Planar images, hybrid curves, camera checks",
    "pet": "PET and its phantom",
    "img": "Images, outlines, partial volume",
    "mass": "Mass",
    "seg": "Outlines made here or by other programs",
    "tia": "Time-activity curves",
    "stp": "One or two scans",
    "the": "Transfer between nuclides",
    "dose": "Absorbed dose",
    "vox": "Voxels",
    "dvh": "Dose-volume figures",
    "bed": "BED",
    "lu": "Limits and planning",
    "pop": "Population",
    "unc": "Uncertainty",
    "num": "Numbers",
    "cnt": "Counting",
    "qc": "Quality control",
    "dev": "Counting devices",
    "tab": "Tables of readings",
    "read": "Readings",
    "riu": "Thyroid uptake",
    "ret": "Whole-body retention",
    "blo": "Blood",
    "mar": "Bone marrow",
    "plan": "Planning of radioiodine",
    "mapping": "Names of organs, therapies, protocols",
    "protocol": "Protocol documents",
    "adv": "Centre, levels, recommending",
    "rep": "Report and output",
    "io": "Writing DICOM",
}
HEAD = """\
# Codes

<!-- Made by docs/make_codes.py from src/quimby/core/catalogue. Do not edit by hand. -->

Every message has a code. **E** stops the run. **S** lets it go on and blocks signing until a named
person overrides it with a reason. **W** warns and **I** informs; both travel with the result.
Words in *italics* are filled in where the message appears. The number after an E-code is the
[exit code](result-json.md#exit-codes).
"""


def page() -> str:
    """The whole page."""
    folder = files("quimby.core").joinpath("catalogue")
    found = {f.name[:-5]: f.read_text("utf-8") for f in folder.iterdir() if f.name[-5:] == ".toml"}
    order = [*AREAS, *sorted(found.keys() - AREAS.keys())]
    return HEAD + "".join(_area(area, found[area]) for area in order if area in found)


def _area(area: str, toml: str) -> str:
    rows = tomllib.loads(toml)
    codes = sorted(rows, key=lambda code: ("ESWI".index(code[0]), code))
    lines = "".join(_row(code, rows[code]) for code in codes)
    title = AREAS.get(area, area)
    return f"\n## {title}\n\n| Code | Says | Do |\n|---|---|---|\n{lines}"


def _row(code: str, row: dict[str, str]) -> str:
    leaves = FAMILIES[row.get("family", "input")].exit_code
    name = f"`{code}` {leaves}" if code.startswith("E-") else f"`{code}`"
    return f"| {name} | {_plain(row['text'])} | {_plain(row['do'])} |\n"


def _plain(text: str) -> str:
    """The template as Markdown of a table cell: places in italics, nothing taken for markup."""
    safe = re.sub(r"([\\|<>\[\]*_])", r"\\\1", text)
    return re.sub(r"\{([a-z\\_0-9]+)(?:![a-z])?(?::[^}]*)?\}", _place, safe)


def _place(found: re.Match[str]) -> str:
    return f"*{found[1].replace(chr(92), '').replace('_', ' ')}*"


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
