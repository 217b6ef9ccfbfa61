"""Who measured, for which centre, and where the certificate goes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Signed:
    """Where a certificate goes (None: nowhere), who measured, for which centre."""

    out: Path | None = None
    by: str = ""
    centre: str = ""

    def free(self) -> None:
        """E-OUT-EXISTS before anything is measured for nothing."""
        from quimby.report.certificate import check_free

        if self.out is not None:
            check_free(self.out)
