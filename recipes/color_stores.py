"""Photos of an object store, colored by Ray Data into another folder of it.

    pip install "keras-colorizer[ray]"
    python recipes/color_stores.py s3://bucket/scans s3://bucket/colored

Any file system that pyarrow knows will do: s3, gs, abfs, hdfs, file. Results
are PNG files. Those that exist are kept: the same command goes on after a stop.
"""

import io
import sys

import ray
import tyro
from pyarrow import fs

from keras_colorizer import Colorizer, PhotoError
from keras_colorizer.photos import PHOTO_SUFFIXES


class PhotoColorizer:
    """An actor that colors photos and stores the results.

    Args:
        store: Where results are written.
        folders: The path of the photos' folder, and that of the results'.
    """

    def __init__(self, store: fs.FileSystem, folders: tuple[str, str]):
        self._colorizer = Colorizer.from_preset("small")
        self._store, self._folders = store, folders

    def __call__(self, row: dict) -> dict:
        """Colors the `bytes` at a `path`; returns a reason, or "" if done."""
        path = result_path(row["path"], self._folders)
        try:
            photo = self._colorizer.colorize(row["bytes"])
        except PhotoError as error:
            return {"path": row["path"], "reason": str(error)}
        file = io.BytesIO()
        photo.save(file, "PNG")
        self._store.create_dir(path.rpartition("/")[0])
        with self._store.open_output_stream(path) as stream:
            stream.write(file.getvalue())
        return {"path": row["path"], "reason": ""}


def result_path(path: str, folders: tuple[str, str]) -> str:
    """Returns the path of a photo's result."""
    source, target = folders
    return f"{target}/{path.removeprefix(source).lstrip('/')}.png"


def listed(store: fs.FileSystem, folder: str) -> list[str]:
    """Returns the paths of all files below a folder."""
    below = fs.FileSelector(folder, recursive=True, allow_not_found=True)
    return [info.path for info in store.get_file_info(below) if info.is_file]


def main(photos: str, results: str, /) -> int:
    """Colors the photos of a folder; returns 1 if some failed.

    Args:
        photos: The URI of a folder.
        results: The URI of another one.
    """
    source, folder = fs.FileSystem.from_uri(photos)
    store, target = fs.FileSystem.from_uri(results)
    done = set(listed(store, target))
    todo = [
        path
        for path in listed(source, folder)
        if path.lower().endswith(PHOTO_SUFFIXES)
        and result_path(path, (folder, target)) not in done
    ]
    failed = 0
    if todo:
        rows = ray.data.read_binary_files(
            todo, filesystem=source, include_paths=True
        ).map(
            PhotoColorizer,
            fn_constructor_args=[store, (folder, target)],
            num_cpus=1,
            compute=ray.data.ActorPoolStrategy(min_size=1, max_size=1000),
        )
        for row in rows.iter_rows():
            if row["reason"]:
                failed += 1
                print(f"{row['path']}: {row['reason']}", file=sys.stderr)
    print(f"{len(todo) - failed} of {len(todo)} colored, in {results}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(tyro.cli(main))
