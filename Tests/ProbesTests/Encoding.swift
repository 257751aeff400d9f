// SPDX-License-Identifier: Apache-2.0
// One record through the encoder and back.

import Config
import OTLP
import Testing

@testable import Probes

let boot = "0123abcd-4567-89ef-0123-456789abcdef"

func encode(
  _ privacy: ArgumentPrivacy = .redacted, charactersMax: Int = .max,
  _ body: (inout EventEncoder, inout WireWriter) throws -> Void
) throws -> DecodedRecord {
  let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 18, alignment: 16)
  defer { memory.deallocate() }
  var encoder = EventEncoder(
    privacy: privacy, charactersMax: charactersMax, bootID: boot, epochSeconds: 0x6a5b_4c3d)
  encoder.unixOffset = 1_700_000_000_000_000_000
  encoder.observedNanoseconds = 1_700_000_003_000_000_001
  var writer = WireWriter(memory)
  try body(&encoder, &writer)
  let overflowed = writer.overflowed
  #expect(!overflowed)
  return try DecodedRecord(Array(writer.written))
}

/// What all kinds of record say of a process.
let processIdentity: [String: DecodedValue] = [
  "process.pid": .integer(4242), "process.parent_pid": .integer(77), "process.vpid": .integer(7),
  "process.creation.time": .text("2023-11-14T22:13:21.500000000Z"),
  "process.user.id": .integer(1001), "process.real_user.id": .integer(1000),
  "apus.process.group.id": .integer(2001), "apus.process.login_user.id": .integer(3000),
  "apus.process.audit_session.id": .integer(17),
  "apus.process.pid_namespace": .integer(4_026_531_836),
  "apus.process.mount_namespace": .integer(4_026_531_841),
  "apus.cgroup.key": .integer(987_654_321 | 1 << 60), "apus.process.comm": .text("true"),
]
