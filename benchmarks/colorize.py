"""Seconds and memory that coloring takes: steps, commands, engines.

Run it as `python benchmarks/colorize.py`.
"""

import dataclasses
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import psutil
import tyro
from measuring import (
    in_new_process,
    interleaved,
    peak_megabytes,
    print_machine,
    print_table,
    seconds,
)
from natural_photos import jpegs, write_large

from keras_colorizer import Colorizer
from keras_colorizer.chroma import steps
from keras_colorizer.photos import read_photo, write_photo

HERE = Path(__file__).parents[1]
LARGE, MEDIUM, SMALL = (4000, 3000), (1152, 868), (256, 192)
FEW = 48  # Photos of the small folder.
KINDS = 50  # Of photos in the large folder.
SAMPLE_SECONDS = 1.0  # Between two looks at the memory.
READING, WRITING = "reading, decoding", "encoding, writing"


def main(
    *,
    repeats: int = 5,
    against: tuple[Path, ...] = (),
    photos: int = 1000,
    engines: tuple[str, ...] = ("processes", "ray"),
) -> None:
    """Colors JPEGs with the pretrained model, in new processes.

    Args:
        repeats: Rounds of which the median is taken, after one to warm up.
        against: Other checkouts, whose commands are timed by turns with this.
        photos: Number of small photos that each engine colors; it ends with
            an error if one is lost. Memory is that of all processes, what
            they share counted once for each, early (in the first quarter of
            the run) and late (in the last).
        engines: The engines to measure.
    """
    print_machine("ai-edge-litert", "pillow", "ray")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        in_new_process(_write_photos, folder, photos)
        if repeats:
            _print_steps(folder / "large.jpg", repeats)
            _print_commands(folder, [HERE, *against], repeats)
        if engines:
            _print_engines(folder, engines)


def _write_photos(folder: Path, count: int) -> None:
    write_large(folder / "large.jpg", size=LARGE, mode="L")
    write_large(folder / "medium.jpg", size=MEDIUM, mode="L")
    files = jpegs(count=KINDS, size=SMALL)
    for name, number in (("few", FEW), ("many", count)):
        (folder / name).mkdir()
        for index in range(number):
            path = folder / name / f"{index:06}.jpg"
            path.write_bytes(files[index % KINDS])


def _print_steps(path: Path, repeats: int) -> None:
    """Prints the time of each step, and the memory of the first photo."""
    first, empty, peak = in_new_process(_first_photo, path)
    later = in_new_process(_later_photos, path, repeats)
    print_table(
        [f"grey JPEG, {LARGE[0]} x {LARGE[1]}", "first photo, s", "later, s"],
        [(step, first[step], later[step]) for step in later],
    )
    print(
        f"Peak memory of a process that colors this one photo: {peak:.0f} "
        f"MB, {empty:.0f} MB of\nthem before it reads the photo.\n"
    )


def _first_photo(path: Path) -> tuple[dict[str, float], float, float]:
    """Seconds of each step, and peak memory in MB before and after."""
    colorizer = Colorizer.from_preset("small")
    before = peak_megabytes()
    return _lap_times(_steps(colorizer, path)), before, peak_megabytes()


def _later_photos(path: Path, repeats: int) -> dict[str, float]:
    """Median seconds of each step."""
    colorizer = Colorizer.from_preset("small")
    rounds = [_lap_times(_steps(colorizer, path)) for _ in range(repeats + 1)]
    return {
        step: statistics.median(times[step] for times in rounds[1:])
        for step in rounds[0]
    }


def _steps(colorizer: Colorizer, path: Path) -> Iterator[str]:
    """Colors a file as the command does; yields each step when done."""
    photo = read_photo(path)
    yield READING
    lightness = steps.photo_lightness(photo.pixels)
    yield "lightness"
    view = steps.network_view(lightness, colorizer.render_size)
    yield "network's view"
    ab = colorizer.predict_ab(view)[0]
    yield "network"
    rgb = steps.merge(lightness, ab, photo.pixels.dtype.type)
    yield "merging"
    colored = dataclasses.replace(photo, pixels=rgb)
    write_photo(colored, path.with_suffix(".out.jpg"))
    yield WRITING


def _lap_times(steps: Iterator[str]) -> dict[str, float]:
    times, start = {}, time.perf_counter()
    for name in steps:
        end = time.perf_counter()
        times[name] = end - start
        start = end
    return times


def _print_commands(folder: Path, checkouts: list[Path], repeats: int) -> None:
    """Prints seconds from the start of a command to its end, by turns."""
    photos = {
        f"a photo, {MEDIUM[0]} x {MEDIUM[1]}": folder / "medium.jpg",
        f"a photo, {LARGE[0]} x {LARGE[1]}": folder / "large.jpg",
        f"{FEW} photos, {SMALL[0]} x {SMALL[1]}": folder / "few",
    }
    rows = []
    for name, path in photos.items():
        runs = {
            str(checkout): partial(seconds, partial(_run, path, checkout))
            for checkout in checkouts
        }
        interleaved(runs, repeats=1)
        times = interleaved(runs, repeats=repeats)
        rows.append((name, *map(statistics.median, times.values())))
    print_table(["whole command, s", *map(str, checkouts)], rows)


def _run(path: Path, checkout: Path) -> None:
    with tempfile.TemporaryDirectory() as out:
        subprocess.run(
            _command(path, Path(out)),
            env={**os.environ, "PYTHONPATH": str(checkout)},
            cwd=checkout,
            check=True,
            capture_output=True,
        )


def _command(path: Path, out: Path) -> list[str]:
    words = ["-m", "keras_colorizer", "colorize", str(path), "-o", str(out)]
    return [sys.executable, *words]


def _print_engines(folder: Path, engines: tuple[str, ...]) -> None:
    scans = folder / "many"
    print_table(
        ["engine", "photos", "s", "photos/s", "MB early", "MB late"],
        [_measured(engine, scans, folder / engine) for engine in engines],
    )


def _measured(engine: str, scans: Path, out: Path) -> tuple:
    start = time.perf_counter()
    command = [*_command(scans, out), "--engine", engine]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        memory = [_megabytes(process.pid)]
        while process.poll() is None:
            time.sleep(SAMPLE_SECONDS)
            memory.append(_megabytes(process.pid))
    taken = time.perf_counter() - start
    names = [
        sorted(p.name for p in folder.iterdir()) for folder in (scans, out)
    ]
    if names[0] != names[1]:
        sys.exit(f"{engine}: {len(names[0])} photos, {len(names[1])} results.")
    count, quarter = len(names[0]), max(1, len(memory) // 4)
    early, late = max(memory[:quarter]), max(memory[-quarter:])
    return engine, count, taken, count / taken, early, late


def _megabytes(pid: int) -> float:
    """Resident memory of a process and of all that it has started."""
    total = 0
    try:
        parent = psutil.Process(pid)
        for process in [parent, *parent.children(recursive=True)]:
            total += process.memory_info().rss
    except psutil.NoSuchProcess:
        pass  # What has just ended counts no more.
    return total / 1e6


if __name__ == "__main__":
    tyro.cli(main)
