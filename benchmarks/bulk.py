"""How fast many photos are colored by each engine, and in how much memory.

Run it as `python benchmarks/bulk.py`.
"""

import io
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil
import tyro
from measuring import print_machine, print_table

FOLDER = 1000  # Photos.
KINDS = 50
SAMPLE = 1.0  # Seconds from one look at the memory to the next.
ENGINES = {"one process": ["--workers", "1"], "local": [], "ray": []}


def main(
    *,
    photos: int = 100_000,
    width: int = 256,
    height: int = 192,
    core_hour: float = 0.04,
    engines: tuple[str, ...] = tuple(ENGINES),
) -> None:
    """Colors generated JPEGs with each engine, from start to end of a command.

    Memory is that of all processes of the command together, what they share
    counted once for each; "early" is at a quarter of the run. A run that has
    lost a photo, or recorded one twice, ends with an error.

    Args:
        photos: How many.
        width: In pixels.
        height: In pixels.
        core_hour: The price of a core for an hour, in dollars, by which the
            cost of a million such photos is estimated.
        engines: Which to measure; "one process" colors but the first folder
            of 1,000 photos.
    """
    print_machine("ai-edge-litert", "pillow", "ray")
    with tempfile.TemporaryDirectory() as folder:
        scans = Path(folder, "scans")
        _generate(scans, photos, (width, height))
        rows = []
        for engine in engines:
            part = scans / "000" if engine == "one process" else scans
            rows.append(_measured(engine, part, Path(folder, engine)))
    cores = psutil.cpu_count()
    print_table(
        [
            "engine",
            "photos",
            "s",
            "photos/s",
            "MB early",
            "MB late",
            "$/million",
        ],
        [(*row, 1e6 / row[3] / 3600 * cores * core_hour) for row in rows],
    )
    print(
        f"Photos of {width} x {height} pixels; the cost assumes that {cores} "
        f"cores at ${core_hour} an hour each\ngo on at this speed, start "
        "included, and counts neither storage nor requests."
    )


def _generate(scans, count, size):
    files = [_jpeg(number, size) for number in range(KINDS)]
    for number in range(count):
        path = scans / f"{number // FOLDER:03d}" / f"{number:07d}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(files[number % KINDS])


def _jpeg(number, size):
    import skimage.data
    from PIL import Image

    photo = Image.fromarray(skimage.data.camera()).rotate(number).resize(size)
    file = io.BytesIO()
    photo.save(file, "JPEG", quality=90)
    return file.getvalue()


def _measured(engine, scans, out):
    command = [sys.executable, "-m", "keras_colorizer", "colorize", str(scans)]
    command += ["-o", str(out), "--manifest", str(out), *ENGINES[engine]]
    command += ["--engine", "ray" if engine == "ray" else "local"]
    start = time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        memory = [_megabytes(process.pid)]
        while process.poll() is None:
            time.sleep(SAMPLE)
            memory.append(_megabytes(process.pid))
    seconds = time.perf_counter() - start
    count = _counted(scans, out)
    memory = [megabytes for megabytes in memory if megabytes]
    late = memory[-max(1, len(memory) // 4) :]
    early = memory[: max(1, len(memory) // 4)]
    return engine, count, seconds, count / seconds, max(early), max(late)


def _megabytes(pid):
    """Of a process and all that it has started."""
    total = 0
    try:
        parent = psutil.Process(pid)
        family = [parent, *parent.children(recursive=True)]
    except psutil.NoSuchProcess:
        return 0.0
    for process in family:
        try:
            total += process.memory_info().rss
        except psutil.NoSuchProcess:
            continue
    return total / 1e6


def _counted(scans, out):
    """The photos, of which each must have one result and one record."""
    expected = {p.relative_to(scans).as_posix() for p in scans.rglob("*.jpg")}
    found = {p.relative_to(out).as_posix() for p in out.rglob("*.jpg")}
    with (out / "manifest.jsonl").open() as file:
        recorded = [json.loads(line)["output"] for line in file]
    if found != expected or sorted(recorded) != sorted(expected):
        sys.exit(
            f"{out.name}: of {len(expected)} photos {len(found)} were colored,"
            f" and there are {len(recorded)} records."
        )
    return len(expected)


if __name__ == "__main__":
    tyro.cli(main)
