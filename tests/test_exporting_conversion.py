"""Readiness for GPUs, of files that TensorFlow converts."""

import re

import numpy as np
import pytest
import tensorflow as tf

from keras_colorizer.errors import ArtifactError
from keras_colorizer.exporting.conversion import assert_gpu_ready

SQUARE, ANY_SIZE = (1, 8, 8, 1), (1, None, None, 1)
KERNEL = np.random.default_rng(0).normal(size=(3, 3, 1, 16)).astype("float32")


def network(x):
    x = tf.tanh(tf.nn.conv2d(x, KERNEL, 1, "SAME"))
    return tf.nn.depth_to_space(x, 4)


def of_rank_5(x):
    blocks = tf.reshape(x, (1, 4, 2, 8, 1))
    return tf.reshape(tf.transpose(blocks, (0, 2, 1, 3, 4)), SQUARE)


def converted(shape, function, *, float16=False):
    spec = tf.TensorSpec(shape, tf.float32, name="x")
    traced = tf.function(function, input_signature=[spec])
    converter = tf.lite.TFLiteConverter.from_concrete_functions(
        [traced.get_concrete_function()]
    )
    if float16:
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.target_spec.supported_types = [tf.float16]
    return converter.convert()


@pytest.mark.parametrize("float16", [False, True])
def test_a_network_of_fixed_size_is_ready_for_gpus(float16):
    assert_gpu_ready(converted(SQUARE, network, float16=float16))


@pytest.mark.parametrize(
    ("function", "shape", "reason"),
    [
        (network, ANY_SIZE, "open sizes"),
        (of_rank_5, SQUARE, "more than 4 dimensions"),
        (lambda x: tf.gather_nd(x, [[0, 1]]), SQUARE, "ops"),
        (lambda x: tf.broadcast_to(x, (1, 8, 8, 3)), SQUARE, "ops"),
        (lambda x: tf.image.resize(x, 2 * tf.shape(x)[1:3]), ANY_SIZE, "ops"),
    ],
)
def test_what_gpus_refuse_is_named(function, shape, reason):
    with pytest.raises(
        ArtifactError, match=rf"because of .*{re.escape(reason)}"
    ):
        assert_gpu_ready(converted(shape, function))
