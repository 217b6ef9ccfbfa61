"""Control charts: limits from a baseline, rules for what follows, and when it may start anew."""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite, sqrt
from statistics import fmean

from quimby.core.notes import Note, note, refusal
from quimby.core.uncertain import Uncertain
from quimby.devices.efficiency import Status, Tolerance, deviation_notes, judged

LEAST, BETTER = 10, 20  # readings of a baseline [P]
D2 = 1.128  # mean range of two normal readings over their standard deviation
WARN_SIGMA, ACTION_SIGMA = 2.0, 3.0
WARNING_RULES = ("1_2s",)
RULES = ("1_2s", "1_3s", "2_2s", "R_4s", "4_1s", "10_x")


@dataclass(frozen=True, slots=True)
class Limits:
    """Middle and standard deviation of a chart, in the unit of its readings."""

    mean: float
    sigma: float
    readings: int
    notes: tuple[Note, ...] = ()

    @property
    def warn(self) -> tuple[float, float]:
        """Middle ± 2 sigma."""
        return self.mean - WARN_SIGMA * self.sigma, self.mean + WARN_SIGMA * self.sigma

    @property
    def action(self) -> tuple[float, float]:
        """Middle ± 3 sigma."""
        return self.mean - ACTION_SIGMA * self.sigma, self.mean + ACTION_SIGMA * self.sigma

    @property
    def middle(self) -> Uncertain:
        """The middle with the doubt of so few readings."""
        return Uncertain(self.mean, {"baseline of the chart": self.sigma / sqrt(self.readings)})


@dataclass(frozen=True, slots=True)
class Judgement:
    """What chart and tolerance say of one reading; both must hold."""

    rules: tuple[str, ...]  # rules broken with the readings before it
    z: float  # standard deviations from the middle
    deviation: float  # reading / target - 1
    status: Status
    notes: tuple[Note, ...] = ()


@dataclass(frozen=True, slots=True)
class Recalibration:
    """A documented repair or recalibration: the only reason for a new baseline."""

    on: dt.date
    by: str
    why: str


@dataclass(frozen=True, slots=True)
class Dated:
    """A reading of the chart (decay of the source already taken out) and its day."""

    on: dt.date
    value: float


@dataclass(frozen=True, slots=True)
class Baseline:
    """The readings a chart rests on, and what they followed (None: acceptance)."""

    readings: tuple[Dated, ...]
    limits: Limits
    after: Recalibration | None = None


def control_limits(baseline: Sequence[float], *, where: str = "control chart") -> Limits:
    """Limits of an individuals chart: sigma is the mean moving range over 1.128.

    I-QC-BASELINE-SHORT below 20 readings; E-QC-READINGS below 10, E-QC-SPREAD where all are
    the same, E-QC-VALUE.
    """
    _check(baseline, where)
    if len(baseline) < LEAST:
        raise refusal("E-QC-READINGS", where=where, given=len(baseline), least=LEAST,
                      what="a baseline")  # fmt: skip
    ranges = [abs(b - a) for a, b in itertools.pairwise(baseline)]
    sigma = fmean(ranges) / D2
    if sigma == 0:
        raise refusal("E-QC-SPREAD", where=where)
    short = len(baseline) < BETTER
    notes = (note("I-QC-BASELINE-SHORT", where=where, value=len(baseline), limit=BETTER),)
    return Limits(fmean(baseline), sigma, len(baseline), notes if short else ())


def rules_broken(
    mean: float, sigma: float, readings: Sequence[float], *, where: str = "control chart"
) -> tuple[tuple[str, ...], ...]:
    """For each reading the rules it breaks together with those before it, oldest first.

    1_2s: beyond 2 sigma (a warning). 1_3s: beyond 3. 2_2s: two in a row beyond the same 2 sigma.
    R_4s: two in a row beyond 2 sigma on opposite sides. 4_1s: four in a row beyond the same
    1 sigma. 10_x: ten in a row on one side. Source: Westgard et al., Clin Chem 1981;27:493.
    """
    _check(readings, where)
    if not (isfinite(sigma) and sigma > 0):
        raise refusal("E-QC-VALUE", where=where, what="standard deviation of the chart",
                      value=sigma, must="above zero")  # fmt: skip
    z = [(r - mean) / sigma for r in readings]
    return tuple(_broken(z[: i + 1]) for i in range(len(z)))


