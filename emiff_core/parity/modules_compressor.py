"""Golden kind `modules_compressor`: the encoder and decoder of feature compression, at several ratios."""

import re
from typing import TypeVar

import torch
from torch import nn

from emiff_core.config import CompressionConfig
from emiff_core.errors import EmiffError
from emiff_core.model.compression import FeatureDecoder, FeatureEncoder
from emiff_core.model.official_names import to_official
from emiff_core.parity import rules
from emiff_core.parity.report import EXACT, Report

_STANDARD_PREFIX = 'inf_compressor.compressor0.'

Module = TypeVar('Module', bound=nn.Module)


def compare_modules_compressor(report: Report) -> None:
    """Run every case, named c<channel ratio>_s<spatial stages>, on the file's input."""
    golden = report.golden
    text = golden.text('input')
    x = golden.normal(text)
    for case, prefix in golden.info['prefixes'].items():
        config = _config(case, report)
        with torch.inference_mode():
            encoder = _filled(FeatureEncoder(x.shape[1], config), 'compression.encoder.', prefix)
            decoder = _filled(FeatureDecoder(x.shape[1], config), 'compression.decoder.', prefix)
            reduced = encoder.reduce(x)
            latent = encoder(x)
            upsampled = decoder.up(latent)
            report.add(f'{case}.encoder', reduced)
            report.add(f'{case}.latent', latent)
            report.add(f'{case}.upsampled', upsampled)
            report.add(f'{case}.out', decoder(latent))
        report.whole(f'{case}.latent_shape', latent.shape, EXACT)
        zeros = float((latent == 0).double().mean())
        report.whole(f'{case}.latent_zero_fraction', zeros)


def _config(case: str, report: Report) -> CompressionConfig:
    found = re.fullmatch(r'c(\d+)_s(\d+)', case)
    if found is None:
        raise EmiffError(f'{report.golden.path}: info: expected a case such as c64_s1, found {case!r}')
    return CompressionConfig(channel_ratio=int(found[1]), spatial_stages=int(found[2]))


def _filled(module: Module, place: str, prefix: str) -> Module:
    """Fill a block under the authors' names, which the file may have given another prefix."""

    def official_name(name: str) -> str:
        return prefix + to_official(place + name).removeprefix(_STANDARD_PREFIX)

    rules.fill(module, official_name)
    return module
