"""The one error of this package."""


class EmbeddedError(Exception):
    """Something a person must know or do, said in one clear sentence; shown without a traceback."""
