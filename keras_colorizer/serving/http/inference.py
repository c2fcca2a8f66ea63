"""Predict, classify and regress: bodies to tensors that wait for their turn."""

from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Literal

import numpy as np

from keras_colorizer.serving.batching.dispatch import Dispatcher
from keras_colorizer.serving.batching.runner import SignatureRunner
from keras_colorizer.serving.models.manager import ModelManager
from keras_colorizer.serving.models.saved_model import type_names
from keras_colorizer.serving.rest.examples import (
    ExamplesBody,
    check_signature,
    classify_answer,
    regress_answer,
)
from keras_colorizer.serving.rest.metadata import Signature
from keras_colorizer.serving.rest.predict import PredictBody
from keras_colorizer.serving.rest.status import RestError, invalid_argument
from keras_colorizer.serving.rest.targets import (
    Classify,
    Predict,
    Target,
)

Tensors = Mapping[str, np.ndarray]

# The input of signatures that classify or regress, in TF Serving.
EXAMPLES = "inputs"


@dataclass(frozen=True)
class Pending:
    """A request that waits or runs.

    Attributes:
        future: Its answer, or a `RestError`.
    """

    future: Future
    runner: SignatureRunner

    def late_error(self) -> RestError:
        """Gives up on it, and returns the error that says so."""
        return self.runner.late_error(is_waiting=self.future.cancel())


class Inference:
    """Begins the requests that a model answers.

    The order of checks is TF Serving's: the JSON, the model, its signature,
    the tensors.

    Args:
        models: What serves.
        dispatcher: Where requests wait.
    """

    def __init__(self, models: ModelManager, dispatcher: Dispatcher):
        self._models = models
        self._dispatcher = dispatcher

    def begin(
        self, asked: Target, body: Callable[[], bytes], *, deadline: float
    ) -> Pending:
        """Reads a body, and lets the request wait for its turn.

        Args:
            asked: A `Predict`, `Classify` or `Regress`.
            body: Returns the body.
            deadline: When nobody waits for it any longer, `time.monotonic()`.

        Raises:
            RestError: If it is refused.
        """
        request = _read(asked, body())
        version = self._models.acquire(asked.model)
        try:
            signatures = version.model.signatures
            inputs = request.inputs(signatures)
            task, runner = self._dispatcher.submit(
                version,
                request.signature_name,
                inputs,
                request.answer,
                deadline=deadline,
            )
        except BaseException:
            version.release()
            raise
        task.future.add_done_callback(lambda _: version.release())
        return Pending(task.future, runner)


class _PredictRequest:
    def __init__(self, raw):
        self._body = PredictBody.read(raw)
        self.signature_name = self._body.signature_name

    def inputs(self, signatures: Mapping[str, Signature]) -> Tensors:
        signature = signatures.get(self.signature_name)
        if signature is None:
            raise invalid_argument(
                f'Serving signature name: "{self.signature_name}" not found '
                "in signature def"
            )
        return self._body.tensors(type_names(signature.inputs))

    def answer(self, outputs: Tensors) -> bytes:
        return self._body.answer(outputs)


class _ExamplesRequest:
    def __init__(self, method: Literal["classify", "regress"], raw):
        self._method = method
        self._body = ExamplesBody.read(raw)
        self.signature_name = self._body.signature_name

    def inputs(self, signatures: Mapping[str, Signature]) -> Tensors:
        check_signature(self._method, self.signature_name, signatures)
        return {EXAMPLES: self._body.examples}

    def answer(self, outputs: Tensors) -> bytes:
        write = {"classify": classify_answer, "regress": regress_answer}
        n_examples = len(self._body.examples)
        return write[self._method](outputs, n_examples=n_examples)


def _read(asked, raw) -> _PredictRequest | _ExamplesRequest:
    if isinstance(asked, Predict):
        return _PredictRequest(raw)
    return _ExamplesRequest(
        "classify" if isinstance(asked, Classify) else "regress", raw
    )
