"""What serving/ gives TF Serving, Docker, Kubernetes and Prometheus.

Neither Docker nor Kubernetes runs here. Their files are held against their
schemas and against each other, and the commands in them are run.
"""

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import kubernetes_validate
import pytest
import yaml
from fixtures.colorizing_server import running
from google.protobuf import text_format
from tensorflow_serving.config.model_server_config_pb2 import (
    ModelServerConfig,
)

from keras_colorizer.exporting.image_bytes import PHOTOS_AT_ONCE
from keras_colorizer.serving.config_files import (
    read_batching,
    read_models,
    read_monitoring,
)

REPOSITORY = Path(__file__).parents[1]
SERVING = REPOSITORY / "serving"
KUBERNETES_VERSIONS = ["1.25", "1.37"]  # The ends of what the schemas cover.
CONFIG_FILES = ["batching_parameters.txt", "models.config", "monitoring.config"]
BYTES_A_PIXEL = 60  # Of a photo in work, as docs/artifacts.md measures.
GIB = 2**30

# Of TF Serving 2.21's main.cc, those that are used.
FLAGS = {
    "rest_api_port",
    "model_config_file",
    "enable_batching",
    "batching_parameters_file",
    "monitoring_config_file",
    "enable_model_warmup",
    "tensorflow_intra_op_parallelism",
    "tensorflow_inter_op_parallelism",
}


def load(name):
    return yaml.safe_load((SERVING / name).read_text())


COMPOSE = load("docker-compose.yml")
SERVICE = COMPOSE["services"]["colorizer"]
MANIFESTS = {
    manifest["kind"]: manifest
    for manifest in map(load, sorted((SERVING / "kubernetes").iterdir()))
}
POD = MANIFESTS["Deployment"]["spec"]["template"]
(CONTAINER,) = POD["spec"]["containers"]
CHECKS = {
    "docker": SERVICE["healthcheck"]["test"][1:],
    "startup": CONTAINER["startupProbe"]["exec"]["command"],
    "readiness": CONTAINER["readinessProbe"]["exec"]["command"],
}


def validate_compose(path):
    schema = ["--builtin-schema", "vendor.compose-spec"]
    return subprocess.run(
        [sys.executable, "-m", "check_jsonschema", *schema, str(path)],
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_compose_file_follows_the_compose_specification(tmp_path):
    done = validate_compose(SERVING / "docker-compose.yml")
    assert done.returncode == 0, done.stdout
    wrong = (SERVING / "docker-compose.yml").read_text()
    (tmp_path / "wrong.yml").write_text(wrong.replace("retries: 3", "tries: 3"))
    assert validate_compose(tmp_path / "wrong.yml").returncode == 1


@pytest.mark.parametrize("version", KUBERNETES_VERSIONS)
@pytest.mark.parametrize("kind", MANIFESTS)
def test_manifests_follow_the_schemas_of_kubernetes(kind, version):
    kubernetes_validate.validate(MANIFESTS[kind], version, strict=True)


@pytest.mark.parametrize("version", KUBERNETES_VERSIONS)
def test_what_kustomize_makes_follows_the_schemas_too(version):
    if not shutil.which("kubectl"):
        pytest.skip("kubectl is not installed")
    made = subprocess.run(
        ["kubectl", "kustomize", SERVING], capture_output=True, check=True
    )
    manifests = {m["kind"]: m for m in yaml.safe_load_all(made.stdout)}
    for manifest in manifests.values():
        kubernetes_validate.validate(manifest, version, strict=True)
    assert set(manifests) == {*MANIFESTS, "ConfigMap"}
    config = manifests["ConfigMap"]
    assert sorted(config["data"]) == CONFIG_FILES
    volumes = manifests["Deployment"]["spec"]["template"]["spec"]["volumes"]
    names = [v["configMap"]["name"] for v in volumes if "configMap" in v]
    assert names == [config["metadata"]["name"]]


def test_kustomize_takes_every_manifest():
    kustomization = load("kustomization.yaml")
    manifests = (SERVING / "kubernetes").iterdir()
    assert sorted(kustomization["resources"]) == sorted(
        f"kubernetes/{path.name}" for path in manifests
    )
    (generator,) = kustomization["configMapGenerator"]
    assert sorted(generator["files"]) == CONFIG_FILES


def test_servers_are_pinned_to_the_tensorflow_that_exports():
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())
    (tensorflow,) = [
        name
        for name in project["project"]["dependencies"]
        if name.startswith("tensorflow>")
    ]
    (version,) = re.findall(r">=([\d.]+)", tensorflow)
    assert SERVICE["image"] == f"tensorflow/serving:{version}.0"
    assert CONTAINER["image"] == SERVICE["image"]


def test_docker_and_kubernetes_start_the_same_server():
    assert SERVICE["entrypoint"] == CONTAINER["command"]
    flags = [
        {tuple(word.removeprefix("--").split("=")) for word in words}
        for words in (SERVICE["command"], CONTAINER["args"])
    ]
    # Which is the default, and said in the comment about warming up.
    assert flags[0] | {("enable_model_warmup",)} == flags[1]
    assert {name for name, *_ in flags[1]} == FLAGS


def test_every_file_that_a_flag_names_is_mounted():
    named = {
        word.partition("=")[2]
        for word in SERVICE["command"]
        if "_file=" in word
    }
    files = {f"/config/{name}" for name in CONFIG_FILES}
    assert named == files
    mounted = {
        config["target"]: COMPOSE["configs"][config["source"]]["file"]
        for config in SERVICE["configs"]
    }
    assert mounted == {f"/config/{n}": f"./{n}" for n in CONFIG_FILES}
    mounts = {m["name"]: m["mountPath"] for m in CONTAINER["volumeMounts"]}
    assert mounts["config"] == "/config"


