"""Which comparison a golden file asks for: told by the arrays it holds, not by its name."""

from collections.abc import Callable
from pathlib import Path

from emiff_core.errors import EmiffError
from emiff_core.parity.anchors import compare_anchors
from emiff_core.parity.decode_nms import compare_decode_nms
from emiff_core.parity.evaluation import compare_evaluation
from emiff_core.parity.full import compare_full
from emiff_core.parity.golden import GoldenFile
from emiff_core.parity.loss import compare_loss
from emiff_core.parity.modules_2d import compare_modules_2d
from emiff_core.parity.modules_ccm import compare_modules_ccm
from emiff_core.parity.modules_compressor import compare_modules_compressor
from emiff_core.parity.modules_neck_head import compare_modules_neck_head
from emiff_core.parity.modules_projection import compare_modules_projection
from emiff_core.parity.pipeline import compare_pipeline
from emiff_core.parity.report import Report

# Kind, an array (or part of the info) that only this kind has, the comparison.
_KINDS: tuple[tuple[str, str, Callable[[Report], None]], ...] = (
    ('anchors', 'rotations', compare_anchors),
    ('decode_nms', 'sparse.iyxr', compare_decode_nms),
    ('eval', 'pred_frame', compare_evaluation),
    ('full', 'pose_v', compare_full),
    ('loss', 'grads', compare_loss),
    ('modules_2d', 'ms_input', compare_modules_2d),
    ('modules_ccm', 'mlp_input', compare_modules_ccm),
    ('modules_compressor', 'prefixes', compare_modules_compressor),
    ('modules_neck_head', 'neck_input', compare_modules_neck_head),
    ('modules_projection', 'x_centres', compare_modules_projection),
    ('pipeline', 'images', compare_pipeline),
)


def compare_file(path: Path) -> Report:
    """Compare this project with one golden file.

    Raises:
        EmiffError: the file cannot be read, is of no known kind, was made by other rules, or lacks what its kind has.
    """
    golden = GoldenFile(path)
    for kind, sign, compare in _KINDS:
        if sign in golden or sign in golden.info:
            if kind != 'eval' and 'rules' not in golden:  # an evaluation is made of boxes alone
                raise EmiffError(f'{path}: rules: expected the text that the file was made by, found none')
            report = Report(golden, kind)
            try:
                compare(report)
            except EmiffError:
                raise
            except (LookupError, TypeError, ValueError, RuntimeError) as error:
                # what a file describes is as free as prose: whatever is amiss shows where it is used
                raise EmiffError(f'{path}: expected a whole golden file of kind {kind}: {error!r}') from error
            return report
    known = ', '.join(kind for kind, _, _ in _KINDS)
    raise EmiffError(f'{path}: expected a golden file of one of the kinds {known}, found none of their arrays')
