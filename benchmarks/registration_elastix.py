"""The peer of `benchmarks/registration.py`: elastix's default rigid registration, by itself.

Runs in a Python that has itk-elastix (which the project has not, and which crashes beside
SimpleITK). Reads the name of an .npz of two images a line, answers with a line of JSON.
"""

import json
import sys
from math import cos, sin
from time import perf_counter
from typing import Any

import itk  # type: ignore[import-not-found,unused-ignore]
import numpy as np


def image(array: Any, spacing: Any, origin: Any) -> Any:
    """An ITK image of an array [slice, row, column] on the patient's axes."""
    made = itk.image_from_array(np.ascontiguousarray(array, dtype=np.float32))
    made.SetSpacing([float(v) for v in spacing])
    made.SetOrigin([float(v) for v in origin])
    return made


def matrix(parameters: list[float], centre: Any) -> Any:
    """(3, 4) from fixed to moving points, of an EulerTransform with ComputeZYX false."""
    (a, b, c), shift = parameters[:3], np.array(parameters[3:])
    x = np.array([[1, 0, 0], [0, cos(a), -sin(a)], [0, sin(a), cos(a)]])
    y = np.array([[cos(b), 0, sin(b)], [0, 1, 0], [-sin(b), 0, cos(b)]])
    z = np.array([[cos(c), -sin(c), 0], [sin(c), cos(c), 0], [0, 0, 1]])
    rotation = z @ x @ y
    return np.column_stack([rotation, centre + shift - rotation @ centre])


def main() -> None:
    """One registration for each line read."""
    rigid = itk.ParameterObject.New()
    settings = rigid.GetDefaultParameterMap("rigid")
    settings["WriteResultImage"] = ["false"]  # the moved image is no part of finding the movement
    rigid.AddParameterMap(settings)
    for line in sys.stdin:
        given = np.load(line.strip())
        fixed, moving = (
            image(given[name], given["spacing"], given["origin"]) for name in ("fixed", "moving")
        )
        started = perf_counter()
        _, found = itk.elastix_registration_method(fixed, moving, parameter_object=rigid)
        seconds = perf_counter() - started
        numbers = [float(v) for v in found.GetParameter(0, "TransformParameters")]
        centre = np.array([float(v) for v in found.GetParameter(0, "CenterOfRotationPoint")])
        answer = {"seconds": seconds, "matrix": matrix(numbers, centre).tolist()}
        print("ANSWER " + json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
