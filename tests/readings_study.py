"""Small studies by readings, written as files: patients whose curves are known in closed form."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from math import exp, log
from pathlib import Path
from typing import Any

import tomli_w

from quimby.study.document import Study, read_study

START = datetime(2026, 3, 2, 10, 0)
HALF_LIFE_H = 8.0207 * 24
LN2 = log(2)


def clock(hours: float) -> str:
    """Wall clock of the study's zone, hours after the start."""
    return (START + timedelta(hours=hours)).strftime("%Y-%m-%d %H:%M:%S")


def decay(hours: float) -> float:
    """What is left of 131I."""
    return exp(-LN2 * hours / HALF_LIFE_H)


def whole_body_table(
    folder: Path, retention: Callable[[float], float], times_h: tuple[float, ...], *,
    name: str = "whole_body.csv", full: float = 100.0,
) -> str:  # fmt: skip
    """Dose rates of a monitor that sees `full` µSv/h of all that was given, front and back."""
    rows = ["time,front [µSv/h],back [µSv/h],background [µSv/h],voided before"]
    for t in times_h:
        level = full * retention(t)
        rows.append(f"{clock(t)},{level * 1.25 + 0.1:.5f},{level * 0.8 + 0.1:.5f},0.10,"
                    f"{'no' if t == times_h[0] else 'yes'}")  # fmt: skip
    (folder / name).write_text("\n".join(rows) + "\n", "utf-8")
    return name


def study_file(folder: Path, document: Mapping[str, Any]) -> Study:
    """The document written as TOML and read back."""
    base = {"id": "T-1", "zone": "Europe/Berlin", "patient": {"id": "0000-00", "sex": "F"}}
    (folder / "study.toml").write_text(tomli_w.dumps({**base, **document}), "utf-8")
    return read_study(folder / "study.toml")


