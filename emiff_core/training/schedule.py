"""The learning rate's course."""

import math

from emiff_core.training.config import ScheduleConfig


def total_steps(config: ScheduleConfig, n_samples: int, samples_a_step: int) -> int:
    """Return how many steps the epochs take, at least one."""
    return max(math.ceil(config.epochs * n_samples / samples_a_step), 1)


def rate_factor(step: int, total: int, config: ScheduleConfig) -> float:
    """Return the factor of the learning rate at a step.

    Args:
        step: from 0 to `total` - 1.
        total: steps of the whole training.
        config: the course.

    Returns:
        A factor in (0, 1]; 'cosine' ends a step before zero.
    """
    warmup = min((step + 1) / (config.warmup_steps + 1), 1.0)
    done = step / total
    if config.shape == 'steps':
        return warmup * 0.1 ** sum(done >= milestone for milestone in config.milestones)
    sunk = max(done - config.hold, 0.0) / max(1.0 - config.hold, 1 / total)
    return warmup * 0.5 * (1 + math.cos(math.pi * sunk))
