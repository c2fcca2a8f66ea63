"""The bodies of `:classify` and `:regress`: examples in, results out."""

from keras_colorizer.serving.rest.examples.answers import (
    check_signature,
    classify_answer,
    regress_answer,
)
from keras_colorizer.serving.rest.examples.bodies import ExamplesBody

__all__ = [
    "ExamplesBody",
    "check_signature",
    "classify_answer",
    "regress_answer",
]
