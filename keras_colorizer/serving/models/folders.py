"""The folders of a model's versions."""

from pathlib import Path

LARGEST_VERSION = 2**63 - 1


def find_versions(base_path: Path) -> dict[int, Path]:
    """Returns the folders whose names are numbers, leading zeros or not.

    Args:
        base_path: The model's folder.

    Raises:
        OSError: If it cannot be read.

    Source:
        TF Serving's sources/storage_path/file_system_storage_path_source.cc.
    """
    return {
        int(path.name): path
        for path in sorted(base_path.iterdir())
        if path.name.isascii()
        and path.name.isdecimal()
        and int(path.name) <= LARGEST_VERSION
        and path.is_dir()
    }


def fingerprint(folder: Path) -> tuple:
    """Returns what changes when any file in a folder does."""
    try:
        return tuple(
            (str(path), stat.st_size, stat.st_mtime_ns)
            for path in sorted(folder.rglob("*"))
            for stat in [path.stat()]
        )
    except OSError:  # It is being copied, or removed, right now.
        return ()
