"""Outlines made from the images themselves: thresholds, growing, spheres, organs.

Every function gives a `Segmented`: a draft outline (a person approves it), its volume with doubt
by cause, how it was made in words, and notes. No network and no learned weights anywhere.
"""

from quimby.measure.segment.body import body
from quimby.measure.segment.bone import bone
from quimby.measure.segment.grow import grow
from quimby.measure.segment.kidneys import kidneys
from quimby.measure.segment.lungs import lungs
from quimby.measure.segment.made import Segmented
from quimby.measure.segment.search import Seed
from quimby.measure.segment.small import small_volume
from quimby.measure.segment.sphere import ellipsoid, sphere
from quimby.measure.segment.threshold import adaptive, fixed_level, fixed_share
from quimby.measure.segment.uniform import uniform_volume

__all__ = [
    "Seed",
    "Segmented",
    "adaptive",
    "body",
    "bone",
    "ellipsoid",
    "fixed_level",
    "fixed_share",
    "grow",
    "kidneys",
    "lungs",
    "small_volume",
    "sphere",
    "uniform_volume",
]
