"""What a crossing is like: how dense its traffic is, how much hides what, and the weather."""

from dataclasses import dataclass

from emiff_core.data.synthetic.light import Weather


@dataclass(frozen=True)
class Conditions:
    """What a scene is drawn from; the defaults are an ordinary crossing on a fair day.

    Attributes:
        density: vehicles per 100 m of lane at the start, drawn between the two.
        large_share: of trucks and buses in the traffic.
        parked_share: of the parking bays that are taken; parked_van_share of vans among those who stand there.
        hedge_share: of the gaps along the pavements that hold a hedge.
        hedge_height: metres, drawn between the two.
        roadside_arms: where the roadside mast may stand: 0 is on the arm on which the ego vehicle comes, the others
            follow counter-clockwise, so 2 is across the crossing. It looks over the crossing at the opposite arm.
        weather: of the scene.
    """

    density: tuple[float, float] = (2.2, 4.0)
    large_share: float = 0.22
    parked_share: float = 0.5
    parked_van_share: float = 0.2
    hedge_share: float = 0.55
    hedge_height: tuple[float, float] = (0.8, 1.5)
    roadside_arms: tuple[int, ...] = (2,)
    weather: Weather = 'fair'
