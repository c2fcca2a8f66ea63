"""Colors photos by a server, where only a few small packages are at hand.

    pip install httpx numpy pillow rich tyro
    python client.py scans/ -o colored/ --url http://localhost:8501

From Python:

    from client import ColorizerClient

    with ColorizerClient("http://localhost:8501") as client:
        client.colorize("old.jpg").save("new.png")

To have it elsewhere, copy this file and the folder `colorizer_client` beside
it; nothing else of this project is needed.
"""

import sys

from colorizer_client import ColorizerClient
from colorizer_client.command import main

__all__ = ["ColorizerClient"]

if __name__ == "__main__":
    sys.exit(main())
