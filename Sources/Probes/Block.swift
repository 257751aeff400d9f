// SPDX-License-Identifier: Apache-2.0
// The block devices' probe: biolatency.

internal import CApusABI
internal import Config
internal import Kernel
internal import Metrics
internal import OTLP
internal import Platform

/// By `enum apus_block_operation`.
package let blockOperations = [
  "other", "read", "write", "flush", "discard", "secure_erase", "write_zeroes", "zone", "driver",
]

/// What the series of block I/O are told apart by, besides the workload.
private let blockKeys = [AttributeRow.device.name, AttributeRow.operation.name]

extension ProbeRow {
  /// Requests to block devices, as histograms by cgroup, device and operation.
  package static let biolatency = ProbeRow(
    name: "biolatency",
    histograms: HistogramPlan(
      slots: { $0.biolatency.histogramsMax },
      instruments: [
        InstrumentDescriptor(
          name: "apus.disk.io.latency", unit: "s",
          help: "Time that block devices took for requests, from issue to completion.",
          kind: .histogram, attributeKeys: blockKeys),
        InstrumentDescriptor(
          name: "apus.disk.io.queue.latency", unit: "s",
          help: "Time that requests waited in an I/O scheduler, where there is one.",
          kind: .histogram, attributeKeys: blockKeys),
        InstrumentDescriptor(
          name: "apus.disk.io.bytes", unit: "By", help: "Bytes of completed requests.",
          kind: .counter, attributeKeys: blockKeys),
      ],
      series: { key in
        let isQueue = UInt32(key.part) == APUS_BLOCK_QUEUE.rawValue
        return SlotSeries(
          histogram: isQueue ? 1 : 0, amount: isQueue ? nil : 2,
          attributes: [BlockDevice(number: key.device).name, blockOperations.word(key.what)])
      },
      untracked: (
        APUS_KIND_BLOCK,
        InstrumentDescriptor(
          name: "apus.disk.io.untracked", unit: "{request}",
          help: "Requests whose issue was not seen, so that they are in no histogram.",
          kind: .counter)
      )),
    optionalHooks: ["block_rq_merge", "block_rq_requeue"],
    isWanted: { $0.biolatency.enabled },
    configure: { _, plan in
      plan.knobs.slot_by = APUS_SLOT_BY_ALL.rawValue
      plan.knobs.parts = 1 << APUS_BLOCK_DEVICE.rawValue | 1 << APUS_BLOCK_QUEUE.rawValue
    },
    // 16384 requests in flight; see bpf/include/progress.bpf.h.
    memory: { _, _ in [("biolatency requests", 16_384 * 80)] })
}
