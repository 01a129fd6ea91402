"""EMIFF: camera-only vehicle-infrastructure cooperative 3D detection (arXiv 2402.15272), free of ROS."""

__version__ = '0.1.0'
