// SPDX-License-Identifier: Apache-2.0
// What to do about a collector that does not take what is sent.

internal import Export

func remedy(_ fault: DestinationCheck.Fault) -> String {
  switch fault {
  case .resolve: "the name is not known here: look at the endpoint and at /etc/resolv.conf"
  case .resolveTimeout:
    "no name server answers: look at /etc/resolv.conf, and at the way to those it names"
  case .connect: "nothing listens there, or it is kept off: look at host, port and firewall"
  case .connectTimeout:
    "no answer to the connect: the host is down, or a firewall drops what is sent to the port"
  case .socket: "no collector listens on this socket: look at its path and at who may open it"
  case .tls:
    "look at the certificate, its name and its authority (export.certificate), whether it wants "
      + "one of the client (export.client_certificate, export.client_key), "
      + "and whether the port speaks TLS at all"
  case .tlsTimeout:
    "the connection is taken, and TLS is not answered: does the port speak TLS (https://) at all?"
  case .timeout:
    "something takes the connection and does not answer: look at the port, "
      + "or allow more time (export.timeout)"
  case .reset, .protocolMismatch:
    "the port speaks something else: look at export.protocol "
      + "(grpc is usually 4317, http 4318)"
  case .resetTLS:
    "the port speaks something else: look at export.protocol (grpc is usually 4317, http 4318); "
      + "or it wants a client certificate (export.client_certificate, export.client_key)"
  case .unauthorized: "it wants to know who asks: set export.headers, or a client certificate"
  case .notFound:
    "nothing takes OTLP at this path: export.endpoint gets v1/logs and the like "
      + "appended, a signal's own endpoint is used as it is"
  case .noService:
    "the collector has no OTLP receiver or pipeline for this signal, or this is another server"
  case .redirected: "set the endpoint to where it points, if that takes OTLP"
  case .refused: "look at the log of the collector"
  case .busy:
    "an agent would try again, and deliver nothing until then: look at the collector, "
      + "or at what stands before it"
  case .stranger: "this may be no OTLP receiver: look at host, port and path of the endpoint"
  case .reservations: "the collector has something to say: look at its log"
  case .proxy:
    "look at the proxy (export.proxy, or http_proxy, https_proxy and no_proxy of the environment) "
      + "and at what it lets through; export.proxy: off does without"
  case .proxyUnauthorized:
    "the proxy wants to know who asks: write name and password into it, "
      + "as in export.proxy: http://NAME:PASSWORD@HOST:PORT"
  case .file:
    "give PEM files that this user may read: export.certificate, or export.client_certificate "
      + "with the export.client_key that fits it"
  case .settings: "mend the setting named"
  case .library: "apt-get install libcurl4, or the package that has it elsewhere"
  }
}
