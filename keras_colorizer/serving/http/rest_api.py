"""The REST API: from method, target and body to status and JSON."""

import asyncio
import math
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial

from keras_colorizer.serving.batching.runner import TIMED_OUT
from keras_colorizer.serving.http.inference import Inference
from keras_colorizer.serving.models.manager import ModelManager
from keras_colorizer.serving.monitoring import Monitoring
from keras_colorizer.serving.rest.metadata import metadata_body
from keras_colorizer.serving.rest.model_status import status_body
from keras_colorizer.serving.rest.status import Code, RestError
from keras_colorizer.serving.rest.targets import (
    Metadata,
    Status,
    Target,
    parse_target,
)

# Reading JSON is Python's work, one thread at a time; more threads would only
# hold more documents in memory.
READERS = 2


class RestApi:
    """Answers requests; called in the event loop, which it never holds up.

    Args:
        models: What serves.
        inference: What predicts.
        monitoring: Counts the requests.
        timeout: The longest a request may take, in seconds.
    """

    def __init__(
        self,
        models: ModelManager,
        inference: Inference,
        monitoring: Monitoring,
        *,
        timeout: float,
    ):
        self._models = models
        self._inference = inference
        self._monitoring = monitoring
        self._timeout = timeout
        self._readers = ThreadPoolExecutor(READERS, "readers")

    async def answer(
        self,
        method: str,
        target: str,
        body: Callable[[], bytes],
        *,
        watch: Callable[[Future], None],
    ) -> bytes:
        """Returns the JSON of the answer to a request that succeeds.

        Args:
            method: Such as "POST".
            target: Path and query as sent.
            body: Returns the body, decompressed; called in a thread.
            watch: Called with what becomes the answer: cancelling it says that
                nobody waits any longer.

        Raises:
            RestError: If the request is refused, or fails.
        """
        asked = parse_target(method, target)
        if isinstance(asked, Status):
            return status_body(self._models.statuses(asked.model))
        if isinstance(asked, Metadata):
            return self._metadata(asked)
        started = time.monotonic()
        code = Code.OK
        try:
            return await self._infer(asked, body, watch)
        except RestError as error:
            code = error.code
            raise
        finally:
            # Other names are anybody's to invent: they would fill the memory.
            if asked.model.name in self._models.names:
                self._monitoring.add_request(
                    asked.model.name,
                    type(asked).__name__.lower(),
                    code,
                    seconds=time.monotonic() - started,
                )

    def stop(self) -> None:
        """Ends the threads."""
        self._readers.shutdown(wait=False, cancel_futures=True)

    def _metadata(self, asked):
        version = self._models.acquire(asked.model)
        try:
            return metadata_body(
                asked.model.name, version.number, version.model.signatures
            )
        finally:
            version.release()

    async def _infer(self, asked: Target, body, watch):
        loop = asyncio.get_running_loop()
        deadline = time.monotonic() + self._timeout
        begin = partial(self._inference.begin, asked, body, deadline=deadline)
        try:
            async with asyncio.timeout(_seconds_until(deadline)):
                pending = await loop.run_in_executor(self._readers, begin)
        except TimeoutError:
            raise RestError(Code.DEADLINE_EXCEEDED, TIMED_OUT) from None
        watch(pending.future)
        answer = asyncio.wrap_future(pending.future)
        answer.add_done_callback(_retrieve)
        await asyncio.wait({answer}, timeout=_seconds_until(deadline))
        if not answer.done():
            raise pending.late_error()
        if answer.cancelled():
            raise RestError(Code.CANCELLED, "The client is gone")
        return answer.result()


def _seconds_until(deadline):
    if math.isinf(deadline):
        return None
    return max(0.0, deadline - time.monotonic())


def _retrieve(answer):
    """Lets asyncio not complain of errors that come too late for anybody."""
    if not answer.cancelled():
        answer.exception()
