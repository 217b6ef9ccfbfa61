"""What was foretold by one stage against what the next one measured."""

from __future__ import annotations

from collections.abc import Sequence

from quimby.core.notes import Note
from quimby.core.uncertain import Uncertain
from quimby.planning.thyroid import verified
from quimby.study.readings.plan_stages import foretold_per_mbq
from quimby.study.stages import Stage, Verified


def verify(kind: str, before: Stage, after: Stage
           ) -> tuple[tuple[Verified, ...], tuple[Note, ...]]:  # fmt: skip
    """Planned against measured, for a therapy's kind of plan; W-DOSE-DEVIATION beyond 30 %.

    Doubts that both share (mass, S value, constants) cancel in the ratio.
    """
    if kind == "two stages":
        return _two_stages(before, after)
    name = "Thyroid" if kind == "thyroid" else "Blood"
    first, second = before.dose(name), after.dose(name)
    if first is None or second is None:
        return (), ()
    foretold = first.dose_per_activity_gy_per_gbq * after.administered_mbq.scaled(1e-3)
    return _compared(f"{name} dose", foretold, second.dose_gy,
                     f"predicted by the {before.kind} for the activity given")  # fmt: skip


def _two_stages(before: Stage, after: Stage
                ) -> tuple[tuple[Verified, ...], tuple[Note, ...]]:  # fmt: skip
    first, second = before.dose("Whole body"), after.dose("Whole body")
    if first is None or second is None or after.weight_kg is None:
        return (), ()
    per_mbq = foretold_per_mbq(before, weight_kg=after.weight_kg.value)
    foretold = per_mbq.scaled(after.administered_mbq.value)
    rows, notes = _compared("Whole-body dose, second stage", foretold, second.dose_gy,
                            "predicted by the first stage for the activity given")  # fmt: skip
    both, more = _compared("Whole-body dose, both stages", first.dose_gy + foretold,
                           first.dose_gy + second.dose_gy, "both stages together")  # fmt: skip
    return (*rows, *both), (*notes, *more)


def _compared(name: str, planned: Uncertain, measured: Uncertain, words: str
              ) -> tuple[tuple[Verified, ...], tuple[Note, ...]]:  # fmt: skip
    found = verified(measured, planned)
    return (Verified(name, "Gy", planned, measured, found.ratio, words),), found.notes


def basis(stages: Sequence[Stage], therapy_ids: Sequence[str], order: Sequence[str]) -> Stage:
    """The stage that foretells: the last one before the last therapy, or the last of all."""
    last = therapy_ids[-1] if therapy_ids else None
    place = {name: i for i, name in enumerate(order)}
    earlier = [s for s in stages if last and place[s.administration] < place[last]]
    return earlier[-1] if earlier else stages[-1]
