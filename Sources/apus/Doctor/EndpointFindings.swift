// SPDX-License-Identifier: Apache-2.0
// Whether an agent could serve its page as it is configured: library, address, certificate, token.

internal import Agent
internal import Config
internal import Serve

func endpointFindings(_ settings: Settings) -> [Finding] {
  guard let listen = settings.listen else {
    return [Finding(.endpoint, "listen", .ok, "off: no page is served")]
  }
  if let error = EndpointCheck.library() {
    return [
      Finding(
        .endpoint, "library", .error, "\(error)",
        "apt-get install libmicrohttpd12, or the package that has it elsewhere; "
          + "--listen off does without")
    ]
  }
  return [address("\(listen)")] + certificate(settings.http) + token(settings.http)
}

private func address(_ listen: String) -> Finding {
  let error: ServeError
  do throws(ServeError) {
    guard let found = EndpointCheck.address(try Serve.ListenAddress(listen)) else {
      return Finding(.endpoint, "listen", .ok, "\(listen) can be listened on")
    }
    error = found
  } catch let found {
    error = found
  }
  let port = listen.split(separator: ":").last
  if error.isInUse, let agent = RunningAgent.find(),
    agent.address?.split(separator: ":").last == port
  {
    return Finding(.endpoint, "listen", .ok, "\(listen) is the running agent's")
  }
  return Finding(
    .endpoint, "listen", .error, "\(error)",
    error.isInUse
      ? "ss -ltnp tells who holds it"
      : "listen on an address of this host, and on a port that this user may have")
}

private func certificate(_ http: Settings.HTTP) -> [Finding] {
  guard let certificate = http.certificate, let key = http.key else { return [] }
  guard let error = EndpointCheck.certificate(TLSFiles(certificate: certificate, key: key)) else {
    return [Finding(.endpoint, "tls", .ok, "\(certificate) with \(key)")]
  }
  return [
    Finding(
      .configuration, "http.tls", .error, "\(error)",
      "openssl x509 -noout -pubkey and openssl pkey -pubout print the same of a pair")
  ]
}

private func token(_ http: Settings.HTTP) -> [Finding] {
  guard let path = http.tokenFile else { return [] }
  do throws(ServeError) {
    _ = try BearerToken(file: path)
    return [Finding(.endpoint, "token", .ok, path)]
  } catch {
    return [
      Finding(.configuration, "http.token_file", .error, "\(error)", "write a token into it")
    ]
  }
}
