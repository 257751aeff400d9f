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
    /// More than one where keys have the same attributes.
    var slots: [(key: apus_slot_key, slot: UInt32)] = []
    /// nil until there is something to tell.
    var histogram: SeriesID?
    var amount: SeriesID?
  }

  /// What a program that was running when its key was retired has counted is read once more.
  private struct Ending {
    let first: apus_slot_key
    var entry: Entry
    let freed: [UInt32]
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
  /// Until the next sample.
  private var ending: [Ending] = []
  private var quarantine: [(slot: UInt32, since: UInt64)] = []
  private var disks: Disks
  /// Numbers whose name another one bears by now.
  private var renumbered: Set<UInt32> = []
  private var reading = SlotReading()

  init(
    _ histograms: consuming SlotHistograms, _ plan: HistogramPlan, store: MetricStore,
    instruments: [InstrumentID], workloads: Workloads, disks: Disks = Disks()
  ) {
    self.disks = disks
    self.histograms = histograms
    self.plan = plan
    self.store = store
    self.instruments = instruments
    self.workloads = workloads
  }

  /// Reads every slot in use.
  func sample(_ table: borrowing WorkloadTable, _ times: SampleTimes) {
    histograms.forEachSlot { key, slot in
      if firsts[key] == nil { open(key, slot.slot) }
    }
    for key in Array(entries.keys) {
      guard var entry = entries[key] else { continue }
      update(&entry, workloads.number(of: key.key, in: table), times)
      entries[key] = entry
    }
    for place in ending.indices {
      let number = workloads.number(of: ending[place].first.key, in: table)
      update(&ending[place].entry, number, times)
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

  /// Takes a key in, unless its attributes name a series that has to end first.
  private func open(_ key: apus_slot_key, _ slot: UInt32) {
    disks.note(key.device)
    let series = plan.series(key)
    guard !ending.contains(where: { $0.first.key == key.key && $0.entry.series == series }) else {
      return
    }
    let same = entries.first { $0.key.key == key.key && $0.value.series == series }
    if let same, same.key.device != key.device {
      renumbered.insert(same.key.device)
      return
    }
    let first = same?.key ?? key
    firsts[key] = first
    entries[first, default: Entry(series: series)].slots.append((key, slot))
  }

  /// A series begins when there is something to tell; without room it is asked for again.
  private func update(
    _ entry: inout Entry, _ workload: UInt32, _ times: SampleTimes
  ) {
    for (place, slot) in entry.slots.enumerated() {
      histograms.read(Int(slot.slot), into: &reading, adding: place > 0)
    }
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
      for slot in retire(entry) { quarantine.append((slot, now)) }
    }
    for entry in ending where gone.contains(entry.first.key) {
      for slot in entry.freed { quarantine.append((slot, now)) }
    }
    ending.removeAll { gone.contains($0.first.key) }
  }

  /// Ends, at the sample after it was found out, what is kept of disks that are no more or others
  /// by now: the series that are to be told a last time, and removed.
  func endDisks(now: UInt64) -> Set<SeriesID> {
    var ended: Set<SeriesID> = []
    for one in ending {
      ended.formUnion([one.entry.histogram, one.entry.amount].compactMap(\.self))
      for slot in one.freed { quarantine.append((slot, now)) }
    }
    ending = []
    let used = Set(firsts.keys.map(\.device))
    let gone = disks.ended(among: used, now: now).union(renumbered)
    renumbered = []
    for (first, entry) in entries where gone.contains(first.device) {
      entries[first] = nil
      ending.append(Ending(first: first, entry: entry, freed: retire(entry)))
    }
    return ended
  }

  /// The slots that may be used again.
  private func retire(_ entry: Entry) -> [UInt32] {
    entry.slots.compactMap { key, slot in
      firsts[key] = nil
      do throws(KernelError) {
        try histograms.retire(key)
        return slot
      } catch {
        // The slot stays out of use: counts of two cgroups in one would be a lie.
        Log.error("cannot retire a histogram slot", ["slot": "\(slot)", "error": "\(error)"])
        return nil
      }
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
