// SPDX-License-Identifier: Apache-2.0
// From a path and a method to a response. Immutable; used on the server's thread.

final class Router: Sendable {
  static let methods = "GET, HEAD"

  private let routes: [HTTPRoute]
  private let token: BearerToken?

  init(_ routes: [HTTPRoute], token: BearerToken? = nil) {
    self.routes = routes
    self.token = token
  }

  func reply(
    client: ClientAddress, path: String, method: String, header: (String) -> String?
  ) -> HTTPResponse {
    guard method == "GET" || method == "HEAD" else {
      return refusal(405, "only \(Self.methods) are served here\n", ("Allow", Self.methods))
    }
    let route = routes.first { $0.path == path }
    // Before anything is said of a path, so that without the token nothing is learnt.
    if let token, route?.isOpen != true, !token.isShown(in: header("Authorization")) {
      return refusal(
        401, "the header Authorization: Bearer TOKEN is needed here\n",
        ("WWW-Authenticate", "Bearer realm=\"apus\""))
    }
    guard let route else {
      let paths = routes.map { "\($0.path)\n" }.joined()
      return HTTPResponse(status: 404, text: "not found; there are:\n\(paths)")
    }
    guard !hasBody(header) else {
      return HTTPResponse(status: 413, text: "a request must not have a body\n")
    }
    return route.handle(
      HTTPRequest(
        client: client, path: path, isHead: method == "HEAD", accept: header("Accept"),
        acceptEncoding: header("Accept-Encoding")))
  }

  private func refusal(
    _ status: Int, _ text: String, _ header: (String, String)
  ) -> HTTPResponse {
    var response = HTTPResponse(status: status, text: text)
    response.headers = [header]
    return response
  }

  private func hasBody(_ header: (String) -> String?) -> Bool {
    header("Transfer-Encoding") != nil || header("Content-Length").map { $0 != "0" } ?? false
  }
}
