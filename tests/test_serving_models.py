"""Versions of models: which are found, loaded, kept and given up."""

import gc
import shutil
import threading
import time
import weakref

import numpy as np
import pytest
import tensorflow as tf
from fixtures.embedded_server import serving
from fixtures.half_plus_two import save_half_plus_two
from tensorflow_serving.apis import (
    predict_pb2,
    prediction_log_pb2,
    session_service_pb2,
)

from keras_colorizer.errors import ConfigError, ServingError
from keras_colorizer.serving.batching.dispatch import Dispatcher
from keras_colorizer.serving.models.config import (
    LATEST,
    ModelConfig,
    VersionPolicy,
)
from keras_colorizer.serving.models.manager import ModelManager
from keras_colorizer.serving.models.polling import Poller
from keras_colorizer.serving.models.saved_model import LoadedModel
from keras_colorizer.serving.models.warmup import REQUESTS, warm_up
from keras_colorizer.serving.monitoring import Monitoring
from keras_colorizer.serving.rest.status import Code, RestError
from keras_colorizer.serving.rest.targets import ModelSpec


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """SavedModels that add 2 and 3."""
    folder = tmp_path_factory.mktemp("saved")
    for bias in (2, 3):
        save_half_plus_two(folder / f"{bias}", bias=float(bias))
    return folder


@pytest.fixture
def base(tmp_path):
    return tmp_path / "base"


@pytest.fixture
def add(saved, base):
    """Adds a version that adds 2, or another number."""

    def add(name, *, bias=2):
        shutil.copytree(saved / f"{bias}", base / name)
        return base / name

    return add


def load(folder):
    model = LoadedModel(folder, timeout_ms=0)
    warm_up(model, folder)
    return model


@pytest.fixture
def manager():
    manager = ModelManager(load, allow_unavailable_labels=False)
    yield manager
    manager.close()


def answer(manager, **spec):
    version = manager.acquire(ModelSpec("m", **spec))
    try:
        inputs = {"x": np.float32(2)}
        return version.model.run("serving_default", inputs)["y"]
    finally:
        version.release()


def states(manager):
    return {s.version: s.state for s in manager.statuses(ModelSpec("m"))}


def break_version(folder):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "saved_model.pb").write_bytes(b"no protobuf at all")


@pytest.mark.parametrize(
    ("policy", "chosen"),
    [
        (LATEST, {43}),
        (VersionPolicy(latest=2), {42, 43}),
        (VersionPolicy(latest=9), {41, 42, 43}),
        (VersionPolicy(), {41, 42, 43}),
        (VersionPolicy(specific=frozenset({41, 43, 50})), {41, 43}),
    ],
)
def test_policies_choose_versions(policy, chosen):
    assert policy.choose([43, 41, 42]) == chosen
    assert policy.choose([]) == set()


def test_all_versions_of_a_policy_serve_at_once(manager, base, add):
    add("1"), add("0002", bias=3), add("3.bak"), add("٤")
    manager.configure([ModelConfig("m", base, VersionPolicy())])
    assert states(manager) == {2: "AVAILABLE", 1: "AVAILABLE"}
    assert answer(manager) == answer(manager, version=2) == 4
    assert answer(manager, version=1) == 3


def test_a_version_in_use_is_unloaded_only_afterwards(manager, base, add):
    add("1")
    manager.configure([ModelConfig("m", base)])
    version = manager.acquire(ModelSpec("m"))
    add("2", bias=3)
    refreshing = threading.Thread(target=manager.refresh)
    refreshing.start()
    while states(manager).get(2) != "AVAILABLE":
        time.sleep(0.01)
    time.sleep(0.1)
    assert states(manager)[1] == "UNLOADING"
    assert version.model.run("serving_default", {"x": np.float32(2)})["y"] == 3
    assert answer(manager) == 4
    version.release()
    refreshing.join()
    assert states(manager) == {2: "AVAILABLE", 1: "END"}
    with pytest.raises(RestError, match=r"Specific\(m, 1\)"):
        manager.acquire(ModelSpec("m", version=1))


