"""What the parts of a network return while it runs."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from torch import nn

INPUT = '.input'


@contextmanager
def recorded(module: nn.Module, names: Iterable[str]) -> Iterator[dict[str, Any]]:
    """Keep the latest output of each named part of `module`, and its first input under '<name>.input'."""
    seen: dict[str, Any] = {}

    def keep(name: str) -> Callable[..., None]:
        def hook(part: nn.Module, inputs: tuple[Any, ...], output: Any) -> None:
            seen[name], seen[name + INPUT] = output, inputs[0]

        return hook

    handles = [module.get_submodule(name).register_forward_hook(keep(name)) for name in names]
    try:
        yield seen
    finally:
        for handle in handles:
            handle.remove()
