"""Accuracy and stated doubt on invented patients with case A's anatomy, three scans each.

Other curves, positions, blur, voxels and noise; from images to time-integrated activity by the
same public functions as the chain, without DICOM and with positions known to a third of a mm.

Run: python -m benchmarks.variants [patients] [first seed]
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from tests.case_a_truth import REFERENCE, ct, outlines
from tests.variant_case import (
    COUNTS_PER_MBQ,
    LESIONS,
    ORGANS,
    PHYSICAL_H,
    SCHEDULES,
    Variant,
    counts,
    random_variant,
    spect_grid,
)

from quimby import protocols, therapies
from quimby.core.grid import Image, Rigid
from quimby.core.uncertain import Uncertain
from quimby.kinetics.choose import choose
from quimby.measure.partial_volume import REGISTRATION_U_MM, recover
from quimby.measure.regions import Regions, prepare
from quimby.protocols.curve_plan import planned
from quimby.study.laid import HARDWARE_U_MM
from quimby.study.quantify import REPEATABILITY_U, TRANSFER_U_MM

PROTOCOL = "LU-FULL"
POSITION_MM, BLUR_MM, CAMERA_U = 0.3, 0.05, 0.02
BLUR_U_MM = float(np.hypot(BLUR_MM, TRANSFER_U_MM))
LIMITS = {"lesion": (0.15, 0.25), "organ": (0.03, 0.08)}  # error, stated u


@dataclass(frozen=True, slots=True)
class Row:
    """One region of one patient."""

    seed: int
    region: str
    schedule: str
    model: str
    error: float  # of the time-integrated activity, relative
    by_curve: float  # the same with the true activities at the scans
    u: float
    inside: bool
    parts: tuple[tuple[str, float], ...]  # relative, largest first

    @property
    def kind(self) -> str:
        """Lesion or organ."""
        return "lesion" if self.region in LESIONS else "organ"

    @property
    def fails(self) -> str:
        """Which of the limits it misses."""
        most, most_u = LIMITS[self.kind]
        return " ".join([*(["error"] if abs(self.error) > most else []),
                         *(["u"] if self.u > most_u else [])])  # fmt: skip


def patient(variant: Variant, regions: Regions) -> list[Row]:
    """All regions of one invented patient."""
    draw = np.random.default_rng(variant.seed + 5000)
    width = Uncertain(variant.fwhm_mm + float(draw.normal(0, BLUR_MM)), {"point spread": BLUR_U_MM})
    grid = spect_grid(variant.voxel_mm)
    readings: dict[str, list[Uncertain]] = {name: [] for name in (*ORGANS, *LESIONS)}
    for scan, pose in enumerate(variant.poses):
        image = Image(grid, np.rint(counts(variant, scan, grid)) / COUNTS_PER_MBQ, "MBq")
        exact = scan == variant.reference
        off = np.zeros(3) if exact else draw.normal(0, POSITION_MM, 3)
        stated_mm = HARDWARE_U_MM if exact else REGISTRATION_U_MM
        found = recover(image, regions, Rigid(pose.rotation, pose.translation_mm + off),
                        fwhm_mm=width, scan=f"scan-{scan + 1}",
                        registration_u_mm=stated_mm)  # fmt: skip
        for name, row in found.regions.items():
            a = row.activity_mbq.because("camera calibration", CAMERA_U * row.activity_mbq.value)
            own = f"repeatability, {name}, scan-{scan + 1}"
            readings[name].append(a.because(own, REPEATABILITY_U * a.value))
    return [_row(variant, name, seen) for name, seen in readings.items()]


def _row(variant: Variant, name: str, seen: list[Uncertain]) -> Row:
    curve = variant.kinetics[name]
    found, model = tia(name, variant.times_h, seen)
    exact = [
        Uncertain(curve.activity_mbq(t), {c: p / s.value * curve.activity_mbq(t)
                                          for c, p in s.parts.items()})
        for t, s in zip(variant.times_h, seen, strict=True)
    ]  # fmt: skip
    ideal, _ = tia(name, variant.times_h, exact)
    low, high = found.interval()
    true = curve.tia_mbq_h
    parts = sorted(((c, abs(p) / found.value) for c, p in found.parts.items()), key=lambda r: -r[1])
    return Row(variant.seed, name, "/".join(f"{t:g}" for t in variant.times_h), model,
               found.value / true - 1, ideal.value / true - 1, found.u_rel, low <= true <= high,
               tuple(parts[:4]))  # fmt: skip


def tia(name: str, times_h: tuple[float, ...], seen: list[Uncertain]) -> tuple[Uncertain, str]:
    """As the chain does it: the protocol's models for the organ and its number of samples."""
    organ = therapies.organ(name).name
    plan = planned(protocols.load(PROTOCOL), organ, len(seen))
    chosen = choose(
        times_h, seen, physical_half_life_h=PHYSICAL_H, preferred=plan.models[0],
        candidates=plan.models[1:], priors=plan.priors, region=name,
    )  # fmt: skip
    return chosen.tia_mbq_h, chosen.fit.model


