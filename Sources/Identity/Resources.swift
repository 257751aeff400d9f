// SPDX-License-Identifier: Apache-2.0
// OpenTelemetry Resources: of the agent itself, and of each workload.

internal import Glibc
public import OTLP
internal import Platform

/// Builds Resource messages from what the host and the configuration say.
public struct ResourceBuilder: Sendable {
  /// The released semantic conventions that our attributes follow.
  public static let schemaURL = "https://opentelemetry.io/schemas/1.44.0"

  private let host: [(String, String)]
  private let configured: [(String, String)]

  /// `configured` are OTEL_RESOURCE_ATTRIBUTES and the file's; they add to what is found, and win.
  public init(configured: [(String, String)]) {
    var name = utsname()
    unsafe uname(&name)
    let node = unsafe withUnsafeBytes(of: &name.nodename) { bytes in
      unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
    }
    var host = [(AttributeRow.hostName.name, node), (AttributeRow.osType.name, "linux")]
    // The machine id of the host, which a container must mount to name it.
    if let id = readText("/etc/machine-id") ?? readText("/var/lib/dbus/machine-id"), !id.isEmpty {
      host.append((AttributeRow.hostID.name, id))
    }
    self.host = host
    self.configured = configured
  }

  /// The agent's own: what its self-telemetry belongs to.
  public func agent(version: String, serviceName: String?) -> [(String, String)] {
    var attributes = [
      (AttributeRow.serviceName.name, "apus"), (AttributeRow.serviceVersion.name, version),
      (AttributeRow.sdkName.name, "apus"), (AttributeRow.sdkLanguage.name, "swift"),
      (AttributeRow.sdkVersion.name, version),
    ]
    merge(host + configured, into: &attributes)
    if let serviceName { merge([(AttributeRow.serviceName.name, serviceName)], into: &attributes) }
    return attributes
  }

  /// What tells one workload from another.
  ///
  /// In the configuration it names the agent, as the pod's environment does in Kubernetes: to give
  /// it to a workload would be to guess an identity.
  private static let ownPrefixes =
    ["service.", "telemetry.", "process.", "container."]
    + [
      "pod", "container", "namespace", "deployment", "replicaset", "statefulset", "daemonset",
      "job", "cronjob",
    ].map { "k8s.\($0)." }

  /// A workload's: the host's, those of the configuration that hold for the node, and its own.
  public func workload(_ attributes: [(String, String)]) -> [(String, String)] {
    var result = host
    let shared = configured.filter { pair in
      !ResourceBuilder.ownPrefixes.contains { pair.0.hasPrefix($0) }
    }
    merge(shared, into: &result)
    merge(attributes, into: &result)
    return result
  }

  /// The Resource message of `attributes`.
  public static func encode(_ attributes: [(String, String)]) -> EncodedResource {
    var message: [UInt8] = []
    for (key, value) in attributes {
      // Resource.attributes = 1: KeyValue { key = 1, value = 2: AnyValue { string_value = 1 } }.
      var any: [UInt8] = []
      any.appendField(1, Array(value.utf8))
      var pair: [UInt8] = []
      pair.appendField(1, Array(key.utf8))
      pair.appendField(2, any)
      message.appendField(1, pair)
    }
    return EncodedResource(message: message, schemaURL: schemaURL)
  }

  private func merge(_ additions: [(String, String)], into attributes: inout [(String, String)]) {
    for addition in additions {
      if let index = attributes.firstIndex(where: { $0.0 == addition.0 }) {
        attributes[index] = addition
      } else {
        attributes.append(addition)
      }
    }
  }
}