def test_the_models_lie_where_they_are_mounted_read_only():
    config = text_format.Parse(
        (SERVING / "models.config").read_text(), ModelServerConfig()
    )
    (model,) = config.model_config_list.config
    (read,) = read_models(SERVING / "models.config")
    assert model.base_path == str(read.base_path) == "/models/colorizer"
    assert model.name == read.name == "colorizer"
    (volume,) = SERVICE["volumes"]
    assert volume["target"] == "/models"
    assert volume["read_only"] is True
    mounts = {m["name"]: m for m in CONTAINER["volumeMounts"]}
    assert mounts["models"]["mountPath"] == "/models"
    assert mounts["models"]["readOnly"] is True


def memory_limit():
    assert SERVICE["deploy"]["resources"]["limits"]["memory"] == "9g"
    assert CONTAINER["resources"]["limits"]["memory"] == "9Gi"
    return 9 * GIB


def test_full_batches_of_large_photos_fit_into_memory():
    batching = read_batching(SERVING / "batching_parameters.txt")
    assert batching.max_batch_size == PHOTOS_AT_ONCE
    assert batching.allowed_batch_sizes == ()
    at_once = batching.num_batch_threads * batching.max_batch_size
    said = at_once * 16_000_000 * BYTES_A_PIXEL
    model = GIB  # TensorFlow and two versions, for a moment.
    assert said + model <= memory_limit()


def test_threads_are_as_many_as_processors():
    cpus = SERVICE["deploy"]["resources"]["limits"]["cpus"]
    assert cpus == CONTAINER["resources"]["limits"]["cpu"]
    for word in SERVICE["command"]:
        if "parallelism" in word:
            assert word.endswith(f"={cpus}")


def test_metrics_are_where_prometheus_looks():
    path = read_monitoring(SERVING / "monitoring.config")
    (job,) = load("prometheus.yml")["scrape_configs"]
    annotations = POD["metadata"]["annotations"]
    assert path == job["metrics_path"] == annotations["prometheus.io/path"]
    (port,) = CONTAINER["ports"]
    assert annotations["prometheus.io/port"] == str(port["containerPort"])


@pytest.mark.parametrize("name", CHECKS)
@pytest.mark.parametrize(
    ("state", "healthy"),
    [("AVAILABLE", True), ("LOADING", False), ("END", False)],
)
def test_health_is_that_the_model_is_available(name, state, healthy):
    with running() as server:
        server.state = state
        port = server.server_address[1]
        done = run_check(name, port)
    assert (done.returncode == 0) is healthy, done.stderr
    assert run_check(name, port).returncode != 0


def run_check(name, port):
    command = [word.replace("8501", f"{port}") for word in CHECKS[name]]
    return subprocess.run(command, capture_output=True, check=False, timeout=5)


def test_nothing_runs_as_root():
    user, group = SERVICE["user"].split(":")
    context = POD["spec"]["securityContext"]
    assert context["runAsNonRoot"] is True
    assert context["runAsUser"] == int(user) > 0
    assert context["runAsGroup"] == int(group) > 0
    assert SERVICE["read_only"] is True
    assert SERVICE["cap_drop"] == ["ALL"]
    own = CONTAINER["securityContext"]
    assert own["readOnlyRootFilesystem"] is True
    assert own["allowPrivilegeEscalation"] is False
    assert own["capabilities"] == {"drop": ["ALL"]}


def test_manifests_mean_the_same_pods():
    labels = POD["metadata"]["labels"].items()
    deployment = MANIFESTS["Deployment"]
    budget = MANIFESTS["PodDisruptionBudget"]["spec"]
    for selector in (
        MANIFESTS["Service"]["spec"]["selector"],
        deployment["spec"]["selector"]["matchLabels"],
        budget["selector"]["matchLabels"],
    ):
        assert selector.items() <= labels
    scaler = MANIFESTS["HorizontalPodAutoscaler"]["spec"]
    assert scaler["scaleTargetRef"] == {
        "apiVersion": deployment["apiVersion"],
        "kind": "Deployment",
        "name": deployment["metadata"]["name"],
    }
    assert "replicas" not in deployment["spec"]
    # With one pod, a budget of one that may be away protects nothing.
    assert scaler["minReplicas"] > budget["maxUnavailable"]
    claims = [
        volume["persistentVolumeClaim"]["claimName"]
        for volume in POD["spec"]["volumes"]
        if "persistentVolumeClaim" in volume
    ]
    assert claims == [MANIFESTS["PersistentVolumeClaim"]["metadata"]["name"]]


def test_what_was_accepted_is_finished_before_a_pod_ends():
    deadline = 30  # Seconds: the default of --rest_api_timeout_in_ms.
    command = CONTAINER["lifecycle"]["preStop"]["exec"]["command"]
    pause = int(command[1])
    assert command[0] == "sleep"
    grace = POD["spec"]["terminationGracePeriodSeconds"]
    assert deadline < pause < grace


def test_prometheus_takes_its_configuration():
    if not shutil.which("promtool"):
        pytest.skip("prometheus is not installed")
    subprocess.run(
        ["promtool", "check", "config", SERVING / "prometheus.yml"],
        check=True,
        capture_output=True,
    )
