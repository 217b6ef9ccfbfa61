"""The whole job on case A, split by step: wall and processor seconds, and peak memory.

    python benchmarks/whole_job.py [FOLDER]

FOLDER defaults to case A of the shared test data. Aim: under 60 s and 1.5 GB on two cores.
"""

from __future__ import annotations

import resource
import sys
import tempfile
import time
from pathlib import Path

from quimby.report.write import write
from quimby.study.draft import draft
from quimby.study.progress import Step
from quimby.study.run import run

CASE_A = Path(__file__).resolve().parents[2] / "shared" / "data" / "lu177_dotatate_case_a"


class Clock:
    """Seconds spent since the last call, by step."""

    def __init__(self) -> None:
        self.steps: dict[str, list[float]] = {}
        self._name = "draft"
        self._last = (time.perf_counter(), time.process_time())

    def __call__(self, step: Step) -> None:
        now = time.perf_counter(), time.process_time()
        row = self.steps.setdefault(self._name, [0.0, 0.0])
        row[0] += now[0] - self._last[0]
        row[1] += now[1] - self._last[1]
        self._name, self._last = step.name, now


def main(folder: Path) -> None:
    """Run once and print the table."""
    clock = Clock()
    study = draft(folder).study()
    clock(Step("read"))
    result = run(study, progress=clock)
    clock(Step("report"))
    with tempfile.TemporaryDirectory() as out:
        write(
            result, Path(out) / "OUT", ct_files=result.pictures.ct_files if result.pictures else ()
        )
    clock(Step("report"))
    print(f"{'step':<10} {'wall s':>8} {'cpu s':>8}")
    for name, (wall, cpu) in clock.steps.items():
        print(f"{name:<10} {wall:8.1f} {cpu:8.1f}")
    walls, cpus = (sum(row[i] for row in clock.steps.values()) for i in (0, 1))
    print(f"{'all':<10} {walls:8.1f} {cpus:8.1f}")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    print(f"peak memory {peak:.2f} GB")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else CASE_A)
