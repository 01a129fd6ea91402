"""What takes moments, whatever it makes of them."""

from abc import ABC, abstractmethod
from types import TracebackType

from emiff_core.viewing.moment import Moment


class Sink(ABC):
    """Takes moments in the order of time; as a context it is complete at the end."""

    @abstractmethod
    def show(self, moment: Moment) -> None:
        """Take one moment.

        Raises:
            EmiffError: it cannot be written.
        """

    @abstractmethod
    def close(self) -> None:
        """Complete what was written.

        Raises:
            EmiffError: it cannot be written.
        """

    def __enter__(self) -> 'Sink':
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
