// SPDX-License-Identifier: Apache-2.0
// From a path and a method to a response. Immutable; used on the server's thread.

final class Router: Sendable {
  static let methods = "GET, HEAD"

  private let routes: [HTTPRoute]

  init(_ routes: [HTTPRoute]) {
    self.routes = routes
  }

  func reply(
    path: String, method: String, header: (String) -> String?
  ) -> (response: HTTPResponse, isMethodRefused: Bool) {
    guard method == "GET" || method == "HEAD" else {
      let text = "only \(Self.methods) are served here\n"
      return (HTTPResponse(status: 405, text: text), true)
    }
    guard let route = routes.first(where: { $0.path == path }) else {
      let paths = routes.map { "\($0.path)\n" }.joined()
      return (HTTPResponse(status: 404, text: "not found; there are:\n\(paths)"), false)
    }
    guard !hasBody(header) else {
      return (HTTPResponse(status: 413, text: "a request must not have a body\n"), false)
    }
    let request = HTTPRequest(
      path: path, isHead: method == "HEAD", accept: header("Accept"),
      acceptEncoding: header("Accept-Encoding"))
    return (route.handle(request), false)
  }

  private func hasBody(_ header: (String) -> String?) -> Bool {
    header("Transfer-Encoding") != nil || header("Content-Length").map { $0 != "0" } ?? false
  }
}
