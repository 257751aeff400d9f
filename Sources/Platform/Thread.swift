// SPDX-License-Identifier: Apache-2.0
// Named threads that are joined by their owner, and the flag that asks them to stop.

internal import CApus
internal import Glibc
internal import Synchronization

/// A running thread; it is joined when it goes.
@safe
public struct Thread: ~Copyable {
  private let handle: pthread_t

  private final class Body {
    let run: @Sendable () -> Void
    init(_ run: @escaping @Sendable () -> Void) { self.run = run }
  }

  /// Starts `body` on a thread that `ps -L` shows as `name` (at most 15 bytes).
  public init(_ name: String, body: @escaping @Sendable () -> Void) throws(SystemError) {
    precondition(name.utf8.count < 16, "the kernel keeps 15 bytes of a thread's name")
    var handle = pthread_t()
    let context = unsafe Unmanaged.passRetained(Body(body)).toOpaque()
    let code = unsafe pthread_create(
      &handle, nil,
      { context in
        guard let context = unsafe context else { return nil }
        unsafe Unmanaged<Body>.fromOpaque(context).takeRetainedValue().run()
        return nil
      }, context)
    guard code == 0 else {
      unsafe Unmanaged<Body>.fromOpaque(context).release()
      throw SystemError("pthread_create", code: code)
    }
    unsafe capus_thread_name(handle, name)
    self.handle = handle
  }

  /// Waits for the end of the thread; the same as letting go of it.
  public consuming func join() {}

  deinit { pthread_join(handle, nil) }
}

/// Asks loops to end; set once, polled by each.
public final class StopFlag: Sendable {
  private let raised = Atomic<Bool>(false)

  public init() {}

  public var isRaised: Bool { raised.load(ordering: .acquiring) }

  public func raise() { raised.store(true, ordering: .releasing) }
}
