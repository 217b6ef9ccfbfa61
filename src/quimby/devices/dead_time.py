"""Counts lost while the camera is busy, and how to get them back."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from importlib.resources import files
from math import e, exp, log

from scipy.special import lambertw

from quimby.core.notes import Note, note, refusal
from quimby.core.source import Constant
from quimby.core.uncertain import Uncertain, combine

MODELS = ("paralysable", "non-paralysable")
LOSS_LIMIT = 0.02  # loss that needs a correction [P]
HIGH = 0.5  # n tau above which the result hangs on tau [P]


@dataclass(frozen=True, slots=True)
class DeadTime:
    """True rate in cps, and the factor true / observed."""

    true_cps: Uncertain
    factor: Uncertain
    notes: tuple[Note, ...] = ()


def observed_rate(true_cps: float, tau_s: float, *, model: str = "paralysable") -> float:
    """Rate the camera shows, cps: n exp(-n tau), or n / (1 + n tau)."""
    _check(true_cps, tau_s, model)
    load = true_cps * tau_s
    return true_cps * exp(-load) if model == "paralysable" else true_cps / (1.0 + load)


def maximum_rate(tau_s: float, *, model: str = "paralysable") -> float:
    """Highest rate the camera can show, cps: 1/(e tau), or 1/tau."""
    _check(0.0, tau_s, model)
    if tau_s == 0:
        return float("inf")
    return 1.0 / (e * tau_s) if model == "paralysable" else 1.0 / tau_s


def true_rate(observed_cps: float, tau_s: float, *, model: str = "paralysable") -> float:
    """Rate that would be seen without dead time, cps; the lower of the two solutions.

    Paralysable: -W0(-m tau)/tau with the principal Lambert branch. Raises E-DT-NOSOLUTION
    above the highest rate the camera can show.
    Source: Heemskerk and Defrise, EJNMMI Phys 2020;7.
    """
    _check(observed_cps, tau_s, model)
    if tau_s == 0 or observed_cps == 0:
        return observed_cps
    load, limit = observed_cps * tau_s, maximum_rate(tau_s, model=model)
    if observed_cps > limit or (model != "paralysable" and observed_cps >= limit):
        raise refusal("E-DT-NOSOLUTION", where="dead time", rate=observed_cps, limit=limit,
                      tau_us=tau_s * 1e6)  # fmt: skip
    if model == "paralysable":
        return -float(lambertw(-load).real) / tau_s
    return observed_cps / (1.0 - load)


def corrected_rate(
    observed_cps: float, tau_s: Uncertain, *, model: str = "paralysable"
) -> DeadTime:
    """True rate and factor with the doubt of tau. W-DT-HIGH where n tau exceeds 0.5.

    dn/dtau = n^2/(1 - n tau), or n^2: the doubt runs away towards the highest rate.
    """
    n = true_rate(observed_cps, tau_s.value, model=model)
    load = n * tau_s.value
    left = 1.0 - load if model == "paralysable" else 1.0
    if left <= 1e-6:
        raise refusal("E-DT-NOSOLUTION", where="dead time", rate=observed_cps,
                      limit=observed_cps, tau_us=tau_s.value * 1e6)  # fmt: skip
    rate = combine(n, (tau_s, n**2 / left))
    factor = rate.scaled(1.0 / observed_cps) if observed_cps else Uncertain(1.0)
    notes = (note("W-DT-HIGH", where="dead time", value=load, limit=HIGH),) if load > HIGH else ()
    return DeadTime(rate, factor, notes)


def rate_at_factor(factor: float, tau_s: float, *, model: str = "paralysable") -> float:
    """True rate, cps, at which the correction reaches `factor` (1 or more)."""
    _check(0.0, tau_s, model)
    if factor < 1 or tau_s == 0:
        raise refusal("E-DT-INPUT", where="dead time", what="correction factor", value=factor)
    return (log(factor) if model == "paralysable" else factor - 1.0) / tau_s


def typical_tau() -> Constant:
    """Dead time of a common camera at 208 keV, s: to see whether a loss may matter."""
    text = files("quimby.devices").joinpath("data", "dead_time.toml").read_text("utf-8")
    return Constant("dead time, 208 keV photopeak", unit="s", **tomllib.loads(text)["lu177_208kev"])


def uncorrected_loss(observed_cps: float, *, corrected: bool, where: str) -> DeadTime:
    """What dead time may have cost a scan, judged by `typical_tau`; the rate is not changed.

    `factor` is 1 with the lost share as its doubt ("dead time") where nothing corrects it and
    the loss exceeds 2 %; then W-DT-UNCORRECTED. `observed_cps` is of one head's photopeak.
    """
    tau = typical_tau()
    loss = 1.0 - observed_cps / true_rate(observed_cps, tau.value) if observed_cps else 0.0
    if corrected or loss <= LOSS_LIMIT:
        return DeadTime(Uncertain(observed_cps), Uncertain(1.0))
    said = note("W-DT-UNCORRECTED", where=where, value=loss, limit=LOSS_LIMIT)
    parts = {"dead time": loss}
    rate = Uncertain(observed_cps, {"dead time": loss * observed_cps})
    return DeadTime(rate, Uncertain(1.0, parts), (said,))


def _check(rate_cps: float, tau_s: float, model: str) -> None:
    if model not in MODELS:
        raise refusal("E-DT-MODEL", where="dead time", model=model, models=" or ".join(MODELS))
    for what, value in (("count rate", rate_cps), ("dead time", tau_s)):
        if not 0 <= value < float("inf"):
            raise refusal("E-DT-INPUT", where="dead time", what=what, value=value)
