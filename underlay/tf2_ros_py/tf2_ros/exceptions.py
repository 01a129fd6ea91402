"""What a transform lookup raises, under the names that tf2 gives."""


class TransformException(Exception):
    """Base of everything that a lookup raises."""


class LookupException(TransformException):
    """A frame of that name was never seen."""


class ConnectivityException(TransformException):
    """Both frames are known, and no chain of transforms links them."""


class ExtrapolationException(TransformException):
    """The chain exists, and a link of it has no data around the time asked for."""


class InvalidArgumentException(TransformException):
    """A frame name is empty or begins with a slash."""


class TimeoutException(TransformException):
    """Kept for callers that catch it: a lookup that waited in vain raises the reason for which it waited."""
