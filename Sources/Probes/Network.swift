// SPDX-License-Identifier: Apache-2.0
// The network's probes: who owns sockets, tcpconnect, tcpretrans. Their records are written by
// EventEncoder+Network.

internal import CApusABI
internal import Config
internal import Glibc
internal import Kernel
internal import Metrics
internal import OTLP
internal import Platform

private let connectKeys = [AttributeRow.outcome.name, AttributeRow.errorType.name]

/// See bpf/sockets.bpf.c.
private let listenersMax = 4096

/// Connects without an outcome yet, and what is kept of each; see bpf/include/connect.bpf.h.
private let pendingMax = 8192
private let pendingBytes = 192

private let retransmitKeys = [AttributeRow.cause.name]

extension ProbeRow {
  /// Whose TCP sockets are: no records, for the probes that follow.
  package static let sockets = ProbeRow(
    name: "sockets",
    optionalHooks: ["tracepoint/syscalls/", "io_uring_complete"],
    isWanted: { $0.tcpconnect.enabled || $0.tcpretrans.enabled },
    memory: { settings, _ in
      // An element of a hash has 48 bytes of its own, and a bucket 16.
      let owner = MemoryLayout<apus_owner>.size + 64
      return [
        ("socket owners", settings.socketsMax * (8 + owner)),
        ("listeners", listenersMax * (24 + 8 + owner)),
      ]
    })

  /// Active TCP connects, each a record at its outcome; durations by cgroup and outcome.
  package static let tcpconnect = ProbeRow(
    name: "tcpconnect", hasRecords: true,
    histograms: HistogramPlan(
      slots: { $0.tcpconnect.histogramsMax },
      instruments: [
        InstrumentDescriptor(
          name: "apus.tcp.connect.duration", unit: "s",
          help: "Time from the call of connect to its outcome.", kind: .histogram,
          attributeKeys: connectKeys),
        InstrumentDescriptor(
          name: "apus.tcp.connects", unit: "{connection}",
          help: "Active TCP connects by outcome.", kind: .counter, attributeKeys: connectKeys),
      ],
      series: { key in
        let code = Int32(key.what & 0xfff)
        return SlotSeries(
          histogram: 0, amount: 1,
          attributes: [connectOutcomes.word(key.what >> 12), code == 0 ? "" : errnoName(code)])
      },
      untracked: nil),
    optionalHooks: ["tracepoint/syscalls/", "io_uring_complete", "sock_send_length", "cgroup/"],
    // Each end of a send, in place of a program at the exit of two system calls.
    standIns: [("sock_send_length", "sys_exit_send")],
    isWanted: { $0.tcpconnect.enabled },
    configure: { _, plan in plan.knobs.slot_by = APUS_SLOT_BY_ALL.rawValue },
    memory: { _, _ in [("tcpconnect pending", pendingMax * (8 + pendingBytes + 64))] },
    last: "on_stop")

  /// Retransmitted segments, each call of the kernel a record; round-trip times by cause.
  package static let tcpretrans = ProbeRow(
    name: "tcpretrans", hasRecords: true,
    histograms: HistogramPlan(
      slots: { $0.tcpretrans.histogramsMax },
      instruments: [
        InstrumentDescriptor(
          name: "apus.tcp.retransmit.rtt", unit: "s",
          help: "Smoothed round-trip time of connections when they retransmitted.",
          kind: .histogram, attributeKeys: retransmitKeys),
        InstrumentDescriptor(
          name: "apus.tcp.retransmits", unit: "{segment}",
          help: "TCP segments that were sent again, by cause.", kind: .counter,
          attributeKeys: retransmitKeys),
      ],
      series: { key in
        SlotSeries(histogram: 0, amount: 1, attributes: [retransmitCauses.word(key.what)])
      },
      untracked: nil),
    isWanted: { $0.tcpretrans.enabled },
    configure: { _, plan in plan.knobs.slot_by = APUS_SLOT_BY_ALL.rawValue })
}
