"""A frame before the first image: it allocates what later frames reuse, and shows whether the weights are sound."""

import numpy as np
import torch

from emiff_core.errors import EmiffError
from emiff_core.geometry import PinholeCamera
from emiff_core.inference.eager import EagerEngine, RemoteFeature

_AHEAD = np.array([[0, -1, 0, 0], [0, 0, -1, 0], [1, 0, 0, 0], [0, 0, 0, 1]], dtype=np.float64)


def warm_up(engine: EagerEngine) -> None:
    """Run an engine once, in each of the ways that its side is used in, on a grey image of the network's size.

    Raises:
        EmiffError: what comes out is not finite: the weights are broken.
    """
    width, height = engine.config.image.width, engine.config.image.height
    camera = PinholeCamera(
        np.array([[width, 0, width / 2], [0, width, height / 2], [0, 0, 1]], dtype=np.float64), width, height
    )
    image = np.full((height, width, 3), 128, dtype=np.uint8)
    if engine.side == 'infrastructure':
        finite = bool(np.isfinite(engine.encode_infrastructure(image, camera).latent).all())
    else:
        vehicle = engine.encode_vehicle(image, camera)
        view, scale = vehicle.prepared.camera, vehicle.prepared.scale
        cases: list[list[RemoteFeature]] = [[]]
        if engine.takes_features:
            latent = np.zeros(engine.latent_shape(view), dtype=np.float32)
            cases.append([RemoteFeature(latent, view, scale, _AHEAD)])
        results = [engine.detect(vehicle, _AHEAD, remotes) for remotes in cases]
        finite = all(bool(torch.isfinite(output).all()) for result in results for output in result.logits)
    if not finite:
        raise EmiffError(f'{engine.weights_name}: expected weights that give finite numbers, found others')
