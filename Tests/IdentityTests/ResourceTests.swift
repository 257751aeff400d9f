// SPDX-License-Identifier: Apache-2.0
// What a Resource says and who wins, read back from its bytes by hand.

import Glibc
import OTLP
import Testing

@testable import Identity

enum ResourceFault: Error { case shape }

/// Splits length-delimited fields of a message that has no others.
private func split(_ bytes: ArraySlice<UInt8>) throws -> [(field: UInt8, bytes: ArraySlice<UInt8>)]
{
  var rest = bytes
  var parts: [(field: UInt8, bytes: ArraySlice<UInt8>)] = []
  while let tag = rest.popFirst() {
    guard tag & 7 == 2 else { throw ResourceFault.shape }
    var (length, shift) = (0, 0)
    while let byte = rest.popFirst() {
      length |= Int(byte & 0x7f) << shift
      shift += 7
      if byte < 0x80 { break }
    }
    guard rest.count >= length else { throw ResourceFault.shape }
    parts.append((tag >> 3, rest.prefix(length)))
    rest = rest.dropFirst(length)
  }
  return parts
}

/// One record under `resource`, sealed, and the Resource taken out of it again.
func decoded(_ resource: EncodedResource) throws -> (pairs: [(String, String)], schema: String) {
  var builder = LogBatchBuilder(
    pool: ArenaPool(arenaSize: 4096, idleMax: 1), scopes: [Scope(name: "s", version: "1")])
  guard builder.beginRecord(workload: 0, kind: 1) else { throw ResourceFault.shape }
  builder.writer.varint(9, field: 2)
  _ = builder.endRecord()
  guard let batch = builder.seal({ _ in resource }) else { throw ResourceFault.shape }
  let body = (0..<batch.sliceCount).flatMap { index in batch.withSlice(index) { Array($0) } }
  guard let group = try split(body[...]).first else { throw ResourceFault.shape }
  let parts = try split(group.bytes)
  guard let message = parts.first(where: { $0.field == 1 }),
    let schema = parts.first(where: { $0.field == 3 })
  else { throw ResourceFault.shape }
  let pairs = try split(message.bytes).map { pair in
    let halves = try split(pair.bytes)
    guard pair.field == 1, halves.map(\.field) == [1, 2] else { throw ResourceFault.shape }
    let value = try split(halves[1].bytes)
    guard value.map(\.field) == [1] else { throw ResourceFault.shape }
    return (
      String(decoding: halves[0].bytes, as: UTF8.self),
      String(decoding: value[0].bytes, as: UTF8.self)
    )
  }
  return (pairs, String(decoding: schema.bytes, as: UTF8.self))
}

func attributes(of resource: EncodedResource) throws -> [String: String] {
  Dictionary(uniqueKeysWithValues: try decoded(resource).pairs)
}

@Suite("resources")
struct ResourceTests {
  private func dictionary(_ pairs: [(String, String)]) -> [String: String] {
    Dictionary(uniqueKeysWithValues: pairs)
  }

  @Test("attributes are read back in order, also long, empty and not ASCII")
  func encoding() throws {
    let long = String(repeating: "x", count: 20_000)
    let given = [("a", "b"), ("empty", ""), ("é", "😀"), ("long", long), ("k127", long)]
    let read = try decoded(ResourceBuilder.encode(given))
    #expect(read.pairs.map(\.0) == given.map(\.0))
    #expect(read.pairs.map(\.1) == given.map(\.1))
    #expect(read.schema == ResourceBuilder.schemaURL)
    #expect(try decoded(ResourceBuilder.encode([("k", "v")])).pairs.count == 1)
  }

  @Test("the agent is apus on this host until the configuration says otherwise")
  func agent() {
    let plain = dictionary(
      ResourceBuilder(configured: []).agent(version: "1.2", serviceName: nil))
    #expect(plain["service.name"] == "apus" && plain["service.version"] == "1.2")
    #expect(plain["telemetry.sdk.language"] == "swift")
    #expect(plain["os.type"] == "linux")
    var name = [CChar](repeating: 0, count: 256)
    gethostname(&name, name.count)
    let host = String(decoding: name.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    #expect(plain["host.name"] == host)
    let builder = ResourceBuilder(configured: [
      ("service.name", "from.attributes"), ("host.name", "node-7"), ("deployment", "test"),
      ("service.namespace", "n"),
    ])
    let configured = builder.agent(version: "1.2", serviceName: nil)
    #expect(Set(configured.map(\.0)).count == configured.count)
    #expect(dictionary(configured)["service.name"] == "from.attributes")
    #expect(dictionary(configured)["host.name"] == "node-7")
    #expect(dictionary(configured)["deployment"] == "test")
    // OTEL_SERVICE_NAME wins over OTEL_RESOURCE_ATTRIBUTES.
    #expect(
      dictionary(builder.agent(version: "1.2", serviceName: "named"))["service.name"] == "named")
  }

  @Test("a workload has the host and the configuration's attributes, but not the agent's service")
  func workload() {
    let builder = ResourceBuilder(configured: [
      ("service.name", "agent"), ("service.version", "3"), ("serviceable", "yes"),
      ("deployment", "test"), ("container.id", "configured"), ("later", "1"), ("later", "2"),
      ("k8s.pod.name", "apus-x7"), ("k8s.namespace.name", "monitoring"), ("container.name", "apus"),
      ("telemetry.sdk.name", "mine"), ("process.pid", "1"), ("k8s.node.name", "n1"),
      ("k8s.cluster.name", "prod"), ("cloud.region", "eu"),
    ])
    let pairs = builder.workload([("container.id", "found"), ("process.linux.cgroup", "/a")])
    let result = dictionary(pairs)
    #expect(result["service.name"] == nil && result["service.version"] == nil)
    #expect(result["serviceable"] == "yes" && result["deployment"] == "test")
    #expect(result["os.type"] == "linux" && result["host.name"] != nil)
    // What was found of the workload itself wins; of two alike the later.
    #expect(result["container.id"] == "found" && result["process.linux.cgroup"] == "/a")
    #expect(result["later"] == "2")
    // What names the agent's own pod and process is nobody else's; what names the node is.
    let own = [
      "k8s.pod.name", "k8s.namespace.name", "container.name", "telemetry.sdk.name", "process.pid",
    ]
    for key in own {
      #expect(result[key] == nil)
      #expect(dictionary(builder.agent(version: "1", serviceName: nil))[key] != nil)
    }
    #expect(result["k8s.node.name"] == "n1" && result["k8s.cluster.name"] == "prod")
    #expect(result["cloud.region"] == "eu")
    #expect(Set(pairs.map(\.0)).count == pairs.count)
  }

  @Test("a key keeps its handle, and handles begin anew only when the table is half full")
  func handles() {
    var table = WorkloadTable(builder: ResourceBuilder(configured: []))
    let first = (0..<2048).map { table.handle(of: UInt64($0) + 10) }
    #expect(first == (0..<2048).map { UInt32($0) })
    table.forgetIfFull()
    let again = (0..<2048).reversed().map { table.handle(of: UInt64($0) + 10) }
    #expect(again == first.reversed())
    let last = table.handle(of: 5)
    #expect(last == 2048)
    let repeated = table.handle(of: 5)
    #expect(repeated == 2048)
    table.forgetIfFull()
    let anew = [table.handle(of: 5), table.handle(of: 6), table.handle(of: 5)]
    #expect(anew == [0, 1, 0])
  }
}
