"""Feature frames in bytes, without ROS."""

from functools import partial

import numpy as np

from emiff_core.bag.definitions import make_message, make_typestore
from emiff_core.cooperation import feature_message
from emiff_core.cooperation.feature_frame import FeatureFrame


class FeatureFrameSerializer:
    """Writes feature frames as a roadside node sends them."""

    def __init__(self) -> None:
        self._types = make_typestore()
        self._make = partial(make_message, self._types)

    def serialize(self, frame: FeatureFrame) -> memoryview:
        """Return the CDR bytes of a sealed frame's message, encapsulation header included, as DDS carries them."""
        message = feature_message.to_message(frame, self._make, lambda data: np.frombuffer(data, np.uint8))
        return self._types.serialize_cdr(message, feature_message.TYPE)
