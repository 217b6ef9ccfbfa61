"""Which dead-time model a counter obeys: both fitted to one decaying source, and compared."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from quimby.core.errors import QuimbyError
from quimby.core.notes import Note, in_order, note
from quimby.devices import dead_time
from quimby.devices.counting import Counting
from quimby.devices.two_source import DecayFit, decaying_source
from quimby.physics.decay import decay_factor

TOLD_APART = 4.0  # difference of chi-square that tells two models of equal freedom apart [P]


@dataclass(frozen=True, slots=True)
class Compared:
    """Both models on the same readings; a model that does not fit at all is left out.

    `decayed` is what was left of the source at each reading, one at time zero.
    """

    readings: tuple[Counting, ...]
    decayed: tuple[float, ...]
    background_cps: float
    fits: Mapping[str, DecayFit]
    chosen: str
    notes: tuple[Note, ...] = ()

    @property
    def fit(self) -> DecayFit:
        """The fit of the chosen model."""
        return self.fits[self.chosen]

    def true_cps(self, model: str) -> tuple[float, ...]:
        """True rate at each reading by that model's fit, background included."""
        start = self.fits[model].start_cps.value
        return tuple(start * d + self.background_cps for d in self.decayed)

    def expected_cps(self, model: str) -> tuple[float, ...]:
        """Rate the counter should have shown at each reading, by that model's fit."""
        tau = self.fits[model].busy.tau_s.value
        return tuple(dead_time.observed_rate(n, tau, model=model) for n in self.true_cps(model))

    def residuals(self, model: str) -> tuple[float, ...]:
        """(seen - expected) in standard uncertainties of the counts."""
        return tuple(
            (r.rate_cps.value - e) / r.rate_cps.u
            for r, e in zip(self.readings, self.expected_cps(model), strict=True)
        )

    @property
    def delta_chi2(self) -> float | None:
        """Chi-square of the other model less that of the chosen one; None without another."""
        others = [f.chi2 for name, f in self.fits.items() if name != self.chosen]
        return others[0] - self.fit.chi2 if others else None


def compare(
    times_h: Sequence[float],
    readings: Sequence[Counting],
    *,
    half_life_h: float,
    background_cps: float = 0.0,
    model: str | None = None,
    where: str = "decaying-source method",
) -> Compared:
    """Fit both models; the one that fits better is chosen, unless `model` names it.

    Raises what `decaying_source` raises where no model fits (or the named one does not).
    W-CNT-MODELS where the readings do not tell the two apart.
    """
    fits: dict[str, DecayFit] = {}
    failed: list[QuimbyError] = []
    for name in dead_time.MODELS:
        try:
            fits[name] = decaying_source(times_h, readings, half_life_h=half_life_h, model=name,
                                         background_cps=background_cps, where=where)  # fmt: skip
        except QuimbyError as error:
            if name == model or error.code != "E-CNT-DECAY-FIT":
                raise
            failed.append(error)
    if not fits:
        raise failed[0]
    chosen = model or min(fits, key=lambda name: fits[name].chi2)
    decayed = tuple(decay_factor(t, half_life_h) for t in times_h)
    made = Compared(tuple(readings), decayed, background_cps, fits, chosen, fits[chosen].notes)
    return _noted(made, where)


def _noted(made: Compared, where: str) -> Compared:
    delta = made.delta_chi2
    notes = made.notes
    if delta is not None and abs(delta) < TOLD_APART:
        said = note("W-CNT-MODELS", where=where, value=abs(delta), limit=TOLD_APART)
        notes = in_order((*notes, said))
    elif delta is not None and delta < 0:
        said = note("W-CNT-OTHER-MODEL", where=where, value=-delta, limit=TOLD_APART,
                    model=made.chosen)  # fmt: skip
        notes = in_order((*notes, said))
    return Compared(made.readings, made.decayed, made.background_cps, made.fits, made.chosen, notes)
