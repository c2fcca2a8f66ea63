"""Bodies of JSON: valid ones as Python reads them, all others as RapidJSON.

The texts and offsets of errors were seen with RapidJSON 1.1.0.
"""

import json
import math
import random
import struct

import pytest

from keras_colorizer.serving.rest.json_reader import read_json
from keras_colorizer.serving.rest.rapidjson.echo import echo
from keras_colorizer.serving.rest.rapidjson.scanner import Scanner
from keras_colorizer.serving.rest.status import RestError


def scan(body):
    return Scanner(body).read()


SCALARS = [
    *(None, True, False, 0, -1, 2**31, 2**63, 2**64 - 1, -(2**63)),
    *(0.5, -2.25e-7, 1e300, 5e-324, 123456.789, -0.0, 1e22),
    *("", "text", 'é\n"\\/\u20ac\U0001f600', "\x00\x7f", "b64"),
]


def random_value(numbers, *, depth):
    kind = numbers.random()
    if depth == 0 or kind < 0.4:
        return numbers.choice(SCALARS)
    size = range(numbers.randrange(4))
    if kind < 0.7:
        return [random_value(numbers, depth=depth - 1) for _ in size]
    return {
        numbers.choice(["a", "é", "", "x y"]) + str(i): random_value(
            numbers, depth=depth - 1
        )
        for i in size
    }


@pytest.mark.parametrize("read", [read_json, scan])
@pytest.mark.parametrize("seed", range(200))
def test_valid_documents_are_what_python_makes_of_them(read, seed):
    numbers = random.Random(seed)
    text = json.dumps(
        {"value": random_value(numbers, depth=4)},
        ensure_ascii=numbers.random() < 0.5,
        indent=numbers.choice([None, 1]),
    )
    # The texts tell 1 from 1.0 and from true, and 0.0 from -0.0.
    assert json.dumps(read(text.encode())) == json.dumps(json.loads(text))


@pytest.mark.parametrize("read", [read_json, scan])
@pytest.mark.parametrize("exponent", range(-323, 309, 7))
def test_doubles_are_read_to_the_last_bit(read, exponent):
    numbers = random.Random(exponent)
    for _ in range(20):
        number = numbers.uniform(1, 10) * 10.0**exponent
        value = read(f'{{"x": [{number!r}]}}'.encode())["x"][0]
        assert struct.pack("d", value) == struct.pack("d", number)


@pytest.mark.parametrize("read", [read_json, scan])
def test_of_equal_keys_the_first_wins(read):
    document = read(b'{"a": 1, "b": 2, "a": 3}')
    assert (document["a"], document["b"], len(document)) == (1, 2, 2)


@pytest.mark.parametrize("read", [read_json, scan])
def test_bytes_behind_the_document_are_ignored(read):
    assert read(b'{"a": 1} and then some') == {"a": 1}


@pytest.mark.parametrize("read", [read_json, scan])
def test_bytes_that_are_not_utf8_pass_through(read):
    text = read(b'{"a": "\xff\xc3\xa9\xed"}')["a"]
    assert text.encode("utf-8", "surrogateescape") == b"\xff\xc3\xa9\xed"


@pytest.mark.parametrize("read", [read_json, scan])
def test_a_lone_low_surrogate_becomes_its_three_bytes(read):
    text = read(rb'{"a": "\udc80"}')["a"]
    assert text.encode("utf-8", "surrogateescape") == b"\xed\xb2\x80"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("NaN", math.nan),
        ("-NaN", math.nan),
        ("Infinity", math.inf),
        ("-Infinity", -math.inf),
        ("Inf", math.inf),
        ("-Inf", -math.inf),
        ("9e308", math.inf),
        ("1e-400", 0.0),
        ("1e-999999999999", 0.0),
        ("0.001e311", 1e308),
        ("1" * 309, float("1" * 309)),
    ],
)
def test_what_is_beyond_doubles_is_read(text, value):
    read = read_json(f'{{"x": {text}, "y": 1}}'.encode())["x"]
    assert float(read) == pytest.approx(value, nan_ok=True)
    assert math.copysign(1, read) == math.copysign(1, value) or value != value


def test_a_byte_order_mark_is_skipped():
    assert read_json(b'\xef\xbb\xbf {"a": []}') == {"a": []}


@pytest.mark.parametrize(
    ("opening", "closing"), [(b"[", b"]"), (b'{"a":', b"}")]
)
def test_depth_is_no_limit(opening, closing):
    deep = opening * 200_000 + b"0" + closing * 200_000
    document = read_json(b'{"x": 1, "deep": ' + deep + b"}")
    assert document["x"] == 1
    depth, value = 0, document["deep"]
    while value != 0:
        value = value[0] if isinstance(value, list) else value["a"]
        depth += 1
    assert depth == 200_000


def test_an_error_behind_many_numbers_is_found_where_it_is():
    body = b'{"x": [' + b"0.25, " * 100_000 + b"]}"
    with pytest.raises(RestError, match=f"offset: {len(body) - 2}$"):
        read_json(body)


