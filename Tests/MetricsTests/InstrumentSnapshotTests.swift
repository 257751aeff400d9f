// SPDX-License-Identifier: Apache-2.0

import Glibc
import Synchronization
import Testing

@testable import Metrics

@Suite("snapshots of one instrument")
struct InstrumentSnapshotTests {
  private let store = MetricStore()
  private let counter: InstrumentID

  init() {
    counter = store.register(
      InstrumentDescriptor(
        name: "apus.test", unit: "", help: "", kind: .counter, attributeKeys: ["key"]))
  }

  private func add(_ keys: Range<Int>) -> [SeriesID] {
    keys.compactMap {
      store.series(counter, workload: 0, attributes: ["\($0)"], startUnixNanoseconds: 1)
    }
  }

  @Test("have what a snapshot of all has", arguments: [0, 1, 127, 128, 129, 1000])
  func equal(count: Int) {
    for series in add(0..<count) { store.add(3, to: series) }
    let one = store.snapshot(instrument: 0)
    let all = store.snapshot(unixNanoseconds: 1).instruments[0]
    #expect(one.descriptor == all.descriptor && one.points.count == count)
    #expect(one.points.map(\.attributes) == all.points.map(\.attributes))
    #expect(one.points.map(\.value) == all.points.map(\.value))
  }

  @Test("have no series twice while series come and go", .timeLimit(.minutes(1)))
  func twice() {
    var thread = pthread_t()
    final class Churn: Sendable {
      let store: MetricStore
      let counter: InstrumentID
      let stop = Atomic<Bool>(false)
      init(_ store: MetricStore, _ counter: InstrumentID) {
        self.store = store
        self.counter = counter
      }
    }
    _ = add(0..<1500)
    let churn = Churn(store, counter)
    let context = Unmanaged.passRetained(churn).toOpaque()
    pthread_create(
      &thread, nil,
      { context in
        guard let context else { return nil }
        let churn = Unmanaged<Churn>.fromOpaque(context).takeRetainedValue()
        var round = 0
        while !churn.stop.load(ordering: .relaxed) {
          // Ends in a low slot and comes back in a high one.
          let keys = [round % 1500, 1499 - round % 1500]
          for key in keys {
            if let id = churn.store.series(
              churn.counter, workload: 0, attributes: ["\(key)"], startUnixNanoseconds: 1)
            {
              churn.store.remove(id)
            }
          }
          for key in keys {
            _ = churn.store.series(
              churn.counter, workload: 0, attributes: ["\(key)"], startUnixNanoseconds: 1)
          }
          round += 1
        }
        return nil
      }, context)
    for _ in 0..<300 {
      let keys = store.snapshot(instrument: 0).points.map { $0.attributes[0] }
      #expect(Set(keys).count == keys.count)
    }
    churn.stop.store(true, ordering: .relaxed)
    pthread_join(thread, nil)
  }
}
