"""`quimby device new`: a document to fill in, valid as far as it can be."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import get_args

from quimby.cli.devices.telling import line
from quimby.cli.devices.words import fresh
from quimby.cli.terminal import console
from quimby.core.notes import refusal
from quimby.devices import qc_calendar
from quimby.devices.device_records import UNITS
from quimby.devices.device_toml import replace_file
from quimby.devices.qc_calendar import Kind

OPEN = "not stated"
SHORT = {"activity meter": "radionuclide calibrator", "dose calibrator": "radionuclide calibrator",
         "well counter": "gamma counter", "probe": "thyroid probe", "monitor": "dose-rate monitor",
         "uptake probe": "thyroid probe", "survey meter": "dose-rate monitor"}  # fmt: skip
GEOMETRY = {"radionuclide calibrator": "10 ml vial", "gamma counter": "2 ml in a 5 ml tube",
            "thyroid probe": "neck phantom, 25 cm", "dose-rate monitor": "standing, 2 m",
            "HPGe": "2 ml in a 5 ml tube"}  # fmt: skip
DEAD_TIME = """
# Dead time must be said. A monitor or an activity meter that corrects itself: dead_time = "none".
# Counters: measure it (quimby device dead-time two-source|decay … --write {name}), or fill in:
# [dead_time]
# tau_us = 2.5                       # µs
# u_us = 0.1                         # its standard uncertainty
# model = "non-paralysable"          # most counters; or "paralysable"
# method = "two sources"
# date = 2025-03-03
# by = "K. Lind"
"""
TAIL = """
# The empty device in its place: counts over seconds. Gives the detection limits.
# [background]
# counts = 612
# time_s = 600
# at = 2025-03-03T08:00:00+01:00

# The check source, and its net reading on the day the device was accepted or calibrated.
# [check_source]
# id = "Cs 12"
# nuclide = "Cs-137"
# reading = 951.0
# unit = "{source_unit}"
# at = 2025-03-03T08:05:00+01:00

# Own limits of constancy, as fractions. Without them: {warn} and {action}.
# [tolerance]
# warn = {warn}
# action = {action}

# Calibrations: quimby device calibrate {name} … adds them with their doubt by cause.
# [[calibration]]
# nuclide = "I-131"
# geometry = "{geometry}"
# value = 1.0
# unit = "{unit}"{units}
# u_relative = {{ "standard" = 0.02, "counting" = 0.005 }}
# standard = "certificate 1234"
# dead_time_corrected = true
# date = 2025-03-03
# valid_until = 2026-03-03
# by = "K. Lind"

# An own test, or another period for a shipped one (same id). Shipped:
# {tests}.
# [[test]]
# id = "{test}"
# title = "{title}"
# kind = "{kind}"
# when = "weekly"
# period_d = 7
# grace_d = 2
# blocks = [{blocks}]
# source = "our own rule"
# tag = "P"

# Checks done, clocks compared, repairs and baselines are added below by quimby device enter,
# clock, repair and baseline. Nothing below is ever taken away.
"""


def kind_of(text: str) -> Kind:
    """The kind that a person means; E-DEV-KIND."""
    wanted = " ".join(text.casefold().replace("_", " ").split())
    wanted = SHORT.get(wanted, wanted)
    for kind in get_args(Kind):
        if wanted in (kind.casefold(), kind.casefold().replace("-", " ")):
            return kind  # type: ignore[no-any-return]
    raise refusal("E-DEV-KIND", where="quimby device new", kind=text,
                  known=", ".join(get_args(Kind)))  # fmt: skip


def new_job(kind: str, out: Path, *, told: Mapping[str, str | None], also_for: list[str],
            dead_time_none: bool) -> int:  # fmt: skip
    """Write the document; returns the exit code."""
    found = kind_of(kind)
    fresh(out)
    out.parent.mkdir(parents=True, exist_ok=True)
    text = template(found, out.name, told=told, also_for=also_for, dead_time_none=dead_time_none)
    replace_file(out, text)
    to = console()
    line(to, f"Wrote   {out}: {found}, {len(qc_calendar.calendar(found))} checks in its calendar")
    missing = [k for k in ("manufacturer", "model", "serial") if not told.get(k)]
    if not dead_time_none:
        line(to, "Must    say the dead time: in the document, or quimby device dead-time … --write")
    if missing:
        line(to, f"Open    {', '.join(missing)}: stand as {OPEN!r}")
    line(to, f"Next    quimby device show {out}")
    return 0


def template(
    kind: Kind, name: str, *, told: Mapping[str, str | None], also_for: list[str],
    dead_time_none: bool,
) -> str:  # fmt: skip
    """The document's text."""
    tests, limits, unit = qc_calendar.calendar(kind), qc_calendar.tolerance(kind), UNITS[kind]
    for measurement in also_for:
        qc_calendar.check_measurement(measurement, (), where="--also-for")
    others = f"                    # or {', '.join(unit[1:])}" if unit[1:] else ""
    blocks = ", ".join(json.dumps(b) for b in tests[0].blocks)
    head = _head(kind, name, told, also_for)
    dead_time = '\ndead_time = "none"\n' if dead_time_none else DEAD_TIME.format(name=name)
    return head + dead_time + TAIL.format(
        name=name, kind=kind, warn=limits.warn, action=limits.action, unit=unit[0], units=others,
        geometry=GEOMETRY[kind], tests=", ".join(t.id for t in tests), test=tests[-1].id,
        title=tests[-1].title, blocks=blocks,
        source_unit="MBq" if kind == "radionuclide calibrator" else "cps",
    )  # fmt: skip


def _head(kind: Kind, name: str, told: Mapping[str, str | None], also_for: list[str]) -> str:
    mounting = told.get("mounting")
    if (kind == "dose-rate monitor") != (mounting is not None):
        raise refusal("E-DEV-MOUNTING", where="--mounting", kind=kind)
    if mounting not in (None, "hand-held", "fixed"):
        raise refusal("E-DEV-MOUNTING", where="--mounting", kind=f"monitor that is {mounting!r}")
    lines = [
        f"# A {kind} for Quimby. Fill it in, then: quimby device show {name}",
        "# Lines that begin with # are not read; take the # away from what you use.",
        f"id = {_text(told.get('id') or kind)}                # as it stands on reports",
        f"kind = {_text(kind)}",
        *([f"mounting = {_text(mounting)}"] if mounting else []),
        *(f"{key} = {_text(told.get(key) or OPEN)}" for key in ("manufacturer", "model", "serial")),
    ]
    blocks = sorted({b for t in qc_calendar.calendar(kind) for b in t.blocks})
    listed = ", ".join(_text(m) for m in also_for)
    more = f"also_for = [{listed}]" if also_for else '# also_for = ["whole-body retention"]'
    lines.append(f"{more}   # what else it measures, beside {', '.join(blocks)}")
    return "\n".join(lines) + "\n"


def _text(value: str) -> str:
    return json.dumps(value, ensure_ascii=False)  # a JSON string is a TOML basic string
