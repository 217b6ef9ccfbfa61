"""Every error raised on purpose, sorted by who can mend it.

* QuimbyError
  x InputError         the person at the form: a value, a file, a time
  x ReferenceMissing   the keeper of the shelf: a nuclide, table or calibration we lack
  x MethodUnfit        the physicist: this method's own conditions are not met
  x OutsideError       outside us: disk full, archive not reachable

A doubt that still allows an answer is no error: it is a `Note` on the result. Texts and
remedies stand in the catalogue (one TOML file an area), so a code means one thing everywhere.
"""

from __future__ import annotations


class QuimbyError(Exception):
    """Says what is wrong, where it stands, and what to do about it."""

    exit_code = 1
    http_status = 500

    def __init__(self, code: str, what: str, *, where: str, do: str) -> None:
        super().__init__(f"{code}  {what}\n  where  {where}\n  do     {do}")
        self.code, self.what, self.where, self.do = code, what, where, do


class InputError(QuimbyError):
    """A value, a file or a time that the user gave is wrong or missing."""

    exit_code = 10
    http_status = 422


class ReferenceMissing(QuimbyError):
    """A calibration, nuclide or table is missing."""

    exit_code = 11
    http_status = 409


class MethodUnfit(QuimbyError):
    """The method's own conditions are not met."""

    exit_code = 12
    http_status = 409


class OutsideError(QuimbyError):
    """Something outside Quimby failed: disk, archive, store."""

    exit_code = 14
    http_status = 503


FAMILIES: dict[str, type[QuimbyError]] = {
    "input": InputError,
    "reference": ReferenceMissing,
    "method": MethodUnfit,
    "outside": OutsideError,
}