def test_what_is_unloaded_is_freed(manager, base, add):
    add("1")
    manager.configure([ModelConfig("m", base)])
    dispatcher = Dispatcher(None, Monitoring())
    version = manager.acquire(ModelSpec("m"))
    inputs = {"x": np.float32(2)}
    task, _ = dispatcher.submit(
        version, "serving_default", inputs, dict, deadline=time.monotonic() + 60
    )
    assert task.future.result(60)["y"] == 3
    version.release()
    model = weakref.ref(version.model)
    add("2", bias=3)
    manager.refresh()
    gc.collect()
    assert model() is None
    dispatcher.stop(timeout=60)


def test_a_broken_version_leaves_the_old_one_until_mended(manager, base, add):
    add("1")
    manager.configure([ModelConfig("m", base)])
    break_version(base / "2")
    manager.refresh()
    latest, _ = manager.statuses(ModelSpec("m"))
    assert (latest.version, latest.state) == (2, "END")
    assert latest.code is not Code.OK
    assert latest.message
    assert answer(manager) == 3
    shutil.rmtree(base / "2")
    add("2", bias=3)
    manager.refresh()
    assert answer(manager) == 4
    assert states(manager) == {2: "AVAILABLE", 1: "END"}


def test_where_the_latest_is_broken_from_the_start_the_one_before_serves(
    manager, base, add
):
    add("1")
    break_version(base / "2")
    break_version(base / "3")
    manager.configure([ModelConfig("m", base)])
    manager.check_loaded()
    assert answer(manager) == 3
    assert states(manager) == {3: "END", 2: "END", 1: "AVAILABLE"}


def test_a_model_of_broken_versions_is_an_error_that_says_why(manager, base):
    break_version(base / "1")
    manager.configure([ModelConfig("m", base)])
    assert not manager.is_ready
    with pytest.raises(ServingError, match="No version of `m` in .* can be"):
        manager.check_loaded()


def test_versions_that_are_removed_stop(manager, base, add):
    add("1")
    manager.configure([ModelConfig("m", base)])
    shutil.rmtree(base / "1")
    manager.refresh()
    with pytest.raises(RestError, match=r"Latest\(m\)"):
        manager.acquire(ModelSpec("m"))
    assert not manager.is_ready


def test_a_folder_that_is_gone_changes_nothing(manager, base, add):
    add("1")
    manager.configure([ModelConfig("m", base)])
    shutil.rmtree(base)
    manager.refresh()
    assert answer(manager) == 3


def test_a_configuration_replaces_all_models(manager, base, add):
    add("1")
    manager.configure([ModelConfig("m", base)])
    before = manager.acquire(ModelSpec("m"))
    before.release()
    manager.configure([ModelConfig("m", base), ModelConfig("n", base)])
    assert manager.acquire(ModelSpec("m")) is before, "it had no need to load"
    before.release()
    manager.configure([ModelConfig("n", base)])
    assert manager.names == ["n"]
    assert not before.is_available
    with pytest.raises(RestError, match="Could not find any versions"):
        manager.statuses(ModelSpec("m"))


def test_another_base_path_is_another_model(manager, base, add, saved):
    add("1")
    manager.configure([ModelConfig("m", base)])
    manager.configure([ModelConfig("m", saved)])
    assert states(manager) == {3: "AVAILABLE"}
    assert answer(manager) == 4


def test_a_label_follows_the_configuration(manager, base, add):
    add("1"), add("2", bias=3)
    for stable, y in ((1, 3), (2, 4)):
        config = ModelConfig("m", base, VersionPolicy(), {"stable": stable})
        manager.configure([config])
        assert answer(manager, label="stable") == y


def test_a_label_of_no_version_changes_no_label(manager, base, add):
    add("1")
    manager.configure([ModelConfig("m", base, labels={"stable": 1})])
    wrong = {"stable": 999, "other": 1}
    with pytest.raises(ConfigError, match="label to version 999 of model m"):
        manager.configure([ModelConfig("m", base, labels=wrong)])
    assert answer(manager, label="stable") == 3
    with pytest.raises(RestError, match="Unrecognized .* label: other"):
        manager.acquire(ModelSpec("m", label="other"))


@pytest.mark.parametrize("new", ["other", "newer"])
def test_a_configuration_with_a_wrong_label_changes_nothing(
    manager, base, add, new
):
    """As server_core.cc, which looks at labels before anything else."""
    add("1")
    manager.configure([ModelConfig("m", base)])
    configs = {
        "other": [ModelConfig("n", base, labels={"x": 999})],
        "newer": [
            ModelConfig("m", base, VersionPolicy(specific=frozenset({2}))),
            ModelConfig("n", base, labels={"x": 999}),
        ],
    }
    add("2", bias=3)
    with pytest.raises(ConfigError, match="label to version 999 of model n"):
        manager.configure(configs[new])
    assert manager.names == ["m"]
    assert states(manager) == {1: "AVAILABLE"}


