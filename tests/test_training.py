"""Whole runs: what they leave behind, and that nothing is lost when killed."""

import csv
import dataclasses
import errno
import fcntl
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import h5py
import keras
import numpy as np
import pytest
import skimage.data
import tensorflow as tf
from PIL import Image
from rich.console import Console

from keras_colorizer import (
    ArtifactError,
    ColorizationGAN,
    Colorizer,
    ColorizerError,
    ColorizerWarning,
    ConfigError,
    DataError,
    TrainingConfig,
    TrainingError,
    build_discriminator,
    build_generator,
    train,
)
from keras_colorizer.callbacks.checkpoints import (
    Checkpoints,
    list_checkpoints,
)
from keras_colorizer.callbacks.history import read_history
from keras_colorizer.callbacks.loss_watch import LossWatch
from keras_colorizer.training.outcome import color_old_photo
from keras_colorizer.training.run_folder import RunFolder
from keras_colorizer.training.stages import (
    SecondHalfDecay,
    Stage,
    remaining_stages,
)

REPOSITORY = Path(__file__).parents[1]


def changed(config, **values):
    return dataclasses.replace(config, **values)


def start_training(*flags):
    command = [sys.executable, str(REPOSITORY / "train.py"), *flags]
    return subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd=REPOSITORY,
    )


def wait_for(path, process):
    deadline = time.monotonic() + 600
    while not path.exists():
        assert process.poll() is None, process.communicate()[0]
        assert time.monotonic() < deadline
        time.sleep(0.01)


def newest_state(run_dir):
    """All arrays of a run's newest checkpoint, by name."""
    arrays = {}
    with h5py.File(list_checkpoints(run_dir / "checkpoint")[-1]) as file:
        file.visititems(
            lambda name, item: (
                arrays.update({name: item[()]})
                if isinstance(item, h5py.Dataset)
                else None
            )
        )
    return arrays


def assert_same_state(one, two):
    one, two = newest_state(one), newest_state(two)
    assert one.keys() == two.keys()
    assert len(one) > 100  # Two networks, two optimizers, the average.
    for name, array in one.items():
        np.testing.assert_array_equal(array, two[name], err_msg=name)


@pytest.fixture(scope="module")
def whole_run(tiny_flags, tmp_path_factory):
    """The run that the stopped ones must equal."""
    run_dir = tmp_path_factory.mktemp("whole") / "run"
    process = start_training(*tiny_flags, "--run-dir", str(run_dir))
    output, _ = process.communicate()
    assert process.returncode == 0, output
    return run_dir


def resume(run_dir):
    process = start_training("--resume", "--run-dir", str(run_dir))
    output, _ = process.communicate()
    assert process.returncode == 0, output
    return output


EVERY_STEP = ("--checkpoint-minutes", "1e-9")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("step", "flags"),
    [
        pytest.param(4, (), id="between epochs"),
        pytest.param(6, EVERY_STEP, id="within an epoch"),
    ],
)
def test_killed_run_resumes_to_the_same_weights(
    step, flags, tiny_flags, whole_run, tmp_path
):
    run_dir = tmp_path / "run"
    process = start_training(*tiny_flags, *flags, "--run-dir", str(run_dir))
    wait_for(run_dir / f"checkpoint/step_{step:09d}.weights.h5", process)
    process.kill()  # SIGKILL: no handler runs.
    process.communicate()
    for later in list_checkpoints(run_dir / "checkpoint"):
        if later.name > f"step_{step:09d}.weights.h5":
            later.unlink()  # Written before the signal came.
    resume(run_dir)
    assert_same_state(run_dir, whole_run)
    rows, expected = (
        columns_but_time(run / "history.csv") for run in (run_dir, whole_run)
    )
    assert rows == expected


def columns_but_time(path):
    with path.open() as file:
        rows = list(csv.DictReader(file))
    return [{k: v for k, v in row.items() if k != "seconds"} for row in rows]


@pytest.mark.slow
def test_interrupted_run_saves_says_how_to_resume_and_does(
    tiny_flags, whole_run, tmp_path
):
    run_dir = tmp_path / "run"
    process = start_training(*tiny_flags, "--run-dir", str(run_dir))
    wait_for(run_dir / "samples/epoch_0002.png", process)
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate()
    assert process.returncode == 130, output
    assert f"--resume --run-dir {run_dir}" in re.sub(r"\s+", " ", output)
    assert "Traceback" not in output
    resume(run_dir)
    assert_same_state(run_dir, whole_run)
    rows = columns_but_time(run_dir / "history.csv")
    assert [row["epoch"] for row in rows] == ["1", "2", "3", "4"]
    assert (run_dir / "generator.keras").exists()


