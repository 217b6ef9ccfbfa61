"""Case A's kidneys by five routes, from four SPECT/CT to no measurement: dose, doubt and minutes.

    python -m benchmarks.five_routes [--picture docs/images/five-routes.png]

Each route is a study that `quimby run` takes. One SPECT/CT is that of day 3, laid on the CT of
day 1 that the outlines were drawn on; planar scans are the patient's own DICOM files. Level 1 is
the pooled dose of published patients by SPECT times the activity. Minutes are those of the
protocols: estimates for planning.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from tests.case_a_truth import truth
from tests.conftest import shared_path

from quimby import protocols
from quimby.core.uncertain import Uncertain
from quimby.study.document import Planar, Series, Study
from quimby.study.draft import draft
from quimby.study.result import Result
from quimby.study.run import run

KIDNEYS = ("Kidney_L", "Kidney_R")
GY_G_PER_MBQ_H = 0.0853063
"""Energy of electrons of 177Lu for each decay; stands here apart from the program's own table."""
NAMES = {"LU-FULL": "four SPECT/CT", "LU-TWO": "two SPECT/CT (days 1 and 7)",
         "LU-HYB": "one SPECT/CT and four planar", "LU-STP": "one SPECT/CT (day 3)"}  # fmt: skip
SCANS = {"LU-FULL": (1, 2, 3, 4), "LU-TWO": (2, 4), "LU-HYB": (2,), "LU-STP": (3,)}
PLANAR = (1, 2, 3, 4)
OUTLINED = 2  # the scan on whose CT the outlines lie


@dataclass(frozen=True)
class Route:
    """One way to the kidneys' dose."""

    name: str
    dose_gy: Uncertain
    staff_min: float
    camera_min: float

    def holds(self, true_gy: float) -> bool:
        """Whether the truth lies inside the 95 % interval."""
        low, high = self.dose_gy.interval()
        return low <= true_gy <= high


def true_gy() -> float:
    """True mean dose of both kidneys: total energy over total mass."""
    rows = truth().document["regions"]
    energy = sum(truth().tia_mbq_h(k) for k in KIDNEYS) * GY_G_PER_MBQ_H
    return energy / sum(float(rows[k]["mass_g"]) for k in KIDNEYS)


def routes() -> Iterator[Route]:
    """Every route, the most laborious first."""
    whole = draft(shared_path("data", "lu177_dotatate_case_a"), answers={"residue": "0"}).study()
    for name, scans in SCANS.items():
        kidneys = kidneys_of(run(study(whole, name, scans)))
        yield Route(NAMES[name], kidneys, *_minutes(name))
    yield Route("no measurement: published mean", _level_one(whole), *_minutes("LU-COHORT"))


def _minutes(protocol: str) -> tuple[float, float]:
    """Minutes of staff and of camera."""
    burden = protocols.load(protocol).burden
    assert burden is not None
    return burden.staff_min, burden.camera_min


def kidneys_of(result: Result) -> Uncertain:
    """Mean dose of both kidneys."""
    return next(r.absorbed_dose_gy for r in result.combined if r.name == "Kidneys")


def study(whole: Study, protocol: str, scans: Sequence[int]) -> Study:
    """The study with some of its scans; the outlines stay on the CT they were drawn on."""
    given = whole.document.administrations[-1]
    measured: list[Any] = [m for n, m in enumerate(given.scans, 1) if n in scans]
    if protocol == "LU-HYB":
        measured += [Planar(kind="planar", id=f"planar-{n}",
                            image=Series(path=f"tp{n}/PLANAR.dcm")) for n in PLANAR]  # fmt: skip
    outlines = given.outlines
    assert outlines is not None
    if OUTLINED not in scans:
        own = {"on": "outlined-ct", "ct": given.scans[OUTLINED - 1].ct}
        outlines = outlines.model_copy(update=own)
    given = given.model_copy(update={"measurements": measured, "outlines": outlines})
    kept = [*whole.document.administrations[:-1], given]
    document = whole.document.model_copy(update={"protocol": protocol, "administrations": kept})
    return whole.model_copy(update={"document": document})


