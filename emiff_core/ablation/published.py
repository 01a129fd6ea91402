"""Published figures: Car, IoU 0.5, DAIR-V2X-C (VIC-Sync), official protocol. Another data set than the synthetic ones.

Source: EMIFF (arXiv 2402.15272), its figures and repository; the late fusion of the data set's own authors from
OpenDAIRV2X, which trains on each side's own labels.
"""

from dataclasses import dataclass

Four = tuple[float, float, float, float]


@dataclass(frozen=True)
class Published:
    """A line of the published table.

    Attributes:
        ap_3d, ap_bev: percent; overall, 0-30, 30-50, 50-100 m; one number where only that is published.
        sent: bytes a frame, in words, and at which compression where that is what varies.
    """

    ap_3d: Four | float
    ap_bev: Four | float | None
    sent: str


COMPARISON = {
    'vehicle only, ImVoxelNet': Published((7.29, 16.98, 2.35, 0.13), (8.85, 19.89, 3.44, 0.28), '0'),
    'infrastructure only, ImVoxelNet': Published((8.66, 13.05, 5.79, 5.50), (14.41, 17.98, 10.34, 11.19), 'boxes'),
    "late fusion, EMIFF's single-side model": Published(
        (11.99, 24.79, 6.08, 2.30), (15.79, 30.39, 8.50, 4.84), '0.28 K'
    ),
    'late fusion, OpenDAIRV2X': Published(18.77, 24.85, '309'),
    'early fusion, ImVoxelNet_M': Published((12.72, 23.63, 7.38, 3.11), (18.17, 30.54, 11.39, 7.00), '550.84 K'),
    'EMIFF': Published((15.61, 29.12, 9.07, 4.01), (21.44, 36.24, 13.51, 8.28), '32.64 K'),
}

# AP3D read off the paper's plot, +-0.1; float32, neither quantised nor entropy-coded
COMPRESSION = {
    '1x': Published(15.3, None, '8.355 M at 1x'),
    '4x': Published(15.25, None, '2.089 M at 4x'),
    '16x': Published(15.1, None, '522 K at 16x'),
    '64x': Published(15.0, None, '131 K at 64x'),
    '256x': Published(15.61, None, '32.64 K at 256x'),
    '1024x': Published(15.5, None, '8 K at 1024x'),
    '4096x': Published(14.25, None, '2 K at 4096x'),
    '16384x': Published(12.65, None, '0.5 K at 16384x'),
}


def published(name: str | None) -> Published | None:
    """Return a figure by its name, or None."""
    return None if name is None else COMPARISON.get(name) or COMPRESSION.get(name)
