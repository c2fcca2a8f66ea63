"""Colors photos by a server, with httpx, NumPy and Pillow.

    pip install httpx numpy pillow rich tyro

Nothing else is needed, neither TensorFlow nor `keras_colorizer`: copy this
folder, and `client.py` beside it for the command.
"""

from colorizer_client.client import ColorizerClient
from colorizer_client.coloring import ColoredPhoto
from colorizer_client.errors import (
    ClientError,
    CommandLineError,
    PhotoError,
    RefusedError,
    UnreachableError,
)

__all__ = [
    "ClientError",
    "ColoredPhoto",
    "ColorizerClient",
    "CommandLineError",
    "PhotoError",
    "RefusedError",
    "UnreachableError",
]
