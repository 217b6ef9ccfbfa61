"""From the paths of a study to the files they stand for, and their digests."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

from quimby.core.notes import refusal
from quimby.measure.dicom import Survey, read_ct, survey
from quimby.measure.dicom.opened import Opened
from quimby.measure.dicom.split_series import AND
from quimby.measure.scans import CtScan
from quimby.study.document import Series
from quimby.study.result import InputFile


class Shelf:
    """Finds the files of a series under a study's folder; each folder is looked through once."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.shown: dict[str, str] = {}  # absolute path -> as notes and the trace name it
        self._surveys: dict[Path, Survey] = {}
        self._opened: dict[Path, Opened] = {}  # headers of CT slices that were not read yet

    def path(self, relative: str) -> Path:
        """An existing path of the study, or E-STUDY-FILE."""
        found = self.folder / relative
        if not found.exists():
            raise refusal("E-STUDY-FILE", where="study document", path=relative)
        return found.resolve()

    def files(self, series: Series) -> tuple[Path, ...]:
        """Every file of the series under its path, with maps that belong to it.

        UIDs joined by " + " are parts of one CT. E-STUDY-SERIES when no file, or (no UID being
        given) more than one series, lies there.
        """
        root = self.path(series.path)
        if root not in self._surveys:
            self._surveys[root] = survey(root, keep=self._opened)
        seen = self._surveys[root]
        images = [s for s in seen.series if s.kind not in ("rwvm", "rtstruct", "seg", "rtdose")]
        parts = series.series.split(AND)
        found = [s for s in images if series.series == "" or s.series_uid in parts]
        if len(found) != len(parts):
            wanted = series.series or f"one series only ({len(found)} lie there)"
            raise refusal("E-STUDY-SERIES", where="study document", path=series.path,
                          series=wanted)  # fmt: skip
        files = tuple(path for one in found for path in seen.files_for(one))
        for file in files:
            self.shown |= {str(p): self._shown(p) for p in (file, file.parent)}
        return files

    def ct(self, series: Series) -> CtScan:
        """The CT of a series; its headers are not read a second time."""
        files = self.files(series)
        found = read_ct(files, opened=self._opened, split=AND in series.series)
        for file in files:
            self._opened.pop(file, None)
        return found

    def entry(self, role: str, files: Iterable[Path]) -> InputFile:
        """One line of the trace: what the files are for, and one digest over them all."""
        names = sorted(files)
        whole = hashlib.sha256()
        for name in names:
            whole.update(hashlib.sha256(name.read_bytes()).digest())
        shown = names[0] if len(names) == 1 else names[0].parent
        return InputFile(role, self._shown(shown), len(names), whole.hexdigest())

    def _shown(self, path: Path) -> str:
        """Relative to the study where it can be: a report names no machine's folders."""
        root = self.folder.resolve()
        if path.resolve().is_relative_to(root):
            return path.resolve().relative_to(root).as_posix()
        return f"{path.parent.name}/{path.name}"
