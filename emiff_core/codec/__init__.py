"""Wire format of the latent: quantise, code, check, and back.

One interface, `encode` and `decode`; what lies between is named on the wire by codec and version, so that a receiver
refuses what it cannot read instead of guessing.
"""

from emiff_core.codec.latent import EncodedLatent, decode, encode
from emiff_core.codec.numbers import NumericType

__all__ = ['EncodedLatent', 'NumericType', 'decode', 'encode']
