"""Films as frames of grey, upright, at their times."""

from collections.abc import Generator, Iterator
from contextlib import suppress
from pathlib import Path

import av
import numpy as np
from av.filter import Graph
from av.video.reformatter import ColorRange, ColorTrc

from keras_colorizer.chroma import steps
from keras_colorizer.errors import FilmError
from keras_colorizer.files import display_name

# FFmpeg's filters that turn a frame by degrees counterclockwise.
TURNS = {
    90: ["transpose=cclock"],
    -90: ["transpose=clock"],
    180: ["hflip", "vflip"],
    -180: ["hflip", "vflip"],
}
# Limited to full range, of 16 bits.
STRETCH = r"lut=c0=clip((val-4112)*255/219\,0\,65535)"
HDR = (ColorTrc.SMPTE2084, ColorTrc.ARIB_STD_B67)
EARLY = 1.0  # Seconds before its end at which a film is taken for cut off.


class FilmReader:
    """Reads the frames of a film, once, in the order of their times.

    A frame is 16-bit grey over the full range. Of a film in color the luma is
    taken, as by a black-and-white television. Interlaced frames are
    deinterlaced by FFmpeg's bwdif, one from each.

    Args:
        path: The file.
        start: First second to read.
        end: The second before which to stop; by default the end.

    Attributes:
        stream: The film in the file, by PyAV.
        start: First second by the file's own clock, or None: the beginning.
        end: The second before which to stop, by the same clock.
        first: The first frame.
        bits: A channel has in the file.
        turn: Degrees counterclockwise by which frames were turned.
        is_interlaced: Whether a frame so far was.

    Raises:
        FilmError: If the file holds no film that FFmpeg reads, or one in HDR.
    """

    def __init__(self, path: Path, *, start: float, end: float | None):
        self._name, self._file = display_name(path), open_film(path)
        self._damaged = 0
        if not self._file.streams.video:
            raise FilmError(f"`{self._name}` holds no film.")
        self.stream = self._file.streams.best("video")
        self.stream.thread_type = "AUTO"
        self._zero = self._last = (self._file.start_time or 0) / av.time_base
        self.start = self._zero + start if start else None
        self.end = float("inf") if end is None else self._zero + end
        if self.start is not None:
            self._file.seek(int(self.start * av.time_base))
        self.is_interlaced = False
        self._frames = self._wanted()
        try:
            self.first = next(self._frames)
        except StopIteration:
            raise FilmError(
                self.problem or f"`{self._name}` has no frame there."
            ) from None

    @property
    def count(self) -> int:
        """Number of frames, about; 0 where the film does not say."""
        last = self._zero + (self._file.duration or 0) / av.time_base
        seconds = min(last, self.end) - (self.start or self._zero)
        return max(0, round(seconds * (self.stream.average_rate or 0)))

    @property
    def problem(self) -> str | None:
        """A sentence on what could not be read, once all is read."""
        if self._damaged:
            return f"`{self._name}` is damaged in {self._damaged} places."
        missing = self._length() - (self._last - self._zero)
        if missing > EARLY and self.end == float("inf"):
            return f"`{self._name}` is cut off: {missing:.0f} s are missing."
        return None

    def __iter__(self) -> Generator[av.VideoFrame, None, None]:
        """Yields the frames."""
        yield self.first
        yield from self._frames

    def _wanted(self) -> Iterator[av.VideoFrame]:
        for frame in self._filtered():
            if frame.time >= self.end:
                return
            if self.start is None or frame.time >= self.start:
                yield frame

    def _filtered(self) -> Iterator[av.VideoFrame]:
        graph = None
        for frame in self._decoded():
            self.is_interlaced |= frame.interlaced_frame
            graph = graph or self._graph(frame)
            yield from _through(graph, frame)
        if graph:
            yield from _through(graph, None)

    def _decoded(self) -> Iterator[av.VideoFrame]:
        """Yields what can be decoded, and counts what cannot."""
        rate = self.stream.average_rate or 25
        step = round(1 / (rate * self.stream.time_base))
        time = None
        for packet in self._packets():
            try:
                frames = self.stream.codec_context.decode(packet)
            except av.FFmpegError:
                self._damaged += 1
                continue
            for frame in frames:
                self._damaged += frame.is_corrupt
                if frame.pts is None:  # As in a bare stream of H.264.
                    frame.pts = 0 if time is None else time + step
                if time is None or frame.pts > time:
                    time = frame.pts
                    shown = (time + (frame.duration or 0)) * frame.time_base
                    self._last = float(shown)
                    yield frame

    def _packets(self) -> Iterator[av.Packet | None]:
        try:
            yield from self._file.demux(self.stream)
        except av.FFmpegError:
            self._damaged += 1
            yield None  # Flushes what the decoder has.

    def _graph(self, frame: av.VideoFrame) -> Graph:
        """Makes the filters for a film whose first frame is this one."""
        if frame.color_trc in HDR:
            raise FilmError(f"`{self._name}` is in HDR: make it SDR first.")
        self.turn, self.bits = frame.rotation, frame.format.components[0].bits
        is_full = frame.color_range == ColorRange.JPEG
        is_limited = frame.color_range == ColorRange.MPEG
        is_grey = len(frame.format.components) == 1
        graph = Graph()
        nodes = [
            graph.add(*name.split("=", 1))
            for name in (
                f"buffer=video_size={frame.width}x{frame.height}"
                f":pix_fmt={frame.format.name}:time_base={frame.time_base}"
                f":range={'pc' if is_full else 'tv'}",
                f"scale={frame.width}:{frame.height}",
                "format=gray16le:color_ranges=pc",
                # The scaler takes all grey for full range.
                *([STRETCH] if is_grey and is_limited else []),
                "bwdif=send_frame:deint=interlaced",
                *TURNS.get(self.turn, ()),
                f"settb={frame.time_base}",
                "buffersink",
            )
        ]
        graph.link_nodes(*nodes).configure()
        return graph

    def _length(self) -> float:
        """Seconds that the stream says it takes, or 0."""
        if self.stream.duration:
            return float(self.stream.duration * self.stream.time_base)
        told = self.stream.metadata.get("DURATION", "").split(":")
        with suppress(ValueError):
            hours, minutes, seconds = map(float, told)
            return 3600 * hours + 60 * minutes + seconds
        return 0.0


def open_film(path: Path) -> av.container.InputContainer:
    """Opens a film.

    Raises:
        FilmError: If FFmpeg cannot read it.
    """
    try:
        return av.open(str(path), metadata_errors="replace")
    except av.FFmpegError as error:
        raise FilmError(
            f"`{display_name(path)}` is no film that FFmpeg reads: "
            f"{error.strerror}."
        ) from None


def frame_lightness(frame: av.VideoFrame) -> np.ndarray:
    """Returns the L* of a frame of grey, `(h, w, 1)` float32 in [0, 100]."""
    return steps.photo_lightness(frame.to_ndarray())


def _through(
    graph: Graph, frame: av.VideoFrame | None
) -> Iterator[av.VideoFrame]:
    """Yields what comes out as a frame, or None for the end, goes in."""
    graph.push(frame)
    with suppress(av.BlockingIOError, av.EOFError):
        while True:
            yield graph.pull()
