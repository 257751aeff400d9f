// SPDX-License-Identifier: Apache-2.0
// From the kernel's histogram slots to series, and the end of those whose cgroup is gone.

internal import CApusABI
internal import Identity
internal import Kernel
internal import Metrics
internal import Platform
internal import Probes

/// The slots of one probe.
///
/// Owned by the sample thread.
final class HistogramSampler {
  /// A program may hold a slot's number for microseconds after its key was deleted.
  private static let quarantineNanoseconds: UInt64 = 2_000_000_000

  private struct Entry {
    let series: SlotSeries
    /// More than one where a device came back under its name with another number.
    var slots: [(key: apus_slot_key, slot: UInt32)] = []
    /// nil until there is something to tell.
    var histogram: SeriesID?
    var amount: SeriesID?
  }

  private let histograms: SlotHistograms
  private let plan: HistogramPlan
  private let store: MetricStore
  /// The plan's, registered.
  private let instruments: [InstrumentID]
  private let workloads: Workloads
  /// By the key of its first slot.
  private var entries: [apus_slot_key: Entry] = [:]
  /// Of each slot that is read, whose entry it is in.
  private var firsts: [apus_slot_key: apus_slot_key] = [:]
  private var quarantine: [(slot: UInt32, since: UInt64)] = []
  private var reading = SlotReading()

  init(
    _ histograms: consuming SlotHistograms, _ plan: HistogramPlan, store: MetricStore,
    instruments: [InstrumentID], workloads: Workloads
  ) {
    self.histograms = histograms
    self.plan = plan
    self.store = store
    self.instruments = instruments
    self.workloads = workloads
  }

  /// Reads every slot in use.
  func sample(_ table: borrowing WorkloadTable, _ times: SampleTimes) {
    histograms.forEachSlot { key, slot in
      guard firsts[key] == nil else { return }
      let series = plan.series(key)
      let same = entries.first { $0.key.key == key.key && $0.value.series == series }
      let first = same?.key ?? key
      firsts[key] = first
      entries[first, default: Entry(series: series)].slots.append((key, slot.slot))
    }
    for key in Array(entries.keys) {
      guard var entry = entries[key] else { continue }
      for (place, slot) in entry.slots.enumerated() {
        histograms.read(Int(slot.slot), into: &reading, adding: place > 0)
      }
      update(&entry, workloads.number(of: key.key, in: table), times)
      entries[key] = entry
    }
    for part in 0..<UInt16(APUS_SLOT_OVERFLOWS) {
      histograms.read(Int(part), into: &reading)
      guard !reading.isEmpty else { continue }
      var key = apus_slot_key()
      key.part = part
      let series = plan.series(key)
      if let index = series.histogram, reading.hasSpans {
        store.update(
          store.overflow(instruments[index], startUnixNanoseconds: times.earlier),
          reading.histogram)
      }
      if let index = series.amount, reading.amount > 0 {
        store.set(
          Int64(clamping: reading.amount),
          of: store.overflow(instruments[index], startUnixNanoseconds: times.earlier))
      }
    }
  }

  /// A series begins when there is something to tell; without room it is asked for again.
  private func update(
    _ entry: inout Entry, _ workload: UInt32, _ times: SampleTimes
  ) {
    let series = entry.series
    func find(_ index: Int) -> SeriesID? {
      store.series(
        instruments[index], workload: workload, attributes: series.attributes,
        startUnixNanoseconds: workloads.begin(of: workload, times))
    }
    if let index = series.histogram, reading.hasSpans {
      entry.histogram = entry.histogram ?? find(index)
      if let histogram = entry.histogram { store.update(histogram, reading.histogram) }
    }
    if let index = series.amount, reading.amount > 0 {
      entry.amount = entry.amount ?? find(index)
      if let amount = entry.amount { store.set(Int64(clamping: reading.amount), of: amount) }
    }
  }

  /// The cgroups that have a slot.
  var cgroups: Set<UInt64> { Set(entries.keys.map(\.key)) }

  /// Gives slots back to the kernel half that nothing can be counting in any more.
  func recycle(now: UInt64) {
    quarantine.removeAll { slot, since in
      guard now - since >= HistogramSampler.quarantineNanoseconds else { return false }
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
  func retire(_ gone: Set<UInt64>, now: UInt64) {
    for (first, entry) in entries where gone.contains(first.key) {
      entries[first] = nil
      for (key, slot) in entry.slots { retire(key, slot, now: now) }
    }
  }

  private func retire(_ key: apus_slot_key, _ slot: UInt32, now: UInt64) {
    firsts[key] = nil
    do throws(KernelError) {
      try histograms.retire(key)
      quarantine.append((slot, now))
    } catch {
      // The slot stays out of use: counts of two cgroups in one would be a lie.
      Log.error("cannot retire a histogram slot", ["slot": "\(slot)", "error": "\(error)"])
    }
  }
}

extension SlotReading {
  /// Whether anything was measured, rather than only counted.
  fileprivate var hasSpans: Bool { counters.contains { $0 != 0 } }

  fileprivate var histogram: HistogramReading {
    let zero = counters.count - 1
    let counters = self.counters.span
    return HistogramReading(
      buckets: counters.extracting(0..<zero), zero: counters[zero], sumNanoseconds: sumNanoseconds,
      minNanoseconds: extremes?.min, maxNanoseconds: extremes?.max)
  }
}
