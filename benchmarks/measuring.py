"""Timing side by side, and printing it.

On a shared machine the speed of everything changes from minute to minute:
what is to be compared runs by turns, and of each the median counts.
"""

import multiprocessing
import os
import platform
import statistics
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from importlib import metadata
from pathlib import Path
from typing import TypeVar

Result = TypeVar("Result")

CPU_INFO = Path("/proc/cpuinfo")
# Those that decide the speed of float32, 8-bit and bfloat16 arithmetic.
FLAGS = ("avx2", "avx512f", "avx512_vnni", "avx512_bf16", "amx_bf16")
TURN = 0.5  # Seconds that one function is called for before the next one is.


def print_machine(*packages: str) -> None:
    """Prints what the figures depend on, as a paragraph of markdown.

    Args:
        *packages: Names of distributions whose versions matter.
    """
    load = f"load {os.getloadavg()[0]:.1f} before"
    print(f"{os.cpu_count()} cores, {_processor()}, {load}.")
    versions = [f"{package} {_version(package)}" for package in packages]
    print(", ".join([f"Python {platform.python_version()}", *versions]) + ".")
    print()


def interleaved(
    measures: Mapping[str, Callable[[], Result]], *, repeats: int
) -> dict[str, list[Result]]:
    """Calls all functions by turns, A B C A B C.

    Args:
        measures: What to measure, by name.
        repeats: How often to call each.

    Returns:
        What each returned, in order.
    """
    results: dict[str, list[Result]] = {name: [] for name in measures}
    for turn in range(repeats):
        _say(f"round {turn + 1} of {repeats}")
        for name, measure in measures.items():
            results[name].append(measure())
    return results


def interleaved_medians(
    measures: Mapping[str, Callable[[], Sequence[float]]], *, repeats: int
) -> dict[str, list[float]]:
    """Takes the median of every number that functions called by turns return.

    Args:
        measures: What to measure, by name.
        repeats: How often to call each.

    Returns:
        As many medians as each returns numbers.
    """
    results = interleaved(measures, repeats=repeats)
    return {
        name: [statistics.median(column) for column in zip(*rows, strict=True)]
        for name, rows in results.items()
    }


def drawing_speeds(
    make: Callable[[], Iterable], *, warm_up: int, duration: float
) -> tuple[float, float]:
    """Draws from an endless stream.

    Args:
        make: Returns the stream. A new one is made each time, so that nothing
            runs ahead while others are measured, and dropped when the clock
            has stopped: `tf.data` can take as long to drop one as it ran.
        warm_up: Elements drawn before the clock starts.
        duration: Seconds to draw for.

    Returns:
        Elements per second, and per second of processor time.
    """
    stream = iter(make())
    for _ in range(warm_up):
        next(stream)
    start, busy_start = time.perf_counter(), time.process_time()
    drawn, taken = 0, 0.0
    while taken < duration:
        next(stream)
        drawn, taken = drawn + 1, time.perf_counter() - start
    return drawn / taken, drawn / (time.process_time() - busy_start)


def seconds(action: Callable[[], object]) -> float:
    """Returns how long one call takes."""
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


def median_seconds(action: Callable[[], object]) -> float:
    """Calls for one turn, after once to warm up; returns the median time."""
    action()
    taken: list[float] = []
    while sum(taken) < TURN:
        taken.append(seconds(action))
    return statistics.median(taken)


def new_process(
    start: Callable[..., None] | None = None, *args
) -> ProcessPoolExecutor:
    """Returns a process of its own, which lives until it is shut down.

    Args:
        start: Called there first.
        *args: Its arguments.
    """
    spawn = multiprocessing.get_context("spawn")
    return ProcessPoolExecutor(
        1, mp_context=spawn, initializer=start, initargs=args
    )


def in_new_process(function: Callable[..., Result], *args, **kwargs) -> Result:
    """Calls a function in a process that ends with it."""
    with new_process() as process:
        return process.submit(function, *args, **kwargs).result()


def peak_megabytes() -> float:
    """Returns the most memory this process has held.

    Linux counts the process that started it, too, up to then: let that one be
    small.
    """
    import resource  # Not on Windows.

    kibibytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return kibibytes * 1024 / 1e6


def use_cores(count: int) -> None:
    """Keeps this process, and threads it starts from now on, to some cores."""
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:count])


def print_table(header: Sequence[str], rows: Iterable[Sequence]) -> None:
    """Prints a table of markdown, the first column to the left.

    Args:
        header: Names of the columns.
        rows: Cells; numbers are printed with three digits.
    """
    table = [list(header), *([_text(cell) for cell in row] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    rule = ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]
    for name, *cells in [table[0], rule, *table[1:]]:
        aligned = [
            cell.rjust(width)
            for cell, width in zip(cells, widths[1:], strict=True)
        ]
        print("|", " | ".join([name.ljust(widths[0]), *aligned]), "|")
    print()


def _text(cell):
    if not isinstance(cell, float):
        return str(cell)
    digits = 2 if abs(cell) < 10 else 1 if abs(cell) < 100 else 0
    return f"{cell:,.{digits}f}"


def _processor():
    if not CPU_INFO.exists():
        return platform.processor() or platform.machine()
    lines = [line.split(":", 1) for line in CPU_INFO.read_text().splitlines()]
    facts = {line[0].strip(): line[1].strip() for line in lines if line[1:]}
    flags = facts.get("flags", "").split()
    held = [flag for flag in FLAGS if flag in flags]
    return f"{facts.get('model name', platform.machine())} ({' '.join(held)})"


def _version(package):
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "not installed"


def _say(progress):
    if sys.stderr.isatty():
        print(f"\r{progress}\x1b[K", end="\r", file=sys.stderr, flush=True)