def given(activity: str, measurements: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    """One administration of 131I at the start."""
    return {"id": "stage-1", "nuclide": "I-131", "activity": activity, "activity_u": "3 %",
            "at": "2026-03-02T10:00+01:00", "residuals": [], "measurements": measurements,
            **more}  # fmt: skip


MIBG = {"therapy": "i131-mibg", "protocol": "MIBG-WB"}
TWO_PHASES_H = (0.6, 4, 8, 12, 20, 28, 36, 46, 58, 70, 94, 118)


def two_phases(hours: float) -> float:
    """Effective retention: 80 % with 12 h, 20 % with 60 h, biologically."""
    return decay(hours) * (0.8 * exp(-LN2 * hours / 12) + 0.2 * exp(-LN2 * hours / 60))


def mibg_study(folder: Path, **plan: Any) -> Study:
    """A child of 24 kg, 10.66 GBq, twelve whole-body readings without noise."""
    table = whole_body_table(folder, lambda t: two_phases(t) / two_phases(0), TWO_PHASES_H)
    document = {
        **MIBG,
        "patient": {"id": "0000-00", "sex": "F", "weight": "24 kg"},
        "administrations": [
            given("10.66 GBq", [{"id": "whole-body", "kind": "whole_body", "table": table}])
        ],
    }
    if plan:
        document["plan"] = plan
    return study_file(folder, document)


EFFICIENCY_CPS_PER_MBQ = 0.25e6
BLOOD_TIMES_H = (2.0, 6.0, 24.0, 48.0, 96.0, 144.0)


def counter_file(folder: Path) -> str:
    """A gamma counter whose quality control was never entered."""
    calibration = {
        "nuclide": "I-131", "geometry": "2 ml in a 5 ml tube", "value": 0.25, "unit": "cps/Bq",
        "u_relative": {"standard": 0.02, "counting": 0.01}, "standard": "traceable 131I",
        "dead_time_corrected": False, "date": date(2026, 1, 10), "valid_until": date(2027, 1, 10),
        "by": "K. Lind",
    }  # fmt: skip
    device = {
        "id": "COUNTER-1", "kind": "gamma counter", "manufacturer": "Maker", "model": "G",
        "serial": "7", "dead_time": "none", "calibration": [calibration],
    }  # fmt: skip
    (folder / "counter.toml").write_text(tomli_w.dumps(device), "utf-8")
    return "counter.toml"


def blood_table(folder: Path, per_ml: Callable[[float], float], activity_mbq: float) -> str:
    """Samples of 2 ml, each counted 30 h after its draw for 600 s; no noise."""
    rows = ["sample,drawn at,counted at,volume [ml],counts [counts],live time [s],"
            "background [counts]"]  # fmt: skip
    for i, t in enumerate(BLOOD_TIMES_H, start=1):
        middle_h = 30 + 300 / 3600
        mbq = per_ml(t) * activity_mbq * 2.0 * decay(middle_h)
        counts = mbq * EFFICIENCY_CPS_PER_MBQ * 600 + 1800
        rows.append(f"B{i},{clock(t)},{clock(t + 30)},2.0,{counts:.1f},600,1800")
    (folder / "blood.csv").write_text("\n".join(rows) + "\n", "utf-8")
    return "blood.csv"


def blood_per_ml(hours: float) -> float:
    """Fraction of the activity in a ml of blood: mixed at once, two phases."""
    return decay(hours) * (4e-5 * exp(-LN2 * hours / 9) + 6e-6 * exp(-LN2 * hours / 70))


def body_left(hours: float) -> float:
    """Whole-body retention in a patient with a small remnant."""
    return decay(hours) * (0.93 * exp(-LN2 * hours / 14) + 0.07 * exp(-LN2 * hours / 120))


def dtc_study(folder: Path, protocol: str = "DTC-BLOOD", **plan: Any) -> Study:
    """A woman of 70 kg, 168 cm, with 3.7 GBq."""
    body = whole_body_table(
        folder, lambda t: body_left(t) / body_left(0), (0.2, *BLOOD_TIMES_H[1:])
    )
    measured: list[dict[str, Any]] = [{"id": "body", "kind": "whole_body", "table": body}]
    if protocol == "DTC-BLOOD":
        measured.append({
            "id": "blood", "kind": "blood_samples",
            "table": blood_table(folder, blood_per_ml, 3700.0),
            "device": counter_file(folder), "geometry": "2 ml in a 5 ml tube",
        })  # fmt: skip
    document: dict[str, Any] = {
        "therapy": "i131-dtc", "protocol": protocol,
        "patient": {"id": "0000-00", "sex": "F", "weight": "70 kg", "height": "168 cm"},
        "administrations": [given("3.7 GBq", measured)],
    }  # fmt: skip
    if plan:
        document["plan"] = plan
    return study_file(folder, document)


K_T, K_UPTAKE, K_BLOOD = LN2 / 125.0, 0.09, 0.15
UPTAKE_TIMES_H = (5.0, 26.0, 144.0)


def uptake(hours: float) -> float:
    """Two-compartment uptake, effective."""
    return K_UPTAKE / (K_BLOOD - K_T) * (exp(-K_T * hours) - exp(-K_BLOOD * hours))


def uptake_table(folder: Path, uptakes: Callable[[float], float], times_h: tuple[float, ...], *,
                 tracer_mbq: float = 4.0, name: str = "uptake.csv") -> str:  # fmt: skip
    """Neck, thigh, standard (3.6 MBq at the start, decaying alike) and room, 300 s each."""
    rows = ["time,neck [counts],thigh [counts],standard [counts],room [counts],live time [s]"]
    for t in times_h:
        neck = uptakes(t) * tracer_mbq * 900.0 * 300 + 12000
        standard = 3.6 * decay(t) * 900.0 * 300 + 3600
        rows.append(f"{clock(t)},{neck:.0f},12000,{standard:.0f},3600,300")
    (folder / name).write_text("\n".join(rows) + "\n", "utf-8")
    return name


def ultrasound_table(folder: Path) -> str:
    """Two lobes of 50 x 20 x 20 and 48 x 19 x 18 mm."""
    (folder / "ultrasound.csv").write_text(
        "lobe,length [mm],width [mm],depth [mm]\nright,50,20,20\nleft,48,19,18\n", "utf-8"
    )
    return "ultrasound.csv"


def thyroid_study(
    folder: Path, protocol: str = "BT-FULL", times_h: tuple[float, ...] = UPTAKE_TIMES_H,
    *, therapy: bool = False, **plan: Any,
) -> Study:  # fmt: skip
    """Graves' disease: 4 MBq tracer, uptakes without noise, 35 g by ultrasound."""
    tracer = given("4 MBq", [
        {"id": "uptake", "kind": "thyroid_counts",
         "table": uptake_table(folder, uptake, times_h),
         "standard": {"activity": "3.6 MBq", "activity_u": "2 %",
                      "at": datetime.fromisoformat("2026-03-02T10:00+01:00")}},
        {"id": "echo", "kind": "ultrasound", "table": ultrasound_table(folder)},
    ], kind="tracer")  # fmt: skip
    document: dict[str, Any] = {
        "therapy": "i131-benign-thyroid",
        "protocol": protocol,
        "administrations": [tracer],
    }
    if therapy:
        document["administrations"].append({"id": "therapy", "nuclide": "I-131", "kind": "therapy",
            "activity": "500 MBq", "residuals": [], "at": "2026-03-12T10:00+01:00"})  # fmt: skip
    if plan:
        document["plan"] = plan
    return study_file(folder, document)
