"""A feature frame that a vehicle believes, to change for a test."""

from dataclasses import replace

import numpy as np

from emiff_core.codec import encode
from emiff_core.config import CodecConfig
from emiff_core.cooperation.admission import AdmissionRules
from emiff_core.cooperation.feature_frame import FeatureFrame
from emiff_core.geometry import PinholeCamera

MS = 1_000_000
NOW = 1_700_000_000_000 * MS
SCALE = (0.5, 0.5)
RULES = AdmissionRules(
    model_id='ab' * 32, latent_shape=lambda camera: (1, 4, 6), world_frame='map', scale=lambda camera: SCALE
)


def frame(**changes: object) -> FeatureFrame:
    """Return a sealed frame, 50 ms old at NOW."""
    latent = np.arange(24, dtype=np.float32).reshape(1, 4, 6)
    whole = FeatureFrame(
        agent_id='pole',
        boot_id=7,
        sequence=0,
        stamp_ns=NOW - 50 * MS,
        camera_frame='pole_camera',
        model_id=RULES.model_id,
        world_frame='map',
        position=(4000.0, -2500.0, 27.0),
        orientation=(0.5, -0.5, 0.5, 0.5),
        camera=camera(),
        scale=SCALE,
        latent=encode(latent, CodecConfig('float32')),
    )
    return replace(whole, **changes).sealed()


def camera(**changes: float) -> PinholeCamera:
    """Return the camera of `frame`; fx, fy, cx, cy, width and height may be changed, pixels."""
    values = {'fx': 2183.0, 'fy': 2329.0, 'cx': 940.0, 'cy': 567.0, 'width': 1920, 'height': 1080} | changes
    k = [[values['fx'], 0, values['cx']], [0, values['fy'], values['cy']], [0, 0, 1]]
    return PinholeCamera(np.array(k), int(values['width']), int(values['height']))
