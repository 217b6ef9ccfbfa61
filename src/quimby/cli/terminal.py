"""What the terminal shows: steps with their times, a short summary, errors without traceback."""

from __future__ import annotations

import json
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any

from rich.console import Console

from quimby.core.errors import OutsideError, QuimbyError
from quimby.study.progress import STEPS, Step

WIDTH = 96


def console(*, stderr: bool = False) -> Console:
    """A console of at most 96 columns; plain where output is not a terminal."""
    made = Console(stderr=stderr, highlight=False, soft_wrap=True)
    if made.width > WIDTH:
        made.width = WIDTH
    return made


def print_json(value: Any, *, default: Callable[[Any], Any] | None = None) -> None:
    """One JSON document on standard output; `default` turns what JSON has no word for."""
    json.dump(value, sys.stdout, indent=1, ensure_ascii=False, default=default)
    sys.stdout.write("\n")


class StepLines:
    """Shows each step of a run as it goes, then its seconds. Use as a context manager."""

    def __init__(self, *, quiet: bool) -> None:
        self._out = console(stderr=True)
        self._quiet = quiet
        self._step: str | None = None
        self._began = 0.0
        self._status = None if quiet else self._out.status("")

    def __enter__(self) -> StepLines:
        if self._status is not None and self._out.is_terminal:
            self._status.start()
        return self

    def __call__(self, step: Step) -> None:
        if self._quiet or self._status is None:
            return
        if step.name != self._step:
            self._close()
            self._step, self._began = step.name, time.monotonic()
        text = f"{step.number}/{len(STEPS)} {step.name}"
        self._status.update(f"{text}  {step.detail}  (Ctrl C stops, nothing is half-written)")

    def _close(self) -> None:
        if self._step is not None:
            number = STEPS.index(self._step) + 1
            seconds = time.monotonic() - self._began
            self._out.print(f" {number}/{len(STEPS)} {self._step:<10} {seconds:6.1f} s")

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._status is not None:
            self._status.stop()
        if kind is None and not self._quiet:
            self._close()


def guarded(command: Callable[[], int]) -> int:
    """Run a command; every failure becomes words and an exit code, never a traceback."""
    out = console(stderr=True)
    try:
        return command()
    except QuimbyError as error:
        _say(out, str(error))
        return error.exit_code
    except KeyboardInterrupt:
        _say(out, "Stopped. Nothing half-written was left.")
        return 130
    except OSError as error:
        place = error.filename or "the disk"
        said = error.strerror or error
        _say(out, f"E-OUTSIDE  {said}\n  where  {place}\n  do     check the path, the rights and "
                  "the free space, then run it again")  # fmt: skip
        return OutsideError.exit_code
    except Exception:
        _say(out, "E-QUIMBY  Quimby failed in a way it should not.\n  where  "
                  f"{_log()}\n  do     send that file to the developers; it names no patient data "
                  "beyond file names")  # fmt: skip
        return 1


def _say(out: Console, text: str) -> None:
    out.print("")
    out.print(text, markup=False)


def _log() -> Path:
    with tempfile.NamedTemporaryFile(
        "w", prefix="quimby-error-", suffix=".txt", delete=False, encoding="utf-8"
    ) as file:
        file.write(" ".join(["quimby", *sys.argv[1:]]) + "\n")
        traceback.print_exc(file=file)
        return Path(file.name)
