"""A time-activity curve fitted to readings, every result with its doubt by cause."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import exp, inf, log, sqrt

import numpy as np
from scipy.special import gammaincc

from quimby.core.notes import Note, note, refusal
from quimby.core.uncertain import Uncertain, combine, covariance
from quimby.kinetics.models import LN2, Array, Model, Terms, model
from quimby.kinetics.priors import Prior
from quimby.kinetics.samples import Samples, samples
from quimby.kinetics.solve import Problem, edges, solve
from quimby.kinetics.spread import with_spread

TAIL_WARNS, TAIL_BLOCKS, HEAD_WARNS = 0.20, 0.50, 0.30  # shares of the TIA [P]
SLOWER_IN_NOISE = 2.0  # standard uncertainties below the physical rate still called noise [P]
WEAK = 0.5  # relative uncertainty of a rate above which readings say little
UNSEEN_U_LN = 3.0  # a parameter known to a factor of 20 only: not seen at all [P]
BAND_POINTS = 60


@dataclass(frozen=True, eq=False)
class Fit:
    """A fitted curve, A(t) = sum of amplitude * exp(-rate * t).

    `parameters`, `half_lives_h`, `tia_mbq_h` share causes with the readings and the priors, so
    `core.uncertain.covariance` of any of them is right. `tia_weights_h` are d(TIA)/d(activity),
    one a sample; with the readings themselves they sum to the TIA, so they carry any scale.
    """

    model: str
    samples: Samples
    parameters: Mapping[str, Uncertain]
    covariance: Array  # of the parameters, in their order
    amplitudes_mbq: tuple[float, ...]
    rates_per_h: tuple[float, ...]
    half_lives_h: Mapping[str, Uncertain]  # "effective", "uptake", "fast", "biological"
    tia_mbq_h: Uncertain
    tia_weights_h: tuple[float, ...]
    residuals_u: tuple[float, ...]  # (ln measured - ln curve) / relative random u, one a sample
    chi2: float  # samples and priors; of all regions that were fitted together
    degrees_of_freedom: int  # samples + priors - parameters
    parameters_told: float  # how many the samples settle and not the priors; of all, as chi2
    head_fraction: float
    tail_fraction: float
    band_times_h: tuple[float, ...]
    band_u_mbq: tuple[float, ...]  # k = 1, random and prior causes
    priors: tuple[Prior, ...]
    notes: tuple[Note, ...]
    problem: Problem | None = None  # what was solved; None for trapezoids and rules
    drawn_mbq: tuple[float, ...] = ()  # the curve at `band_times_h`, where it is no exponentials

    @property
    def p(self) -> float | None:
        """Chance of a chi-square this large or larger; None with no degree of freedom."""
        if self.degrees_of_freedom < 1:
            return None
        return float(gammaincc(self.degrees_of_freedom / 2, self.chi2 / 2))

    def activity_mbq(self, time_h: float) -> float:
        """The curve's activity at a time, MBq."""
        pairs = zip(self.amplitudes_mbq, self.rates_per_h, strict=True)
        return sum(a * exp(-rate * time_h) for a, rate in pairs)

    def own_causes(self) -> frozenset[str]:
        """Causes of one sample only, and the priors': what the curve itself adds."""
        return self.samples.random_causes | {p.cause for p in self.priors}


def fit(
    name: str,
    times_h: Sequence[float],
    activities_mbq: Sequence[Uncertain],
    *,
    physical_half_life_h: float = inf,
    priors: Sequence[Prior] = (),
    slower: str = "refuse",
    noise_u: float = SLOWER_IN_NOISE,
    where: str = "curve",
) -> Fit:
    """Fit one model by weighted least squares of logarithms; with priors it is the MAP.

    A cause of one sample is random and sets the weights; a cause of several is systematic and
    is carried through the estimator's slopes, so a common scale moves the amplitude alone.
    A half-life above the physical one is refused when beyond `noise_u` standard uncertainties,
    else held at decay with a note; `slower="clamp"` holds it in any case, with an S-note.
    Priors on quantities that the model lacks are left out.

    Raises E-TIA-TIME, E-TIA-NONPOS, E-TIA-FEW, E-TIA-NOCLEAR, E-TIA-TEFF-GT-TPHYS, E-TIA-UNSEEN,
    E-TIA-MODEL. Source: weighted least squares; slopes
    by the implicit function theorem.
    """
    chosen, read = model(name), samples(times_h, activities_mbq, where=where)
    used = tuple(p for p in priors if chosen.has(p.quantity))
    enough(chosen, read, used, where)
    problem = Problem(chosen, read, used, LN2 / physical_half_life_h)
    x = solve(problem)
    notes: tuple[Note, ...] = ()
    if "rate" in chosen.logs:
        problem, x, notes = _held_at_decay(problem, x, slower=slower, noise_u=noise_u, where=where)
    _seen(problem, x, where)
    if chosen.name == "physical":
        notes = (note("W-TIA-UPPER", where=where, what="from the start on"),)
    return _report(problem, x, where, notes=(*read.notes, *notes))


