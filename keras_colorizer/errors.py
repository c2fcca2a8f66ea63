"""Every error that a user can cause: one sentence each, no traceback."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

# The extra of pyproject.toml that installs a library.
EXTRAS = {
    **dict.fromkeys(
        (
            "jinja2",
            "keras",
            "matplotlib",
            "psutil",
            "skimage",
            "tensorboard",
            "tensorflow",
            "tensorflow_serving",
        ),
        "train",
    ),
    **dict.fromkeys(("httptools", "starlette", "uvicorn"), "serve"),
    "httpx": "client",
    **dict.fromkeys(("av", "cv2"), "video"),
    "ray": "ray",
    "tensorflow_datasets": "tfds",
    **dict.fromkeys(("imagecodecs", "pillow_heif", "pillow_jxl"), "formats"),
}

# Where in its graph TensorFlow and TF Serving met an error.
NODE = re.compile(
    r"Graph execution error:\s*"
    r"|Detected at node .*? defined at \(most recent call last\):\s*"
    r"|<stack traces unavailable>\s*"
    r"|\{\{function_node [^}]*\}\}\s*"
    r"|\s*\[\[\{?\{?node [^]]*\]\]"
    r"|\s*\[Op:\w+\]"
)


class ColorizerError(Exception):
    """The base of all; its text names the thing and says what to do.

    Example:
        >>> from keras_colorizer import Colorizer, ColorizerError
        >>> try:
        ...     Colorizer.load("nowhere.tflite")
        ... except ColorizerError as error:
        ...     print(error)
        There is no `nowhere.tflite`.
    """


class ConfigError(ColorizerError):
    """A setting is out of range, unknown, or contradicts another one.

    Example:
        >>> TrainingConfig(epochs=0)  # Raises it.
    """


class MissingExtraError(ColorizerError, ImportError):
    """A library of an extra is not installed.

    Example:
        >>> try:
        ...     from keras_colorizer import train
        ... except MissingExtraError as error:
        ...     print(error)  # Names the line for pip.
    """


class PhotoError(ColorizerError):
    """A photo could not be read, colorized or written.

    Example:
        >>> for photo in ("old.jpg", "older.jpg"):
        ...     try:
        ...         colorizer.colorize(photo).save(f"new_{photo}")
        ...     except PhotoError as error:
        ...         print(error)
    """


class UnreadablePhotoError(PhotoError):
    """The file is missing, empty, cut off, or not a photo.

    Example:
        >>> colorizer.colorize(b"no photo")  # Raises it.
    """


class PhotoTooLargeError(PhotoError):
    """The photo has more pixels than the limit allows.

    Example:
        >>> colorizer.colorize("old.jpg", max_pixels=99)  # Raises it.
    """


class UnwritablePhotoError(PhotoError):
    """The result could not be written where it was asked for.

    Example:
        >>> write_photo(photo, Path("new.xyz"))  # Raises it.
    """


class HintError(PhotoError):
    """A hint or a hint file is wrong; the text names the field.

    Example:
        >>> Hint(1.5, 0.5, "red")  # Raises it.
    """


class FilmError(ColorizerError):
    """A film could not be read or written.

    Example:
        >>> colorize_film(colorizer, "notes.txt", "new.mp4")  # Raises it.
    """


class DataError(ColorizerError):
    """The photos to train or judge with are missing or too few.

    Example:
        >>> train(TrainingConfig(data="empty_folder"))  # Raises it.
    """


class ArtifactError(ColorizerError):
    """A model, checkpoint or run folder is missing, damaged or unsuitable.

    Example:
        >>> Colorizer.load("notes.txt")  # Raises it.
    """


class TrainingError(ColorizerError):
    """The training had to stop; what was saved before is kept.

    Example:
        >>> try:
        ...     train(config)
        ... except TrainingError:
        ...     train(dataclasses.replace(config, resume=True))
    """


class ColorizerWarning(UserWarning):
    """Something went wrong that work can go on without.

    Example:
        >>> warnings.simplefilter("ignore", ColorizerWarning)
    """


class ServingError(ColorizerError):
    """A server or a request to it failed.

    Example:
        >>> Colorizer.load("http://localhost:1/v1/models/x")  # Raises it.
    """


def first_line(error: BaseException) -> str:
    """Returns the first line of an error's text, or its kind if it has none."""
    text = without_nodes(str(error)).strip() or type(error).__name__
    return text.splitlines()[0]


def without_nodes(message: str) -> str:
    """Drops the nodes of its graph from an error's text of TensorFlow."""
    return NODE.sub("", message)


@contextmanager
def extras_named() -> Iterator[None]:
    """Names the extra to install where a library of `EXTRAS` is missing.

    Raises:
        MissingExtraError: In place of the library's ModuleNotFoundError.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        library = (error.name or "").partition(".")[0]
        if library not in EXTRAS:
            raise
        raise MissingExtraError(
            f"This needs `{library}`, which is not installed: "
            f'pip install "keras-colorizer[{EXTRAS[library]}]"'
        ) from None
