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

  struct Entry {
    var slot: UInt32
    var series: SeriesID?
  }

  private let histograms: SlotHistograms
  private let store: MetricStore
  private let instrument: InstrumentID
  private let workloads: Workloads
  private var entries: [UInt64: Entry] = [:]
  private var quarantine: [(slot: UInt32, since: UInt64)] = []
  private var reading = SlotReading()

  init(
    _ histograms: consuming SlotHistograms, store: MetricStore, instrument: InstrumentID,
    workloads: Workloads
  ) {
    self.histograms = histograms
    self.store = store
    self.instrument = instrument
    self.workloads = workloads
  }

  /// Reads every slot in use; `start` is when the sample before was taken.
  mutating func sample(_ table: borrowing WorkloadTable, sinceUnixNanoseconds start: UInt64) {
    histograms.forEachSlot { key, slot in
      let known = entries[key]
      guard known == nil || known?.series == nil else { return }
      entries[key] = Entry(
        slot: slot.slot,
        series: store.series(
          instrument, workload: workloads.number(of: key, in: table),
          startUnixNanoseconds: start))
    }
    for entry in entries.values {
      guard let series = entry.series else { continue }
      histograms.read(Int(entry.slot), into: &reading)
      update(series)
    }
    histograms.read(Int(APUS_SLOT_OVERFLOW), into: &reading)
    if reading.counters.contains(where: { $0 != 0 }) {
      update(store.overflow(instrument, startUnixNanoseconds: start))
    }
  }

  /// The cgroups that have a slot.
  var keys: Dictionary<UInt64, Entry>.Keys { entries.keys }

  /// Gives slots back to the kernel half that nothing can be counting in any more.
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

  /// Takes the slots of cgroups that are gone away from them.
  mutating func retire(_ gone: Set<UInt64>, now: UInt64) {
    for key in gone {
      guard let entry = entries.removeValue(forKey: key) else { continue }
      do throws(KernelError) {
        try histograms.retire(key)
        quarantine.append((entry.slot, now))
      } catch {
        // The slot stays out of use: counts of two cgroups in one would be a lie.
        Log.error("cannot retire a histogram slot", ["slot": "\(entry.slot)", "error": "\(error)"])
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
