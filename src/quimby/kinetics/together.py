"""The choice of curve for regions that are fitted together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from quimby.core.errors import QuimbyError
from quimby.core.notes import in_order, note
from quimby.core.uncertain import Uncertain
from quimby.kinetics.choose import PLANNED, Choice, Manner, choose, settled
from quimby.kinetics.fit import Fit
from quimby.kinetics.joint import Joint, Part, fit_together
from quimby.kinetics.models import MODELS
from quimby.kinetics.priors import Prior


@dataclass(frozen=True, eq=False)
class Asked:
    """One region, and what was planned for it: its models, the preferred one first."""

    name: str
    times_h: tuple[float, ...]
    activities_mbq: tuple[Uncertain, ...]
    models: tuple[str, ...]
    priors: tuple[Prior, ...] = ()
    washout: str = ""  # regions of one name here have one effective half-life
    manner: Manner = PLANNED

    def part(self, model: str) -> Part:
        """The region as `fit_together` takes it."""
        return Part(self.name, self.times_h, self.activities_mbq, model, self.priors, self.washout)

    def alone(self, physical_half_life_h: float) -> Choice:
        """The region's curve by itself."""
        return choose(
            self.times_h, self.activities_mbq, physical_half_life_h=physical_half_life_h,
            preferred=self.models[0], candidates=self.models[1:], priors=self.priors,
            region=self.name, manner=self.manner,
        )  # fmt: skip


@dataclass(frozen=True, eq=False)
class Together:
    """Choices by region, and the joint fit of each model for those who need it again."""

    choices: Mapping[str, Choice]
    joints: Mapping[str, Joint]  # by region: the joint fit that its curve is of


def choose_together(regions: Sequence[Asked], *, physical_half_life_h: float) -> Together:
    """Curves of several regions fitted at once, tested and weighed as `choose` does for one.

    Models go by rounds: the first of every region, then the second, and so on. Where no round is
    possible every region is fitted by itself, and says so (I-TIA-APART). Joint fits are not
    averaged. Raises what `choose` raises.
    """
    tried: dict[str, dict[str, Fit | QuimbyError]] = {r.name: {} for r in regions}
    joints: dict[int, Joint] = {}
    for models in _rounds(regions):
        try:
            found = fit_together([r.part(m) for r, m in zip(regions, models, strict=True)],
                                 physical_half_life_h=physical_half_life_h)  # fmt: skip
        except QuimbyError as error:
            for r, m in zip(regions, models, strict=True):
                tried[r.name].setdefault(m, error)
            continue
        for r, m in zip(regions, models, strict=True):
            if tried[r.name].setdefault(m, found.fits[r.name]) is found.fits[r.name]:
                joints[id(found.fits[r.name])] = found
    if not joints:
        return Together({r.name: _apart(r, regions, tried[r.name], physical_half_life_h)
                         for r in regions}, {})  # fmt: skip
    choices = {r.name: _chosen(r, regions, tried[r.name], physical_half_life_h) for r in regions}
    return Together(choices, {n: joints[id(c.fit)] for n, c in choices.items()})


def _rounds(regions: Sequence[Asked]) -> list[tuple[str, ...]]:
    """Models of all regions, round by round; a region with fewer keeps its last."""
    able = [[m for m in r.models if m in MODELS] for r in regions]
    if not all(able):
        return []
    rounds = range(max(len(models) for models in able))
    return [tuple(models[min(i, len(models) - 1)] for models in able) for i in rounds]


def _chosen(one: Asked, regions: Sequence[Asked], tried: Mapping[str, Fit | QuimbyError],
            physical_half_life_h: float) -> Choice:  # fmt: skip
    found = settled(tried, region=one.name, manner=replace(one.manner, selection="planned"),
                    physical_half_life_h=physical_half_life_h)  # fmt: skip
    said = note("I-TIA-TOGETHER", where=one.name, what=_others(one, regions))
    return replace(found, notes=in_order([*found.notes, said]))


def _apart(one: Asked, regions: Sequence[Asked], tried: Mapping[str, Fit | QuimbyError],
           physical_half_life_h: float) -> Choice:  # fmt: skip
    found = one.alone(physical_half_life_h)
    error = next(iter(tried.values()), None)
    why = "trapezoids are planned" if error is None else str(getattr(error, "what", error))
    said = note("I-TIA-APART", where=one.name, what=_others(one, regions), why=why.rstrip("."))
    return replace(found, notes=in_order([*found.notes, said]))


def _others(one: Asked, regions: Sequence[Asked]) -> str:
    return ", ".join(r.name for r in regions if r is not one)
