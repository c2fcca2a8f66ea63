"""`--profile`: what TensorBoard is given to show."""

import dataclasses
from collections import Counter

import pytest
from tensorflow.tsl.profiler.protobuf import xplane_pb2

from keras_colorizer import train


def events(path):
    """How often each thing happened, by name; "train" only if a root."""
    profile = xplane_pb2.XSpace()
    profile.ParseFromString(path.read_bytes())
    return Counter(
        plane.event_metadata[event.metadata_id].name
        for plane in profile.planes
        for line in plane.lines
        for event in line.events
        if plane.event_metadata[event.metadata_id].name != "train"
        or "_r"
        in {plane.stat_metadata[s.metadata_id].name for s in event.stats}
    )


@pytest.mark.slow
def test_profile_shows_five_steps_of_both_networks(
    tiny_config, tmp_path, capsys
):
    run_dir = tmp_path / "run"
    config = dataclasses.replace(
        tiny_config, epochs=5, profile=True, run_dir=run_dir
    )
    train(config)  # 10 steps.
    (path,) = (run_dir / "logs").rglob("plugins/profile/*/*.xplane.pb")
    seen = events(path)
    assert seen["train"] == 5
    for network in ("generator", "discriminator"):
        convolutions = {
            name: count
            for name, count in seen.items()
            if f"gradient_tape/{network}" in name
            and "Conv2DBackpropFilter:" in name
        }
        assert convolutions
        assert set(convolutions.values()) == {5}
    said = "".join(capsys.readouterr().out.split())
    assert f"tensorboard--logdir{run_dir}/logs" in said
