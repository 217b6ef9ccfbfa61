"""The largest activity that blood and retention limits allow, and the term that sets it."""

from __future__ import annotations

from math import floor

from quimby.core.notes import Note, note, refusal
from quimby.core.uncertain import Uncertain
from quimby.planning import dtc
from quimby.study.planned import PlanDocument
from quimby.study.readings.planning import Planned, asked, drivers, when_given
from quimby.study.stages import Allowed, Plan, Stage

TRIAGE = {
    "may_increase": "below 9 % at 48 h: all of 47 patients could have had more",
    "no_flag": "nothing speaks against it",
    "full_dosimetry_advised": "above 24.8 % at 48 h: half of 14 patients would exceed a limit",
    "likely_exceeds_MTA": "above 40 % at 48 h: 5 of 6 patients would exceed a limit",
}


def by_limits(document: PlanDocument, stage: Stage) -> Planned:
    """The largest tolerable activity; what is proposed keeps the upper 95 % within every limit."""
    blood = stage.dose("Blood")
    if blood is None:
        raise refusal("E-PLAN-NOTHING", where="plan", what="a blood dose")
    per_gbq = when_given(blood.dose_per_activity_gy_per_gbq)
    left = _left_at_48h(stage)
    candidates = _candidates(document, per_gbq, left)
    found = dtc.largest_tolerable(*candidates)
    proposed = _in_steps(1e3 * found.conservative_gbq, document)
    dose = per_gbq.scaled(1e-3 * proposed)
    plan = Plan(
        kind="blood and retention", title="Largest tolerable activity", target="Blood",
        aim_gy=None, limiting=_term(candidates[0]),
        activity_mbq=found.activity_gbq.scaled(1e3), proposed_mbq=proposed, step_mbq=document.step,
        site_limit_mbq=document.site_limit, dose_gy=dose,
        total_gy=dose,
        allowed=tuple(Allowed(_term(c), c.activity_gbq.scaled(1e3), 1e3 * c.conservative_gbq,
                              c.limit) for c in candidates),
        compare=_triage(left), sensitivity=drivers(found.activity_gbq), gates=asked(document),
        thought_of_mbq=document.activity, thought_of_gy=None if document.activity is None
        else per_gbq.scaled(1e-3 * document.activity),
    )  # fmt: skip
    return Planned(plan, found.constants, _notes(document, per_gbq, proposed))


def _left_at_48h(stage: Stage) -> Uncertain | None:
    figures = [s.figures["retention at 48 h"] for s in stage.series
               if "retention at 48 h" in s.figures]  # fmt: skip
    return figures[0] if figures else None


def _candidates(document: PlanDocument, per_gbq: Uncertain, left: Uncertain | None
                ) -> list[dtc.Candidate]:  # fmt: skip
    """Every limit's activity, the smallest first."""
    found = [dtc.by_blood(per_gbq, limit_gy=document.limit)]
    if left is not None:
        lung = document.lung_metastases is True
        found.append(dtc.by_retention(left, diffuse_lung_metastases=lung))
    return sorted(found, key=lambda c: c.activity_gbq.value)


def _in_steps(careful_mbq: float, document: PlanDocument) -> float:
    """Whole steps below what is tolerable: rounding never goes up here."""
    if document.step is None:
        return careful_mbq
    return floor(careful_mbq / document.step + 1e-9) * document.step


def _term(candidate: dtc.Candidate) -> str:
    if candidate.name == dtc.BLOOD:
        return f"blood dose {candidate.limit.value:g} Gy"
    lung = ", lung metastases" if candidate.name == dtc.LUNG else ""
    return f"48 h retention {candidate.limit.value:g} GBq{lung}"


def _notes(document: PlanDocument, per_gbq: Uncertain, proposed_mbq: float) -> tuple[Note, ...]:
    found: list[Note] = []
    if document.lung_metastases is None:
        found.append(note("S-PLAN-LUNG", where="plan"))
    if document.site_limit is not None and proposed_mbq > document.site_limit:
        found.append(note("S-ACTIVITY-LIMIT", where="plan", value=proposed_mbq,
                          limit=document.site_limit))  # fmt: skip
    if document.activity is not None:
        found += dtc.check_plan(per_gbq, 1e-3 * document.activity, limit_gy=document.limit).notes
    return tuple(found)


def _triage(left: Uncertain | None) -> tuple[tuple[str, str], ...]:
    if left is None:
        return ()
    return (("An empirical 7.4 GBq, by the 48 h retention", TRIAGE[dtc.triage(left.value)]),)