def enough(chosen: Model, read: Samples, used: Sequence[Prior], where: str) -> None:
    """Refuse fewer samples and priors than the model needs (E-TIA-FEW)."""
    spare = 0 if used else chosen.spare
    if len(read.times_h) + len(used) < chosen.size + spare:
        raise refusal("E-TIA-FEW", where=where, samples=len(read.times_h), priors=len(used),
                      parameters=chosen.size, model=chosen.name)  # fmt: skip


def _held_at_decay(problem: Problem, x: Array, *, slower: str, noise_u: float, where: str
                   ) -> tuple[Problem, Array, tuple[Note, ...]]:  # fmt: skip
    """The answer with T_eff <= T_phys: as found, held with a note, or refused."""
    rate, physical = exp(x[1]), problem.physical_rate
    last = problem.samples.times_h[-1]
    if rate * last < 1e-3:
        raise refusal("E-TIA-NOCLEAR", where=where, what=f"it does not fall up to {last:g} h")
    if rate >= physical * (1 - 1e-9):
        return problem, x, ()
    u_ln = float(np.linalg.norm(problem.sensitivity(x)[1] * problem.doubt))
    effective, limit = LN2 / rate, LN2 / physical
    if slower != "clamp" and physical - rate > noise_u * u_ln * rate:
        raise refusal("E-TIA-TEFF-GT-TPHYS", where=where, effective=effective, physical=limit)
    code = "S-TIA-CLAMPED" if slower == "clamp" else "W-TIA-AT-PHYSICAL"
    held = replace(problem, held=((1, log(physical)),))
    return held, solve(held), (note(code, where=where, value=effective, limit=limit),)


def _seen(problem: Problem, x: Array, where: str) -> None:
    """Refuse a model of which the readings show some phase not at all (E-TIA-UNSEEN)."""
    held = {problem.model.logs[i] for i, _ in problem.held}
    lost = set(edges(problem, x))
    if not lost:
        u_ln = np.linalg.norm(problem.sensitivity(x) * problem.doubt, axis=1)
        told = zip(problem.model.logs, u_ln, strict=True)
        lost = {name for name, u in told if u > UNSEEN_U_LN}
    if lost - held:
        raise refusal("E-TIA-UNSEEN", where=where, model=problem.model.name,
                      what=" and ".join(sorted(lost - held)))  # fmt: skip


def _weak_notes(found: Mapping[str, Uncertain], told: Sequence[Prior], where: str
                ) -> tuple[Note, ...]:  # fmt: skip
    known = {p.quantity for p in told}
    return tuple(
        note("W-TIA-WEAK", where=where, value=half_life.u_rel, limit=WEAK,
             what=f"the {name} half-life")
        for name, half_life in found.items()
        if name not in known and half_life.u_rel > WEAK
    )  # fmt: skip


def _report(problem: Problem, x: Array, where: str, *, notes: tuple[Note, ...]) -> Fit:
    inputs = [*problem.samples.activities_mbq, *(p.as_datum() for p in problem.priors)]
    carry = Carry(inputs, problem.units, problem.sensitivity(x), np.diag(problem.doubt))
    residuals = problem.residuals(x)
    n = len(problem.samples.times_h)
    freedom = n + len(problem.priors) - problem.model.size + len(problem.held)
    said = Agreement(tuple(map(float, residuals[:n])), float(residuals @ residuals), freedom,
                     problem.told_by_data(x))  # fmt: skip
    return reported(problem, x, carry, said, first=0, where=where, notes=notes)


@dataclass(frozen=True, slots=True)
class Agreement:
    """How a curve agrees with its readings."""

    residuals_u: tuple[float, ...]
    chi2: float
    degrees_of_freedom: int
    parameters_told: float


