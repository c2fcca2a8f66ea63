"""What `prepare` and an epoch from its shards take, and whether memory grows.

Run it as `python benchmarks/prepare.py [--photos 2000]`.
"""

import json
import subprocess
import sys
import threading
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import psutil
import tyro
from measuring import in_new_process, print_machine, print_table
from PIL import Image

SIZE, CELLS = (320, 240), (12, 9)
QUALITY = 85
GROUPS = 50  # Subfolders.
SAMPLES = 8  # Of the memory, evenly over the time.
INTERVAL = 0.2  # Seconds between looks at the memory.
MILLION = 1_000_000


def main(
    *,
    photos: int = 100_000,
    short_side: int = 144,
    square: int = 128,
    batch_size: int = 32,
    workers: int = psutil.cpu_count() or 1,
) -> None:
    """Makes photos, prepares them, and reads them once as training does.

    The photos are smooth random colors under grain, JPEGs of 320 x 240, all
    different. Memory is that of all processes together. Exits with 1 if a
    photo is lost.

    Args:
        photos: How many. Takes about 20 kB of disk each.
        short_side: What they are stored with.
        square: Side of the squares that the epoch draws.
        batch_size: Squares in a batch.
        workers: Processes of `prepare`.
    """
    print_machine("tensorflow", "pillow")
    with TemporaryDirectory() as folder:
        source, shards = Path(folder, "photos"), Path(folder, "shards")
        in_new_process(write_photos, source, photos)
        flags = ["--short-side", short_side, "--workers", workers]
        command = ["keras_colorizer", "prepare", source, "-o", shards, *flags]
        rows = [_row("prepare", photos, *_watched("-m", *command))]
        epoch = ["--epoch-of", shards, square, batch_size]
        rows.append(_row("an epoch", photos, *_watched(__file__, *epoch)))
        manifest = json.loads((shards / "manifest.json").read_text())
    _print(rows, manifest, photos, workers)
    if not manifest["photos"] == manifest["found"] == photos:
        raise SystemExit("Photos were lost.")


def write_photos(folder: Path, count: int) -> None:
    """Writes photos of which no two look alike.

    Args:
        folder: To be made; gets 50 subfolders.
        count: How many.
    """
    rng = np.random.default_rng(0)
    for number in range(count):
        cells = rng.integers(0, 256, (CELLS[1], CELLS[0], 3), "uint8")
        smooth = Image.fromarray(cells).resize(SIZE, Image.Resampling.BICUBIC)
        grain = rng.integers(-8, 9, (SIZE[1], SIZE[0], 1), "int16")
        levels = np.clip(np.asarray(smooth) + grain, 0, 255).astype("uint8")
        path = folder / f"{number % GROUPS:02}" / f"{number:07}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(levels).save(path, quality=QUALITY)


def read_epoch(shards: str, square: int, batch_size: int) -> None:
    """Draws as many batches as an epoch has, in a process of its own."""
    from keras_colorizer.data.photo_reader import PhotoReader
    from keras_colorizer.data.pipeline import training_batches
    from keras_colorizer.data.shards.prepared_photos import survey_shards

    photos = survey_shards(shards, square=square).photos
    reader = PhotoReader(photos, square=square)
    batches = training_batches(reader, batch_size=batch_size, seed=0)
    for _ in batches.take(-(-len(photos) // batch_size)):
        pass


def _watched(*arguments):
    """Runs Python; returns seconds of it and of processors, and the memory."""
    start = time.perf_counter()
    process = subprocess.Popen([sys.executable, *map(str, arguments)])
    held: list[float] = []
    watching = threading.Thread(target=_watch, args=(process, held))
    watching.start()
    if process.wait():
        raise SystemExit(f"{arguments[0]} {arguments[1]} failed.")
    taken = time.perf_counter() - start
    watching.join()
    return taken, held


def _watch(process, held):
    while process.poll() is None:
        try:
            parent = psutil.Process(process.pid)
            family = [parent, *parent.children(recursive=True)]
            held.append(sum(p.memory_info().rss for p in family) / 1e6)
        except psutil.Error:  # One has just ended.
            pass
        time.sleep(INTERVAL)


def _row(name, photos, taken, held):
    ends = [(i + 1) * len(held) // SAMPLES for i in range(SAMPLES)]
    starts = [0, *ends[:-1]]
    peaks = [
        f"{max(held[a:b], default=0):,.0f}"
        for a, b in zip(starts, ends, strict=True)
    ]
    return name, taken, photos / taken, peaks


def _print(rows, manifest, photos, workers):
    counts = f"{manifest['found']:,} found, {manifest['photos']:,} stored"
    print(f"{photos:,} photos written, {counts}, {len(manifest['shards'])}")
    print(f"shards of {_bytes(manifest) / 1e6:,.0f} MB; left out:")
    print(f"{manifest['left_out']}.\n")
    hours = MILLION / 3600
    print_table(
        ["step", "seconds", "photos/s", "hours per million"],
        [(name, s, speed, hours / speed) for name, s, speed, _ in rows],
    )
    parts = [f"part {i + 1}" for i in range(SAMPLES)]
    print_table(
        ["most memory, MB", *parts],
        [(name, *peaks) for name, *_, peaks in rows],
    )
    gigabytes = _bytes(manifest) / manifest["found"] * MILLION / 1e9
    print(
        f"A million photos of this size would take {gigabytes:,.0f} GB, and "
        f"the hours above with {workers} workers on these cores, if time "
        "grows with the number of photos: start-up is counted as if it did."
    )


def _bytes(manifest):
    return sum(shard["bytes"] for shard in manifest["shards"])


if __name__ == "__main__":
    if sys.argv[1:2] == ["--epoch-of"]:
        read_epoch(sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
    else:
        tyro.cli(main)