def test_run_folder_holds_what_is_promised(tiny_run):
    files = {
        p.relative_to(tiny_run.run_dir).as_posix()
        for p in tiny_run.run_dir.rglob("*")
    }
    assert {
        "config.json",
        "history.csv",
        "samples/epoch_0001.png",
        "samples/epoch_0002.png",
        "checkpoint/step_000000004.weights.h5",
        "generator.keras",
        "report.json",
    } <= files
    assert any(
        file.startswith("logs/") and "tfevents" in file for file in files
    )
    hidden = {file for file in files if "/." in f"/{file}"}
    assert hidden == {".lock"}  # Nothing temporary.


def test_history_shows_losses_scores_and_grey(tiny_run):
    rows = columns_but_time(tiny_run.run_dir / "history.csv")
    assert [row["epoch"] for row in rows] == ["1", "2"]
    for row in rows:
        numbers = {k: float(v) for k, v in row.items() if k != "stage"}
        assert np.isfinite(list(numbers.values())).all()
        assert row["stage"] == "adversarial"
        np.testing.assert_allclose(
            numbers["generator_loss"],
            numbers["adversarial_loss"] + 100 * numbers["l1_loss"],
            rtol=1e-4,
        )
    assert {"val_psnr", "val_ciede2000", "val_colorfulness"} <= rows[0].keys()
    assert {"grey_psnr", "grey_ciede2000"} <= rows[0].keys()


def test_sample_sheet_shows_grey_colorized_and_true(tiny_run):
    sheet = Image.open(tiny_run.run_dir / "samples/epoch_0002.png")
    # Under the heading 3 photos held out, and of those trained on 6.
    assert sheet.size == (3 * 36 + 4, 18 + 9 * 36 + 4)
    pixels = np.asarray(sheet).astype(int)
    assert sheet.mode == "RGB"
    columns = [pixels[30:, 4 + i * 36 : 36 + i * 36] for i in range(3)]
    chroma = [np.ptp(column, axis=-1).mean() for column in columns]
    assert chroma[0] < 1  # Grey, to the rounding of a level.
    assert chroma[2] > 20  # True: astronaut, cat and coffee.


def test_report_counts_the_photos(tiny_run):
    report = json.loads((tiny_run.run_dir / "report.json").read_text())
    assert report["photos"]["training"] == 9
    assert report["photos"]["validation"] == 3
    assert len(report["photos"]["validation_names"]) == 3
    assert report["epochs_finished"] == 2
    best = min(tiny_run.history, key=lambda row: row["val_ciede2000"])
    assert report["saved_epoch"]["epoch"] == best["epoch"]


def test_saved_generator_is_the_average_in_float32(tiny_run):
    generator = keras.saving.load_model(tiny_run.generator, compile=False)
    assert generator.get_layer("ab").compute_dtype == "float32"
    state = newest_state(tiny_run.run_dir)
    saved = {
        name: array
        for name, array in state.items()
        if name.startswith("averaged_generator") and array.ndim == 4
    }
    weights = [w.numpy() for w in generator.weights if w.shape.rank == 4]
    assert len(weights) == len(saved)
    for weight in weights:  # The last epoch was the best one.
        assert any(np.array_equal(weight, other) for other in saved.values())


@pytest.mark.slow
def test_split_follows_the_file_contents_alone(tiny_config, tmp_path):
    names = []
    for prefix in ("a", "b"):
        folder = tmp_path / prefix
        folder.mkdir()
        for number, path in enumerate(sorted(Path(tiny_config.data).iterdir())):
            # Another name, another order.
            target = folder / f"{prefix}{(7 * number) % 12:02d}{path.name}"
            target.write_bytes(path.read_bytes())
        config = changed(
            tiny_config,
            data=str(folder),
            epochs=1,
            run_dir=tmp_path / f"run_{prefix}",
        )
        report = train(config).run_dir / "report.json"
        held_out = json.loads(report.read_text())["photos"]["validation_names"]
        names.append({name[-6:] for name in held_out})
    assert names[0] == names[1]


