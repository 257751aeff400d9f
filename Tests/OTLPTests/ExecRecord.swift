// SPDX-License-Identifier: Apache-2.0
// The worked example: how a probe writes one log record, with every kind of attribute.

import OTLP

/// What is made once, when the agent starts.
struct ExecRecord {
  /// severity_number = 9, severity_text = "INFO", event_name: the same in every record.
  let constants = Template { writer in
    writer.varint(9, field: 2)
    writer.string("INFO", field: 3)
    writer.string("apus.process.exec", field: 12)
  }
  let pid = AttributeKey("process.pid", field: AttributesField.log)
  let path = AttributeKey("process.executable.path", field: AttributesField.log)
  let arguments = AttributeKey("process.command_args", field: AttributesField.log)
  let truncated = AttributeKey("apus.process.args.truncated", field: AttributesField.log)
  let load = AttributeKey("apus.example.load", field: AttributesField.log)
  let outcome = AttributeKey("apus.process.exec.outcome", field: AttributesField.log)
  let success = Template { writer in
    unsafe "success".utf8.withContiguousStorageIfAvailable {
      unsafe writer.raw(UnsafeRawBufferPointer($0))
    }
  }

  /// Everything that differs between two records.
  func encode(
    into writer: inout WireWriter, time: UInt64, pid pidValue: Int64, path pathBytes: [UInt8],
    arguments argumentBytes: [UInt8]
  ) {
    writer.fixed64(time, field: 1)
    writer.fixed64(time + 5, field: 11)
    writer.raw(constants)
    writer.attribute(pid, int: pidValue)
    writer.attribute(path, lossy: pathBytes.span.bytes)
    writer.attribute(arguments, nulSeparated: argumentBytes.span.bytes)
    writer.attribute(truncated, bool: false)
    writer.attribute(load, double: 0.5)
    writer.attribute(outcome, string: success)
  }
}
