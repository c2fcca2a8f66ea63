"""Ctrl-C stops a run between two steps."""

import signal
import threading

import keras

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interruption(keras.callbacks.Callback):
    """Raises `KeyboardInterrupt` before the next step after Ctrl-C.

    Raised wherever Python happens to be, it can be lost: TensorFlow, HDF5 and
    finalizers drop exceptions. A second Ctrl-C stops at once all the same. Use
    it as a context around `fit`; outside of the main thread it does nothing.
    """

    def __init__(self):
        super().__init__()
        self.requested = False
        self._handlers = {}

    def __enter__(self):
        if threading.current_thread() is threading.main_thread():
            self._handlers = {s: signal.signal(s, self._ask) for s in SIGNALS}
        return self

    def __exit__(self, *_):
        for number, handler in self._handlers.items():
            signal.signal(number, handler)

    def on_train_batch_begin(self, batch, logs=None):
        if self.requested:
            raise KeyboardInterrupt

    def _ask(self, number, frame):
        if self.requested:
            signal.default_int_handler(number, frame)
        self.requested = True
