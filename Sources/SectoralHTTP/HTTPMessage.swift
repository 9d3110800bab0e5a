/// One request: its parts as they go out.
package struct HTTPRequest: Sendable {
  package enum Method: String, Sendable {
    case get = "GET"
    case head = "HEAD"
    case put = "PUT"
    case post = "POST"
    case delete = "DELETE"
  }

  package var method: Method
  package var url: String
  /// Names and values in the order in which they are sent.
  package var headers: [(name: String, value: String)]
  /// nil sends none, which for PUT and POST differs from an empty one.
  package var body: [UInt8]?
  package var followsRedirections = false
  /// Names and passwords of ~/.netrc.
  package var usesNetrc = false
  /// `HTTPS_PROXY` and its like; what answers on this machine alone is asked without.
  package var usesProxy = true
  package var connectTimeoutSeconds = 30
  /// How long not a byte may come.
  package var stallTimeoutSeconds = 60
  /// What a longer answer is refused at.
  package var maximumBytes = 512 << 20

  package init(
    _ method: Method,
    _ url: String,
    headers: [(name: String, value: String)] = [],
    body: [UInt8]? = nil
  ) {
    self.method = method
    self.url = url
    self.headers = headers
    self.body = body
  }
}

/// An answer over HTTP.
package struct HTTPResponse: Sendable {
  package var status: Int
  package var contentType: String
  /// After redirections.
  package var url: String
  /// Of the last answer; names in lower case.
  package var headers: [String: String]
  package var body: [UInt8]

  package init(
    status: Int,
    contentType: String = "",
    url: String,
    headers: [String: String] = [:],
    body: [UInt8]
  ) {
    self.status = status
    self.contentType = contentType
    self.url = url
    self.headers = headers
    self.body = body
  }

  package var isSuccess: Bool { (200..<300).contains(status) }
}

/// Why there is no answer, or no good one.
package struct HTTPError: Error {
  package enum Reason: Sendable, Hashable {
    /// libcurl is not there.
    case noLibrary
    case badURL
    case noConnection
    case certificate
    case timeout
    /// The connection ended in the middle.
    case truncated
    case tooLarge
    case status(Int)
    case cancelled
    case other
  }

  package let reason: Reason
  package let message: String

  package init(reason: Reason, message: String) {
    self.reason = reason
    self.message = message
  }

  /// Whether another try may do better.
  package var isPassing: Bool {
    switch reason {
    case .noConnection, .timeout, .truncated: true
    case .status(let status): Self.isPassing(status: status)
    case .noLibrary, .badURL, .certificate, .tooLarge, .cancelled, .other: false
    }
  }

  package static func isPassing(status: Int) -> Bool {
    status >= 500 || status == 408 || status == 429
  }
}
