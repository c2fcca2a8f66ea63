"""The engines that color photos, of which all write the same files."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from keras_colorizer.bulk.batch import (
    Settings,
    colorize_batch,
    load_colorizer,
)
from keras_colorizer.bulk.records import Record, Task
from keras_colorizer.errors import ConfigError

# Fewer are colored before a second process has started.
PHOTOS_A_PROCESS = 8
# A scan of 12 megapixels takes 360 MB.
BYTES_A_PROCESS = 500e6


@dataclass(frozen=True)
class Engine:
    """What colors photos.

    Attributes:
        name: "local" for this machine, "ray" for a cluster.
        workers: How many processes or actors; chosen when None.
        address: Of the Ray cluster; None for one on this machine.
    """

    name: Literal["local", "ray"]
    workers: int | None = None
    address: str | None = None

    def __post_init__(self):
        if self.workers is not None and self.workers < 1:
            raise ConfigError(
                f"--workers must be at least 1. Received: {self.workers}"
            )
        if self.address is not None and self.name != "ray":
            raise ConfigError("--address is for --engine ray.")

    def check(self, model: Path) -> None:
        """Refuses early what cannot work.

        Raises:
            ConfigError: If Ray is missing or does not answer, or the model is
                of a kind that it does not take.
        """
        if self.name == "ray":
            from keras_colorizer.bulk.ray_engine import check_ray

            check_ray(self.address)
            if model.suffix != ".tflite":
                raise ConfigError(
                    "--engine ray colors with a .tflite file, made by "
                    f"python export.py. Received: `{model}`"
                )

    def color(
        self,
        tasks: Iterable[Task],
        *,
        count: int,
        model: Path,
        settings: Settings,
    ) -> Iterator[Record]:
        """Colors photos.

        Args:
            tasks: The photos.
            count: About how many there are.
            model: As for `Colorizer.load`.
            settings: For all of them.

        Yields:
            A record for each, in the order they are done.

        Raises:
            ColorizerError: If nothing can be colored at all.
        """
        if self.name == "ray":
            from keras_colorizer.bulk.ray_engine import RayCluster

            return RayCluster(
                model, settings, workers=self.workers, address=self.address
            ).color(tasks)
        workers = self.workers or process_count(count, model)
        if workers == 1:
            return colorize_batch(load_colorizer(model), tasks, settings)
        from keras_colorizer.bulk.processes import Processes

        return Processes(model, settings, workers).color(tasks)


def process_count(photos: int, model: Path) -> int:
    """Returns how many processes suit this machine.

    One, which has no start to wait for, for few photos, and for models that
    TensorFlow runs, on all cores.

    Args:
        photos: How many there are to color.
        model: As for `Colorizer.load`.
    """
    useful = photos // PHOTOS_A_PROCESS
    if useful < 2 or model.suffix != ".tflite":
        return 1
    # One photo alone shall not wait for these.
    import psutil

    from keras_colorizer.litert import available_cores

    fitting = int(psutil.virtual_memory().available / BYTES_A_PROCESS)
    return max(1, min(useful, available_cores(), fitting))
