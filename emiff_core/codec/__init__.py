"""Wire format of the latent: quantise, check, and back.

One interface, `encode` and `decode`; what lies between is named on the wire by codec and version, so that a receiver
refuses what it cannot read instead of guessing.
"""

from emiff_core.codec.plain import EncodedLatent, NumericType, decode, encode

__all__ = ['EncodedLatent', 'NumericType', 'decode', 'encode']
