"""JSON of any depth, token by token, without recursion."""

import json
import re
from collections.abc import Callable

from keras_colorizer.serving.rest.rapidjson.errors import (
    EMPTY,
    INVALID_VALUE,
    MISSING_COLON,
    MISSING_COMMA_IN_ARRAY,
    MISSING_COMMA_IN_OBJECT,
    MISSING_NAME,
    JsonError,
)
from keras_colorizer.serving.rest.rapidjson.numbers import read_number
from keras_colorizer.serving.rest.rapidjson.objects import json_object
from keras_colorizer.serving.rest.rapidjson.strings import read_string

_BLANKS = re.compile(rb"[ \t\n\r]+")
# Numbers that Python reads alike, with the comma before each; possessive, so
# that millions of them leave nothing to return to.
_MORE_NUMBERS = re.compile(
    rb"(?:[ \t\n\r]*,[ \t\n\r]*-?(?:0|[1-9][0-9]{0,17})"
    rb"(?:\.[0-9]{1,18})?(?:[eE][+-]?[0-9]{1,2})?(?=[ \t\n\r]*[,\]]))++"
)
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_WORDS = {b"t": (b"true", True), b"f": (b"false", False), b"n": (b"null", None)}


class Scanner:
    """Reads one JSON value; what follows it is ignored.

    Slower than Python's own `json`, but its errors are RapidJSON's, and depth
    costs it no stack.

    Args:
        body: UTF-8, not validated; a NUL byte ends it.
    """

    def __init__(self, body: bytes):
        # Every token can look at the byte that follows it.
        self._data = body + b"\0"
        self._at = 0
        # Open arrays, as lists, and objects, as lists of keys with values.
        self._open: list[tuple[bool, list]] = []
        self._keys: list[str] = []
        self._root = None

    def read(self):
        """Returns the value, as `json_reader.read_json` does.

        Raises:
            JsonError: If the body is not JSON.
        """
        # A part of the mark is skipped as well, as RapidJSON does.
        for byte in _BYTE_ORDER_MARK:
            self._at += self._data[self._at] == byte
        state: Callable | None = self._start
        while state is not None:
            if blanks := _BLANKS.match(self._data, self._at):
                self._at = blanks.end()
            state = state(self._data[self._at : self._at + 1])
        return self._root

    # Each state takes the next byte, and returns the state that follows.

    def _start(self, byte):
        if byte in b"\0]},:":
            raise JsonError(EMPTY, self._at)
        return self._value(byte)

    def _value(self, byte):
        if byte == b"[":
            return self._opened(is_array=True)
        if byte == b"{":
            return self._opened(is_array=False)
        return self._took(self._scalar(byte))

    def _scalar(self, byte):
        if byte in _WORDS:
            return self._word(*_WORDS[byte])
        read = read_string if byte == b'"' else read_number
        value, self._at = read(self._data, self._at)
        return value

    def _word(self, word, value):
        for letter in word:
            if self._data[self._at] != letter:
                raise JsonError(INVALID_VALUE, self._at)
            self._at += 1
        return value

    def _opened(self, *, is_array):
        self._at += 1
        self._open.append((is_array, []))
        return self._first_element if is_array else self._first_key

    def _first_element(self, byte):
        return self._closed() if byte == b"]" else self._value(byte)

    def _first_key(self, byte):
        return self._closed() if byte == b"}" else self._key(byte)

    def _key(self, byte):
        if byte != b'"':
            raise JsonError(MISSING_NAME, self._at)
        key, self._at = read_string(self._data, self._at)
        self._keys.append(key)
        return self._colon

    def _colon(self, byte):
        if byte != b":":
            raise JsonError(MISSING_COLON, self._at)
        self._at += 1
        return self._value

    def _took(self, value):
        if not self._open:
            self._root = value
            return None
        is_array, items = self._open[-1]
        items.append(value if is_array else (self._keys.pop(), value))
        return self._next_element if is_array else self._next_member

    def _next_element(self, byte):
        if byte == b"]":
            return self._closed()
        if byte != b",":
            raise JsonError(MISSING_COMMA_IN_ARRAY, self._at)
        if numbers := _MORE_NUMBERS.match(self._data, self._at):
            self._at = numbers.end()
            self._open[-1][1].extend(json.loads(b"[" + numbers[0][1:] + b"]"))
            return self._next_element
        self._at += 1
        return self._value

    def _next_member(self, byte):
        if byte == b"}":
            return self._closed()
        if byte != b",":
            raise JsonError(MISSING_COMMA_IN_OBJECT, self._at)
        self._at += 1
        return self._key

    def _closed(self):
        self._at += 1
        is_array, items = self._open.pop()
        return self._took(items if is_array else json_object(items))
