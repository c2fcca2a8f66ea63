"""Films from file to file."""

import os
import warnings
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Literal, NoReturn

import av
import numpy as np

from keras_colorizer.chroma import steps
from keras_colorizer.chroma.saturation import check_saturation, factor_for
from keras_colorizer.errors import ColorizerWarning, FilmError
from keras_colorizer.files import display_name, whole_file
from keras_colorizer.inference.colorizer import Colorizer
from keras_colorizer.video.reading import FilmReader, frame_lightness
from keras_colorizer.video.stages import run_ahead
from keras_colorizer.video.steadying import steady_colors
from keras_colorizer.video.writing import Codec, FilmWriter


def colorize_film(
    colorizer: Colorizer,
    film: str | Path,
    result: str | Path,
    *,
    saturation: float | Literal["auto"] = 1.0,
    codec: Codec = "h264",
    start: float = 0.0,
    end: float | None = None,
    two_pass: bool = False,
    progress: Callable[[int, int], None] = lambda done, count: None,
) -> str | None:
    """Colors a film.

    Each frame keeps its time and its own lightness; sound, subtitles,
    chapters and metadata are copied. The file appears whole or, stopped by
    Ctrl-C, as `NAME.partial.SUFFIX` with what was done.

    Args:
        colorizer: Any.
        film: A file that FFmpeg reads.
        result: The file to write; its suffix chooses the format.
        saturation: As for `Colorizer.colorize`.
        codec: Of the new film.
        start: Second of the film at which to start.
        end: Second before which to stop; by default the end.
        two_pass: Whether colors come from the frames that follow, too.
        progress: Called after each frame with the number of frames done, and
            about how many there are, 0 if unknown.

    Returns:
        None, or a sentence on what could not be read: the rest is colored.

    Raises:
        FilmError: If nothing can be read, or the result cannot be written.
        ConfigError: If `saturation` is neither 0 or more nor `auto`.

    Example:
        >>> colorizer = Colorizer.from_preset("small")
        >>> colorize_film(colorizer, "film.mp4", "colored.mp4")
    """
    check_saturation(saturation)
    film, result = Path(film), Path(result)
    reader = FilmReader(film, start=start, end=end)
    views = _views(reader, colorizer.render_size)
    predict = partial(_predict, colorizer, saturation)
    colors = run_ahead(steady_colors(views, predict, two_pass=two_pass))
    try:
        with whole_file(result) as temporary:
            with FilmWriter(temporary, film, reader, codec) as writer:
                colored = (writer.colored(*pair) for pair in colors)
                is_whole = _write(
                    writer,
                    run_ahead(colored),
                    lambda done: progress(done, max(done, reader.count)),
                )
            if not is_whole:
                _keep(temporary, result)
    except (av.FFmpegError, OSError) as error:
        name = display_name(result)
        raise FilmError(f"`{name}`: {error.strerror}.") from None
    if reader.is_interlaced:
        name = display_name(film)
        _warn(f"`{name}` is interlaced: bwdif made whole frames of it.")
    return reader.problem


def _views(
    reader: FilmReader, side: int
) -> Iterator[tuple[av.VideoFrame, np.ndarray]]:
    for frame in run_ahead(iter(reader)):
        view = steps.network_view(frame_lightness(frame), side)
        yield frame, view[0, ..., 0]


def _predict(
    colorizer: Colorizer,
    saturation: float | Literal["auto"],
    lightness: np.ndarray,
) -> np.ndarray:
    ab = colorizer.predict_ab(lightness[None, ..., None])[0]
    return factor_for(saturation, ab) * ab


def _write(
    writer: FilmWriter,
    frames: Iterator[av.VideoFrame],
    progress: Callable[[int], None],
) -> bool:
    """Writes all frames; returns False if Ctrl-C came before the last."""
    try:
        for done, frame in enumerate(frames, start=1):
            writer.write(frame)
            progress(done)
        writer.finish()
    except KeyboardInterrupt:
        return False
    return True


def _keep(temporary: Path, result: Path) -> NoReturn:
    """Keeps what was done when Ctrl-C came."""
    partial = result.with_name(f"{result.stem}.partial{result.suffix}")
    os.replace(temporary, partial)
    _warn(f"`{display_name(partial)}` holds what was done.")
    raise KeyboardInterrupt


def _warn(message: str) -> None:
    warnings.warn(message, ColorizerWarning, stacklevel=3)
