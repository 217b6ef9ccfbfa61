"""PET that was reconstructed under another nuclide, or another branching ratio, made right."""

from __future__ import annotations

from dataclasses import dataclass

from quimby.core.notes import Note, note, refusal
from quimby.core.numbers import above_zero
from quimby.core.source import Constant
from quimby.core.uncertain import Uncertain, combine
from quimby.physics.decay import decay_factor, factor_to_start

Y90_POSITRONS = Constant(
    "positrons a decay of 90Y", 31.86e-6, "1",
    "Selwyn et al. 2007, quoted in Willowson et al. 2015 (QUEST)", "V", u=0.47e-6,
)  # fmt: skip
NOISY_ML, NOISY_COV = 10.0, 0.30
SAME_BRANCHING = 0.05  # beyond it another nuclide was set, not another figure for the same [P]


@dataclass(frozen=True, slots=True)
class Assumed:
    """What the scanner used: branching, half-life, and whether decay while scanning was undone."""

    nuclide: str
    branching: float
    half_life_h: float | None = None
    during_scan_undone: bool = True


@dataclass(frozen=True, slots=True)
class Rescaled:
    """The factor that makes concentrations right, and what was noted."""

    factor: Uncertain
    notes: tuple[Note, ...]

    def applied(self, bq_ml: float) -> Uncertain:
        """A concentration of the image made right."""
        return self.factor.scaled(bq_ml)


def rescale(
    assumed: Assumed,
    *,
    nuclide: str,
    branching: Uncertain,
    half_life_h: float,
    duration_h: float | None = None,
    start_after_reference_h: float = 0.0,
    where: str = "PET",
) -> Rescaled:
    """Factor from a PET made under `assumed` to the true nuclide, at the same reference time.

    c = c_image (BR_used / BR_true) (f_true / f_used) (e^{l_true dt} / e^{l_used dt}): the
    branching, the decay while the scan of `duration_h` lasted, and the decay between the
    reference time and the start of the acquisition (dt, `start_after_reference_h`). With the
    same half-life only the branching remains; then the duration may be left out. Where the
    scanner did not undo the decay during the scan (`during_scan_undone` false), it is undone.
    W-PET-NUCLIDE where another nuclide had been set. Raises E-PET-RESCALE, E-NUM-NONPOS.
    """
    above_zero(assumed.branching, "the branching ratio used", "", where=where)
    above_zero(branching.value, "the branching ratio", "", where=where)
    above_zero(half_life_h, "the half-life", "h", where=where)
    ratio = assumed.branching / branching.value
    value = ratio * _decay(assumed, half_life_h, duration_h, start_after_reference_h, where)
    factor = combine(value, (branching, -value / branching.value))
    other = assumed.nuclide.casefold() != nuclide.casefold() or abs(ratio - 1.0) > SAME_BRANCHING
    said = note("W-PET-NUCLIDE", where=where, named=assumed.nuclide or "no nuclide", true=nuclide,
                value=value)  # fmt: skip
    return Rescaled(factor, (said,) if other else ())


def _decay(
    assumed: Assumed, half_life_h: float, duration_h: float | None, start_h: float, where: str
) -> float:
    used = assumed.half_life_h
    if used is None or used == half_life_h:
        if assumed.during_scan_undone:
            return 1.0
        used = half_life_h
    if duration_h is None:
        raise refusal("E-PET-RESCALE", where=where, why="how long it lasted is not known")
    undone = factor_to_start(duration_h, used) if assumed.during_scan_undone else 1.0
    during = factor_to_start(duration_h, half_life_h) / undone
    # decay_factor(-t) is the growth back over t.
    return during * decay_factor(-start_h, half_life_h) / decay_factor(-start_h, used)


def noise_notes(volume_ml: float, variation: float, *, where: str) -> tuple[Note, ...]:
    """W-PET-NOISE for a region under 10 ml or with a coefficient of variation above 30 %."""
    said = []
    if volume_ml < NOISY_ML:
        said.append(f"{volume_ml:.1f} ml (at least {NOISY_ML:g} ml)")
    if variation > NOISY_COV:
        said.append(f"a variation of {variation:.0%} (at most {NOISY_COV:.0%})")
    what = " and ".join(said)
    return (note("W-PET-NOISE", where=where, what=what),) if said else ()
