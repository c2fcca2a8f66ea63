"""Films in color, with everything else of the films they are made of."""

import os
import warnings
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Literal, Self

import av
import numpy as np
from av.video.reformatter import (
    ColorPrimaries,
    ColorRange,
    Colorspace,
    ColorTrc,
)

from keras_colorizer.chroma import steps
from keras_colorizer.errors import ColorizerWarning, FilmError
from keras_colorizer.litert import available_cores
from keras_colorizer.video.reading import (
    FilmReader,
    frame_lightness,
    open_film,
)

Codec = Literal["h264", "h265", "vp9", "av1", "prores"]
# FFmpeg's encoders and their options: about as good as x264 at crf 18.
ENCODERS: dict[str, tuple[str, dict[str, str]]] = {
    "h264": ("libx264", {"crf": "18"}),
    "h265": ("libx265", {"crf": "20", "x265-params": "log-level=none"}),
    "vp9": ("libvpx-vp9", {"crf": "24", "row-mt": "1", "cpu-used": "4"}),
    "av1": ("libsvtav1", {"crf": "26", "preset": "8"}),
    "prores": ("prores_ks", {"profile": "hq"}),
}
# The first that an encoder takes: for films of more than 8 bits, and others.
DEEP = ("yuv420p10le", "yuv420p", "yuv422p10le")
SHALLOW = ("yuv420p", "yuv422p10le")
TAGS = {
    "colorspace": Colorspace.ITU709,
    "color_range": ColorRange.MPEG,
    "color_trc": ColorTrc.BT709,
    "color_primaries": ColorPrimaries.BT709,
}


class FilmWriter:
    """Writes a film in color, and copies all else of its source.

    Sound, subtitles, other streams, chapters and metadata stay as they are;
    what the new file's format cannot hold is left out with a warning.

    Args:
        path: The new file; its suffix chooses the format.
        source: The film that it is made of.
        reader: The source's frames.
        codec: A key of `ENCODERS`.

    Raises:
        FilmError: If the format cannot hold the codec.
    """

    def __init__(
        self, path: Path, source: Path, reader: FilmReader, codec: Codec
    ):
        self._reader, self._source = reader, open_film(source)
        self._start = reader.start or 0.0  # Times are counted from there.
        try:
            self._file = av.open(str(path), "w")
            self._stream = self._video_stream(*ENCODERS[codec])
        except ValueError:
            raise FilmError(
                f"A {path.suffix} file cannot hold {codec}: name a .mkv, or "
                "choose another --codec."
            ) from None
        self._file.metadata.update(self._source.metadata)
        if reader.start is None:
            self._file.set_chapters(self._source.chapters())
        else:
            self._source.seek(int(self._start * av.time_base))
        self._copies = dict(self._copied_streams())
        self._packets = self._other_packets()
        self._waiting = next(self._packets, None)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Completes the file.

        Raises:
            FFmpegError: If the disk is full.
        """
        with self._source, self._file:
            self._file.mux(self._stream.encode(None))

    def colored(self, frame: av.VideoFrame, ab: np.ndarray) -> av.VideoFrame:
        """Colors a frame of the reader.

        Sides of an odd length are filled up by a copy of the last row or
        column.

        Args:
            frame: A frame.
            ab: `(s, s, 2)` float32, L*a*b* units.
        """
        depth, kind = (np.uint16, "rgb48le"), (np.uint8, "rgb24")
        dtype, layout = depth if self._reader.bits > 8 else kind
        rgb = steps.merge(frame_lightness(frame), ab, dtype)
        odd = [(0, side % 2) for side in rgb.shape[:2]]
        even = np.pad(rgb, (*odd, (0, 0)), "edge")
        new = av.VideoFrame.from_ndarray(even, layout).reformat(
            format=self._stream.pix_fmt,
            **{f"dst_{name}": tag for name, tag in TAGS.items()},
        )
        new.time_base = frame.time_base
        new.pts = frame.pts - round(self._start / frame.time_base)
        return new

    def write(self, frame: av.VideoFrame) -> None:
        """Writes a colored frame, and the other streams up to its time.

        Raises:
            FFmpegError: If the disk is full.
        """
        self._copy_until(frame.time)
        self._file.mux(self._stream.encode(frame))

    def finish(self) -> None:
        """Writes what the other streams hold after the last frame."""
        self._copy_until(float("inf"))

    def _video_stream(
        self, encoder: str, options: dict[str, str]
    ) -> av.VideoStream:
        os.environ.setdefault("SVT_LOG", "1")  # The encoder of AV1 talks.
        source, first = self._reader.stream, self._reader.first
        stream = self._file.add_stream(
            encoder, source.average_rate or 25, options=options
        )
        held = [pixels.name for pixels in stream.codec.video_formats]
        wanted = DEEP if self._reader.bits > 8 else SHALLOW
        context = stream.codec_context
        context.pix_fmt = next(name for name in wanted if name in held)
        context.width = first.width + first.width % 2
        context.height = first.height + first.height % 2
        context.time_base = first.time_base
        aspect = source.sample_aspect_ratio or 1
        is_turned = abs(self._reader.turn) == 90
        context.sample_aspect_ratio = 1 / aspect if is_turned else aspect
        context.thread_count = available_cores()
        for name, tag in TAGS.items():
            setattr(context, name, tag)
        return stream

    def _copied_streams(self) -> Iterator[tuple[int, av.stream.Stream]]:
        """Yields the index of each stream that is copied, and its copy."""
        for stream in self._source.streams:
            copy = self._stream
            try:
                if stream.index != self._reader.stream.index:
                    copy = self._file.add_stream_from_template(
                        stream, opaque=True
                    )
                    yield stream.index, copy
                copy.metadata.update(stream.metadata)
                copy.disposition = stream.disposition
            except (ValueError, av.FFmpegError):
                warnings.warn(
                    f"`{self._source.name}`: its {stream.type} stream "
                    f"{stream.index} is left out, which a .mkv would hold.",
                    ColorizerWarning,
                    stacklevel=2,
                )

    def _other_packets(self) -> Iterator[av.Packet]:
        """Yields packets of the other streams, with the times of the copy."""
        streams = [self._source.streams[index] for index in self._copies]
        first = -float("inf") if self._reader.start is None else self._start
        # What is damaged ends the copy; the reader names it, too.
        with suppress(av.FFmpegError):
            for packet in self._source.demux(streams) if streams else ():
                if packet.dts is None:
                    continue
                seconds = packet.pts * packet.time_base
                if first <= seconds < self._reader.end:
                    packet.pts -= round(self._start / packet.time_base)
                    packet.dts -= round(self._start / packet.time_base)
                    packet.stream = self._copies[packet.stream_index]
                    yield packet

    def _copy_until(self, seconds: float) -> None:
        while (packet := self._waiting) is not None:
            if packet.dts * packet.time_base > seconds:
                return
            self._file.mux(packet)
            self._waiting = next(self._packets, None)
