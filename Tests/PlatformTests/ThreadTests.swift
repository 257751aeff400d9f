// SPDX-License-Identifier: Apache-2.0
// Clocks, events, signals and threads against the C library's own word.

import Glibc
import Platform
import Synchronization
import Testing

@Suite("clocks and threads")
struct ThreadTests {
  @Test("the clock's Unix time lies within a millisecond of gettimeofday's")
  func clock() {
    var distances: [UInt64] = []
    // Of several tries one is not interrupted between the readings.
    for _ in 0..<50 {
      Clock.shared.refresh()
      var time = timeval()
      gettimeofday(&time, nil)
      let theirs = UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_usec) * 1000
      let ours = Clock.shared.unixNanoseconds()
      distances.append(max(ours, theirs) - min(ours, theirs))
    }
    #expect((distances.min() ?? .max) < 1_000_000)
    #expect(distances.count { $0 < 1_000_000 } > 25)
    #expect(Clock.shared.unixNanoseconds(boot: 5) == Clock.shared.unixOffset &+ 5)
  }

  @Test("boot time does not run backwards")
  func monotonic() {
    var last = Clock.bootNanoseconds()
    var backwards = 0
    for _ in 0..<100_000 {
      let now = Clock.bootNanoseconds()
      if now < last { backwards += 1 }
      last = now
    }
    #expect(backwards == 0)
  }

  @Test("an event that was raised before ends the wait at once, once, and not the next one")
  func event() throws {
    let event = try Event()
    event.raise()
    event.raise()
    let start = Clock.bootNanoseconds()
    event.wait(milliseconds: 30_000)
    #expect(Clock.bootNanoseconds() - start < 10_000_000_000)
    let second = Clock.bootNanoseconds()
    event.wait(milliseconds: 20)
    #expect(Clock.bootNanoseconds() - second >= 19_000_000)
  }

  @Test("a thread bears its name, runs its body once, and is joined when it goes")
  func thread() throws {
    let runs = Atomic<Int>(0)
    let name = Mutex("")
    let thread = try Thread("apus-test-name!") {
      name.withLock { $0 = readText("/proc/thread-self/comm") ?? "" }
      // The name is given from outside, a moment after the start.
      _ = becomesTrue {
        name.withLock { $0 = readText("/proc/thread-self/comm") ?? "" }
        return name.withLock { $0 == "apus-test-name!" }
      }
      runs.add(1, ordering: .relaxed)
    }
    thread.join()
    #expect(runs.load(ordering: .relaxed) == 1)
    #expect(name.withLock { $0 } == "apus-test-name!")
  }

  @Test("a flag raised by one thread is seen by another")
  func flag() throws {
    let stop = StopFlag()
    #expect(!stop.isRaised)
    let thread = try Thread("test-flag") { stop.raise() }
    #expect(becomesTrue { stop.isRaised })
    thread.join()
  }

  @Test("signals that are blocked are taken by waiting, each once; without one time runs out")
  func signals() throws {
    let taken = Mutex<[CInt?]>([])
    // A thread of its own, so that no thread of the test's runner is changed.
    let thread = try Thread("test-signals") {
      let signals = Signals(blocking: [SIGUSR1, SIGUSR2])
      pthread_kill(pthread_self(), SIGUSR2)
      let first = signals.wait(milliseconds: 10_000)
      pthread_kill(pthread_self(), SIGUSR1)
      let second = signals.wait()
      let none = signals.wait(milliseconds: 10)
      // SIGPIPE is blocked besides, and not among those waited for.
      pthread_kill(pthread_self(), SIGPIPE)
      let pipe = signals.wait(milliseconds: 10)
      taken.withLock { $0 = [first, second, none, pipe] }
    }
    thread.join()
    #expect(taken.withLock { $0 } == [SIGUSR2, SIGUSR1, nil, nil])
  }

  @Test("root has every capability that tracing needs", .enabled(if: getuid() == 0, "needs root"))
  func capabilities() {
    #expect(Capabilities.missingForTracing() == [])
    #expect(Capabilities.all().count == 7)
  }
}
