"""Two protobuf messages that tensorflow-serving-api leaves out.

Text files name their fields, so the numbers here need not be TF Serving's.

Source: TF Serving's config/monitoring_config.proto and
servables/tensorflow/session_bundle_config.proto.
"""

from google.protobuf import (
    descriptor_pb2,
    descriptor_pool,
    message_factory,
    wrappers_pb2,
)

PACKAGE = "tensorflow.serving"
FILE = "keras_colorizer/serving.proto"

# Fields by message: a type, or a message, in each the protobuf name.
FIELDS = {
    "BatchingParameters": {
        "max_batch_size": ".google.protobuf.Int64Value",
        "batch_timeout_micros": ".google.protobuf.Int64Value",
        "max_enqueued_batches": ".google.protobuf.Int64Value",
        "num_batch_threads": ".google.protobuf.Int64Value",
        "thread_pool_name": ".google.protobuf.StringValue",
        "allowed_batch_sizes": "repeated int64",
        "pad_variable_length_inputs": "bool",
        "enable_large_batch_splitting": ".google.protobuf.BoolValue",
        "max_execution_batch_size": ".google.protobuf.Int64Value",
    },
    "PrometheusConfig": {"enable": "bool", "path": "string"},
    "MonitoringConfig": {
        "prometheus_config": ".tensorflow.serving.PrometheusConfig"
    },
}


def _file():
    file = descriptor_pb2.FileDescriptorProto(
        name=FILE,
        package=PACKAGE,
        syntax="proto3",
        dependency=[wrappers_pb2.DESCRIPTOR.name],
    )
    for name, fields in FIELDS.items():
        message = file.message_type.add(name=name)
        for number, (field, kind) in enumerate(fields.items(), start=1):
            message.field.append(_field(field, number, kind))
    return file


def _field(name, number, kind):
    types = descriptor_pb2.FieldDescriptorProto
    field = types(name=name, number=number, label=types.LABEL_OPTIONAL)
    if kind.startswith("repeated "):
        field.label = types.LABEL_REPEATED
        kind = kind.removeprefix("repeated ")
    if kind.startswith("."):
        field.type, field.type_name = types.TYPE_MESSAGE, kind
    else:
        field.type = getattr(types, f"TYPE_{kind.upper()}")
    return field


def _message(pool, name):
    found = pool.FindMessageTypeByName(f"{PACKAGE}.{name}")
    return message_factory.GetMessageClass(found)


_pool = descriptor_pool.DescriptorPool()
_pool.AddSerializedFile(wrappers_pb2.DESCRIPTOR.serialized_pb)
_pool.Add(_file())

BatchingMessage = _message(_pool, "BatchingParameters")
MonitoringMessage = _message(_pool, "MonitoringConfig")
