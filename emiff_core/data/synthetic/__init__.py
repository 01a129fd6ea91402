"""Synthetic drives over crossings, seen from a vehicle and from the roadside, with exact labels."""

from emiff_core.data.synthetic.scene import Scene, build_scene
from emiff_core.data.synthetic.snapshot import Snapshot, cooperative_truth, render_pair
from emiff_core.data.synthetic.write import generate

__all__ = ['Scene', 'Snapshot', 'build_scene', 'cooperative_truth', 'generate', 'render_pair']
