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
    let slot: UInt32
    let series: SlotSeries
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
  private var entries: [apus_slot_key: Entry] = [:]
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
      guard entries[key] == nil else { return }
      entries[key] = Entry(slot: slot.slot, series: plan.series(key))
    }
    for key in Array(entries.keys) {
      guard var entry = entries[key] else { continue }
      histograms.read(Int(entry.slot), into: &reading)
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
    for (key, entry) in entries where gone.contains(key.key) {
      entries[key] = nil
      do throws(KernelError) {
        try histograms.retire(key)
        quarantine.append((entry.slot, now))
      } catch {
        // The slot stays out of use: counts of two cgroups in one would be a lie.
        Log.error("cannot retire a histogram slot", ["slot": "\(entry.slot)", "error": "\(error)"])
      }
    }
  }
}

extension SlotReading {
  /// Whether anything was measured, rather than only counted.
  fileprivate var hasSpans: Bool { counters.contains { $0 != 0 } }

  fileprivate var histogram: HistogramReading {
    let buckets = Int(APUS_HIST_BUCKETS)
    let counters = self.counters.span
    return HistogramReading(
      buckets: counters.extracting(0..<buckets), zero: counters[buckets],
      above: counters[buckets + 1], sumNanoseconds: sumNanoseconds,
      minNanoseconds: extremes?.min, maxNanoseconds: extremes?.max)
  }
}
