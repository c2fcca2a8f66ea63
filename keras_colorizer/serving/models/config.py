"""Which models to serve, and which of their versions."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class VersionPolicy:
    """Which of the versions on disk are served.

    Attributes:
        latest: So many of the highest; None for no such limit.
        specific: Only these; empty for any.
    """

    latest: int | None = None
    specific: frozenset[int] = frozenset()

    def choose(self, found: Iterable[int]) -> set[int]:
        """Returns those of the versions found that are to be served."""
        allowed = sorted(
            number
            for number in found
            if not self.specific or number in self.specific
        )
        return set(allowed if self.latest is None else allowed[-self.latest :])


LATEST = VersionPolicy(latest=1)


@dataclass(frozen=True)
class ModelConfig:
    """One model to serve.

    Attributes:
        name: In the URL.
        base_path: The folder of its versions, which are folders with numbers
            as names.
        policy: Which versions are served.
        labels: Version numbers by label.
    """

    name: str
    base_path: Path
    policy: VersionPolicy = LATEST
    labels: Mapping[str, int] = field(default_factory=dict)
