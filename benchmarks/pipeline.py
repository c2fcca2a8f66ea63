"""How fast photo files become training batches.

Run it as `python benchmarks/pipeline.py [--data FOLDER]`.
"""

import itertools
import os
from collections.abc import Iterator
from contextlib import contextmanager
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
JPEG = (".jpg", ".jpeg")
BATCH, WARM_UP = 8, 6
LIMIT, PEER = "bare decoding (the limit)", "the usual loader"
SHARD_LIMIT = "bare decoding of the shards"


def main(
    *,
    data: Path | None = None,
    size: tuple[int, int] = (500, 375),
    duration: float = 3.0,
    repeats: int = 5,
) -> None:
    """Compares loaders: JPEG files to encoded batches of 8 squares of 256.

    "The usual loader" is a Python generator: Pillow reads, converts, reduces
    to 286 and cuts 256, NumPy flips, scikit-image converts to L*a*b*; wrapped
    by `tf.data.Dataset.from_generator`, batched and prefetched. "Bare
    decoding" is `tf.io.decode_jpeg` at full size on all cores, and nothing
    else; "of the shards", that of the JPEGs that `prepare` made of the same
    photos. "Per busy core" are photos per second of processor time.

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
    with silent_stderr():
        import tensorflow  # noqa: F401
    with _folder(data, size) as folder, TemporaryDirectory() as shards:
        _prepare(folder, shards)
        speeds = interleaved_medians(
            {
                name: partial(
                    drawing_speeds, make, warm_up=WARM_UP, duration=duration
                )
                for name, make in _loaders(_jpegs(folder), shards).items()
            },
            repeats=repeats,
        )
    _print_speeds(speeds)


@contextmanager
def _folder(data, size) -> Iterator[Path]:
    if data is not None:
        yield data
        return
    from natural_photos import write_crops

    with TemporaryDirectory() as folder:
        write_crops(Path(folder), count=COUNT, size=size)
        yield Path(folder)


def _jpegs(folder):
    found = (p for p in folder.rglob("*") if p.suffix.lower() in JPEG)
    if paths := sorted(found):
        return paths
    raise SystemExit(f"{folder} holds no JPEG.")


def _prepare(folder, shards):
    from rich.progress import Progress

    from keras_colorizer.data.shards.preparation import prepare_photos
    from keras_colorizer.data.shards.settings import ShardSettings

    # All of them, however much they look alike: they are cut out of nine.
    settings = ShardSettings(keep_near_duplicates=True, keep_colorless=True)
    prepare_photos(
        str(folder),
        shards,
        settings,
        worker_count=1,
        progress=Progress(disable=True),
    )


def _loaders(paths, shards):
    """Functions that make a data set, by name."""
    return {
        "ours, from shards": _from_shards(shards, cache="off"),
        "ours, from shards in memory": _from_shards(shards, cache="on"),
        SHARD_LIMIT: _bare_shards(shards),
        "ours, from files": _ours(paths, cache="off"),
        "ours, from memory": _ours(paths, cache="on"),
        LIMIT: lambda: _bare_decoding(paths),
        PEER: lambda: _usual_loader(paths),
    }


def _ours(paths, *, cache):
    from keras_colorizer.data.photo_reader import PhotoReader
    from keras_colorizer.data.pipeline import training_batches
    from keras_colorizer.data.sources import SourcePhoto
    from keras_colorizer.data.survey import survey_photos

    sources = [SourcePhoto(path.name, path) for path in paths]
    survey = survey_photos(sources, square=SQUARE, cache=cache)
    reader = PhotoReader(survey.photos, square=SQUARE)
    return lambda: training_batches(reader, batch_size=BATCH, seed=0)


def _from_shards(shards, *, cache):
    from keras_colorizer.data.photo_reader import PhotoReader
    from keras_colorizer.data.pipeline import training_batches

    photos = _shard_photos(shards, cache)
    reader = PhotoReader(photos, square=SQUARE)
    return lambda: training_batches(reader, batch_size=BATCH, seed=0)


def _bare_shards(shards):
    import tensorflow as tf

    photos = _shard_photos(shards, "on")
    image = photos.files.image()

    def decode(number):
        return tf.shape(tf.io.decode_jpeg(image(number), channels=3))

    def make():
        numbers = tf.data.Dataset.range(len(photos)).repeat()
        shapes = numbers.map(decode, num_parallel_calls=os.cpu_count())
        return shapes.batch(BATCH).prefetch(tf.data.AUTOTUNE)

    return make


def _shard_photos(shards, cache):
    from keras_colorizer.data.shards.prepared_photos import survey_shards

    return survey_shards(
        shards, square=SQUARE, cache=cache, keep_colorless=True
    ).photos


def _bare_decoding(paths):
    import tensorflow as tf

    def decode(path):
        rgb = tf.io.decode_jpeg(tf.io.read_file(path), channels=3)
        return tf.shape(rgb)

    files = tf.data.Dataset.from_tensor_slices([str(p) for p in paths])
    shapes = files.repeat().map(decode, num_parallel_calls=os.cpu_count())
    return shapes.batch(BATCH).prefetch(tf.data.AUTOTUNE)


def _usual_loader(paths):
    import tensorflow as tf

    squares = tf.data.Dataset.from_generator(
        lambda: map(_usual_square, _shuffled_forever(paths)),
        output_signature=tuple(
            tf.TensorSpec((SQUARE, SQUARE, channels)) for channels in (1, 2)
        ),
    )
    return squares.batch(BATCH).prefetch(tf.data.AUTOTUNE)


def _shuffled_forever(paths):
    import numpy as np

    rng = np.random.default_rng(0)
    return itertools.chain.from_iterable(
        rng.permutation(paths) for _ in itertools.count()
    )


def _usual_square(path):
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


def _print_speeds(speeds):
    limit, peer = speeds[LIMIT][0], speeds[PEER][0]
    print_table(
        [
            "loader",
            "photos/s",
            "per busy core",
            "of the limit",
            f"times {PEER}",
        ],
        [
            (
                name,
                BATCH * speed,
                BATCH * per_core,
                f"{speed / limit:.0%}",
                speed / peer,
            )
            for name, (speed, per_core) in speeds.items()
        ],
    )


if __name__ == "__main__":
    tyro.cli(main)
