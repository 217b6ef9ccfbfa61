"""When a protocol's measurements are taken and how far each is off by itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import hypot
from types import MappingProxyType

import numpy as np

from quimby.advise.simulate_curves import Array, Curves, normals, uniforms
from quimby.advise.substitution import substitutes
from quimby.core.tables import constants
from quimby.devices.typical_doubt import typical
from quimby.kinetics.samples import DEFAULT_U
from quimby.measure import uptake, whole_body
from quimby.protocols import Protocol
from quimby.protocols.document import Acquisition

NOTHING: Mapping[str, float] = MappingProxyType({})
EARLIEST_H = 0.1  # a reading takes minutes after the administration [P]
SAME_VISIT = ("planar",)  # taken beside a SPECT/CT whose window holds theirs


@dataclass(frozen=True, eq=False)
class Taken:
    """One planned measurement in n patients: hours, and true value times scatter (n,)."""

    id: str
    kind: str
    times_h: Array
    scatter: Array  # factor about one
    u_rel: float

    def of(self, curve: Curves) -> Array:
        """What is read of a curve."""
        return np.asarray(curve.at(self.times_h) * self.scatter)


def scatter_u(protocol: Protocol, kind: str) -> float:
    """Relative scatter of one reading of this kind, k = 1, by itself; 0 for what has none.

    A device that stands in for the usual monitor adds its own at each reading: what is alike in
    all of them cancels against the reference.
    """
    rows = constants("quimby.advise", "reading_noise")
    if kind == "whole_body":
        more = (r.u for r in substitutes() if r.task == "whole_body_retention"
                and _stands_in(protocol, r.missing, r.use))  # fmt: skip
        return hypot(whole_body.POSITION_U, typical()["monitor-reading"].value, *more)
    return {
        "spect": DEFAULT_U,
        "planar": rows["scatter of a planar region"].value,
        "pet": rows["scatter of a PET region"].value,
        "thyroid": hypot(uptake.POSITION_U, rows["counts of the neck"].value),
        "blood": hypot(typical()["sample-volume"].value, rows["counts of a blood sample"].value),
    }.get(kind, 0.0)


def _stands_in(protocol: Protocol, missing: str, use: str) -> bool:
    """Whether the document itself asks for the substitute and not for the usual device."""
    asked = {device for clause in protocol.requires.equipment for device in clause}
    return use in asked and missing not in asked


def taken(
    protocol: Protocol,
    *,
    patients: int,
    seed: int,
    exact: bool = False,
    shared: Mapping[str, float] = NOTHING,
) -> list[Taken]:
    """Every planned measurement, each at any time of its window with the same chance.

    Measurements of one window are of one visit. `exact` leaves the scatter out; `shared` is by
    kind what all readings of a patient are off together (relative, k = 1).
    """
    times = _times(protocol.acquisition, patients, seed)
    found = []
    for a in protocol.acquisition:
        u = scatter_u(protocol, a.kind)
        z = normals(seed, f"scatter, {a.id}", patients)
        scatter = np.ones(patients) if exact else np.exp(u * z)
        if a.kind in shared:
            scatter = scatter * np.exp(shared[a.kind] * normals(seed, f"all {a.kind}", patients))
        found.append(Taken(a.id, a.kind, times[a.id], scatter, u))
    return found


def _times(planned: Sequence[Acquisition], patients: int, seed: int) -> Mapping[str, Array]:
    """Hours by id. A SPECT/CT with planar scans in its window is beside one of them."""
    visits: dict[tuple[float, float], str] = {}
    found = {}
    for a in planned:
        visit = visits.setdefault(a.window_h, a.id)
        low, high = max(a.window_h[0], EARLIEST_H), a.window_h[1]
        found[a.id] = low + (high - low) * uniforms(seed, f"visit, {visit}", patients)
    for a in planned:
        (low, high), spect = a.window_h, a.kind == "spect"
        beside = [b.id for b in planned if spect and b.kind in SAME_VISIT
                  and low <= b.window_h[0] and b.window_h[1] <= high]  # fmt: skip
        if beside:
            which = (uniforms(seed, f"beside, {a.id}", patients) * len(beside)).astype(int)
            found[a.id] = np.choose(which, [found[b] for b in beside])
    return found
