"""The modules of the web app, tested in their own language."""

import re
import subprocess

import pytest
from fixtures.web_app import SOURCE, why_no_node


@pytest.mark.skipif(
    bool(why_no_node()) or not (SOURCE / "node_modules").is_dir(),
    reason=why_no_node() or "`make web` installs what the modules need",
)
def test_modules_pass_their_own_tests():
    command = ["node", "--test", *map(str, SOURCE.glob("test/*.test.js"))]
    finished = subprocess.run(command, capture_output=True, text=True)
    assert finished.returncode == 0, finished.stdout
    assert re.search(r"# pass [1-9]\d*\n# fail 0\n", finished.stdout)


def test_lock_file_names_no_registry():
    lock = (SOURCE / "package-lock.json").read_text()
    assert '"integrity"' in lock
    assert '"resolved"' not in lock