def test_a_label_moves_to_a_new_version_before_the_old_one_stops(
    manager, base, add
):
    add("1")
    first = VersionPolicy(specific=frozenset({1}))
    manager.configure([ModelConfig("m", base, first, {"stable": 1})])
    before = manager.acquire(ModelSpec("m", label="stable"))
    add("2", bias=3)
    second = VersionPolicy(specific=frozenset({2}))
    configuring = threading.Thread(
        target=manager.configure,
        args=[[ModelConfig("m", base, second, {"stable": 2})]],
    )
    configuring.start()
    while states(manager)[1] != "UNLOADING":
        time.sleep(0.01)
    assert answer(manager, label="stable") == 4
    before.release()
    configuring.join()
    assert states(manager) == {2: "AVAILABLE", 1: "END"}


def test_a_label_on_a_version_that_cannot_be_loaded_stays(manager, base, add):
    add("1")
    manager.configure([ModelConfig("m", base, labels={"stable": 1})])
    break_version(base / "2")
    with pytest.raises(ConfigError, match="label to version 2 of model m"):
        manager.configure([ModelConfig("m", base, labels={"stable": 2})])
    assert answer(manager, label="stable") == 3


@pytest.fixture
def early_manager():
    """One in which labels may name what does not serve yet."""
    manager = ModelManager(load, allow_unavailable_labels=True)
    yield manager
    manager.close()


def test_a_label_may_be_early_where_that_is_allowed(early_manager, base, add):
    add("1")
    manager = early_manager
    manager.configure([ModelConfig("m", base, labels={"next": 2})])
    with pytest.raises(RestError, match=r"Specific\(m, 2\)"):
        manager.acquire(ModelSpec("m", label="next"))
    add("2", bias=3)
    manager.refresh()
    assert answer(manager, label="next") == 4


def test_a_label_in_use_is_never_early(early_manager, base, add):
    """As server_core.cc: its requests would fail until the version comes."""
    add("1")
    early_manager.configure([ModelConfig("m", base, labels={"stable": 1})])
    with pytest.raises(ConfigError, match="label to version 2 of model m"):
        early_manager.configure([ModelConfig("m", base, labels={"stable": 2})])
    assert answer(early_manager, label="stable") == 3
    both = {"stable": 1, "next": 2}
    early_manager.configure([ModelConfig("m", base, labels=both)])
    early_manager.configure([ModelConfig("m", base, labels=both)])
    with pytest.raises(RestError, match=r"Specific\(m, 2\)"):
        early_manager.acquire(ModelSpec("m", label="next"))


def predict_record(signature="serving_default", **inputs):
    request = predict_pb2.PredictRequest()
    request.model_spec.signature_name = signature
    for alias, value in inputs.items():
        request.inputs[alias].CopyFrom(tf.make_tensor_proto(value))
    log = prediction_log_pb2.PredictLog(request=request)
    return prediction_log_pb2.PredictionLog(predict_log=log).SerializeToString()


def examples_record(kind, signature):
    log = prediction_log_pb2.PredictionLog()
    request = getattr(log, kind).request
    request.model_spec.signature_name = signature
    example = request.input.example_list.examples.add()
    example.features.feature["x"].float_list.value.append(2.0)
    return log.SerializeToString()


def session_record():
    log = session_service_pb2.SessionRunRequest()
    return prediction_log_pb2.PredictionLog(
        session_run_log=prediction_log_pb2.SessionRunLog(request=log)
    ).SerializeToString()


def write_records(folder, records):
    path = folder / REQUESTS
    path.parent.mkdir()
    with tf.io.TFRecordWriter(str(path)) as writer:
        for record in records:
            writer.write(record)


def test_warm_up_requests_of_all_kinds_run(add):
    folder = add("1")
    records = [
        predict_record(x=1.0),
        predict_record("", x=[1.0, 2.0]),
        predict_record("bytes_id", image_bytes=np.array([b"a"], object)),
        examples_record("classify_log", "classify_x_to_y"),
        examples_record("regress_log", "regress_x_to_y"),
    ]
    write_records(folder, records)
    model = LoadedModel(folder, timeout_ms=0)
    assert warm_up(model, folder) == 5
    model.close()


