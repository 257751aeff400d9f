// SPDX-License-Identifier: Apache-2.0
// Each variable of the OTLP exporter, and what it alone changes about where a signal goes.

@testable import Config
import Testing

@Suite("variables of the OTLP exporter")
struct TransportVariableTests {
  static let base = ["OTEL_EXPORTER_OTLP_ENDPOINT": "http://c"]
  static let bare = [
    "OTEL_EXPORTER_OTLP_ENDPOINT": "c:1", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc",
  ]
  static let pair = [
    "OTEL_EXPORTER_OTLP_ENDPOINT": "http://c", "OTEL_EXPORTER_OTLP_CLIENT_KEY": "/k",
    "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE": "/c",
  ]

  /// What is set besides, the end of the variable's name, its value, and what then is true.
  static let effects:
    [(
      besides: [String: String], name: String, value: String,
      holds: @Sendable (Destination?) -> Bool
    )] = [
      ([:], "ENDPOINT", "http://x:1/p", { $0?.url.hasPrefix("http://x:1/p") == true }),
      ([:], "ENDPOINT", "unix:///run/x", { $0?.unixSocket == "/run/x" }),
      (base, "PROTOCOL", "grpc", { $0?.protocol == .grpc }),
      (base, "PROTOCOL", "http/json", { $0?.protocol == .httpJSON }),
      (bare, "INSECURE", "true", { $0?.url == "http://c:1" }),
      (base, "HEADERS", "a=%20b", { $0?.headers == [Pair("a", " b")] }),
      (base, "TIMEOUT", "0", { $0?.timeoutMilliseconds == 0 }),
      (base, "COMPRESSION", "gzip", { $0?.compression == .gzip }),
      (base, "CERTIFICATE", "/ca", { $0?.tls.authorities == "/ca" }),
      (pair, "CLIENT_CERTIFICATE", "/mine", { $0?.tls.certificate == "/mine" }),
      (pair, "CLIENT_KEY", "/mine", { $0?.tls.key == "/mine" }),
    ]

  /// What the variable for all says while that of one signal says something else.
  private static let general = [
    "ENDPOINT": "http://g:9", "PROTOCOL": "http/protobuf", "INSECURE": "false", "HEADERS": "b=1",
    "TIMEOUT": "5000", "COMPRESSION": "none", "CERTIFICATE": "/general",
  ]

  private func destinations(_ env: [String: String]) throws -> [Signal: Destination] {
    let export = try settings(env: env).export
    var found: [Signal: Destination] = [:]
    found[.logs] = export.logs.destination
    found[.metrics] = export.metrics.destination
    found[.traces] = export.traces.destination
    return found
  }

  @Test("one for all signals", arguments: effects.indices)
  func general(index: Int) throws {
    let effect = Self.effects[index]
    let name = "OTEL_EXPORTER_OTLP_\(effect.name)"
    let without = try destinations(effect.besides)
    var env = effect.besides
    env[name] = effect.value
    let with = try destinations(env)
    for signal in Signal.allCases {
      #expect(effect.holds(with[signal]), "\(name) \(signal)")
      #expect(!effect.holds(without[signal]), "\(name) \(signal)")
    }
  }

  @Test("one for each signal alone, which wins over that for all", arguments: effects.indices)
  func perSignal(index: Int) throws {
    let effect = Self.effects[index]
    for signal in Signal.allCases {
      let name = "OTEL_EXPORTER_OTLP_\(signal.rawValue.uppercased())_\(effect.name)"
      var env = effect.besides
      if let general = Self.general[effect.name] {
        env["OTEL_EXPORTER_OTLP_\(effect.name)"] = general
      }
      env[name] = effect.value
      let with = try destinations(env)
      for other in Signal.allCases {
        #expect(effect.holds(with[other]) == (other == signal), "\(name) \(other)")
      }
    }
  }