def _level_one(whole: Study) -> Uncertain:
    """The study as level 1 reports it: published kidneys, times the activity given."""
    last = whole.document.administrations[-1]
    bare = last.model_copy(update={"measurements": [], "outlines": None})
    changed = {"protocol": "LU-COHORT", "administrations": [bare]}
    result = run(whole.model_copy(update={"document": whole.document.model_copy(update=changed)}))
    return next(d.dose_gy for d in result.cohort if d.organ == "kidney")


def picture(found: Sequence[Route], true: float, path: Path) -> None:
    """Dose with its interval beside the truth, and the minutes that each route takes."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib.figure import Figure

    from quimby.report.figures.style import BLUE, GREY, OCHRE, VERMILLION

    drawing = Figure(figsize=(10.0, 3.9), dpi=110)
    left, right = drawing.subplots(1, 2, width_ratios=(1.5, 1.0), sharey=True)
    rows = np.arange(len(found))[::-1]
    for y, route in zip(rows, found, strict=True):
        low, high = route.dose_gy.interval()
        left.plot([low, high], [y, y], color=BLUE, lw=3, solid_capstyle="butt")
        left.plot(route.dose_gy.value, y, "o", color="white", mec=BLUE, mew=1.6, ms=7)
        left.text(high + 0.08, y, f"{route.dose_gy.value:.2f} ± {route.dose_gy.u:.2f} Gy",
                  va="center", fontsize=8.5, color=BLUE)  # fmt: skip
        right.barh(y + 0.17, route.staff_min, 0.3, color=GREY)
        right.barh(y - 0.17, route.camera_min, 0.3, color=OCHRE)
        right.text(route.staff_min + 8, y + 0.17, f"{route.staff_min:.0f} staff", va="center",
                   fontsize=8)  # fmt: skip
        right.text(route.camera_min + 8, y - 0.17, f"{route.camera_min:.0f} camera", va="center",
                   fontsize=8)  # fmt: skip
    left.axvline(true, color=VERMILLION, lw=1.4)
    left.text(true + 0.1, len(found) - 0.5, f"truth {true:.2f} Gy", color=VERMILLION, ha="left",
              fontsize=9)  # fmt: skip
    left.set_yticks(rows, [r.name for r in found])
    left.set_ylim(-0.6, len(found) - 0.2)
    left.set_xlim(0, 1.3 * max(r.dose_gy.interval()[1] for r in found))
    left.set_xlabel("Kidney dose (Gy) with 95 % interval")
    right.set_xlim(0, 1.3 * max(r.staff_min for r in found))
    right.set_xlabel("Minutes a cycle (estimates)")
    for axis in (left, right):
        axis.spines[["top", "right"]].set_visible(False)
    drawing.suptitle("Less work, more doubt: one patient by five routes", x=0.01, ha="left",
                     fontsize=11, fontweight="bold")  # fmt: skip
    drawing.tight_layout(w_pad=2.0)
    path.parent.mkdir(parents=True, exist_ok=True)
    drawing.savefig(path)


def main() -> int:
    """Print the table, draw the picture; 1 where a route misses the truth."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--picture", type=Path, default=None)
    told = asked.parse_args()
    found = tuple(routes())
    true = true_gy()
    print(f"Kidneys, true dose {true:.3f} Gy")
    for r in found:
        low, high = r.dose_gy.interval()
        off, inside = r.dose_gy.value / true - 1, "inside" if r.holds(true) else "MISSED"
        print(f"{r.name:<32} {r.dose_gy.value:5.2f} ± {r.dose_gy.u:.2f} Gy  {off:+6.1%}  "
              f"95 % {low:.2f} to {high:.2f}  {inside}  {r.staff_min:4.0f} min staff "
              f"{r.camera_min:4.0f} min camera")  # fmt: skip
    if told.picture is not None:
        picture(found, true, told.picture)
    return 0 if all(r.holds(true) for r in found) else 1


if __name__ == "__main__":
    sys.exit(main())
