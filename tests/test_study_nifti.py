"""Outlines as NIfTI labels in a study, beside the same ones as RTSTRUCT."""

from __future__ import annotations

from pathlib import Path

import pytest

from quimby.core.errors import QuimbyError
from quimby.core.grid import Grid
from quimby.measure.nifti import write_labels
from quimby.measure.occupancy import region_mask, volume_ml
from quimby.study.document import Study
from quimby.study.draft import draft
from quimby.study.inputs import Inputs, read_inputs
from quimby.study.progress import silent
from tests.variants import quick_patient


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    return draft(quick_patient(tmp_path_factory), answers={"residue": "0"}).study()


def read(study: Study, paths: list[str] | None = None) -> Inputs:
    given = study.document.administrations[-1]
    assert given.outlines is not None
    if paths is not None:
        outlines = given.outlines.model_copy(update={"paths": paths})
        given = given.model_copy(update={"outlines": outlines})
    return read_inputs(study, given, progress=silent)


@pytest.fixture(scope="module")
def drawn(study: Study) -> Inputs:
    return read(study)


def test_labels_are_the_outlines_they_were_made_from(
    study: Study, drawn: Inputs, tmp_path: Path
) -> None:
    ct = drawn.reference_ct
    assert ct is not None
    organs = [o for o in drawn.outlines if o.name.startswith(("Kidney", "Spleen"))]
    write_labels(organs, ct.image.grid, tmp_path / "labels.nii.gz")
    found = {o.name: o for o in read(study, [str(tmp_path / "labels.nii.gz")]).outlines}
    assert found.keys() == {o.name for o in organs}
    for one in organs:
        before, after = (volume_ml(region_mask(x)) for x in (one, found[one.name]))
        assert after == pytest.approx(before, rel=0.06)  # whole voxels of a coarse CT


def test_labels_off_the_ct_they_were_drawn_on_are_refused(
    study: Study, drawn: Inputs, tmp_path: Path
) -> None:
    assert drawn.reference_ct is not None
    grid = drawn.reference_ct.image.grid
    moved = grid.affine.copy()
    moved[0, 3] += 5.0
    write_labels(drawn.outlines[:1], Grid(grid.shape, moved), tmp_path / "moved.nii")
    with pytest.raises(QuimbyError) as error:
        read(study, [str(tmp_path / "moved.nii")])
    assert error.value.code == "E-NII-GRID"
