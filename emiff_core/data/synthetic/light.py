"""The light of a scene: sun, sky, haze. Colours are BGR in 0..255."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Light:
    """Where the sun stands and how bright things are.

    Attributes:
        to_sun: (3,) unit vector in the scene frame.
        ambient: share of the light that has no direction; the sun gives the rest.
        exposure: factor on everything.
        zenith, haze: (3,) colours of the sky overhead and of the horizon, into which distant things fade.
        visibility: metres at which haze hides 63 % of a thing.
        cloudiness: 0 to 1.
    """

    to_sun: NDArray[np.float64]
    ambient: float
    exposure: float
    zenith: NDArray[np.float64]
    haze: NDArray[np.float64]
    visibility: float
    cloudiness: float

    def shade(self, normals: NDArray[np.float64], in_shadow: bool) -> NDArray[np.float64]:
        """Return (F,) brightness of faces with normals (F, 3): sky light from above, and the sun unless `in_shadow`."""
        sky = self.ambient * (0.86 + 0.14 * normals[:, 2])
        sun = 0.0 if in_shadow else (1 - self.ambient) * np.maximum(0.0, normals @ self.to_sun) * 1.15
        return self.exposure * (sky + sun)

    def shadow_factor(self) -> float:
        """Return the brightness of shadowed ground as a share of that of sunlit ground."""
        up = np.array([[0.0, 0.0, 1.0]])
        return float(self.shade(up, True)[0] / self.shade(up, False)[0])

    def fade(self, distance: NDArray[np.float64] | float) -> NDArray[np.float64]:
        """Return the share of haze in the light that comes from `distance` metres."""
        return 1 - np.exp(-np.asarray(distance) / self.visibility)


_SKIES = (  # zenith, haze
    ((215, 165, 105), (232, 218, 200)),
    ((200, 150, 90), (228, 214, 205)),
    ((205, 190, 175), (222, 220, 216)),
    ((190, 175, 160), (205, 212, 220)),
)


def draw_light(rng: np.random.Generator) -> Light:
    """Draw a daylight: clear to overcast, the sun 25 to 65 degrees high."""
    azimuth, elevation = rng.uniform(0, 2 * np.pi), np.deg2rad(rng.uniform(25, 65))
    to_sun = np.array([np.cos(elevation) * np.cos(azimuth), np.cos(elevation) * np.sin(azimuth), np.sin(elevation)])
    zenith, haze = _SKIES[rng.integers(len(_SKIES))]
    return Light(
        to_sun,
        float(rng.uniform(0.42, 0.68)),
        float(rng.uniform(0.92, 1.12)),
        np.array(zenith, dtype=np.float64),
        np.array(haze, dtype=np.float64),
        float(rng.uniform(350, 900)),
        float(rng.uniform(0.1, 0.9)),
    )