@pytest.mark.parametrize(
    ("records", "message"),
    [
        ([predict_record(x=1.0)] * 1001, "exceeds the maximum"),
        ([b"\xff"], "Failed to parse warmup record"),
        ([session_record()], "Unsupported log_type for warmup"),
        ([predict_record("nope", x=1.0)], '"nope" not found'),
        ([predict_record("reshape4", x=[1.0])], "Input to reshape"),
        ([predict_record(y=1.0)], "lacks the inputs"),
    ],
    ids=range(6),
)
def test_a_version_that_cannot_warm_up_does_not_serve(
    manager, base, add, records, message
):
    add("1")
    manager.configure([ModelConfig("m", base)])
    write_records(add("2", bias=3), records)
    manager.refresh()
    latest, before = manager.statuses(ModelSpec("m"))
    assert (latest.state, before.state) == ("END", "AVAILABLE")
    assert message in latest.message


def test_warm_up_requests_in_another_format_are_told(manager, base, add):
    folder = add("1")
    (folder / REQUESTS).parent.mkdir()
    (folder / REQUESTS).write_bytes(b"not a TFRecord file")
    manager.configure([ModelConfig("m", base)])
    (status,) = manager.statuses(ModelSpec("m"))
    assert status.code is Code.DATA_LOSS
    assert "verify your warmup data is in TFRecord format" in status.message


def test_polling_goes_on_after_an_error():
    calls = []
    third = threading.Event()

    def fail():
        calls.append("fail")
        if calls.count("fail") == 3:
            third.set()
        raise OSError("the disk is gone")

    never = [(lambda: calls.append("never"), period) for period in (0, -1)]
    poller = Poller([(fail, 0.01), *never])
    poller.start()
    assert third.wait(60)
    poller.stop(timeout=60)
    count = len(calls)
    time.sleep(0.05)
    assert len(calls) == count
    assert "never" not in calls


def config_of(**base_paths):
    models = [
        f'config {{ name: "{name}" base_path: "{path}" {more} }}'
        for name, (path, more) in base_paths.items()
    ]
    return f"model_config_list {{ {' '.join(models)} }}"


def test_a_configuration_file_is_followed_while_it_serves(base, add, tmp_path):
    add("1"), add("2", bias=3)
    config = tmp_path / "models.config"
    stable = 'version_labels {{ key: "stable" value: {} }}'
    policy = "model_version_policy {{ specific {{ versions: {} }} }}"
    both = f"{policy} {stable}"

    def answers(model):
        response = server.predict({"inputs": 2.0}, model=model)
        return response.json().get("outputs", response.status_code)

    def wait_for(model, expected):
        deadline = time.monotonic() + 60
        while answers(model) != expected and time.monotonic() < deadline:
            time.sleep(0.05)
        assert answers(model) == expected

    config.write_text(config_of(a=(base, both.format(1, 1))))
    with serving(
        *("--config", config, "--model_config_file_poll_wait_seconds", 0.1)
    ) as server:
        assert answers("a/labels/stable") == 3
        config.write_text("model_config_list { no such thing")
        time.sleep(0.5)
        assert answers("a/labels/stable") == 3
        config.write_text(
            config_of(a=(base, both.format(2, 2)), b=(base, policy.format(1)))
        )
        wait_for("b", 3)
        wait_for("a/labels/stable", 4)
        wait_for("a/versions/1", 404)
        config.write_text(config_of(b=(base, policy.format(1))))
        wait_for("a", 404)
        assert answers("a/labels/stable") == 400
        assert answers("b") == 3


def test_no_request_fails_while_a_version_is_replaced(base, add):
    add("1")
    with serving(
        *("--model", base, "--name", "m"),
        *("--file_system_poll_wait_seconds", 0.1),
    ) as server:
        threading.Timer(0.5, add, ["2"], {"bias": 3}).start()
        seen = []
        deadline = time.monotonic() + 60
        while 4.0 not in seen[-20:-19] and time.monotonic() < deadline:
            response = server.predict({"inputs": 2.0}, model="m")
            assert response.status_code == 200
            seen.append(response.json()["outputs"])
    assert seen == sorted(seen), "never the old one after the new one"
    assert set(seen) == {3.0, 4.0}
