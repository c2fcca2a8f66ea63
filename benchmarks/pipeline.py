"""How fast photo files become training batches.

Run it as `python benchmarks/pipeline.py [--data FOLDER]`.
"""

import itertools
import os
import subprocess
import sys
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import tyro
from measuring import (
    drawing_speeds,
    interleaved_medians,
    print_machine,
    print_table,
)

from keras_colorizer.silence import silent_stderr

SQUARE, SHORT_SIDE = 256, 286  # pix2pix reduces photos to 286, and cuts 256.
COUNT = 360
BATCH, WARM_UP = 8, 6
LIMIT, PEER = "bare decoding (the limit)", "the usual loader"


def main(
    *,
    data: Path | None = None,
    size: tuple[int, int] = (500, 375),
    duration: float = 3.0,
    repeats: int = 5,
) -> None:
    """Compares loaders: JPEG files to batches of 8 squares of 256.

    "The usual loader" is a Python generator: Pillow reads, converts, reduces
    to 286 and cuts 256, NumPy flips, scikit-image converts to L*a*b*; wrapped
    by `tf.data.Dataset.from_generator`, batched and prefetched. "Ours" are
    the batches of `train.py`; prepared files are those that `prepare` made.
    "Bare decoding" is `tf.io.decode_jpeg` at full size on all cores, and
    nothing else. "Per busy core" are photos per second of processor time.

    Args:
        data: A folder of JPEGs, searched recursively. By default 360 are cut
            out of scikit-image's photos.
        size: Width and height of those 360, larger than 286, so that both
            loaders must reduce them and need not enlarge them. The larger
            the photos, the less of the time is anything but decoding.
        duration: Seconds to draw batches for, after six to warm up.
        repeats: Rounds of which the median is taken.
    """
    print_machine("tensorflow", "pillow", "scikit-image")
    with TemporaryDirectory() as temporary:
        photos = data or _made_photos(Path(temporary) / "photos", size)
        prepared = _prepared(photos, Path(temporary) / "prepared")
        speeds = interleaved_medians(
            {
                name: partial(
                    drawing_speeds, make, warm_up=WARM_UP, duration=duration
                )
                for name, make in _loaders(photos, prepared).items()
            },
            repeats=repeats,
        )
    _print_speeds(speeds)


def _made_photos(folder: Path, size: tuple[int, int]) -> Path:
    from natural_photos import write_crops

    folder.mkdir()
    write_crops(folder, count=COUNT, size=size)
    return folder


def _prepared(photos: Path, folder: Path) -> Path:
    """Prepares all photos, however alike: they are cut out of nine."""
    flags = ["--keep-colorless", "--keep-near-duplicates"]
    command = ["prepare", photos, "-o", folder, *flags]
    done = subprocess.run(
        [sys.executable, "-m", "keras_colorizer", *command],
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise SystemExit(done.stderr.strip())
    return folder


def _loaders(photos: Path, prepared: Path) -> dict[str, Callable[[], Iterable]]:
    """Functions that make a data set, by name."""
    with silent_stderr():
        import tensorflow as tf

        from keras_colorizer.data.pipeline import training_batches
        from keras_colorizer.data.survey import survey_photos

    def ours(folder: Path, cache: str) -> Callable[[], Iterable]:
        survey = survey_photos(
            str(folder),
            square=SQUARE,
            batch_size=BATCH,
            keep_colorless=True,
            cache=cache,
        )
        steps = tf.data.Dataset.counter()
        return lambda: training_batches(survey, steps, seed=0)

    paths = sorted(p for p in photos.rglob("*") if p.suffix.lower() == ".jpg")
    if not paths:
        raise SystemExit(f"{photos} holds no .jpg.")
    return {
        "ours, from files": ours(photos, "off"),
        "ours, from prepared files": ours(prepared, "off"),
        "ours, from memory": ours(photos, "on"),
        LIMIT: lambda: _bare_decoding(paths),
        PEER: lambda: _usual_loader(paths),
    }


def _bare_decoding(paths: list[Path]) -> Iterable:
    import tensorflow as tf

    def decode(path: tf.Tensor) -> tf.Tensor:
        rgb = tf.io.decode_jpeg(tf.io.read_file(path), channels=3)
        return tf.shape(rgb)

    files = tf.data.Dataset.from_tensor_slices([str(p) for p in paths])
    shapes = files.repeat().map(decode, num_parallel_calls=os.cpu_count())
    return shapes.batch(BATCH).prefetch(tf.data.AUTOTUNE)


def _usual_loader(paths: list[Path]) -> Iterable:
    import tensorflow as tf

    squares = tf.data.Dataset.from_generator(
        lambda: map(_usual_square, _shuffled_forever(paths)),
        output_signature=tuple(
            tf.TensorSpec((SQUARE, SQUARE, channels)) for channels in (1, 2)
        ),
    )
    return squares.batch(BATCH).prefetch(tf.data.AUTOTUNE)


def _shuffled_forever(paths: list[Path]) -> Iterable:
    import numpy as np

    rng = np.random.default_rng(0)
    return itertools.chain.from_iterable(
        rng.permutation(paths) for _ in itertools.count()
    )


def _usual_square(path: Path) -> tuple:
    import numpy as np
    from PIL import Image
    from skimage.color import rgb2lab

    photo = Image.open(path).convert("RGB")
    scale = SHORT_SIDE / min(photo.size)
    size = [max(SHORT_SIDE, round(scale * side)) for side in photo.size]
    photo = photo.resize(size, Image.Resampling.BICUBIC)
    left, top = (np.random.randint(side - SQUARE + 1) for side in size)
    square = photo.crop((left, top, left + SQUARE, top + SQUARE))
    rgb = np.asarray(square)
    rgb = rgb[:, ::-1] if np.random.random() < 0.5 else rgb
    lab = rgb2lab(rgb).astype("float32")
    return lab[..., :1] / 50 - 1, lab[..., 1:] / 110


def _print_speeds(speeds: dict[str, list[float]]) -> None:
    limit, peer = speeds[LIMIT][0], speeds[PEER][0]
    columns = ["photos/s", "per busy core", "of the limit", f"times {PEER}"]
    rows = [
        (
            name,
            BATCH * speed,
            BATCH * per_core,
            f"{speed / limit:.0%}",
            speed / peer,
        )
        for name, (speed, per_core) in speeds.items()
    ]
    print_table(["loader", *columns], rows)


if __name__ == "__main__":
    tyro.cli(main)
