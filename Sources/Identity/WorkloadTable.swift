// SPDX-License-Identifier: Apache-2.0
// From cgroup keys to small handles while a batch is open, and to Resources when it is sealed.

public import OTLP
internal import Platform

/// What is known of a workload.
public struct Workload: Sendable {
  public let key: CgroupKey
  /// nil when the cgroup was gone before it was looked up.
  public let path: String?
  public let containerID: String?

  /// Names it where a path does not, or where another has the same: the kernel never gives a key
  /// twice.
  public var identity: (String, String) {
    (AttributeRow.cgroupKey.name, "\(key.raw)")
  }

  /// The attributes that name it.
  public var attributes: [(String, String)] {
    var attributes: [(String, String)] = []
    if let path {
      attributes.append((AttributeRow.cgroupPath.name, path))
    } else {
      attributes.append(identity)
    }
    if let containerID { attributes.append((AttributeRow.containerID.name, containerID)) }
    return attributes
  }
}

/// Owned by the thread that reads the ring, or by the one that samples: each has its own.
public struct WorkloadTable: ~Copyable {
  /// Ids of cgroups are never reused, so what was learned stays true; the bound forgets it all.
  private static let limit = 4096
  /// A Resource has a path, a container id and what the host and the configuration say.
  public static let bytesMax = limit * 1024

  /// How often a cgroup that is not found is looked for: each time costs system calls.
  private static let lookupsMax = 3

  private struct Known {
    var resource: EncodedResource
    /// How often it has been looked for in vain; nil once found.
    var misses: Int?
  }

  private let paths = CgroupPaths()
  private let builder: ResourceBuilder
  private var handles: [UInt64: UInt32] = [:]
  private var keys: [UInt64] = []
  private var resources: [Known?] = []
  private var lastKey: UInt64 = 0
  private var lastHandle: UInt32?

  public init(builder: ResourceBuilder) {
    self.builder = builder
    handles.reserveCapacity(WorkloadTable.limit)
    keys.reserveCapacity(WorkloadTable.limit)
    resources.reserveCapacity(WorkloadTable.limit)
  }

  /// The handle of a key, good until `forgetIfFull`.
  ///
  /// Between two of those calls lies one batch, whose own bound on records is below this table's.
  public mutating func handle(of key: UInt64) -> UInt32 {
    if let lastHandle, lastKey == key { return lastHandle }
    let handle: UInt32
    if let known = handles[key] {
      handle = known
    } else {
      handle = UInt32(keys.count)
      handles[key] = handle
      keys.append(key)
      resources.append(nil)
    }
    lastKey = key
    lastHandle = handle
    return handle
  }

  /// The Resource of a handle, looked up at the first call; one that was not found is asked for
  /// again a few times, for it may have been too early.
  public mutating func resource(of handle: UInt32) -> EncodedResource {
    let misses = resources[Int(handle)]?.misses ?? 0
    if let known = resources[Int(handle)], known.misses == nil || misses >= WorkloadTable.lookupsMax
    {
      return known.resource
    }
    let workload = self.workload(CgroupKey(keys[Int(handle)]))
    let resource = ResourceBuilder.encode(builder.workload(workload.attributes))
    resources[Int(handle)] = Known(
      resource: resource, misses: workload.path == nil ? misses + 1 : nil)
    return resource
  }

  /// What can be known of a cgroup now.
  public borrowing func workload(_ key: CgroupKey) -> Workload {
    let path = paths.path(of: key)
    return Workload(key: key, path: path, containerID: path.flatMap(containerID(inCgroupPath:)))
  }

  /// Whether the kernel says that the cgroup is no more.
  public borrowing func isGone(_ key: CgroupKey) -> Bool { paths.isGone(key) }

  /// Starts over when the table is half full; only between batches, when no handle is in use.
  public mutating func forgetIfFull() {
    guard keys.count > WorkloadTable.limit / 2 else { return }
    handles.removeAll(keepingCapacity: true)
    keys.removeAll(keepingCapacity: true)
    resources.removeAll(keepingCapacity: true)
    lastHandle = nil
  }
}