def test_scores_of_grey_are_said_once_and_in_a_sentence(
    tiny_config, tmp_path, capsys
):
    train(changed(tiny_config, pretrain_epochs=1, run_dir=tmp_path / "run"))
    printed = capsys.readouterr().out
    assert printed.count("left grey: PSNR") == 1
    assert printed.count("val_psnr: ") == 2
    assert "grey_psnr" not in printed


def test_outcome_says_scores_and_what_few_photos_teach(
    tiny_config, tmp_path, capsys
):
    config = changed(tiny_config, epochs=1, run_dir=tmp_path / "run")
    (row,) = train(config).history
    printed = " ".join(capsys.readouterr().out.split())
    ours, grey = row["val_ciede2000"], row["grey_ciede2000"]
    held_out = f"3 of 3 photos held out: CIEDE2000 {ours:.2f}, left grey"
    assert f"{held_out} {grey:.2f}" in printed
    assert "9 of 9 photos trained on: CIEDE2000 " in printed
    assert "few photos can be learnt by heart" in printed


def test_dry_run_writes_nothing(tiny_config, tmp_path, capsys):
    result = train(changed(tiny_config, dry_run=True, run_dir=tmp_path / "run"))
    assert result.generator is None
    assert not (tmp_path / "run").exists()
    plan = " ".join(capsys.readouterr().out.split())
    for part in (
        *("23,250", "2,765,633", "9 to train on", "MiB", "2 epochs"),
        "draws of each photo in an epoch: 1",
    ):
        assert part in plan


@pytest.mark.slow
def test_plan_of_a_large_network_says_hours_without_a_gpu(
    tiny_config, monkeypatch, capsys
):
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda *_: [])
    train(changed(tiny_config, preset="unet_256", dry_run=True))
    plan = " ".join(capsys.readouterr().out.split())
    assert "trains for hours, quick for minutes" in plan


