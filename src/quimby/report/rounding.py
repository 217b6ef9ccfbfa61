"""Numbers as a person reads them: rounded once, from unrounded values, half to even.

Rules: u to 2 significant digits and the value to the same decimal; intervals to the decimal of
2 digits of U = 2u; Gy/GBq 2 digits; a thin space from 10 000; k = 1 after ±, k = 2 only as an
interval "a–b". What is not known says so.
"""

from __future__ import annotations

import re
from decimal import ROUND_HALF_EVEN, Decimal

from quimby.core.uncertain import Uncertain

THIN = "\u2009"
MINUS = "\u2212"
NOT_KNOWN = "not known"
MBQ_PER_GBQ = 1000.0
GROUPED_FROM = 10_000
POWER = re.compile(r"(?<![\w.])\d(?:\.\d+)?e\+\d+")
NAUGHT = re.compile(r"[−-]0(?=(?:\.0+)?$)")
LONG = re.compile(r"(?<![\w.,:/-])\d{5,}(?![\w:/-]|\.\w)")
NOTHING = 1e-14  # relative u that only the rounding of floats leaves


def _exponent(number: Decimal, digits: int) -> int:
    """Power of ten of the last of `digits` significant digits, after rounding."""
    first = number.adjusted() - digits + 1
    return number.quantize(Decimal(1).scaleb(first), ROUND_HALF_EVEN).adjusted() - digits + 1


def _decimal(x: float) -> Decimal:
    """The shortest decimal that is this float: 0.125 stays a tie, 2.675 is one too."""
    return Decimal(repr(float(x)))


def last_place(u: float, digits: int = 2) -> int:
    """Exponent of ten at which a value with this doubt is cut (-2 for 0.42, 0 for 16)."""
    return 0 if u == 0 else _exponent(abs(_decimal(u)), digits)


def fixed(x: float, place: int) -> str:
    """`x` rounded half to even at 10**place, trailing zeros kept, thin space from 10 000."""
    cut = _decimal(x).quantize(Decimal(1).scaleb(place), ROUND_HALF_EVEN)
    if cut == 0:
        cut = abs(cut)
    return _grouped(f"{cut:f}")


def _grouped(text: str) -> str:
    sign, digits = (MINUS, text[1:]) if text.startswith("-") else ("", text)
    whole, dot, rest = digits.partition(".")
    if len(whole) >= len(str(GROUPED_FROM)):
        whole = f"{int(whole):,}".replace(",", THIN)
    return f"{sign}{whole}{dot}{rest}"


def grouped_in(text: str) -> str:
    """A text with its long numbers as a person reads them: 11 660 000 for 1.166e+07 and 10336;
    zero has no sign."""
    plain = POWER.sub(lambda found: f"{_decimal(float(found[0])):f}".removesuffix(".0"), text)
    plain = NAUGHT.sub("0", plain)
    return LONG.sub(lambda found: _grouped(found[0]), plain)


def significant(x: float, digits: int = 2) -> str:
    """`x` to that many significant digits: 0.46, 4.2, 31."""
    return "0" if x == 0 else fixed(x, min(0, last_place(x, digits)) if abs(x) >= 1 else
                                    last_place(x, digits))  # fmt: skip


def value_and_u(x: Uncertain) -> tuple[str, str]:
    """Value and standard uncertainty as two texts; the second is `not known` without causes."""
    if x.u <= NOTHING * abs(x.value):
        return significant(x.value, 3), NOT_KNOWN
    place = last_place(x.u)
    return fixed(x.value, place), fixed(x.u, place)


def plus_minus(x: Uncertain, unit: str = "") -> str:
    """ "3.42 ± 0.42 Gy"; "± not known" where no cause of doubt is carried."""
    value, u = value_and_u(x)
    tail = f" {unit}" if unit else ""
    return f"{value}{tail}, ± {NOT_KNOWN}" if u == NOT_KNOWN else f"{value} ± {u}{tail}"


def interval(x: Uncertain) -> str:
    """95 % interval "a–b" (k = 2); log-normal above 30 % doubt, never below zero for a dose."""
    if x.u <= NOTHING * abs(x.value):
        return NOT_KNOWN
    low, high = x.interval(2.0)
    place = last_place(2 * x.u)
    return f"{fixed(low, place)}–{fixed(high, place)}"


def percent(fraction: float) -> str:
    """Whole per cent; "< 1 %" and "< 0.1 %" for small shares that are not nothing."""
    if fraction == 0:
        return "0 %"
    if 0 < fraction < 0.001:
        return "< 0.1 %"
    if 0 < fraction < 0.01:
        return "< 1 %"
    return f"{fixed(100 * fraction, 0)} %"


def probability(p: float) -> str:
    """A chance in per cent, open at both ends: "below 0.1 %", "12 %", "above 99.9 %"."""
    if p < 0.001:
        return "below 0.1 %"
    if p < 0.01:
        return "below 1 %"
    if p > 0.999:
        return "above 99.9 %"
    return f"{fixed(100 * p, 0)} %"


def deviation(found: float, wanted: float) -> str:
    """Signed per cent to one decimal: "−0.4 %"."""
    share = fixed(100 * (found / wanted - 1), -1)
    return f"{share} %" if share.startswith(MINUS) or share == "0.0" else f"+{share} %"


def hours(x: float) -> str:
    """Hours to 0.1, with the unit."""
    return f"{fixed(x, -1)} h"


def activity(x: Uncertain) -> tuple[str, str, str]:
    """(value, u, unit): MBq below 1 GBq, else GBq."""
    in_gbq = abs(x.value) >= MBQ_PER_GBQ
    value, u = value_and_u(x.scaled(1 / MBQ_PER_GBQ) if in_gbq else x)
    return value, u, "GBq" if in_gbq else "MBq"


def plain_activity(x_mbq: float, digits: int = 3) -> str:
    """An activity without doubt, "7.40 GBq"."""
    if abs(x_mbq) >= MBQ_PER_GBQ:
        return f"{significant(x_mbq / MBQ_PER_GBQ, digits)} GBq"
    return f"{significant(x_mbq, digits)} MBq"


def centile(x: float) -> str:
    """A centile as a whole number, "< 1" and "> 99" at the ends."""
    if x < 1:
        return "< 1"
    return "> 99" if x > 99 else fixed(x, 0)
