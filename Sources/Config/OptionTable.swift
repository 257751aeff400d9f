// SPDX-License-Identifier: Apache-2.0
// Every option there is, once: decoding, defaults, `config print`, flags and help come from here.

internal import Platform

package enum OptionKey: String, CaseIterable, Sendable {
  case execEnabled = "exec.enabled"
  case execArgs = "exec.args"
  case execFailed = "exec.failed"
  case runqlatEnabled = "runqlat.enabled"
  case runqlatCgroups = "runqlat.cgroups"
  case tcpconnectEnabled = "tcpconnect.enabled"
  case tcpconnectHistograms = "tcpconnect.histograms"
  case tcpretransEnabled = "tcpretrans.enabled"
  case tcpretransHistograms = "tcpretrans.histograms"
  case biolatencyEnabled = "biolatency.enabled"
  case biolatencyHistograms = "biolatency.histograms"
  case socketsMax = "sockets.max"
  case hooks
  case buffer
  case buffersRing = "buffers.ring"
  case buffersWakeLatency = "buffers.wake_latency"
  case exportEnabled = "export.enabled"
  case exportEndpoint = "export.endpoint"
  case exportProtocol = "export.protocol"
  case exportInsecure = "export.insecure"
  case exportHeaders = "export.headers"
  case exportTimeout = "export.timeout"
  case exportQueue = "export.queue"
  case exportBatchBytes = "export.batch_bytes"
  case exportScheduleDelay = "export.schedule_delay"

  case exportCompression = "export.compression"
  case exportCertificate = "export.certificate"
  case exportClientCertificate = "export.client_certificate"
  case exportClientKey = "export.client_key"
  case exportProxy = "export.proxy"
  case exportMaxRequestBytes = "export.max_request_bytes"

  case logsExporter = "export.logs.exporter"
  case logsEndpoint = "export.logs.endpoint"
  case logsProtocol = "export.logs.protocol"
  case logsInsecure = "export.logs.insecure"
  case logsHeaders = "export.logs.headers"
  case logsTimeout = "export.logs.timeout"
  case logsCompression = "export.logs.compression"
  case logsCertificate = "export.logs.certificate"
  case logsClientCertificate = "export.logs.client_certificate"
  case logsClientKey = "export.logs.client_key"
  case metricsExporter = "export.metrics.exporter"
  case metricsEndpoint = "export.metrics.endpoint"
  case metricsProtocol = "export.metrics.protocol"
  case metricsInsecure = "export.metrics.insecure"
  case metricsHeaders = "export.metrics.headers"
  case metricsTimeout = "export.metrics.timeout"
  case metricsCompression = "export.metrics.compression"
  case metricsCertificate = "export.metrics.certificate"
  case metricsClientCertificate = "export.metrics.client_certificate"
  case metricsClientKey = "export.metrics.client_key"
  case tracesExporter = "export.traces.exporter"
  case tracesEndpoint = "export.traces.endpoint"
  case tracesProtocol = "export.traces.protocol"
  case tracesInsecure = "export.traces.insecure"
  case tracesHeaders = "export.traces.headers"
  case tracesTimeout = "export.traces.timeout"
  case tracesCompression = "export.traces.compression"
  case tracesCertificate = "export.traces.certificate"
  case tracesClientCertificate = "export.traces.client_certificate"
  case tracesClientKey = "export.traces.client_key"

  case metricsInterval = "metrics.interval"
  case metricsTemporality = "metrics.temporality"
  case metricsHistogram = "metrics.histogram"
  case filePath = "file.path"
  case fileMaxBytes = "file.max_bytes"
  case fileMaxFiles = "file.max_files"
  case listen = "listen"
  case resourceAttributes = "resource.attributes"
  case resourceServiceName = "resource.service_name"
  case logLevel = "log.level"
  case logFormat = "log.format"

  case httpTLSCertificate = "http.tls.certificate"
  case httpTLSKey = "http.tls.key"
  case httpToken = "http.token"
  case httpTokenFile = "http.token_file"
  case prometheusBucketsPerPower = "prometheus.buckets_per_power"
  case prometheusCreated = "prometheus.created"
  case prometheusScopeLabels = "prometheus.scope_labels"

  case limitsQueueRecords = "limits.queue_records"
  case limitsBatchRecords = "limits.batch_records"
  case limitsLogsExportTime = "limits.logs_export_time"
  case limitsMetricsExportTime = "limits.metrics_export_time"
  case limitsAttributeLength = "limits.attribute_length"
}

/// The command-line flag of an option.
package struct OptionFlag: Equatable, Sendable {
  package let name: String
  package let placeholder: String
}

