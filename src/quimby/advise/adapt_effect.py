"""What a change does: doubt and burden before and after, on the same simulated patients."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from math import sqrt

import numpy as np

from quimby.advise.adapt import (
    Changes,
    Swapped,
    adapted,
    adding,
    component,
    lost_rule,
    swaps,
)
from quimby.advise.adapt_burden import burden_after
from quimby.advise.adapt_document import Made, document
from quimby.advise.simulate import PATIENTS, SEED, Simulated, simulate
from quimby.advise.substitution import TASKS, Substitute
from quimby.core.notes import Note, note
from quimby.protocols import Protocol
from quimby.protocols import patients as people
from quimby.protocols.practice import Component
from quimby.protocols.words import spoken

WORSE = 0.005  # growth of the total that is told [P]
BESIDE = ("target_volume", "calculation")  # tasks that are no reading of a curve
LEAST_U = 0.001  # a component says something
ALSO = (("lesion_dose", "lesion"),)  # aim, and the region that is simulated for it too


@dataclass(frozen=True, eq=False)
class Compared:
    """One region before and after."""

    region: str
    before: Simulated
    after: Simulated

    @property
    def change(self) -> float:
        """Doubt by the curve after, less before."""
        return self.after.u_rel - self.before.u_rel

    @property
    def change_u_mc(self) -> float:
        """What chance of the draw does to the change: patients are the same, so little."""
        both = np.isfinite(self.before.errors) & np.isfinite(self.after.errors)
        one = self.before.errors[both] ** 2 / (2 * max(self.before.u_rel, 1e-9))
        two = self.after.errors[both] ** 2 / (2 * max(self.after.u_rel, 1e-9))
        return float(np.std(two - one)) / sqrt(max(int(both.sum()), 1))


@dataclass(frozen=True, eq=False)
class Effect:
    """The new protocol, its text, and what the change does. Totals are relative, k = 1."""

    before: Protocol
    after: Protocol
    text: str
    changes: Changes
    compared: tuple[Compared, ...]  # that of the document's own region first
    total_before: float | None
    total_after: float | None
    notes: tuple[Note, ...]


def effect(
    protocol: Protocol, text: str, changes: Changes, *, new_id: str, file: str, title: str = "",
    patients: int = PATIENTS, seed: int = SEED, on: dt.date,
) -> Effect:  # fmt: skip
    """Change a protocol and simulate both on the same patients; `text` is its document.

    Raises what `adapted`, `simulate` and `document` raise.
    """
    changed = adapted(protocol, changes)
    planned = [a for a in protocol.acquisition if a.id not in changes.drop]
    swapped = swaps(protocol, planned, changes.swap)
    changed = changed.model_copy(update={"burden": burden_after(protocol, changed, swapped)})
    added = tuple(_added(row, changed, patients, seed) for row in adding(swapped))
    changed = _with(changed, added)
    compared = _compared(protocol, changed, patients, seed)
    totals: tuple[float | None, float | None] = (None, None)
    if compared:
        totals = compared[0].before.total, compared[0].after.total
    made = Made(new_id, title, protocol, changed, changes, swapped,
                compared[0].after if compared else None, added)  # fmt: skip
    return Effect(protocol, changed, document(text, made, file=file, on=on), changes, compared,
                  totals[0], totals[1], _notes(protocol, changes, swapped, *totals))  # fmt: skip


def _added(row: Substitute, changed: Protocol, patients: int, seed: int) -> Component:
    """What a substitute adds to the dose: its readings off together, simulated with and without.

    What is no reading of a curve (a volume, the calculation) adds as it is.
    """
    kinds = [a.kind for a in changed.acquisition if TASKS[a.kind] == row.task]
    expected = changed.uncertainty
    if row.task in BESIDE or expected is None or not expected.population:
        return component(row, row.u, how="house estimate of what the substitute adds")
    without = simulate(changed, patients=patients, seed=seed)
    with_it = simulate(changed, patients=patients, seed=seed, shared=dict.fromkeys(kinds, row.u))
    moved = with_it.errors - without.errors  # of each patient, so that chance cancels
    u = max(sqrt(float(np.nanmean(moved**2))), LEAST_U)
    how = f"simulated: all readings off together by {row.u:.0%}, a house estimate"
    return component(row, round(u, 3), how=how)


def _with(protocol: Protocol, added: tuple[Component, ...]) -> Protocol:
    expected = protocol.uncertainty
    if expected is None or not added:
        return protocol
    new = expected.model_copy(update={"component": (*expected.component, *added)})
    return protocol.model_copy(update={"uncertainty": new})


def _compared(before: Protocol, after: Protocol, patients: int, seed: int
              ) -> tuple[Compared, ...]:  # fmt: skip
    """The document's own region, and others that its aims are about; none without a population."""
    expected = before.uncertainty
    if expected is None or not expected.population:
        return ()
    known = people.load(expected.population).regions
    regions = [expected.region, *(r for aim, r in ALSO if aim in before.aims and r in known)]

    def of(protocol: Protocol, region: str) -> Simulated:
        return simulate(protocol, patients=patients, seed=seed, region=region)

    return tuple(Compared(r, of(before, r), of(after, r)) for r in dict.fromkeys(regions))


def _notes(
    protocol: Protocol, changes: Changes, swapped: Swapped, before: float | None,
    after: float | None,
) -> tuple[Note, ...]:  # fmt: skip
    found = []
    if swapped.kept:
        found.append(note("W-ADAPT-SCALE", where=protocol.id, scan=swapped.beside))
    if before is not None and after is not None and after > before + WORSE:
        found.append(note("W-ADAPT-WORSE", where=protocol.id, before=before, value=after))
    gone = [r.when for r in protocol.patients.rule if lost_rule(r.what, changes.drop)]
    if gone:
        found.append(note("W-ADAPT-RULE", where=protocol.id, rules=", ".join(map(spoken, gone))))
    found.append(note("I-ADAPT-REVIEW", where=protocol.id, base=protocol.id))
    return tuple(found)
