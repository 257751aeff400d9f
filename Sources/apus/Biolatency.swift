// SPDX-License-Identifier: Apache-2.0
// `apus biolatency`: how long block devices take for requests, as bcc's tool draws it.

internal import CApusABI
internal import CLI
internal import Platform
internal import Probes

func runBiolatency(_ options: BiolatencyOptions) throws(Failure) {
  Tool.configureLog(verbose: options.verbose)
  try Tool.requirePrivilege()
  let cgroup = try Tool.cgroupKey(ofPath: options.cgroup)
  let device = try number(ofDisk: options.disk)
  let grouping = options.grouping
  let tool = HistogramTool(
    row: .biolatency, report: options.report, intervalSeconds: options.intervalSeconds,
    intervals: options.intervals, json: options.json,
    keysMax: grouping == .all ? nil : HistogramTool.keysMax
  ) { key, _ in
    switch grouping {
    case .all: .everything
    case .disks: .disk(BlockDevice(number: key.device).name)
    case .flags: .flags(RequestFlags(rawValue: key.what))
    }
  }
  let part = options.queued ? APUS_BLOCK_WHOLE : APUS_BLOCK_DEVICE
  try tool.run(tracing: BiolatencyOptions.tracing) { plan in
    plan.knobs.parts = 1 << part.rawValue
    plan.knobs.device = device
    plan.knobs.cgroup_key = cgroup
    plan.knobs.slot_by =
      switch grouping {
      case .all: APUS_SLOT_BY_NOTHING.rawValue
      case .disks: APUS_SLOT_BY_DEVICE.rawValue
      case .flags: APUS_SLOT_BY_FLAGS.rawValue
      }
  }
}

/// 0 is every disk.
private func number(ofDisk name: String?) throws(Failure) -> UInt32 {
  guard let name else { return 0 }
  guard let device = BlockDevice(named: name) else {
    throw Failure(
      code: .usage, message: "\(name) is no block device; see /sys/class/block for those there are")
  }
  guard !device.isPartition else {
    throw Failure(
      code: .usage,
      message: "\(name) is a partition; requests to it are its disk's, so give the disk")
  }
  return device.number
}
