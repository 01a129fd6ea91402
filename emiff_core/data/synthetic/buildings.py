"""Houses: walls with windows, shop fronts, plinths and cornices."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from emiff_core.data.synthetic.mesh import Mesh, MeshBuilder, jittered, raised, wall

_WALLS = np.array(
    [[176, 196, 208], [150, 172, 190], [120, 140, 172], [96, 112, 158], [200, 205, 208], [158, 160, 158],
     [168, 188, 176], [182, 170, 150], [110, 120, 130]], dtype=np.float64)  # fmt: skip
_GLASS = np.array([112.0, 96, 82])
_UP = np.array([0.0, 0.0, 1.0])
_SHOP_FRONT, _UPPER_FLOOR = 0.10, 0.24  # share of a bay left and right of its window


def build_house(footprint: NDArray[np.float64], height: float, rng: np.random.Generator) -> Mesh:
    """Build a house on a convex footprint (N, 3), metres on the ground, with a flat roof `height` metres above it."""
    builder = MeshBuilder()
    paint = jittered(rng, _WALLS[rng.integers(len(_WALLS))], 0.12).clip(0, 245)
    glass = _GLASS * rng.uniform(0.75, 1.3)
    storey, bay = rng.uniform(3.0, 3.6), rng.uniform(2.6, 4.2)
    is_shop = bool(rng.random() < 0.5)
    inside = raised(footprint.mean(axis=0), height / 2)
    for a, b in zip(footprint, np.roll(footprint, -1, axis=0), strict=True):
        builder.face(wall(a, b, 0, height), paint, inside)
        _Facade(builder, a, b, paint, glass, rng).paint(height, storey, bay, is_shop)
    builder.face(raised(footprint, height), paint * 0.7, inside)
    return builder.build()


class _Facade:
    """Paints the wall added last to a builder, which stands on the line from a to b (3,)."""

    def __init__(
        self,
        builder: MeshBuilder,
        a: NDArray[np.float64],
        b: NDArray[np.float64],
        paint: NDArray[np.float64],
        glass: NDArray[np.float64],
        rng: np.random.Generator,
    ) -> None:
        self._builder = builder
        self._start = a
        self._length = float(np.linalg.norm(b - a))
        self._along = (b - a) / self._length
        self._paint, self._glass, self._rng = paint, glass, rng

    def paint(self, height: float, storey: float, bay: float, is_shop: bool) -> None:
        """Paint plinth, cornice, and `storey` by `bay` metres of window after window."""
        self._rectangle((0, self._length), (0, 0.6), self._paint * 0.66)
        self._rectangle((0, self._length), (height - 0.35, height), self._paint * 1.1)
        bays = max(1, int((self._length - 0.8) // bay))
        for floor in range(int((height - 0.6) // storey)):
            z = floor * storey
            if floor == 0 and is_shop:
                sign = self._rng.uniform((40, 40, 60), (200, 180, 220))
                self._rectangle((0.3, self._length - 0.3), (storey - 0.75, storey - 0.1), sign)
                self._windows(bays, _SHOP_FRONT, (0.45, storey - 0.9))
            else:
                self._rectangle((0, self._length), (z - 0.08, z + 0.04), self._paint * 0.86)
                self._windows(bays, _UPPER_FLOOR, (z + 0.95, z + storey - 0.55))

    def _windows(self, bays: int, margin: float, z: tuple[float, float]) -> None:
        width = self._length / bays
        x0, x1 = (np.arange(bays) + margin) * width, (np.arange(bays) + 1 - margin) * width
        frames = self._rectangles((x0 - 0.09, x1 + 0.09), (z[0] - 0.12, z[1] + 0.09))
        panes = self._rectangles((x0, x1), z)
        posts = self._rectangles(((x0 + x1) / 2 - 0.03, (x0 + x1) / 2 + 0.03), z)
        shades = self._rng.uniform(0.75, 1.35, bays)
        for frame, pane, post, shade in zip(frames, panes, posts, shades, strict=True):
            self._builder.decal(frame, self._paint * 1.16)
            self._builder.decal(pane, self._glass * shade)
            if width < 4.5:
                self._builder.decal(post, self._paint * 1.1)

    def _rectangle(self, x: tuple[float, float], z: tuple[float, float], colour: NDArray[np.float64]) -> None:
        self._builder.decal(self._rectangles(([x[0]], [x[1]]), z)[0], colour)

    def _rectangles(self, x: tuple[ArrayLike, ArrayLike], z: tuple[float, float]) -> NDArray[np.float64]:
        """Return upright rectangles (N, 4, 3) between N places along the wall and two heights, metres."""
        along = np.stack([x[0], x[1], x[1], x[0]], axis=1)
        return self._start + along[:, :, None] * self._along + np.array([z[0], z[0], z[1], z[1]])[:, None] * _UP
