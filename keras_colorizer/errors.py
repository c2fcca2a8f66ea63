"""Every error that a user can cause: one sentence each, no traceback."""


class ColorizerError(Exception):
    """The base of all; its text names the thing and says what to do."""


class ConfigError(ColorizerError):
    """A setting is out of range, unknown, or contradicts another one."""


class PhotoError(ColorizerError):
    """A photo could not be read, colorized or written."""


class UnreadablePhotoError(PhotoError):
    """The file is missing, empty, cut off, or not a photo."""


class PhotoTooLargeError(PhotoError):
    """The photo has more pixels than the limit allows."""


class UnwritablePhotoError(PhotoError):
    """The result could not be written where it was asked for."""


class DataError(ColorizerError):
    """The photos to train or judge with are missing or too few."""


class ArtifactError(ColorizerError):
    """A model, checkpoint or run folder is missing, damaged or unsuitable."""


class TrainingError(ColorizerError):
    """The training had to stop; what was saved before is kept."""


class ColorizerWarning(UserWarning):
    """Something went wrong that work can go on without."""


class ServingError(ColorizerError):
    """A server or a request to it failed."""


def first_line(error: BaseException) -> str:
    """Returns the first line of an error's text, or its kind if it has none."""
    return (str(error).strip() or type(error).__name__).splitlines()[0]
