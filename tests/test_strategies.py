"""Several devices give what one gives, and wrong settings are named."""

import dataclasses
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

from keras_colorizer import ConfigError, TrainingConfig, TrainingError, train
from keras_colorizer.training import devices
from keras_colorizer.training.cluster import Cluster, meet, read_cluster

FIXTURES = Path(__file__).parent / "fixtures"
DOCUMENT = Path(__file__).parents[1] / "docs/scaling.md"


@pytest.fixture(scope="module")
def steps():
    """Six steps of SGD on one device and on two; one process for all."""
    done = subprocess.run(
        [sys.executable, str(FIXTURES / "mirrored_steps.py")],
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.slow
@pytest.mark.parametrize("loop", ["two", "two_keras"])
def test_two_devices_train_as_one_at_the_same_global_batch(steps, loop):
    one, two = steps["one"], steps[loop]
    assert two["steps"] == one["steps"] == 6
    for step, expected in zip(two["losses"], one["losses"], strict=True):
        assert step.keys() == expected.keys()
        for name, loss in expected.items():
            # Sums of other order: a few units in float32's last place.
            np.testing.assert_allclose(step[name], loss, rtol=2e-6)
    np.testing.assert_allclose(two["weights"], one["weights"], atol=3e-6)


@pytest.mark.slow
def test_own_loop_trains_as_keras_fit(steps):
    assert steps["one"] == steps["one_keras"]


@pytest.mark.slow
def test_devices_drop_out_differently_but_can_be_saved_as_one(steps):
    dropout = steps["dropout"]
    assert dropout["change"] > 0.01
    for first, second in dropout["states"]:
        assert first == second
        assert first[1] == 1  # Drawn once.


def tf_config(workers, *, index=0, job="worker"):
    task = {"type": job, "index": index}
    return json.dumps({"cluster": {"worker": workers}, "task": task})


def test_cluster_is_what_tf_config_says(monkeypatch):
    addresses = ["a:1", "b:2", "[::1]:3"]
    monkeypatch.setenv("TF_CONFIG", tf_config(addresses, index=2))
    assert read_cluster() == Cluster(tuple(addresses), 2)


def test_chief_of_its_own_job_comes_first(monkeypatch):
    described = {
        "cluster": {"worker": ["b:2", "c:2"], "chief": ["a:2"]},
        "task": {"type": "worker", "index": 1},
    }
    monkeypatch.setenv("TF_CONFIG", json.dumps(described))
    cluster = read_cluster()
    assert cluster == Cluster(("a:2", "b:2", "c:2"), 2, chief_apart=True)
    assert not cluster.is_chief
    assert cluster.name(cluster.number("worker", 0)) == "Worker 1 (b:2)"
    assert cluster.name(cluster.number("chief", 0)) == "Worker 0 (a:2)"


@pytest.mark.parametrize(
    ("pattern", "index"),
    [(r"```json\n(.*?)```", 0), (r"export TF_CONFIG='(.*?)'", 1)],
)
def test_documented_tf_config_names_four_machines(pattern, index, monkeypatch):
    text = re.search(pattern, DOCUMENT.read_text(), flags=re.DOTALL)[1]
    monkeypatch.setenv("TF_CONFIG", text)
    addresses = tuple(f"10.0.0.{number}:2222" for number in (1, 2, 3, 4))
    assert read_cluster() == Cluster(addresses, index)


def test_no_tf_config_is_no_cluster(monkeypatch):
    monkeypatch.delenv("TF_CONFIG", raising=False)
    assert read_cluster() is None


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("localhost:1", "is not JSON"),
        ("[]", "is no JSON object"),
        ("{}", "names no `cluster`"),
        ('{"cluster": {}}', "names no `cluster`"),
        ('{"cluster": {"worker": "a:1"}}', "must list the addresses"),
        ('{"cluster": {"worker": ["a:1"], "ps": ["b:1"]}}', "has a `ps`"),
        ('{"cluster": {"worker": ["a:1"]}}', "does not say which worker"),
        ('{"cluster": {"chief": ["a:1", "b:1"]}}', "more than one chief"),
        (tf_config([]), "names no worker"),
        (tf_config(["a:1", "a:1"]), "one of them twice"),
        (tf_config(["a"]), "no host:port, `a`"),
        (tf_config(["a:1", "b:1"], index=2), "`worker` 2, .* lists 2"),
        (tf_config(["a:1", "b:1"], index=-1), "`worker` -1, .* lists 2"),
        (tf_config(["a:1"], job="chief"), "`chief` 0, .* lists 0"),
        (tf_config(["a:1"], job=["worker"]), "lists 0"),
    ],
)
def test_wrong_tf_config_is_refused_in_a_sentence(
    text, complaint, tiny_config, tmp_path, monkeypatch
):
    monkeypatch.setenv("TF_CONFIG", text)
    config = dataclasses.replace(
        tiny_config, strategy="multi_worker", run_dir=tmp_path / "run"
    )
    with pytest.raises(ConfigError, match=complaint) as refusal:
        train(config)
    assert "TF_CONFIG" in str(refusal.value)
    assert "docs/scaling.md" in str(refusal.value)