@pytest.mark.slow
def test_default_run_folders_are_numbered(tiny_config, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    config = changed(tiny_config, epochs=1)
    assert train(config).run_dir == Path("runs/tiny")
    assert train(config).run_dir == Path("runs/tiny-2")


def test_second_run_into_a_folder_is_refused(tiny_config, tiny_run):
    with pytest.raises(ConfigError, match="already holds a run.*--resume"):
        train(changed(tiny_config, run_dir=tiny_run.run_dir))


def test_resuming_with_another_preset_is_refused(tiny_config, tiny_run):
    config = changed(tiny_config, run_dir=tiny_run.run_dir, resume=True)
    with pytest.raises(ConfigError, match="--preset tiny.*--preset unet_128"):
        train(changed(config, preset="unet_128"))


def test_resuming_where_no_run_is_says_so(tiny_config, tmp_path):
    with pytest.raises(ConfigError, match="holds no run"):
        train(changed(tiny_config, run_dir=tmp_path, resume=True))


@pytest.mark.slow
def test_more_epochs_go_on_after_the_last(tiny_config, tmp_path):
    config = changed(tiny_config, epochs=1, run_dir=tmp_path / "run")
    train(config)
    # What is left open is as the run has it.
    unnamed = changed(config, data=None, preset="auto", draws=None)
    result = train(changed(unnamed, epochs=3, resume=True))
    assert [row["epoch"] for row in result.history] == [1, 2, 3]
    # The next resume goes on with the new number, not with the first.
    assert TrainingConfig.load(config.run_dir / "config.json").epochs == 3


@pytest.mark.slow
def test_photos_that_changed_before_resuming_are_noted(tiny_config, tmp_path):
    folder = tmp_path / "photos"
    shutil.copytree(tiny_config.data, folder)
    config = changed(
        tiny_config, data=str(folder), epochs=1, run_dir=tmp_path / "run"
    )
    train(config)
    next(folder.iterdir()).unlink()
    with pytest.warns(ColorizerWarning, match="photos have changed"):
        train(changed(config, epochs=2, resume=True))


def cut_in_half(path):
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


@pytest.mark.slow
def test_damaged_checkpoints_fall_back_or_are_named(tiny_config, tmp_path):
    config = changed(tiny_config, run_dir=tmp_path / "run")
    train(config)
    checkpoints = list_checkpoints(tmp_path / "run/checkpoint")
    assert len(checkpoints) == 2
    cut_in_half(checkpoints[-1])
    with pytest.warns(ColorizerWarning, match="step_000000004.* damaged"):
        result = train(changed(config, resume=True))
    assert len(result.history) == 2
    for path in list_checkpoints(tmp_path / "run/checkpoint"):
        cut_in_half(path)
    with (
        pytest.warns(ColorizerWarning),
        pytest.raises(ArtifactError, match="no checkpoint that can be read"),
    ):
        train(changed(config, resume=True))


class StopsMidway(keras.callbacks.Callback):
    """Presses Ctrl-C after the first step of the second epoch."""

    def on_train_batch_end(self, batch, logs=None):
        if self.model.steps_done == 3:
            raise KeyboardInterrupt


def test_epoch_resumed_midway_has_the_losses_of_the_whole(
    tiny_config, tiny_run, tmp_path
):
    config = changed(tiny_config, run_dir=tmp_path)
    with pytest.raises(KeyboardInterrupt):
        train(config, callbacks=[StopsMidway()])
    train(changed(config, resume=True))
    rows, expected = (
        columns_but_time(run / "history.csv")
        for run in (tmp_path, tiny_run.run_dir)
    )
    assert rows == expected
    assert_same_state(tmp_path, tiny_run.run_dir)


LOCK = ".lock"


def test_the_next_run_clears_away_what_a_killed_one_left(tmp_path):
    half = tmp_path / f"samples/.{0:032x}-unfinished.png"
    half.parent.mkdir(parents=True)
    half.write_bytes(b"cut off")
    (tmp_path / LOCK).touch()
    with RunFolder(tmp_path).claimed(resume=False):
        assert {p.name for p in tmp_path.rglob("*")} == {"samples", LOCK}


def test_two_runs_do_not_write_to_one_folder(tiny_config, tmp_path):
    config = changed(tiny_config, run_dir=tmp_path)
    with RunFolder(tmp_path).claimed(resume=False):
        with pytest.raises(ConfigError, match="Another run is writing to"):
            train(config)
        assert [path.name for path in tmp_path.iterdir()] == [LOCK]
        waiting = (tmp_path / LOCK).open()
    fcntl.flock(waiting, fcntl.LOCK_EX)  # Opened before the first run ended.
    with waiting, pytest.raises(ConfigError, match="Another run is writing"):
        train(config)


@pytest.mark.parametrize("resume", [False, True])
def test_a_run_without_checkpoint_has_one_way_out(
    tiny_config, tiny_run, tmp_path, resume
):
    for name in ("config.json", "generator.keras"):
        shutil.copy(tiny_run.run_dir / name, tmp_path)
    config = changed(tiny_config, run_dir=tmp_path, resume=resume)
    with pytest.raises(ColorizerError, match="a new run in another --run-dir"):
        train(config)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "epoch,stage\n1,adversarial\n",
        "epoch,stage,val_ciede2000\n1,adversarial\n",
        "epoch,stage,val_ciede2000\n1,adversarial,1.5,2\n",
        "epoch,stage,val_ciede2000\none,adversarial,1.5\n",
        'epoch,stage,val_ciede2000\n1,adversarial,"1.5\n',
        "epoch,stage,val_ciede2000\n1,\udcff,1.5\n",
    ],
    ids=["empty", "column", "short", "long", "word", "quote", "bytes"],
)
def test_damaged_history_is_named(tmp_path, text):
    path = tmp_path / "history.csv"
    path.write_text(text, errors="surrogateescape")
    with pytest.raises(ArtifactError, match="history.csv` is damaged.*delete"):
        read_history(path)


def test_diverging_run_stops_and_keeps_the_last_checkpoint(
    tiny_config, tmp_path
):
    config = changed(tiny_config, epochs=1, run_dir=tmp_path / "run")
    train(config)
    with pytest.raises(TrainingError, match="no longer finite"):
        train(changed(config, epochs=5, learning_rate=1e30, resume=True))
    assert all(
        np.isfinite(array).all()
        for array in newest_state(config.run_dir).values()
    )


def test_won_discriminator_is_warned_of_once(capsys):
    watch = LossWatch(Console(), patience=3)
    losses = {"generator_loss": 9.0, "discriminator_loss": 0.001}
    for _ in range(2):
        watch.on_train_batch_end(0, losses)
    assert not capsys.readouterr().out
    for _ in range(3):
        watch.on_train_batch_end(0, losses)
    assert capsys.readouterr().out.count("discriminator has won") == 1


