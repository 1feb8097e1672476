"""The one error that stops a render; it always says where."""


class SpecError(Exception):
    """A template, a config file or a file beside one can't be used as it is.

    Args:
        path: file, relative to the repository, as people type it.
        message: what is wrong and what to do next.
        line: 1-based line in that file; None if the whole file is meant.
    """

    def __init__(self, path: str, message: str, line: int | None = None) -> None:
        self.path, self.message, self.line = path, message, line
        super().__init__(f"{path}:{line}: {message}" if line else f"{path}: {message}")
