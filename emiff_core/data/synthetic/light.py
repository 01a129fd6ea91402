"""The light of a scene: sun, sky, haze. Colours are BGR in 0..255."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Weather = Literal['fair', 'overcast', 'fog', 'low sun', 'dusk']


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


_FAIR_SKIES = (  # zenith, haze
    ((215, 165, 105), (232, 218, 200)),
    ((200, 150, 90), (228, 214, 205)),
    ((205, 190, 175), (222, 220, 216)),
    ((190, 175, 160), (205, 212, 220)),
)
_GREY_SKIES = (((178, 172, 168), (205, 203, 200)), ((160, 158, 156), (190, 190, 188)))


@dataclass(frozen=True)
class _Sky:
    """What the light of a weather is drawn between; the sun's elevation in degrees, the rest as in Light."""

    elevation: tuple[float, float] = (25, 65)
    ambient: tuple[float, float] = (0.42, 0.68)
    exposure: tuple[float, float] = (0.92, 1.12)
    visibility: tuple[float, float] = (350, 900)
    cloudiness: tuple[float, float] = (0.1, 0.9)
    colours: tuple[tuple[tuple[float, ...], tuple[float, ...]], ...] = _FAIR_SKIES


_SKIES: dict[Weather, _Sky] = {
    'fair': _Sky(),
    'overcast': _Sky(ambient=(0.9, 0.97), exposure=(0.72, 0.95), cloudiness=(0.0, 0.3), colours=_GREY_SKIES),
    'fog': _Sky(
        ambient=(0.9, 0.97),
        exposure=(0.8, 1.0),
        visibility=(70, 180),
        cloudiness=(0.0, 0.1),
        colours=(((200, 200, 200), (205, 205, 205)),),
    ),
    'low sun': _Sky(elevation=(10, 22), ambient=(0.34, 0.5), exposure=(0.85, 1.15)),
    'dusk': _Sky(
        elevation=(10, 20),
        ambient=(0.9, 0.97),
        exposure=(0.3, 0.5),
        colours=(((110, 78, 58), (130, 118, 128)), ((92, 72, 62), (105, 100, 112))),
    ),
}


def draw_light(rng: np.random.Generator, weather: Weather = 'fair') -> Light:
    """Draw the daylight of a weather; on a fair day it is clear to cloudy, the sun 25 to 65 degrees high."""
    sky = _SKIES[weather]
    azimuth, elevation = rng.uniform(0, 2 * np.pi), np.deg2rad(rng.uniform(*sky.elevation))
    to_sun = np.array([np.cos(elevation) * np.cos(azimuth), np.cos(elevation) * np.sin(azimuth), np.sin(elevation)])
    zenith, haze = sky.colours[rng.integers(len(sky.colours))]
    return Light(
        to_sun,
        float(rng.uniform(*sky.ambient)),
        float(rng.uniform(*sky.exposure)),
        np.array(zenith, dtype=np.float64),
        np.array(haze, dtype=np.float64),
        float(rng.uniform(*sky.visibility)),
        float(rng.uniform(*sky.cloudiness)),
    )
