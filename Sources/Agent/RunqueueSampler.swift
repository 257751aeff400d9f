// SPDX-License-Identifier: Apache-2.0
// From the kernel's histogram slots to series, and the end of those whose cgroup is gone.

internal import CApusABI
internal import Identity
internal import Kernel
internal import Metrics
internal import Platform

/// Owned by the sample thread.
struct RunqueueSampler: ~Copyable {
  /// A program may hold a slot's number for microseconds after its key was deleted.
  private static let quarantineNanoseconds: UInt64 = 2_000_000_000

  private struct Entry {
    var slot: UInt32
    var series: SeriesID?
  }

  private var histograms: SlotHistograms
  private let store: MetricStore
  private let instrument: InstrumentID
  private let workloads: Workloads
  private var entries: [UInt64: Entry] = [:]
  private var quarantine: [(slot: UInt32, since: UInt64)] = []
  private var reading = SlotReading()
  /// No wait of a slot that is new was counted before this.
  private var sampledAt: UInt64

  /// The cgroups that have a slot.
  var keys: [UInt64] { Array(entries.keys) }

  init(
    _ histograms: consuming SlotHistograms, store: MetricStore, instrument: InstrumentID,
    workloads: Workloads, startUnixNanoseconds: UInt64
  ) {
    sampledAt = startUnixNanoseconds
    self.histograms = histograms
    self.store = store
    self.instrument = instrument
    self.workloads = workloads
  }

  /// Reads every slot in use.
  mutating func sample(_ table: borrowing WorkloadTable, unixNanoseconds: UInt64) {
    histograms.forEachSlot { key, slot in
      let known = entries[key]
      guard known == nil || known?.series == nil else { return }
      entries[key] = Entry(
        slot: slot.slot,
        series: store.series(
          instrument, workload: workloads.number(of: key, in: table),
          startUnixNanoseconds: sampledAt))
    }
    for entry in entries.values {
      guard let series = entry.series else { continue }
      histograms.read(Int(entry.slot), into: &reading)
      update(series)
    }
    histograms.read(Int(APUS_SLOT_OVERFLOW), into: &reading)
    if reading.counters.contains(where: { $0 != 0 }) {
      update(store.overflow(instrument, startUnixNanoseconds: sampledAt))
    }
    sampledAt = unixNanoseconds
  }

  /// Takes the slot of a cgroup that is gone away from it; false when it must stay as it is.
  mutating func retire(_ key: UInt64, now: UInt64) -> Bool {
    guard let entry = entries[key] else { return true }
    do throws(KernelError) { try histograms.retire(key) } catch {
      // The slot stays taken: to reuse it could mix two workloads.
      Log.error("cannot retire a histogram slot", ["error": "\(error)"])
      return false
    }
    entries[key] = nil
    quarantine.append((entry.slot, now))
    return true
  }

  /// Gives slots whose cgroup is gone back to the kernel half.
  mutating func recycle(now: UInt64) {
    quarantine.removeAll { slot, since in
      guard now - since >= RunqueueSampler.quarantineNanoseconds else { return false }
      do throws(KernelError) {
        try histograms.recycle(slot)
        return true
      } catch {
        Log.error("cannot reuse a histogram slot", ["slot": "\(slot)", "error": "\(error)"])
        return false
      }
    }
  }

  private func update(_ series: SeriesID) {
    let buckets = Int(APUS_HIST_BUCKETS)
    let counters = reading.counters.span
    store.update(
      series,
      HistogramReading(
        buckets: counters.extracting(0..<buckets), zero: counters[buckets],
        above: counters[buckets + 1], sumNanoseconds: reading.sumNanoseconds,
        minNanoseconds: reading.extremes?.min, maxNanoseconds: reading.extremes?.max))
  }
}
