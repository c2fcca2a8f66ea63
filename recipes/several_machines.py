"""Training on several machines: `train.py`'s step, shared by all of them.

Every machine runs the same command and sees the photos and the run folder:

    export TF_CONFIG='{"task": {"type": "worker", "index": 0}, "cluster":
        {"worker": ["10.0.0.1:2222", "10.0.0.2:2222"]}}'  # Index 1, 2, ...
    python recipes/several_machines.py --data photos/ --run-dir shared/run

When one is lost, all end; started again, they go on from the last checkpoint.
Keras' `fit` fails under this strategy, hence the loop.
"""

import sys

import tyro
from rich.console import Console

from keras_colorizer.cli.running import run_command
from keras_colorizer.config import TrainingConfig
from keras_colorizer.errors import TrainingError, first_line
from keras_colorizer.silence import silent_stderr

with silent_stderr():
    import tensorflow as tf

    from keras_colorizer.callbacks.checkpoints import Checkpoints
    from keras_colorizer.data.pipeline import training_batches
    from keras_colorizer.data.survey import Survey, survey_photos
    from keras_colorizer.gan import ColorizationGAN
    from keras_colorizer.networks.generator_file import save_generator
    from keras_colorizer.training import stages
    from keras_colorizer.training.devices import check_suits
    from keras_colorizer.training.networks import build_gan


def main() -> None:
    """Trains as one of the workers; the first one writes the run folder."""
    default = TrainingConfig(run_dir="runs/several_machines")
    config = tyro.cli(TrainingConfig, default=default)
    strategy = tf.distribute.MultiWorkerMirroredStrategy()
    check_suits(config, strategy.num_replicas_in_sync)
    survey = survey_photos(
        config.data,
        square=config.square,
        batch_size=config.batch_size,
        validation_fraction=config.validation_fraction,
        draws=config.draws,
    )
    try:
        gan = _train(config, survey, strategy)
    except tf.errors.OpError as error:
        raise TrainingError(
            f"A worker was lost ({first_line(error)}): start all of them again."
        ) from None
    if strategy.cluster_resolver.task_id == 0:
        save_generator(
            gan.averaged_generator,
            config.run_dir / "generator.keras",
            preset=config.generator,
            render_size=config.square,
        )


def _train(
    config: TrainingConfig, survey: Survey, strategy: tf.distribute.Strategy
) -> ColorizationGAN:
    is_first = strategy.cluster_resolver.task_id == 0
    console, steps = Console(quiet=not is_first), survey.steps_per_epoch
    gan = build_gan(config, strategy)
    decay = stages.SecondHalfDecay(config.recipe.learning_rate, config.epochs)
    checkpoints = Checkpoints(config.run_dir / "checkpoint", 1.0, steps)
    decay.set_model(gan)
    checkpoints.set_model(gan)
    if any(checkpoints.folder.glob("step_*")):
        checkpoints.restore(gan)
    batches = iter(_batches(config, survey, strategy, gan.steps_done))
    reset = tf.function(lambda: strategy.run(gan.reset_metrics))
    for stage in stages.remaining_stages(config, gan, steps):
        stage.begin(gan, console)
        step = tf.function(lambda x: strategy.run(gan.train_step, args=(x,)))
        for epoch in range(stage.first_epoch, stage.end_epoch):
            decay.on_epoch_begin(epoch)
            reset()
            for _ in range(stage.steps):
                losses = step(next(batches))
            losses = strategy.experimental_local_results(losses)[0]
            console.print(epoch + 1, {k: float(v) for k, v in losses.items()})
            if is_first:
                checkpoints.save()
    return gan


def _batches(
    config: TrainingConfig,
    survey: Survey,
    strategy: tf.distribute.Strategy,
    step: int,
) -> tf.distribute.DistributedDataset:
    """Returns for every replica its part of the batches of one device."""

    def parts(worker: tf.distribute.InputContext) -> tf.data.Dataset:
        batches = training_batches(
            survey,
            tf.data.Dataset.counter(step),
            seed=config.seed,
            balance=config.balance,
            old_photos=config.old_photos,
        )
        count = worker.num_input_pipelines
        own = batches.rebatch(config.batch_size // count)
        own = own.shard(count, worker.input_pipeline_id)
        return own.rebatch(config.batch_size // worker.num_replicas_in_sync)

    return strategy.distribute_datasets_from_function(parts)


if __name__ == "__main__":
    sys.exit(run_command(main))
