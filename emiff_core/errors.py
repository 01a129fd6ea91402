"""The one exception that a user is meant to read."""


class EmiffError(ValueError):
    """A failure that the user can mend: one line that names the file or key, what was expected and what was found."""
