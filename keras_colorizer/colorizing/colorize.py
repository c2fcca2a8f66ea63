"""Many photos, from files to files."""

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import astuple
from pathlib import Path
from typing import Literal

from keras_colorizer.chroma.saturation import check_saturation
from keras_colorizer.colorizing.coloring import (
    ColorizingResult,
    FilmColorizer,
    Outcome,
    PhotoColorizer,
    Settings,
    Task,
)
from keras_colorizer.colorizing.plan import is_film, plan_run
from keras_colorizer.errors import ColorizerError
from keras_colorizer.files import display_name
from keras_colorizer.photos import MAX_PIXELS
from keras_colorizer.pretrained import DEFAULT, TFLITE, pretrained_file

# Fewer are colored before a second process has started.
PHOTOS_A_PROCESS = 8
BYTES_A_PROCESS = 10**9  # Of the machine; a scan of 12 megapixels takes 0.36.
MORE_REQUESTS = 2  # Than cores: processes wait while a server computes.


def colorize_photos(
    sources: Sequence[str | Path],
    output: str | Path,
    *,
    model: str | Path | None = None,
    saturation: float | Literal["auto"] = 1.0,
    hints: str | Path | Literal[False] | None = None,
    max_pixels: int = MAX_PIXELS,
    engine: Literal["processes", "ray"] = "processes",
    overwrite: bool = False,
    pages: bool = False,
    films: FilmColorizer | None = None,
    progress: Callable[[ColorizingResult, int], None] | None = None,
) -> ColorizingResult:
    """Colors photos, from files to files of the same names.

    A result appears whole or not at all. A photo that fails is listed, and
    the others are colored; those of a killed worker are tried once more.

    Example:
        ```python
        result = colorize_photos(["scans"], "colored")
        print(result.done, "colored;", *result.failed.values())
        ```

    Args:
        sources: Photos, folders (searched at any depth), and patterns such as
            "scans/**/*.jpg".
        output: A folder, in which the tree of the named folders is kept, or
            for one photo a file, whose suffix chooses the format.
        model: As for `Colorizer.load`; by default the pretrained `small`.
        saturation: As for `Colorizer.colorize`.
        hints: A hint file for one photo; False for none. By default that
            which lies beside a photo, PHOTO.hints.json. Where it is newer
            than the photo's result, the photo is colored again.
        max_pixels: Larger photos fail.
        engine: Processes of this machine, or the actors of a Ray cluster,
            whose machines see photos and model at the same paths.
        overwrite: Whether photos whose result exists are colored again.
        pages: Whether all pages of a TIFF are colored, into one TIFF, instead
            of the first.
        films: Colors the films among the sources, after the photos; without
            it, they are not looked for.
        progress: Called at the start and after each photo with the result so
            far, always the same object, and the number of photos left.

    Returns:
        Counts, and the reasons for what failed.

    Raises:
        ColorizerError: If there are no photos, an argument is out of range,
            or the model or the cluster does not work.
    """
    check_saturation(saturation)
    model = str(model or pretrained_file(DEFAULT, TFLITE))
    names = [str(source) for source in sources]
    file = hints if hints is None or hints is False else str(hints)
    tasks, result = plan_run(
        names, str(output), overwrite=overwrite, hints=file, films=films
    )
    if engine == "ray":
        from keras_colorizer.colorizing.ray_data import check_ray

        check_ray()
        # Its workers have a working folder of their own.
        tasks = [_absolute(task) for task in tasks]
        model = os.path.abspath(model) if os.path.exists(model) else model
    settings = Settings(model, saturation, max_pixels, overwrite, pages)
    report = progress or (lambda result, left: None)
    report(result, len(tasks))
    outcomes = _outcomes(tasks, settings, engine, films)
    for number, outcome in enumerate(outcomes, start=1):
        result.add(outcome)
        report(result, len(tasks) - number)
    return result


def _outcomes(
    tasks: list[Task],
    settings: Settings,
    engine: str,
    films: FilmColorizer | None,
) -> Iterator[Outcome]:
    if films is None:
        yield from color_tasks(tasks, settings, engine=engine)
        return
    photos = [task for task in tasks if not is_film(task.photo)]
    yield from color_tasks(photos, settings, engine=engine)
    yield from (films(task) for task in tasks if is_film(task.photo))


def _absolute(task: Task) -> Task:
    return Task(*(path and os.path.abspath(path) for path in astuple(task)))


def color_tasks(
    tasks: Sequence[Task], settings: Settings, *, engine: str
) -> Iterator[Outcome]:
    """Yields one outcome for each task, in the order in which they end.

    Those whose worker was killed are repeated at the end, one by one.
    """
    left = {task.photo: task for task in tasks}
    for alone in (False, True):
        for answer in _answers(list(left.values()), settings, engine, alone):
            if isinstance(answer, ColorizerError):
                raise answer
            del left[answer.photo]
            yield answer
    for photo in left:
        yield Outcome(
            photo,
            f"`{display_name(photo)}`: the process that colored it died twice; "
            "is there enough memory?",
        )


def _answers(
    tasks: list[Task], settings: Settings, engine: str, alone: bool
) -> Iterable[Outcome | ColorizerError]:
    if not tasks:
        return ()
    # One photo alone does not wait for the imports of many.
    if engine == "ray":
        from keras_colorizer.colorizing.ray_data import color_on_ray

        return color_on_ray(tasks, settings, alone=alone)
    count = 1 if alone else process_count(len(tasks), settings.model)
    if alone or count > 1:
        from keras_colorizer.colorizing.processes import color_in_processes

        return color_in_processes(tasks, settings, count=count)
    return map(PhotoColorizer(settings), tasks)


def process_count(photos: int, model: str) -> int:
    """Returns the number of processes that suits the machine and the model.

    One, which has no start to wait for, for few photos, and for models that
    TensorFlow runs on all cores by itself.
    """
    is_served = "://" in model
    useful = photos // PHOTOS_A_PROCESS
    if useful < 2 or not (is_served or model.endswith(".tflite")):
        return 1
    from keras_colorizer.litert import available_cores

    count = available_cores() + (MORE_REQUESTS if is_served else 0)
    if hasattr(os, "sysconf"):  # Not on Windows.
        memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
        count = min(count, memory // BYTES_A_PROCESS)
    return max(1, min(useful, count))