def summary(rows: Iterable[Row]) -> None:
    """By region and by schedule: bias, scatter, worst, stated doubt, coverage."""
    found = list(rows)
    groups = [(name, [r for r in found if r.region == name]) for name in (*ORGANS, *LESIONS)]
    for times in SCHEDULES:
        label = "/".join(f"{t:g}" for t in times)
        for kind in LIMITS:
            these = [r for r in found if (r.schedule, r.kind) == (label, kind)]
            groups += [(f"{label}, {kind}s", these)]
    print(f"\n{'group':24}{'n':>4}{'bias':>8}{'scatter':>9}{'worst':>8}{'curve alone':>13}"
          f"{'mean u':>8}{'max u':>8}{'pull':>7}{'inside':>8}{'miss':>6}")  # fmt: skip
    for label, group in groups:
        if not group:
            continue
        e = np.array([r.error for r in group])
        u = np.array([r.u for r in group])
        alone = float(np.sqrt(np.mean([r.by_curve**2 for r in group])))
        print(f"{label:24}{len(group):4d}{e.mean():8.1%}{e.std():9.1%}{e[np.abs(e).argmax()]:8.1%}"
              f"{alone:13.1%}{u.mean():8.1%}{u.max():8.1%}{np.sqrt(np.mean((e / u) ** 2)):7.2f}"
              f"{np.mean([r.inside for r in group]):8.0%}"
              f"{sum(bool(r.fails) for r in group):6d}")  # fmt: skip


def main() -> None:
    """Print every miss, then the tables."""
    number = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    first = int(sys.argv[2]) if len(sys.argv) > 2 else 1
    regions = prepare(outlines(), ct(REFERENCE))
    rows: list[Row] = []
    for seed in range(first, first + number):
        variant = random_variant(seed, schedule=SCHEDULES[seed % len(SCHEDULES)])
        these = patient(variant, regions)
        rows += these
        held = sum(not r.fails for r in these)
        inside = sum(r.inside for r in these)
        camera = f"FWHM {variant.fwhm_mm:.1f} mm, voxel {variant.voxel_mm:g} mm"
        print(f"patient {seed}: {these[0].schedule} h, {camera}: {held} of 7 hold, "
              f"{inside} of 7 inside", flush=True)  # fmt: skip
        for r in these:
            if r.fails or not r.inside:
                parts = ", ".join(f"{c} {p:.1%}" for c, p in r.parts)
                print(f"  {r.region:9} {r.model:17} error {r.error:+.1%} (curve {r.by_curve:+.1%})"
                      f" u {r.u:.1%} {r.fails}; {parts}", flush=True)  # fmt: skip
    summary(rows)


if __name__ == "__main__":
    main()
