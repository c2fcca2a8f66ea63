"""Where JSON breaks, and how RapidJSON words it (`error/en.h`)."""

EMPTY = "The document is empty."
INVALID_VALUE = "Invalid value."
MISSING_NAME = "Missing a name for object member."
MISSING_COLON = "Missing a colon after a name of object member."
MISSING_COMMA_IN_OBJECT = "Missing a comma or '}' after an object member."
MISSING_COMMA_IN_ARRAY = "Missing a comma or ']' after an array element."
BAD_HEX = "Incorrect hex digit after \\u escape in string."
BAD_SURROGATE = "The surrogate pair in string is invalid."
BAD_ESCAPE = "Invalid escape character in string."
MISSING_QUOTE = "Missing a closing quotation mark in string."
TOO_BIG = "Number too big to be stored in double."
MISSING_FRACTION = "Miss fraction part in number."
MISSING_EXPONENT = "Miss exponent in number."


class JsonError(Exception):
    """A body is not JSON.

    Attributes:
        reason: RapidJSON's text.
        offset: The byte at which it gave up.
    """

    def __init__(self, reason: str, offset: int):
        super().__init__(f"{reason} at offset: {offset}")
        self.reason = reason
        self.offset = offset
