"""How a detection is coloured wherever people see it: the hue tells what was used, the strength the score."""

from typing import NamedTuple

_FUSED = (0.10, 0.80, 0.25)  # green: the roadside helped
_ALONE = (1.00, 0.55, 0.05)  # orange: the vehicle was alone
_WEAK = 0.75  # grey, towards which a low score fades
_FAINTEST, _STRONGEST = 0.25, 0.85


class Color(NamedTuple):
    """Red, green, blue and opacity, each in 0..1."""

    red: float
    green: float
    blue: float
    alpha: float

    def bgr(self) -> tuple[int, int, int]:
        """Return blue, green and red in 0..255, as OpenCV draws."""
        return round(self.blue * 255), round(self.green * 255), round(self.red * 255)


def detection_color(score: float, is_fused: bool) -> Color:
    """Return the colour of a box with a score in 0..1: green where features were fused, orange where none were."""
    full = _FUSED if is_fused else _ALONE
    red, green, blue = (_WEAK + (part - _WEAK) * score for part in full)
    return Color(red, green, blue, _FAINTEST + (_STRONGEST - _FAINTEST) * score)
