"""From a centre's own patients to what may be believed of the next one.

Each patient's half-life is known with doubt, and that doubt is no difference between patients:
the spread seen is the spread that is, plus the measurements' own. A log-normal is fitted by
moments (random effects): variance between patients = variance seen - mean u**2.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import exp, log, sqrt
from statistics import fmean, variance

from quimby.core.notes import Note, note, refusal
from quimby.kinetics.priors import UNITS

LEAST_PATIENTS = 5  # fewer make no prior at all [P]
ENOUGH_PATIENTS = 20  # fewer are told as few, as for any local range [P]
SAME = 1e-12  # variance of ln below which values are copies of one
MOST_TOLD_BY_PRIOR = 0.5  # weight of the old prior above which a patient tells too little [P]


@dataclass(frozen=True, slots=True)
class Observation:
    """One quantity of one tissue in one patient: ln of it and the standard doubt of that ln.

    `u_ln` is None where it was not given.
    """

    patient: str
    tissue: str
    quantity: str  # "effective", "uptake", "fast", "start ratio"
    ln: float
    u_ln: float | None


@dataclass(frozen=True, slots=True)
class Spread:
    """What a cohort tells of one quantity, log-normal.

    `sd_ln` is the spread between patients with the doubt of the median: what the next patient may
    differ by from `median`. `between_sd_ln` is the spread alone and `sd_ln_u` its standard doubt.
    """

    n: int
    median: float
    median_u_ln: float
    sd_ln: float
    between_sd_ln: float
    sd_ln_u: float
    seen_sd_ln: float
    measured_u_ln: float  # root of the mean square doubt of the patients' values
    notes: tuple[Note, ...]


def spread(observations: Sequence[Observation], *, where: str) -> Spread:
    """Median and spread of one quantity of one tissue over patients.

    Several values of one patient (cycles, left and right) count as one, their mean, with the mean
    of their doubts. Where the spread seen is not above the measurements' own doubt by more than
    its standard doubt, that standard doubt is taken for it (W-PRIOR-SPREAD): patients do differ.

    Notes W-SMALL-COHORT below 20 patients, W-PRIOR-NO-U without doubts. Raises E-PRIOR-FEW
    below 5, E-PRIOR-SAME for copies of one value.
    """
    values = _by_patient(observations)
    n = len(values)
    if n < LEAST_PATIENTS:
        raise refusal("E-PRIOR-FEW", where=where, n=n, least=LEAST_PATIENTS)
    seen = variance([ln for ln, _ in values])
    if seen < SAME:
        raise refusal("E-PRIOR-SAME", where=where, n=n)
    own = fmean(u**2 for _, u in values)
    between, doubt = seen - own, sqrt(2 / (n - 1)) * max(seen, own)
    notes = _size_notes(n, observations, where)
    if between < doubt:
        notes.append(note("W-PRIOR-SPREAD", where=where, value=sqrt(seen), limit=sqrt(own),
                          taken=sqrt(doubt)))  # fmt: skip
        between = doubt
    of_median = seen / n
    return Spread(
        n=n, median=exp(fmean(ln for ln, _ in values)), median_u_ln=sqrt(of_median),
        sd_ln=sqrt(between + of_median), between_sd_ln=sqrt(between),
        sd_ln_u=doubt / (2 * sqrt(between)), seen_sd_ln=sqrt(seen), measured_u_ln=sqrt(own),
        notes=tuple(notes),
    )  # fmt: skip


def _by_patient(observations: Sequence[Observation]) -> list[tuple[float, float]]:
    """ln and its doubt, one of each patient; no doubt counts as none taken off."""
    rows: dict[str, list[Observation]] = {}
    for one in observations:
        rows.setdefault(one.patient, []).append(one)
    return [(fmean(o.ln for o in of), fmean(o.u_ln or 0.0 for o in of)) for of in rows.values()]


def _size_notes(n: int, observations: Sequence[Observation], where: str) -> list[Note]:
    notes = []
    if n < ENOUGH_PATIENTS:
        notes.append(note("W-SMALL-COHORT", where=where, value=n, limit=ENOUGH_PATIENTS))
    lacking = sum(o.u_ln is None for o in observations)
    if lacking:
        notes.append(note("W-PRIOR-NO-U", where=where, value=lacking))
    return notes


def grouped(observations: Sequence[Observation]) -> Mapping[tuple[str, str], list[Observation]]:
    """Observations by tissue and quantity, in order of name and of `UNITS`."""
    found: dict[tuple[str, str], list[Observation]] = {}
    order = list(UNITS)
    for one in sorted(observations, key=lambda o: (o.tissue, order.index(o.quantity))):
        found.setdefault((one.tissue, one.quantity), []).append(one)
    return found


def without_prior(
    ln: float, u_ln: float, *, prior_part_ln: float, prior_ln: float, prior_sd_ln: float
) -> tuple[float, float] | None:
    """What the readings alone say of a quantity that was fitted with a prior; ln and its doubt.

    `prior_part_ln` is the part of `u_ln` that the prior brought, so that its weight in the fit is
    ``w = part / sd``: the fit is ``w prior + (1 - w) readings``. None where w is above a half:
    counted again, the old prior would be taken for a patient. Source: normal theory [D].
    """
    weight = abs(prior_part_ln) / prior_sd_ln
    if weight > MOST_TOLD_BY_PRIOR:
        return None
    own = sqrt(max(u_ln**2 - prior_part_ln**2, 0.0))
    return (ln - weight * prior_ln) / (1 - weight), own / (1 - weight)


def observed(patient: str, tissue: str, quantity: str, value: float, *, u: float | None = None
             ) -> Observation:  # fmt: skip
    """A value with its standard doubt (same unit) as an observation; E-PRIOR-VALUE."""
    where = f"{tissue}, {quantity}"
    if quantity not in UNITS:
        raise refusal("E-PRIOR-VALUE", where=where, what=f"{quantity!r} is none of "
                      f"{', '.join(UNITS)}")  # fmt: skip
    if not value > 0 or (u is not None and not 0 <= u < value):
        said = f"{value:g} with a doubt of {u:g}" if u is not None else f"{value:g}"
        raise refusal("E-PRIOR-VALUE", where=where, what=f"{said} is no value above zero with a "
                      "doubt smaller than itself")  # fmt: skip
    return Observation(patient, tissue, quantity, log(value), None if u is None else u / value)
