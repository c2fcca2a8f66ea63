"""LiteRT, the runtime of `.tflite` files."""

import os
from pathlib import Path

from ai_edge_litert.interpreter import Interpreter, SignatureRunner

from keras_colorizer.silence import silent_stderr


def signature_runner(
    model: Path | bytes, signature: str, *, threads: int | None = None
) -> SignatureRunner:
    """Prepares a signature of a model to be called.

    Args:
        model: A `.tflite` file, or its bytes.
        signature: Name of one of its signatures.
        threads: Of the fast CPU kernels; as many as cores by default.

    Returns:
        A callable from arrays by name to arrays by name. It takes inputs of
        new sizes, where the model does, but not two calls at a time.

    Raises:
        RuntimeError: If the file is damaged.
        ValueError: If it is no model or has no such signature.
    """
    source = (
        {"model_content": model}
        if isinstance(model, bytes)
        else {"model_path": str(model)}
    )
    interpreter = Interpreter(
        **source, num_threads=threads or available_cores()
    )
    with silent_stderr():
        # The first of a process announces the kernels that it prepares.
        interpreter.allocate_tensors()
    return interpreter.get_signature_runner(signature)


def signature_names(model: Path) -> list[str]:
    """Returns the names of a `.tflite` file's signatures."""
    return list(Interpreter(model_path=str(model)).get_signature_list())


def available_cores() -> int:
    """Returns the number of cores that this process may use.

    `OMP_NUM_THREADS`, where it is a number, is a limit: Ray, batch systems and
    programs that start a process for each core set it.
    """
    cores = os.cpu_count() or 1
    if hasattr(os, "sched_getaffinity"):  # Not on macOS and Windows.
        cores = len(os.sched_getaffinity(0))
    limit = os.environ.get("OMP_NUM_THREADS", "")
    return max(1, min(cores, int(limit))) if limit.isdecimal() else cores
