"""Write absorbed fractions into a nuclide's file: python -m quimby.dose.make_spheres Lu-177."""

from __future__ import annotations

import sys
import tomllib
from pathlib import Path

import numpy as np

from quimby.dose.spheres import make_fractions

MARK = "\n# made by python -m quimby.dose.make_spheres\n"


def main(names: list[str]) -> int:
    """Replace the made part of each named file."""
    for name in names:
        file = Path(__file__).parent / "data" / "spheres" / f"{name}.toml"
        given = file.read_text("utf-8").split(MARK)[0].rstrip() + "\n"
        masses = [float(f"{m:.4g}") for m in np.geomspace(1e-3, 1e4, 29)]
        fractions = [round(f, 6) for f in make_fractions(tomllib.loads(given), masses)]
        file.write_text(f"{given}{MARK}mass_g = {masses}\nfraction = {fractions}\n", "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