def test_learning_rates_are_pix2pix_s():
    gan = ColorizationGAN(build_generator("tiny"), build_discriminator())
    gan.compile()
    decay = SecondHalfDecay(2e-4, 200)
    decay.set_model(gan)
    # networks.get_scheduler with n_epochs = n_epochs_decay = 100.
    for epoch in range(200):
        decay.on_epoch_begin(epoch)
        expected = 2e-4 * (1 - max(0, epoch + 1 - 100) / 101)
        for optimizer in (gan.generator_optimizer, gan.discriminator_optimizer):
            rate = float(optimizer.learning_rate)
            np.testing.assert_allclose(rate, expected, rtol=1e-5)


def test_stages_follow_and_finish_a_begun_epoch():
    config = TrainingConfig(preset="tiny", epochs=6, pretrain_epochs=2)

    def left(steps_done, *, stopped=False):
        gan = SimpleNamespace(steps_done=steps_done, stop_training=stopped)
        return list(remaining_stages(config, gan, 10))

    both = Stage(2, 6, 10, pretraining=False)
    assert left(0) == [Stage(0, 2, 10, pretraining=True), both]
    assert left(13) == [Stage(1, 2, 7, pretraining=True), both]
    assert left(20) == [both]
    assert left(57) == [Stage(5, 6, 3, pretraining=False)]
    assert left(60) == left(0, stopped=True) == []


class StopsAfterOne(keras.callbacks.Callback):
    """Sees the validation, logs something, and ends the run."""

    def on_epoch_end(self, epoch, logs=None):
        logs["seen_psnr"] = logs["val_psnr"]
        self.model.stop_training = True


class Halved(keras.layers.Layer):
    """Is not known to Keras' `load_model`."""

    def call(self, ab):
        return ab / 2


def test_own_networks_and_callbacks_are_used(tiny_config, tmp_path):
    config = changed(tiny_config, pretrain_epochs=1, run_dir=str(tmp_path))
    network = build_generator("tiny", widths=(4, 8))
    result = train(
        config,
        callbacks=[StopsAfterOne()],
        generator=keras.Model(network.input, Halved()(network.output)),
        discriminator=build_discriminator(widths=(4, 8, 8, 8)),
    )
    (row,) = result.history
    assert row["seen_psnr"] == row["val_psnr"]
    assert (tmp_path / "history.csv").read_text().count("seen_psnr") == 1
    saved = keras.saving.load_model(
        result.generator, custom_objects={"Halved": Halved}, compile=False
    )
    # 4 x 4 kernels: 1 to 4, 4 to 8, back to 4, and twice 4 to ab.
    kernels = [w.shape for w in saved.weights if w.shape.rank == 4]
    assert sorted(map(np.prod, kernels)) == [64, 256, 512, 512]


def make_photos(folder, *, count, colored):
    folder.mkdir()
    rng = np.random.default_rng(0)
    for number in range(count):
        rgb = rng.integers(0, 256, (40, 40, 3 if colored else 1), "uint8")
        grey_or_rgb = np.broadcast_to(rgb, (40, 40, 3))
        Image.fromarray(grey_or_rgb).save(folder / f"{number}.png")
    return str(folder)


@pytest.mark.parametrize(
    ("count", "colored", "message"),
    [
        pytest.param(0, True, "holds no photo", id="none"),
        pytest.param(3, False, "0 photos can be used.*3 without", id="grey"),
        pytest.param(1, True, "1 photos can be used", id="one"),
        pytest.param(4, True, "1 of them.*batch of 4.*--batch-size", id="few"),
    ],
)
def test_too_few_photos_are_named(
    tiny_config, tmp_path, count, colored, message
):
    data = make_photos(tmp_path / "few", count=count, colored=colored)
    config = changed(tiny_config, data=data, run_dir=tmp_path / "run")
    with pytest.raises(DataError, match=message):
        train(config)
    assert not (tmp_path / "run").exists()


