"""One version of a model: its state, and who is using it."""

import enum
import threading
from pathlib import Path

from keras_colorizer.serving.models.saved_model import LoadedModel
from keras_colorizer.serving.rest.model_status import VersionStatus
from keras_colorizer.serving.rest.status import Code, RestError


class State(enum.Enum):
    """The life of a version, in order, with TF Serving's names."""

    START = 1
    LOADING = 2
    AVAILABLE = 3
    UNLOADING = 4
    END = 5


class Version:
    """A version that is to be loaded, is in use, or was.

    Args:
        model_name: The model's name.
        number: The version's number.
        folder: The SavedModel.

    Attributes:
        state: Where it is in its life.
        error: Why it could not be loaded, if so.
    """

    def __init__(self, model_name: str, number: int, folder: Path):
        self.model_name = model_name
        self.number = number
        self.folder = folder
        self.state = State.START
        self.error: RestError | None = None
        self._model: LoadedModel | None = None
        self._users = 0
        self._changed = threading.Condition()

    @property
    def is_available(self) -> bool:
        """Whether requests may use it."""
        return self.state is State.AVAILABLE

    @property
    def model(self) -> LoadedModel:
        """What runs it, for those that have acquired it."""
        if self._model is None:
            raise RuntimeError(f"version {self.number} is not loaded")
        return self._model

    @property
    def status(self) -> VersionStatus:
        """What `GET /v1/models/NAME` tells."""
        code, message = Code.OK, ""
        if self.error is not None:
            code, message = self.error.code, self.error.message
        return VersionStatus(self.number, self.state.name, code, message)

    def acquire(self) -> bool:
        """Keeps it loaded until `release`; False if it is not available."""
        with self._changed:
            if not self.is_available:
                return False
            self._users += 1
            return True

    def release(self) -> None:
        """Ends what `acquire` began."""
        with self._changed:
            self._users -= 1
            self._changed.notify_all()

    def become_available(self, model: LoadedModel) -> None:
        """Opens it to requests."""
        with self._changed:
            self._model, self.state = model, State.AVAILABLE

    def fail(self, error: RestError) -> None:
        """Marks it as one that could not be loaded."""
        self.error, self.state = error, State.END

    def unload(self) -> None:
        """Closes it to new requests, waits for those that use it, frees it."""
        with self._changed:
            if self._model is None:
                return
            self.state = State.UNLOADING
            self._changed.wait_for(lambda: not self._users)
            model, self._model = self._model, None
        model.close()
        self.state = State.END