  @Test("the exporter of each signal")
  func exporters() throws {
    for signal in Signal.allCases {
      let name = "OTEL_\(signal.rawValue.uppercased())_EXPORTER"
      #expect(Set(try destinations([name: "otlp"]).keys) == [signal])
      var env = Self.base
      env[name] = "none"
      #expect(try destinations(env)[signal] == nil)
      #expect(try destinations(env).count == 2)
    }
    #expect(try settings(env: ["OTEL_TRACES_EXPORTER": "console"]).export.traces.console)
  }

  @Test("older names count where the newer are not set")
  func obsolete() throws {
    for (old, new, signal) in [
      ("SPAN", "TRACES", Signal.traces), ("METRIC", "METRICS", .metrics),
    ] {
      let old = "OTEL_EXPORTER_OTLP_\(old)_INSECURE"
      let new = "OTEL_EXPORTER_OTLP_\(new)_INSECURE"
      var env = Self.bare
      env[old] = "true"
      #expect(try destinations(env)[signal]?.url == "http://c:1")
      #expect(try destinations(env)[.logs]?.url == "https://c:1")
      env[new] = "false"
      #expect(try destinations(env)[signal]?.url == "https://c:1")
    }
  }

  @Test("a client certificate without its key is not used, and said")
  func unpaired() throws {
    var env = Self.base
    env["OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE"] = "/c"
    #expect(try destinations(env)[.logs]?.tls == TLSPaths())
    #expect(
      try warnings(env) == [
        "env OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE: stands without export.client_key; "
          + "give both, or neither; no client certificate is used"
      ])
  }

  @Test("a certificate that cannot be read ends the start; a variable's still is the one")
  func unreadable() throws {
    let environment = [
      "OTEL_EXPORTER_OTLP_CERTIFICATE": "/no/ca", Self.base.keys.first!: "http://c",
    ]
    let settings = try Settings.load(file: nil, environment: { environment[$0] })
    #expect(settings.export.logs.destination?.tls.authorities == "/no/ca")
    #expect(
      settings.warnings.map(\.description) == [
        "env OTEL_EXPORTER_OTLP_CERTIFICATE: \"/no/ca\" cannot be read (No such file or "
          + "directory); give a file that this user may read; "
          + "nothing is sent with it until it can be read"
      ])
    var error: ConfigError?
    do throws(ConfigError) {
      _ = try Settings.load(
        file: nil, environment: { _ in nil }, flags: [.exportCertificate: .text("/")])
    } catch let caught {
      error = caught
    }
    #expect(
      error?.description == "flag --export.certificate: export.certificate: \"/\" is not a regular "
        + "file; give a file that this user may read")
  }

  @Test("a socket of the host has the path of its signal over HTTP, and none over gRPC")
  func sockets() throws {
    for text in ["unix:///run/x.sock", "unix:/run/x.sock"] {
      var env = ["OTEL_EXPORTER_OTLP_ENDPOINT": text]
      let http = try destinations(env)
      #expect(http[.logs]?.url == "http://localhost/v1/logs")
      #expect(http[.metrics]?.url == "http://localhost/v1/metrics")
      #expect(http[.logs]?.name == "unix:///run/x.sock")
      env["OTEL_EXPORTER_OTLP_PROTOCOL"] = "grpc"
      #expect(try destinations(env)[.logs]?.url == "http://localhost")
    }
  }

  @Test("credentials of a proxy are not printed")
  func proxy() throws {
    let settings = try settings(
      "export:\n  endpoint: http://c\n  proxy: http://user:secret@proxy:3128")
    #expect(settings.export.logs.destination?.proxy == .url("http://user:secret@proxy:3128"))
    #expect(settings.printed().contains("proxy: \"http://***@proxy:3128\"  # apus.yaml:3"))
    let off = try Config.Settings.resolve(
      yaml: Array("export: { endpoint: 'http://c', proxy: off }".utf8), fileName: "f",
      environment: { _ in nil })
    #expect(off.export.logs.destination?.proxy == Proxy.none)
  }
}