package struct OptionRow: Sendable {
  package let key: OptionKey
  package let type: ValueType
  /// Nil where "not set" is itself a meaning.
  package let fallback: Value?
  package let summary: String
  package var environment: String?
  /// A variable that says it of more than this option, and counts where `environment` is not set.
  package var generalEnvironment: String?
  /// OTEL_SDK_DISABLED says the opposite of `export.enabled`.
  package var environmentInverts = false
  package var flag: OptionFlag?
  /// An older name of the variable, which counts where the new one is not set.
  var obsoleteEnvironment: String?

  init(
    _ key: OptionKey, _ type: ValueType, _ fallback: Value?, _ summary: String,
    env: String? = nil, general: String? = nil, inverted: Bool = false, flag: OptionFlag? = nil
  ) {
    self.key = key
    self.type = type
    self.fallback = fallback
    self.summary = summary
    environment = env
    generalEnvironment = general
    environmentInverts = inverted
    self.flag = flag
  }
}

package enum OptionTable {
  package static let rows: [OptionRow] =
    probes + export + transport + perSignal + rest + http + limits

  package static func row(_ key: OptionKey) -> OptionRow {
    // A test holds every key to one row, so a missing one is our bug.
    guard let row = rows.first(where: { $0.key == key }) else {
      preconditionFailure("no row for this option")
    }
    return row
  }

  static let protocolType = ValueType.choice(
    ExportProtocol.allCases.map(\.rawValue))
  static let compressionType = ValueType.choice(
    Compression.allCases.map(\.rawValue))
  // OTLP's 0 is "no limit".
  static let timeoutType = ValueType.milliseconds(0...86_400_000)

  private static let histogramsType = ValueType.integer(16...4096, unit: "histograms")

  private static let probes: [OptionRow] = [
    OptionRow(.execEnabled, .boolean, .boolean(true), "Record every exec and exit"),
    OptionRow(
      .execArgs, .choice(ArgumentPrivacy.allCases.map(\.rawValue)), .choice("redacted"),
      "Arguments of programs: as they are, without passwords and tokens, or not at all"),
    OptionRow(.execFailed, .boolean, .boolean(true), "Record execs that fail, with their errno"),
    OptionRow(
      .runqlatEnabled, .boolean, .boolean(true), "Measure the wait from runnable to running"),
    OptionRow(
      .runqlatCgroups, .integer(16...4096, unit: "cgroups"), .integer(256),
      "Cgroups with a histogram of their own; the rest share one"),
    OptionRow(.tcpconnectEnabled, .boolean, .boolean(true), "Record every TCP connect"),
    OptionRow(
      .tcpconnectHistograms, histogramsType, .integer(256),
      "Histograms of connects, one for each cgroup and outcome; the rest share one"),
    OptionRow(
      .tcpretransEnabled, .boolean, .boolean(true), "Record every TCP retransmission"),
    OptionRow(
      .tcpretransHistograms, histogramsType, .integer(256),
      "Histograms of round-trip times, one for each cgroup and cause; the rest share one"),
    OptionRow(
      .biolatencyEnabled, .boolean, .boolean(true), "Measure requests to block devices"),
    OptionRow(
      .biolatencyHistograms, histogramsType, .integer(256),
      "Histograms of block I/O, two for each cgroup, device and operation; the rest share two"),
    OptionRow(
      .socketsMax, .integer(1024...1_048_576, unit: "sockets"), .integer(16_384),
      "TCP sockets whose owner is known; of more, those are forgotten that are used least"),
    OptionRow(
      .hooks, .choice(HookPreference.allCases.map(\.rawValue)), .choice("auto"),
      "Build of the probes: the best that the kernel takes, or one of the two by name"),
    OptionRow(
      .buffer, .choice(BufferPreference.allCases.map(\.rawValue)), .choice("auto"),
      "What carries records out of the kernel: a ring, or perf buffers where there is none"),
    OptionRow(
      .buffersRing, .bytes(65_536...67_108_864, powerOfTwo: true), .bytes(1 << 20),
      "Size of the ring, or of the perf buffers of all CPUs together"),
    OptionRow(
      .buffersWakeLatency, .milliseconds(1...10_000), .milliseconds(100),
      "Longest time a record waits in the ring before the agent wakes"),
  ]

  private static let export: [OptionRow] = [
    OptionRow(
      .exportEnabled, .boolean, .boolean(true), "Send OTLP where an endpoint is set",
      env: "OTEL_SDK_DISABLED", inverted: true),
    OptionRow(
      .exportEndpoint, .endpoint, nil,
      "OTLP receiver of all signals; not set means none. HTTP adds v1/logs, v1/metrics, v1/traces",
      env: "OTEL_EXPORTER_OTLP_ENDPOINT"),
    OptionRow(
      .exportProtocol, protocolType, .choice("http/protobuf"), "Protocol of the receiver",
      env: "OTEL_EXPORTER_OTLP_PROTOCOL"),
    OptionRow(
      .exportInsecure, .boolean, .boolean(false),
      "Plain text for a grpc endpoint without http:// or https://",
      env: "OTEL_EXPORTER_OTLP_INSECURE"),
    OptionRow(
      .exportHeaders, .headers, .pairs([]), "Headers of every request",
      env: "OTEL_EXPORTER_OTLP_HEADERS"),
    OptionRow(
      .exportTimeout, timeoutType, .milliseconds(10_000),
      "Time allowed for one batch; 0s means no limit", env: "OTEL_EXPORTER_OTLP_TIMEOUT"),
    OptionRow(
      .exportQueue, .bytes(65_536...1_073_741_824, powerOfTwo: false), .bytes(4 << 20),
      "Batches waiting to be sent; what does not fit is dropped and counted"),
    // A gRPC server takes 4 MiB if not told otherwise; a last record and Resources come on top.
    OptionRow(
      .exportBatchBytes, .bytes(4096...3_145_728, powerOfTwo: false), .bytes(512 << 10),
      "A batch is sent when it has this size"),
    OptionRow(
      .exportScheduleDelay, .milliseconds(0...3_600_000), .milliseconds(1000),
      "A batch is sent after this time, however small", env: "OTEL_BLRP_SCHEDULE_DELAY"),
  ]

  private static let transport: [OptionRow] = [
    OptionRow(
      .exportCompression, compressionType, .choice("none"), "Compression of requests",
      env: "OTEL_EXPORTER_OTLP_COMPRESSION"),
    OptionRow(
      .exportCertificate, .file, nil,
      "PEM file of the authorities to trust, in place of the system's",
      env: "OTEL_EXPORTER_OTLP_CERTIFICATE"),
    OptionRow(
      .exportClientCertificate, .file, nil, "PEM file of the client's certificate and its chain",
      env: "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE"),
    OptionRow(
      .exportClientKey, .file, nil, "PEM file of the client's key",
      env: "OTEL_EXPORTER_OTLP_CLIENT_KEY"),
    OptionRow(
      .exportProxy, .proxy, nil,
      "Proxy, or off; not set means what http_proxy, https_proxy and no_proxy say"),
    OptionRow(
      .exportMaxRequestBytes, .bytes(4096...1_073_741_824, powerOfTwo: false), .bytes(64 << 20),
      "Largest request, before compression; a larger one is dropped and counted"),
  ]

  private static let rest: [OptionRow] = [
    OptionRow(
      .metricsInterval, .milliseconds(100...86_400_000), .milliseconds(60_000),
      "Time between two exports of metrics", env: "OTEL_METRIC_EXPORT_INTERVAL"),
    OptionRow(
      .metricsTemporality,
      .choice(TemporalityPreference.allCases.map(\.rawValue)), .choice("cumulative"),
      "Points since the start, or each for its interval; lowmemory: the latter for histograms only",
      env: "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE"),
    OptionRow(
      .metricsHistogram, .choice(HistogramAggregation.allCases.map(\.rawValue)),
      .choice(HistogramAggregation.exponential.rawValue),
      "Buckets of histograms in OTLP: exponential, or explicit at powers of two",
      env: "OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION"),
    OptionRow(
      .filePath, .path, nil, "Write OTLP JSON lines to this file, - for standard output",
      flag: OptionFlag(name: "otlp-file", placeholder: "PATH")),
    OptionRow(
      .fileMaxBytes, .bytes(65_536...(1 << 40), powerOfTwo: false), .bytes(100 << 20),
      "Before it becomes larger the file is renamed, and another begun"),
    OptionRow(
      .fileMaxFiles, .integer(1...100, unit: "files"), .integer(3),
      "Files kept besides the one that is written"),
    OptionRow(
      .listen, .listen, .listen(ListenAddress(address: "127.0.0.1", port: 9464)),
      "Address of /metrics, /healthz and /readyz, or off",
      flag: OptionFlag(name: "listen", placeholder: "ADDR:PORT")),
    OptionRow(
      .resourceAttributes, .attributes, .pairs([]), "Attributes of every resource",
      env: "OTEL_RESOURCE_ATTRIBUTES"),
    OptionRow(
      .resourceServiceName, .text, .text("apus"), "The agent's service.name",
      env: "OTEL_SERVICE_NAME"),
    OptionRow(
      .logLevel, .choice(LogLevel.allCases.map(\.rawValue)), .choice("info"),
      "How much the agent says about itself", env: "OTEL_LOG_LEVEL",
      flag: OptionFlag(name: "log-level", placeholder: "LEVEL")),
    OptionRow(
      .logFormat, .choice(LogFormat.allCases.map(\.rawValue)), .choice("text"),
      "How the agent writes its own log"),
  ]
}
