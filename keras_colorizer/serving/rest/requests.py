"""What the bodies of all requests have in common."""

from keras_colorizer.serving.rest.json_reader import read_json
from keras_colorizer.serving.rest.rapidjson.echo import echo
from keras_colorizer.serving.rest.status import invalid_argument

DEFAULT_SIGNATURE = "serving_default"


def read_request(raw: bytes) -> tuple[dict, str]:
    """Reads the JSON object, and the name of the signature.

    Args:
        raw: The body as sent, decompressed.

    Returns:
        The JSON object, and the name of the signature or "".

    Raises:
        RestError: INVALID_ARGUMENT if it is not a JSON object, or its
            `signature_name` is not a string.
    """
    document = read_json(raw)
    if not isinstance(document, dict):
        raise invalid_argument(f"JSON Value: {echo(document)} Is not object")
    name = document.get("signature_name", "")
    if not isinstance(name, str):
        raise invalid_argument(
            f"JSON Value: {echo(document)} not formatted correctly. "
            "'signature_name' key must be a string value."
        )
    return document, name
