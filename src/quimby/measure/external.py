"""An outside program that outlines organs in a CT: a folder in, labels out. Optional.

The centre writes the command; no shell reads it, nothing is installed or loaded here. The CT goes
out as NIfTI, which names no patient. What comes back is a draft that a person approves.
"""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from quimby.core.grid import Grid, Image
from quimby.core.notes import Note, note, refusal
from quimby.core.outline import Making, Outline
from quimby.measure.nifti import ENDINGS, read_labels, write_nifti

TAIL = 400  # letters of a failed program's last words
VERSION_S = 60.0
IN, OUT = ("{ct}", "{input}", "{folder}"), ("{out}", "{output}")
"""Places in a command: what the program is given, and where it leaves its labels."""


@dataclass(frozen=True, slots=True)
class Segmenter:
    """How a centre calls its program.

    `command` holds {ct} (or {input}), the NIfTI file it is given, or {folder}, the folder with
    nothing but that file; and {out} (or {output}), the empty folder for its labels (or a file in
    it, as "{out}/labels.nii.gz"). `version_command` prints a version. `names` gives the
    regions of a label map that does not say them itself.
    """

    command: str
    version_command: str = ""
    timeout_s: float = 1800.0
    names: Mapping[int, str] | None = None


@dataclass(frozen=True, eq=False)
class Found:
    """Draft outlines of an outside program, its version in words, and notes."""

    outlines: tuple[Outline, ...]
    version: str
    notes: tuple[Note, ...]


def outline_with(segmenter: Segmenter, ct: Image, *, frame_of_reference: str) -> Found:
    """Run the centre's program on a CT (HU) and read the labels it leaves.

    It runs in a fresh folder that is removed afterwards, in a process group of its own that is
    ended with all its children when time is up.

    Raises
    ------
    E-SEG-TOOL-COMMAND for a command without {ct} or {out}, or one that cannot be taken apart,
    E-SEG-TOOL-MISSING where the program is not installed, E-SEG-TOOL-TIME, E-SEG-TOOL-FAILED
    with its last words, E-SEG-TOOL-EMPTY where it leaves no labels, E-IMG-UNIT for a CT that is
    not in HU, and the errors of `read_labels`.
    """
    if ct.unit != "HU":
        raise refusal("E-IMG-UNIT", where="outside program", unit=ct.unit, wanted="HU")
    words = _words(segmenter.command)
    said, notes = _version(segmenter)
    with TemporaryDirectory(prefix="quimby-") as held:
        folder = Path(held)
        out = folder / "out"
        out.mkdir()
        given = folder / "in"
        given.mkdir()
        file = write_nifti(ct, given / "ct.nii.gz")
        filled = [_filled(word, file, out) for word in words]
        _run(filled, folder, segmenter.timeout_s)
        author = f"{Path(words[0]).name} {said}".strip()
        shown = " ".join(Path(w).name if Path(w).is_absolute() else w for w in words)
        about = (replace(segmenter, command=shown), frame_of_reference, author)
        outlines, read_notes = _read(out, ct.grid, about)
    return Found(outlines, said, (*notes, *read_notes))


def _words(command: str) -> list[str]:
    """The command as words; places are filled later, so that a path with a space stays one."""
    try:
        words = shlex.split(command)
    except ValueError:
        words = []
    for places in (IN, OUT):
        if not any(place in word for word in words for place in places):
            raise refusal("E-SEG-TOOL-COMMAND", where=command or "the command", place=places[0])
    return words


def _filled(word: str, file: Path, out: Path) -> str:
    values = {"{ct}": file, "{input}": file, "{folder}": file.parent, "{out}": out, "{output}": out}
    for place, value in values.items():
        word = word.replace(place, str(value))
    return word


def _read(
    out: Path, grid: Grid, about: tuple[Segmenter, str, str]
) -> tuple[tuple[Outline, ...], tuple[Note, ...]]:
    segmenter, frame, author = about
    if not any(f.name.lower().endswith(ENDINGS) for f in out.iterdir()):
        raise refusal("E-SEG-TOOL-EMPTY", where=segmenter.command)
    found = read_labels(out, frame_of_reference=frame, names=segmenter.names, like=grid,
                        author=author, machine=True)  # fmt: skip
    outlines = tuple(
        Outline(o.name, o.frame_of_reference, mask=o.mask, machine=True, author=author,
                origin=f"{segmenter.command}: {o.origin}",
                made=Making("outside program", author, segmenter.command, "program",
                            automatic=True, parameters={"label": o.origin}))
        for o in found.outlines
    )  # fmt: skip
    return outlines, found.notes


def _version(segmenter: Segmenter) -> tuple[str, tuple[Note, ...]]:
    """First line that the version command prints; W-SEG-TOOL-VERSION where nobody can tell."""
    said = ""
    if segmenter.version_command:
        with TemporaryDirectory(prefix="quimby-") as held:
            output = _run(shlex.split(segmenter.version_command), Path(held), VERSION_S)
        said = next((line.strip() for line in output.splitlines() if line.strip()), "")
    if said:
        return said, ()
    return "", (note("W-SEG-TOOL-VERSION", where=segmenter.command),)


def _run(words: Sequence[str], folder: Path, timeout_s: float) -> str:
    """Run a program to its end and hand back what it said, or refuse."""
    log = folder / "said.txt"
    with log.open("wb") as sink:
        try:
            process = subprocess.Popen(
                words, cwd=folder, stdin=subprocess.DEVNULL, stdout=sink,
                stderr=subprocess.STDOUT, start_new_session=True,
            )  # fmt: skip
        except OSError:
            raise refusal("E-SEG-TOOL-MISSING", where=words[0], program=words[0]) from None
        try:
            code = process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            raise refusal("E-SEG-TOOL-TIME", where=words[0], seconds=f"{timeout_s:g}") from None
        finally:
            _end(process)
    said = log.read_text("utf-8", errors="replace")
    if code != 0:
        last = " ".join(said[-TAIL:].split()) or "nothing"
        raise refusal("E-SEG-TOOL-FAILED", where=words[0], status=code, last=last)
    return said


def _end(process: subprocess.Popen[bytes]) -> None:
    """End the program's whole group: its children would go on writing into a removed folder."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
