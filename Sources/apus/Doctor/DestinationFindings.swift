// SPDX-License-Identifier: Apache-2.0
// Whether each collector can be reached, and what stands in the way; an empty request asks it.

internal import CLI
internal import Config
internal import Export

func destinationFindings(_ settings: Settings) -> [Finding] {
  let checks = DestinationCheck.run(settings, version: version)
  if checks.isEmpty {
    let files = Exporter.destinations(settings)
    return [
      Finding(
        .destinations, "otlp", .ok,
        files.isEmpty
          ? "none: nothing is sent"
          : "none: nothing is sent, but written to \(settings.otlpFile ?? "-")",
        files.isEmpty ? "set export.endpoint or OTEL_EXPORTER_OTLP_ENDPOINT to send" : "")
    ]
  }
  return checks.map { check in
    let state: Finding.State =
      switch check.fault {
      case nil: .ok
      case .busy?: .warning
      case .some: .error
      }
    return Finding(
      .destinations, check.signal, state, "\(check.url): \(check.result)",
      check.fault.map(remedy) ?? "")
  }
}

private func remedy(_ fault: DestinationCheck.Fault) -> String {
  switch fault {
  case .resolve: "the name is not known here: look at the endpoint and at /etc/resolv.conf"
  case .connect: "nothing listens there, or it is kept off: look at host, port and firewall"
  case .timeout:
    "something takes the connection and does not answer: look at the port, "
      + "or allow more time (export.timeout)"
  case .tls:
    "look at the certificate, its name and its authority (export.certificate), "
      + "and whether the port speaks TLS at all"
  case .protocolMismatch:
    "the port speaks something else: look at export.protocol "
      + "(grpc is usually 4317, http 4318)"
  case .unauthorized: "it wants to know who asks: set export.headers, or a client certificate"
  case .notFound:
    "nothing takes OTLP at this path: export.endpoint gets v1/logs and the like "
      + "appended, a signal's own endpoint is used as it is"
  case .refused: "look at the log of the collector"
  case .busy: "it asks to come again later"
  case .settings: "mend the setting named"
  }
}
