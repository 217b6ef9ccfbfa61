"""Makes docs/images from the demo's report: python docs/make_pictures.py [REPORT_FOLDER]

Without a folder the demo is run first (minutes). Needs pdftoppm (poppler-utils).
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from PIL import Image

PICTURE = Path(__file__).with_name("images") / "report-page-one.png"
WIDTH = 900
COLOURS = 128
LARGEST = 300_000  # bytes


def make(report: Path) -> None:
    """Page one of a report.pdf as a small PNG."""
    PICTURE.parent.mkdir(exist_ok=True)
    page = PICTURE.with_suffix("")
    subprocess.run(
        ["pdftoppm", "-singlefile", "-f", "1", "-scale-to-x", str(2 * WIDTH), "-scale-to-y", "-1",
         "-png", str(report / "report.pdf"), str(page)],
        check=True,
    )  # fmt: skip
    whole = Image.open(PICTURE).convert("RGB")
    height = round(whole.height * WIDTH / whole.width)
    small = whole.resize((WIDTH, height), Image.Resampling.LANCZOS)
    small.quantize(COLOURS).save(PICTURE, optimize=True)
    size = PICTURE.stat().st_size
    if size > LARGEST:
        raise SystemExit(f"{PICTURE} has {size} bytes, more than {LARGEST}")


def main() -> None:
    """From a finished report, or from a demo made for this."""
    if len(sys.argv) > 1:
        make(Path(sys.argv[1]))
        return
    from quimby.cli.showing import REPORT, demo_job

    with TemporaryDirectory() as folder:
        demo_job(Path(folder))
        make(Path(folder) / REPORT)


if __name__ == "__main__":
    main()