def _broken(z: Sequence[float]) -> tuple[str, ...]:
    """Rules that the last of these breaks."""
    last, pair = z[-1], sorted(z[-2:])
    broken = {
        "1_2s": abs(last) > WARN_SIGMA,
        "1_3s": abs(last) > ACTION_SIGMA,
        "2_2s": _run(z, 2, WARN_SIGMA),
        "R_4s": len(pair) == 2 and pair[0] < -WARN_SIGMA and pair[1] > WARN_SIGMA,
        "4_1s": _run(z, 4, 1.0),
        "10_x": _run(z, 10, 0.0),
    }
    return tuple(rule for rule in RULES if broken[rule])


def _run(z: Sequence[float], length: int, beyond: float) -> bool:
    """Whether the last `length` all lie beyond the same limit."""
    last = z[-length:]
    return len(last) == length and (min(last) > beyond or max(last) < -beyond)


def judge(
    readings: Sequence[float],
    limits: Limits,
    *,
    target: float,
    tolerance: Tolerance,
    where: str = "control chart",
) -> tuple[Judgement, ...]:
    """Each reading by the chart and by the absolute tolerance around `target`; both must hold.

    A chart alone lets a slow drift become its own middle; a tolerance alone sees it late.
    S-QC-FAILED where action is needed, W-QC-WARN at a warning.
    """
    broken = rules_broken(limits.mean, limits.sigma, readings, where=where)
    if not (isfinite(target) and target > 0):
        raise refusal("E-QC-VALUE", where=where, what="target", value=target, must="above zero")
    return tuple(
        _judgement(r, rules, limits, target=target, tolerance=tolerance, where=where)
        for r, rules in zip(readings, broken, strict=True)
    )


def _judgement(
    reading: float, rules: tuple[str, ...], limits: Limits, *, target: float,
    tolerance: Tolerance, where: str,
) -> Judgement:  # fmt: skip
    deviation = reading / target - 1.0
    z = (reading - limits.mean) / limits.sigma
    statuses: set[Status] = {judged(deviation, tolerance), _by_rules(rules)}
    status: Status = next(s for s in ("action", "warn", "pass") if s in statuses)
    notes = deviation_notes(deviation, tolerance, test="Constancy", where=where)
    if rules:
        code = "S-QC-FAILED" if _by_rules(rules) == "action" else "W-QC-WARN"
        why = f"control rule {', '.join(rules)} ({z:+.1f} standard deviations)"
        notes += (note(code, where=where, test="The control chart", why=why, value=abs(z)),)
    return Judgement(rules, z, deviation, status, notes)


def _by_rules(rules: tuple[str, ...]) -> Status:
    if set(rules) - set(WARNING_RULES):
        return "action"
    return "warn" if rules else "pass"


def new_baseline(
    readings: Sequence[Dated],
    *,
    old: Baseline | None = None,
    after: Recalibration | None = None,
    where: str = "control chart",
) -> Baseline:
    """A baseline from these readings: the first of a device, or after a recorded recalibration.

    E-QC-BASELINE where an old baseline exists and no recalibration followed it, where readings
    are older than the recalibration, or where its record names nobody or no reason.
    """
    if old is not None:
        _may_start_anew(readings, old, after, where)
    ordered = tuple(sorted(readings, key=lambda r: r.on))
    return Baseline(ordered, control_limits([r.value for r in ordered], where=where), after)


def _may_start_anew(
    readings: Sequence[Dated], old: Baseline, after: Recalibration | None, where: str
) -> None:
    why = ""
    if after is None:
        why = "no recalibration or repair is recorded since the old one"
    elif not (after.by.strip() and after.why.strip()):
        why = "the recalibration's record does not say who did it and why"
    elif after.on < old.readings[-1].on:
        why = f"the recalibration of {after.on} is older than the baseline it should replace"
    elif early := [r.on for r in readings if r.on < after.on]:
        why = f"the reading of {min(early)} was made before the recalibration of {after.on}"
    if why:
        raise refusal("E-QC-BASELINE", where=where, why=why)


def _check(readings: Sequence[float], where: str) -> None:
    for value in readings:
        if not isfinite(value):
            raise refusal("E-QC-VALUE", where=where, what="reading", value=value, must="a number")