def test_unreadable_photos_are_counted_not_fatal(tiny_config, tmp_path):
    folder = Path(make_photos(tmp_path / "photos", count=8, colored=True))
    (folder / "broken.jpg").write_text("not a photo")
    config = changed(
        tiny_config, data=str(folder), epochs=1, run_dir=tmp_path / "run"
    )
    report = json.loads((train(config).run_dir / "report.json").read_text())
    (name,) = report["photos"]["unreadable"]
    assert name.endswith("broken.jpg")


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"preset": "unet_512"}, "unet_512.*choose one of unet_256"),
        (
            {"preset": "unet_256", "image_size": 100},
            r"--image-size.*multiple of 256.*Received: 100",
        ),
        ({"draws": 0}, "--draws must be at least 1"),
        ({"learning_rate": 0.0}, "--learning-rate must be above 0"),
        ({"preset": "tiny", "image_size": 16}, "at least 32"),
        ({"epochs": 0}, "--epochs must be at least 1"),
        ({"pretrain_epochs": 99}, r"--pretrain-epochs.*between 0 and.*50"),
        ({"ema_decay": 1.0}, "--ema-decay"),
        ({"validation_fraction": 0.0}, "--validation-fraction"),
        ({"balance": 1.5}, r"--balance must be in \[0, 1\]"),
        ({"old_photos": -0.1}, "--old-photos"),
        ({"discriminator": "unet_256"}, "choose one of patchgan_70, "),
    ],
)
def test_settings_out_of_range_are_named(values, message):
    with pytest.raises(ConfigError, match=message):
        TrainingConfig(**values)


def test_settings_survive_their_file(tiny_config, tmp_path):
    path = tmp_path / "config.json"
    tiny_config.save(path)
    assert TrainingConfig.load(path) == changed(
        tiny_config,
        discriminator="patchgan_70",
        learning_rate=2e-4,
        pretrain_epochs=0,
    )
    path.write_text("{broken")
    with pytest.raises(ArtifactError, match="config.json"):
        TrainingConfig.load(path)