EMPTY = "The document is empty."
INVALID = "Invalid value."
NAME = "Missing a name for object member."
COLON = "Missing a colon after a name of object member."
IN_OBJECT = "Missing a comma or '}' after an object member."
IN_ARRAY = "Missing a comma or ']' after an array element."
HEX = "Incorrect hex digit after \\u escape in string."
SURROGATE = "The surrogate pair in string is invalid."
ESCAPE = "Invalid escape character in string."
QUOTE = "Missing a closing quotation mark in string."
BIG = "Number too big to be stored in double."
FRACTION = "Miss fraction part in number."
EXPONENT = "Miss exponent in number."


@pytest.mark.parametrize(
    ("body", "reason", "offset"),
    [
        (b" ", EMPTY, 1),
        (b"]", EMPTY, 0),
        (b"\x00{}", EMPTY, 0),
        (b"instances = [1, 2]", INVALID, 0),
        (b"tru", INVALID, 3),
        (b"nulL", INVALID, 3),
        (b"{'a': 1}", NAME, 1),
        (b"{", NAME, 1),
        (b'{"a": 1,}', NAME, 8),
        (b'{"a" 1}', COLON, 5),
        (b'{"a', QUOTE, 3),
        (b'{"a":}', INVALID, 5),
        (b'{"a": 1 "b": 2}', IN_OBJECT, 8),
        (b'{"a": [1, 2', IN_ARRAY, 11),
        (b'{"a": [1 2]}', IN_ARRAY, 9),
        (b'{"a": [1,]}', INVALID, 9),
        (b'{"a": [1, 2.5.5]}', IN_ARRAY, 13),
        (b'{"a": [1, 2, 02, 3]}', IN_ARRAY, 14),
        (b'{"a": [1, 2, 3.]}', FRACTION, 15),
        (b'{"a": [01]}', IN_ARRAY, 8),
        (b'{"a": [0x1]}', IN_ARRAY, 8),
        (b'{"a": +1}', INVALID, 6),
        (b'{"a": .5}', INVALID, 6),
        (b'{"a": -}', INVALID, 7),
        (b'{"a": Infinit}', INVALID, 13),
        (b'{"a": Na}', INVALID, 8),
        (b'{"a": 1.}', FRACTION, 8),
        (b'{"a": 1e}', EXPONENT, 8),
        (b'{"a": 1e+}', EXPONENT, 9),
        (b'{"a": 1e309}', BIG, 6),
        (b'{"a": -1e400}', BIG, 6),
        (b'{"a": 0e400}', BIG, 6),
        (b'{"a": ' + b"1" * 310 + b"}", BIG, 6),
        (rb'{"a": "\x"}', ESCAPE, 7),
        (b'{"a": "\x01"}', ESCAPE, 7),
        (b'{"a": "\n"}', ESCAPE, 7),
        (b'{"a": "b\x00"}', QUOTE, 8),
        (rb'{"a": "\u12g4"}', HEX, 7),
        (rb'{"a": "\ud800"}', SURROGATE, 7),
        (rb'{"a": "\ud800\u0041"}', SURROGATE, 7),
        (b"\xef\xbb\xbf{", NAME, 4),
        (b"/* comment */ {}", INVALID, 0),
    ],
)
def test_errors_are_rapidjsons(body, reason, offset):
    with pytest.raises(RestError) as refused:
        read_json(body)
    assert refused.value.message == (
        f"JSON Parse error: {reason} at offset: {offset}"
    )
    assert refused.value.http_status == 400


def test_an_empty_body_has_an_error_of_its_own():
    with pytest.raises(RestError) as refused:
        read_json(b"")
    assert refused.value.message == "JSON Parse error: The document is empty"


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (b"[1, [2.5, true], null]", "[1, [2.5, true], null]"),
        (b"[]", "[]"),
        (b'{"a":1,"b":{}}', '{\n    "a": 1,\n    "b": {}\n}'),
        (b'{"a":1,"a":2}', '{\n    "a": 1,\n    "a": 2\n}'),
        (b'[{"a":"\xc3\xa9"}]', '[{\n        "a": "é"\n    }]'),
        (b"[1e30, 1e21, 1e20]", "[1e30, 1e21, 100000000000000000000.0]"),
        (b"[0.000012, 1.5e-7]", "[0.000012, 1.5e-7]"),
        (b"0.1", "0.1"),
        (b"1e300", "1e+300"),
        (b"18446744073709551615", "18446744073709551615"),
        (b"18446744073709551616", "1.84467441e+19"),
    ],
)
def test_values_are_echoed_as_rapidjson_prints_them(body, text):
    assert echo(scan(body)) == text


def test_a_long_value_is_not_echoed_whole():
    assert len(echo(list(range(1_000_000)))) < 300
    assert len(echo(scan(b"[" * 100_000 + b"]" * 100_000))) < 300


def test_a_single_string_is_echoed_whole():
    assert echo("a" * 1000) == f'"{"a" * 1000}"'