def reported(problem: Problem, x: Array, carry: Carry, said: Agreement, *, first: int,
             where: str, notes: tuple[Note, ...]) -> Fit:  # fmt: skip
    """A fit as it is handed back; its own samples are the data of `carry` from `first` on."""
    terms = problem.model.build(x, problem.physical_rate)
    parameters = {
        name: carry(*_quantity(terms, x, kind, j)) for name, kind, j in problem.model.reported
    }
    slopes = terms.integral_slopes()
    n, times = len(problem.samples.times_h), problem.samples.times_h
    tia = with_spread(carry(terms.integral(), slopes), problem, x)
    half_lives = _half_lives(problem, terms, carry)
    band = np.linspace(0.0, 1.25 * times[-1], BAND_POINTS)
    tail = terms.integral(times[-1]) / tia.value
    head = 1 - terms.integral(times[0]) / tia.value
    return Fit(
        model=problem.model.name,
        samples=problem.samples,
        parameters=parameters,
        covariance=covariance(list(parameters.values())),
        amplitudes_mbq=tuple(map(float, terms.amplitudes)),
        rates_per_h=tuple(map(float, terms.rates)),
        half_lives_h=half_lives,
        tia_mbq_h=tia,
        tia_weights_h=carry.weights(slopes)[first : first + n],
        residuals_u=said.residuals_u,
        chi2=said.chi2,
        degrees_of_freedom=said.degrees_of_freedom,
        parameters_told=said.parameters_told,
        head_fraction=head,
        tail_fraction=tail,
        band_times_h=tuple(map(float, band)),
        band_u_mbq=carry.random_u(terms.activity_slopes(band)),
        priors=problem.priors,
        notes=(
            *notes,
            *_weak_notes(half_lives, problem.priors, where),
            *share_notes(head, tail, where=where),
        ),
        problem=problem,
    )


class Carry:
    """Carries the doubt of readings and priors through the estimator to a result.

    `inputs` are the readings (of one region, or of several fitted together) and the logarithms
    of priors, `units` what a change of one in each one's logarithm is, `sensitivity`
    d(parameter)/d(ln datum), `root` any root of the covariance of what is random in the data.
    """

    def __init__(self, inputs: Sequence[Uncertain], units: Array, sensitivity: Array, root: Array
                 ) -> None:  # fmt: skip
        self.inputs = inputs
        self.slopes = sensitivity / units
        self.random = sensitivity @ root

    def __call__(self, value: float, gradient: Array) -> Uncertain:
        slopes = gradient @ self.slopes
        pairs = zip(self.inputs, slopes, strict=True)
        return combine(float(value), *((x, float(s)) for x, s in pairs))

    def weights(self, gradient: Array) -> tuple[float, ...]:
        """Slopes of a result with respect to each datum."""
        return tuple(map(float, gradient @ self.slopes))

    def random_u(self, gradients: Array) -> tuple[float, ...]:
        """Standard uncertainties from what is random."""
        return tuple(map(float, np.linalg.norm(gradients @ self.random, axis=1)))


def _quantity(terms: Terms, x: Array, kind: str, j: int) -> tuple[float, Array]:
    if kind == "amplitude":
        return float(terms.amplitudes[j]), terms.d_amplitudes[j]
    if kind == "rate":
        return float(terms.rates[j]), terms.d_rates[j]
    return exp(x[j]), exp(x[j]) * np.eye(len(x))[j]


def _half_lives(problem: Problem, terms: Terms, carry: Carry) -> dict[str, Uncertain]:
    found = {
        name: carry(LN2 / terms.rates[j], -LN2 / terms.rates[j] ** 2 * terms.d_rates[j])
        for name, j in problem.model.half_lives.items()
    }
    biological = terms.rates[0] - problem.physical_rate
    if "effective" in found and problem.physical_rate > 0 and biological > 0:
        slope = -LN2 / biological**2 * terms.d_rates[0]
        value = carry(LN2 / biological, slope)
        if value.u_rel < WEAK:  # else it cannot be told from "never"
            found["biological"] = value
    return found


def share_notes(head: float, tail: float, *, where: str) -> tuple[Note, ...]:
    """Notes on the shares of the TIA before the first and after the last sample."""
    found = []
    if tail > TAIL_BLOCKS:
        found.append(note("S-TIA-TAIL", where=where, value=tail, limit=TAIL_BLOCKS))
    elif tail > TAIL_WARNS:
        found.append(note("W-TIA-TAIL", where=where, value=tail, limit=TAIL_WARNS))
    if head > HEAD_WARNS:
        found.append(note("W-TIA-HEAD", where=where, value=head, limit=HEAD_WARNS))
    return tuple(found)


def gathered(x: Uncertain, causes: frozenset[str], *, under: str) -> Uncertain:
    """The same value with these causes taken together (in quadrature) under one name."""
    kept = {cause: part for cause, part in x.parts.items() if cause not in causes}
    together = sqrt(sum(part**2 for cause, part in x.parts.items() if cause in causes))
    return Uncertain(x.value, {**kept, under: together}) if together else x
