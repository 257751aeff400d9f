// SPDX-License-Identifier: Apache-2.0
// The attributes of Resources: of the host, of the agent, and of workloads.

public import OTLP

extension AttributeRow {
  static let hostName = AttributeRow("host.name", .string, "of the node")
  static let hostID = AttributeRow("host.id", .string, "the machine id of the node")
  static let osType = AttributeRow("os.type", .string, "linux")

  static let serviceName = AttributeRow("service.name", .string, .stable, "of the agent")
  static let serviceVersion = AttributeRow("service.version", .string, .stable, "of the agent")
  static let sdkName = AttributeRow("telemetry.sdk.name", .string, .stable, "apus")
  static let sdkLanguage = AttributeRow("telemetry.sdk.language", .string, .stable, "swift")
  static let sdkVersion = AttributeRow("telemetry.sdk.version", .string, .stable, "of the agent")

  static let cgroupPath = AttributeRow(
    "process.linux.cgroup", .string, .releaseCandidate, "path of the workload's cgroup")
  static let cgroupKey = AttributeRow(
    "apus.cgroup.key", .string, "the cgroup's id, in digits; as events have it")
  static let containerID = AttributeRow(
    "container.id", .string, .stable, "the container id at the end of the cgroup's path")
}

extension ResourceBuilder {
  private static let ofHost = [
    AttributeUse(.hostName), AttributeUse(.osType),
    AttributeUse(.hostID, when: "where the machine id can be read"),
  ]

  /// Of the agent's own Resource; what is configured comes on top.
  public static let agentAttributes =
    [
      AttributeUse(.serviceName), AttributeUse(.serviceVersion), AttributeUse(.sdkName),
      AttributeUse(.sdkLanguage), AttributeUse(.sdkVersion),
    ] + ofHost

  /// Of a workload's; likewise.
  public static let workloadAttributes =
    ofHost + [
      AttributeUse(.cgroupPath, when: "when the cgroup was still there to be looked up"),
      AttributeUse(
        .cgroupKey, when: "when the cgroup has no path, or one that names another as well"),
      AttributeUse(.containerID, when: "where the cgroup's path ends with one"),
    ]
}
