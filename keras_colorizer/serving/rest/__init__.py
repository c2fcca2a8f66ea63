"""TF Serving's REST API, version 1: targets, JSON bodies, status codes.

No TensorFlow and no HTTP library: bytes and strings in, arrays, bytes and
`RestError` out.

Source: github.com/tensorflow/serving, `model_servers/http_rest_api_util.cc`
and `util/json_tensor.cc`.
"""
