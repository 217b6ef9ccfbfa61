"""Commands that outline a folder's own scans, for the one who has no outlines."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from shlex import quote

from quimby.study.sorting import Pair, common_path

NO_CT = "(without a CT organs are outlined on the scan, by threshold)"


def three_ways(folder: Path, pairs: Mapping[str, Pair]) -> dict[str, str]:
    """The words of the question for outlines: commands with the paths of the scan to outline on.

    That is the second scan with a CT, where there are several: the first is mostly blood and
    bladder.
    """
    with_ct = [p for p in pairs.values() if p.ct is not None]
    pair = (with_ct or list(pairs.values()))[:2][-1]
    scan = _typed(folder, common_path(pair.scan.files, folder))
    into = f"-o {_typed(folder, 'outlines.dcm')}"
    if pair.ct is None:
        return {"organs": NO_CT, "scan": scan, "into": into, "external": "(needs a CT)"}
    ct = _typed(folder, common_path(pair.ct.files, folder))
    return {
        "organs": f"quimby outline organs {ct} --spect {scan} {into}",
        "scan": scan, "into": f"-o {_typed(folder, 'lesions.dcm')}",
        "external": f'quimby outline external {ct} {into} '
                    '--command "TotalSegmentator -i {input} -o {output}"',
    }  # fmt: skip


def _typed(folder: Path, relative: str) -> str:
    """A path as it would be typed here."""
    whole = folder / relative
    near = os.path.relpath(whole)
    return quote(near if not near.startswith("..") else str(whole))
