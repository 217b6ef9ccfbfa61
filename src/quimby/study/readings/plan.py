"""The next activity: for a dose aim, by the limits, or the second of two stages."""

from __future__ import annotations

from collections.abc import Sequence

from quimby.core.notes import in_order, refusal
from quimby.core.source import Constant
from quimby.effect.limits import unverified
from quimby.planning.gates import gate
from quimby.study.planned import PlanDocument
from quimby.study.readings.doses import Who
from quimby.study.readings.plan_limits import by_limits
from quimby.study.readings.plan_stages import second_stage
from quimby.study.readings.plan_thyroid import for_dose_aim
from quimby.study.readings.planning import Planned
from quimby.study.stages import Stage


def planned(
    kind: str, document: PlanDocument, stage: Stage, who: Who, *, rests_on: Sequence[Constant]
) -> Planned:
    """The plan of a therapy's kind, from the stage that foretells the next administration.

    Constants tagged [M] that it rests on block signing (S-CONST-UNVERIFIED). Raises
    E-PLAN-CONTRAINDICATION, what the planning functions raise, and E-PLAN-NOTHING where the
    stage does not give what is needed.
    """
    gates = gate(document.gates, form=document.form, where="plan")
    if kind == "thyroid":
        found = for_dose_aim(document, stage, who)
    elif kind == "blood and retention":
        found = by_limits(document, stage)
    elif kind == "two stages":
        found = second_stage(document, stage)
    else:
        raise refusal("E-PLAN-NOTHING", where="plan", what="a plan of its own")
    constants = tuple(dict.fromkeys([*found.constants, *rests_on]))
    told = unverified(constants, where="plan", decides=True)
    return Planned(found.plan, constants, in_order([*gates, *found.notes, *told]))