def test_multi_worker_without_tf_config_is_refused(tiny_config, monkeypatch):
    monkeypatch.delenv("TF_CONFIG", raising=False)
    config = dataclasses.replace(tiny_config, strategy="multi_worker")
    with pytest.raises(ConfigError, match="needs .* TF_CONFIG"):
        train(config)


def free_port():
    with socket.create_server(("", 0)) as door:
        return door.getsockname()[1]


def test_unreachable_worker_is_named_in_bounded_time(
    tiny_config, tmp_path, monkeypatch
):
    own, missing = free_port(), free_port()
    workers = [f"localhost:{own}", f"localhost:{missing}"]
    monkeypatch.setenv("TF_CONFIG", tf_config(workers))
    monkeypatch.setattr(devices, "PATIENCE", 0.5)
    config = dataclasses.replace(tiny_config, run_dir=tmp_path / "run")
    with pytest.raises(
        TrainingError, match=rf"Worker 1 \(localhost:{missing}\) has not"
    ):
        train(config)
    assert not (tmp_path / "run").exists()


JOINS_ALONE = """
from keras_colorizer import TrainingConfig
from keras_colorizer.training import devices
devices.PATIENCE = 3.0
config = TrainingConfig(preset="tiny")
devices.choose_devices(config, devices.chosen_cluster(config))
"""


@pytest.mark.slow
def test_worker_that_answers_but_does_not_join_is_not_waited_for():
    with socket.create_server(("", 0)) as silent:
        port = silent.getsockname()[1]
        workers = [f"localhost:{free_port()}", f"localhost:{port}"]
        done = subprocess.run(
            [sys.executable, "-c", JOINS_ALONE],
            env={**os.environ, "TF_CONFIG": tf_config(workers)},
            capture_output=True,
            text=True,
            timeout=120,
        )
    assert done.returncode == -signal.SIGKILL
    sentences = [x for x in done.stderr.splitlines() if x.startswith("Error")]
    assert sentences == [devices.LATE]


def test_taken_port_is_named():
    with socket.create_server(("", 0)) as door:
        port = door.getsockname()[1]
        cluster = Cluster((f"localhost:{port}", "localhost:1"), 0)
        with pytest.raises(ConfigError, match=f"Port {port} .* in use"):
            meet(cluster, patience=5)


def test_workers_meet_whoever_comes_first():
    addresses = tuple(f"localhost:{free_port()}" for _ in range(3))
    seen = []

    def come(index, late):
        threading.Event().wait(late)
        meet(Cluster(addresses, index), patience=10)
        seen.append(index)
        stays_open(addresses[index])

    open_doors = []

    def stays_open(address):  # As TensorFlow's server would.
        port = int(address.rpartition(":")[2])
        open_doors.append(socket.create_server(("", port)))

    threads = [
        threading.Thread(target=come, args=(index, late))
        for index, late in enumerate((0.4, 0.0, 0.8))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert sorted(seen) == [0, 1, 2]
    for door in open_doors:
        door.close()


def test_one_worker_alone_is_no_cluster(monkeypatch):
    monkeypatch.setenv("TF_CONFIG", tf_config(["localhost:1"]))
    assert devices.chosen_cluster(TrainingConfig()) is None


def test_tf_config_is_not_read_for_one_machine(monkeypatch):
    monkeypatch.setenv("TF_CONFIG", "broken")
    for strategy in ("single", "mirrored"):
        config = TrainingConfig(strategy=strategy)
        assert devices.chosen_cluster(config) is None


@pytest.mark.parametrize(
    ("settings", "complaint"),
    [
        ({"batch_size": 5}, "multiple of the number of devices, 2.*: 5"),
        ({"precision": "float16"}, "float16 is for one device"),
        ({"jit_compile": True}, "--jit-compile is for one device"),
    ],
)
def test_what_several_devices_cannot_do_is_refused(settings, complaint):
    config = TrainingConfig(**settings)
    devices.check_suits(config, 1)
    with pytest.raises(ConfigError, match=complaint):
        devices.check_suits(config, 2)
