"""Rigid transforms, pinhole cameras and boxes: everything that says where things are. NumPy, float64."""

from emiff_core.geometry.boxes import Boxes3D, Detections
from emiff_core.geometry.camera import PinholeCamera

__all__ = ['Boxes3D', 'Detections', 'PinholeCamera']
