"""How fast photo files become training batches, and what that is enough for.

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
    new_process,
    print_machine,
    print_table,
    use_cores,
)

from keras_colorizer.errors import ColorizerError
from keras_colorizer.silence import silent_stderr

SQUARE, SHORT_SIDE = 256, 286  # pix2pix reduces photos to 286, and cuts 256.
COUNT = 360
JPEG = (".jpg", ".jpeg")
BATCH, WARM_UP = 8, 6
LIMIT, PEER = "bare decoding (the limit)", "the usual loader"
SHARDS, MEMORY = "ours, from shards", "ours, from memory"
SHARD_LIMIT = "bare decoding of the shards"
# Generator, discriminator, and the side of their squares.
FED = (
    ("unet_256", "patchgan_70", 256),
    ("small", "patchgan_70_light", 128),
)
# Multiplications and additions per second of dense matrices, H200 SXM: half of
# what NVIDIA's data sheet gives with sparsity, 989 and 1,979 TFLOPS.
# https://www.nvidia.com/en-us/data-center/h200/
H200 = {"TF32": 494e12, "bfloat16": 989e12}
UTILIZATIONS = (0.2, 0.3, 0.4)


def main(
    *,
    data: Path | None = None,
    size: tuple[int, int] = (500, 375),
    cores: tuple[int, ...] = tuple(sorted({1, len(os.sched_getaffinity(0))})),
    duration: float = 3.0,
    repeats: int = 5,
) -> None:
    """Compares loaders: JPEG files to batches of 8 squares of 256.

    "The usual loader" is a Python generator: Pillow reads, converts, reduces
    to 286 and cuts 256, NumPy flips, scikit-image converts to L*a*b*; wrapped
    by `tf.data.Dataset.from_generator`, batched and prefetched. Ours end in
    uint8 sRGB, of which the networks' device makes L*a*b*; "encoded" ends in
    L*a*b*, as the usual loader does. "Bare decoding" is `tf.io.decode_jpeg` at
    full size on all cores, and nothing else; "of the shards", that of the
    JPEGs that `prepare` made of the same photos. "Per busy core" are photos
    per second of processor time.

    Then come ours on fewer cores, for squares of both sizes that are trained
    on: every line is a process kept to so many cores, which still starts as
    many threads as the machine has cores.

    The last table is a model, not a measurement: how many cores keep an
    NVIDIA H200 busy. A step is taken to run at a share of the GPU's peak for
    dense matrices, 20 to 40 %, which is an assumption; cores are the photos
    per second that this takes over those of one busy core, as measured with
    the most cores.

    Args:
        data: A folder of JPEGs, searched recursively. By default 360 are cut
            out of scikit-image's photos.
        size: Width and height of those 360, larger than 286, so that both
            loaders must reduce them and need not enlarge them. The larger
            the photos, the less of the time is anything but decoding.
        cores: How many the second table's processes are kept to.
        duration: Seconds to draw batches for, after six to warm up.
        repeats: Rounds of which the median is taken.
    """
    check_cores(cores)
    print_machine("tensorflow", "pillow", "scikit-image")
    with photo_folder(data, size) as folder, TemporaryDirectory() as shards:
        paths = _jpegs(folder)
        prepare(folder, shards)
        options = {"duration": duration, "repeats": repeats}
        _print_speeds(_speeds(_loaders(paths, shards), **options))
        speeds = {
            (square, count): _speeds_on(count, paths, shards, square, options)
            for *_, square in FED
            for count in sorted(set(cores))
        }
    _print_cores(speeds)
    _print_model({s: speeds[s, max(cores)] for *_, s in FED})


def check_cores(cores: tuple[int, ...]) -> None:
    """Refuses to measure on cores that there are not.

    Args:
        cores: How many, for each measurement.

    Raises:
        SystemExit: If there are not so many.
    """
    held = len(os.sched_getaffinity(0))
    if not cores or not 1 <= min(cores) <= max(cores) <= held:
        raise SystemExit(
            f"--cores must be between 1 and the number of cores, {held}. "
            f"Received: {cores}"
        )


@contextmanager
def photo_folder(data: Path | None, size: tuple[int, int]) -> Iterator[Path]:
    """Yields the folder of photos to measure with.

    Args:
        data: The folder, if there is one; else one is made, and removed.
        size: Width and height of the photos made.
    """
    if data is not None:
        yield data
        return
    from natural_photos import write_crops

    with TemporaryDirectory() as folder:
        write_crops(Path(folder), count=COUNT, size=size)
        yield Path(folder)


def prepare(folder: Path, shards: str) -> None:
    """Prepares all photos of a folder, as `prepare` does by default.

    Args:
        folder: Of photos.
        shards: An empty folder.

    Raises:
        SystemExit: If there are none.
    """
    from rich.progress import Progress

    with silent_stderr():
        from keras_colorizer.data.shards.preparation import prepare_photos
        from keras_colorizer.data.shards.settings import ShardSettings

    # All of them, however much they look alike: they are cut out of nine.
    settings = ShardSettings(keep_near_duplicates=True, keep_colorless=True)
    quiet = Progress(disable=True)
    try:
        prepare_photos(
            str(folder), shards, settings, worker_count=1, progress=quiet
        )
    except ColorizerError as error:
        raise SystemExit(str(error)) from None


def _jpegs(folder):
    found = (p for p in folder.rglob("*") if p.suffix.lower() in JPEG)
    if paths := sorted(found):
        return paths
    raise SystemExit(f"{folder} holds no JPEG.")


def _speeds(loaders, *, duration, repeats):
    """Returns batches per second, and per second of processor time."""
    return interleaved_medians(
        {
            name: partial(
                drawing_speeds, make, warm_up=WARM_UP, duration=duration
            )
            for name, make in loaders.items()
        },
        repeats=repeats,
    )


def _speeds_on(cores, paths, shards, square, options):
    with new_process(use_cores, cores) as process:
        return process.submit(
            _feeding_speeds, paths, shards, square, options
        ).result()


def _feeding_speeds(paths, shards, square, options):
    with silent_stderr():
        loaders = {
            SHARDS: _from_shards(shards, cache="off", square=square),
            MEMORY: _ours(paths, cache="on", square=square),
            LIMIT: lambda: _bare_decoding(paths),
        }
    return _speeds(loaders, **options)


def _loaders(paths, shards):
    """Functions that make a data set, by name."""
    with silent_stderr():
        import tensorflow  # noqa: F401
    return {
        SHARDS: _from_shards(shards, cache="off"),
        "ours, from shards, encoded": _encoded(shards),
        "ours, from shards in memory": _from_shards(shards, cache="on"),
        SHARD_LIMIT: _bare_shards(shards),
        "ours, from files": _ours(paths, cache="off"),
        MEMORY: _ours(paths, cache="on"),
        LIMIT: lambda: _bare_decoding(paths),
        PEER: lambda: _usual_loader(paths),
    }


def _ours(paths, *, cache, square=SQUARE):
    from keras_colorizer.data.photo_reader import PhotoReader
    from keras_colorizer.data.pipeline import training_batches
    from keras_colorizer.data.sources import SourcePhoto
    from keras_colorizer.data.survey import survey_photos

    sources = [SourcePhoto(path.name, path) for path in paths]
    survey = survey_photos(sources, square=square, cache=cache)
    reader = PhotoReader(survey.photos, square=square)
    return lambda: training_batches(reader, batch_size=BATCH, seed=0)


def _from_shards(shards, *, cache, square=SQUARE):
    from keras_colorizer.data.photo_reader import PhotoReader
    from keras_colorizer.data.pipeline import training_batches

    photos = _shard_photos(shards, cache, square)
    reader = PhotoReader(photos, square=square)
    return lambda: training_batches(reader, batch_size=BATCH, seed=0)


def _encoded(shards):
    """As where no device makes L*a*b*."""
    import tensorflow as tf

    from keras_colorizer.data.encoded_squares import encode_squares
    from keras_colorizer.data.pipeline import PREFETCHED, WORKERS

    make = _from_shards(shards, cache="off")
    encode = tf.function(encode_squares, jit_compile=True)

    def encoded():
        batches = make().map(encode, num_parallel_calls=WORKERS)
        return batches.prefetch(PREFETCHED)

    return encoded


def _bare_shards(shards):
    import tensorflow as tf

    photos = _shard_photos(shards, "on", SQUARE)
    image = photos.files.image()

    def decode(number):
        return tf.shape(tf.io.decode_jpeg(image(number), channels=3))

    def make():
        numbers = tf.data.Dataset.range(len(photos)).repeat()
        shapes = numbers.map(decode, num_parallel_calls=os.cpu_count())
        return shapes.batch(BATCH).prefetch(tf.data.AUTOTUNE)

    return make


def _shard_photos(shards, cache, square):
    from keras_colorizer.data.shards.prepared_photos import survey_shards

    return survey_shards(
        shards, square=square, cache=cache, keep_colorless=True
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


def _print_cores(speeds):
    print_table(
        ["loader", "side", "cores", "photos/s", "per busy core"],
        [
            (name, square, cores, BATCH * speed, BATCH * per_core)
            for (square, cores), found in speeds.items()
            for name, (speed, per_core) in found.items()
        ],
    )


def _print_model(speeds):
    networks = ["networks on one H200 (a model)", "arithmetic", "of peak"]
    print_table(
        [*networks, "images/s", "cores, from shards", "cores, from memory"],
        [
            (f"{generator} and {discriminator}, {square}", *cells)
            for generator, discriminator, square in FED
            for cells in _modeled(
                _gpu_speeds(generator, discriminator, square), speeds[square]
            )
        ],
    )


def _gpu_speeds(generator, discriminator, square):
    """Yields arithmetic, share of its peak, and images per second."""
    with silent_stderr():
        from arithmetic import step_multiply_adds
    count = step_multiply_adds(
        side=square, generator=generator, discriminator=discriminator
    )
    for arithmetic, peak in H200.items():
        for share in UTILIZATIONS:
            yield arithmetic, share, share * peak / (2 * count)


def _modeled(gpu_speeds, speeds):
    per_core = [BATCH * speeds[name][1] for name in (SHARDS, MEMORY)]
    for arithmetic, share, needed in gpu_speeds:
        cores = (needed / photos for photos in per_core)
        yield arithmetic, f"{share:.0%}", needed, *cores


if __name__ == "__main__":
    tyro.cli(main)