def test_photos_are_found_from_any_working_directory(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("sets").mkdir()
    path = tmp_path / "config.json"
    for data in ("photos/*.jpg", "tfds:sets", "tfds:flowers", None):
        TrainingConfig(data=data, preset="tiny").save(path)
        stored = json.loads(path.read_text())["data"]
        expected = {
            "photos/*.jpg": f"{tmp_path}/photos/*.jpg",
            "tfds:sets": f"tfds:{tmp_path}/sets",
        }
        assert stored == expected.get(data, data)
    TrainingConfig(data="photos/", preset="tiny").save(path)
    assert TrainingConfig.load(path).data == "photos"
    monkeypatch.chdir("/")
    assert TrainingConfig.load(path).data == str(tmp_path / "photos")[1:]
    monkeypatch.chdir("/usr")
    assert TrainingConfig.load(path).data == str(tmp_path / "photos")


def test_names_that_are_patterns_and_relative_ones_work(
    tiny_config, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    shutil.copytree(tiny_config.data, "photos[1]")
    config = changed(tiny_config, data="photos[1]", epochs=1, run_dir="a[1*]")
    train(config)
    Path("elsewhere").mkdir()
    Path("photos[1]").rename("photos[2]")
    monkeypatch.chdir("elsewhere")
    moved = {"data": "../photos[2]/", "run_dir": Path("../a[1*]")}
    result = train(changed(config, epochs=2, resume=True, **moved))
    assert [row["epoch"] for row in result.history] == [1, 2]
    assert list((tmp_path / "a[1*]/logs/validation").iterdir())


# Of 50 epochs; unet_256 is trained as pix2pix is.
@pytest.mark.parametrize(
    ("gpus", "stored"),
    [
        ([], ("quick", "patchgan_70_light", 1e-3, 40)),
        (["GPU:0"], ("unet_256", "patchgan_70", 2e-4, 0)),
    ],
)
def test_auto_is_stored_as_what_the_devices_made_of_it(
    gpus, stored, monkeypatch, tmp_path
):
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda _: gpus)
    TrainingConfig().save(tmp_path / "config.json")
    values = json.loads((tmp_path / "config.json").read_text())
    names = ("preset", "discriminator", "learning_rate", "pretrain_epochs")
    assert tuple(values[name] for name in names) == stored
    with pytest.raises(ConfigError, match=f"--image-size.*for {stored[0]}"):
        train(TrainingConfig(image_size=200, run_dir=tmp_path / "run"))


def test_runs_from_before_there_were_draws_go_on_with_one(
    tiny_config, tmp_path
):
    path = tmp_path / "config.json"
    tiny_config.save(path)
    values = json.loads(path.read_text())
    del values["draws"]
    path.write_text(json.dumps(values))
    assert TrainingConfig.load(path).draws == 1


def test_old_photo_is_shown_beside_what_the_shipped_network_makes_of_it(
    tiny_run, tmp_path
):
    run_dir = shutil.copytree(tiny_run.run_dir, tmp_path / "run")
    sheet = np.asarray(Image.open(color_old_photo(run_dir)))
    assert sheet.shape == (18 + 516 + 4, 3 * 516 + 4, 3)
    grey, ours, shipped = (
        sheet[22:534, 516 * i + 4 : 516 * (i + 1)] for i in range(3)
    )
    camera = skimage.data.camera()
    np.testing.assert_array_equal(grey, np.stack([camera] * 3, axis=-1))
    for photo, model in ((ours, tiny_run.run_dir), (shipped, None)):
        colorizer = (
            Colorizer.load(model) if model else Colorizer.from_preset("small")
        )
        np.testing.assert_array_equal(photo, colorizer.colorize(camera))


@pytest.mark.slow
def test_full_disk_is_said_and_the_older_checkpoint_stays(
    tiny_config, tmp_path
):
    run_dir = tmp_path / "run"
    train(changed(tiny_config, epochs=1, run_dir=run_dir))
    (older,) = list_checkpoints(run_dir / "checkpoint")
    whole = older.read_bytes()
    # A limit on the size of files stands in for a full disk: a checkpoint is
    # larger than a megabyte, all else is smaller.
    resuming = f"train.py --resume --epochs 2 --run-dir {run_dir}"
    done = subprocess.run(
        ["bash", "-c", f"ulimit -f 1024; exec {sys.executable} {resuming}"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1, done.stderr
    assert "File too large" in done.stderr
    assert "Traceback" not in done.stderr
    assert list_checkpoints(run_dir / "checkpoint") == [older]
    assert older.read_bytes() == whole
    assert not list((run_dir / "checkpoint").glob(".*"))


WRITTEN = (
    "epoch_0002.png",
    "generator.keras",
    "history.csv",
    "report.json",
    "step_000000004.weights.h5",
)


@pytest.mark.slow
def test_full_disk_costs_no_epoch_before(
    tiny_config, tiny_run, tmp_path, monkeypatch
):
    config = changed(tiny_config, run_dir=tmp_path / "run")
    for name in WRITTEN:
        with monkeypatch.context() as patched:
            patched.setattr(os, "replace", partial(no_room_for, name))
            with pytest.raises(
                TrainingError, match=f"{name}.*No space left.*with --resume"
            ):
                train(config)
        assert not list(config.run_dir.rglob("*unfinished*"))
        config = changed(config, resume=True)
    result = train(config)
    assert [row["epoch"] for row in result.history] == [1, 2]
    assert_same_state(result.run_dir, tiny_run.run_dir)


def no_room_for(name, temporary, path, rename=os.replace):
    if path.name == name:
        raise OSError(errno.ENOSPC, "No space left on device", str(temporary))
    rename(temporary, path)


@pytest.mark.skipif(os.geteuid() != 0, reason="Only root can mount.")
def test_checkpoint_without_room_leaves_nothing(tmp_path):
    gan = ColorizationGAN(build_generator("tiny"), build_discriminator())
    gan.compile()
    checkpoints = Checkpoints(tmp_path, minutes=1, steps_per_epoch=2)
    checkpoints.set_model(gan)
    mount = ["mount", "-t", "tmpfs", "-o", "size=20m", "tmpfs", str(tmp_path)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("Mounting is not allowed here.")
    try:
        with pytest.raises(OSError, match="No space left.*step_000000000"):
            checkpoints.save()
        assert not list(tmp_path.iterdir())
    finally:
        subprocess.run(["umount", str(tmp_path)], check=True)


def test_weights_that_are_not_finite_are_not_saved(tmp_path):
    gan = ColorizationGAN(build_generator("tiny"), build_discriminator())
    gan.compile()
    checkpoints = Checkpoints(tmp_path, minutes=1, steps_per_epoch=2)
    checkpoints.set_model(gan)
    bias = gan.discriminator.trainable_variables[-1]
    bias.assign(np.full(bias.shape, np.nan))
    with pytest.raises(TrainingError, match="discriminator.*no longer finite"):
        checkpoints.save()
    assert not list(tmp_path.iterdir())
