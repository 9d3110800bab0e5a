internal import CCurl
internal import SectoralProject

/// An answer over HTTP.
struct HTTPResponse: Sendable {
  var status: Int
  var contentType: String
  /// After redirections.
  var url: String
  var body: [UInt8]
}

/// Why there is no answer, or no good one.
struct HTTPError: Error {
  enum Reason: Sendable, Hashable {
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

  let reason: Reason
  let message: String

  /// Whether another try may do better.
  var isPassing: Bool {
    switch reason {
    case .noConnection, .timeout, .truncated: true
    case .status(let status): status >= 500 || status == 408 || status == 429
    case .noLibrary, .badURL, .certificate, .tooLarge, .cancelled, .other: false
    }
  }

  var hint: String {
    switch reason {
    case .noLibrary:
      "install libcurl (Debian's package libcurl4), or use git and local packages alone"
    case .badURL: "check the address"
    case .noConnection:
      "check the network, and HTTPS_PROXY if there is a proxy; what is installed stays in place"
    case .certificate:
      "name the certificates of your network's authority with SSL_CERT_FILE or REQUESTS_CA_BUNDLE"
    case .timeout, .truncated, .cancelled: "run the command again"
    case .tooLarge: "check the address: this is more than a package of templates should be"
    case .status(401), .status(403):
      "access is refused: name and password may stand in ~/.netrc or come from env_var in the address"
    case .status(404): "check the address"
    case .status: "the server has trouble: run the command again later"
    case .other: "run the command again"
    }
  }
}

/// GET requests through libcurl, repeated when the trouble may pass.
///
/// Proxies (`HTTPS_PROXY`, `NO_PROXY`, ...) and `~/.netrc` are libcurl's business; certificates are
/// named by the variables that Python's requests, curl and OpenSSL know.
struct HTTPClient: Sendable {
  /// More than this is no package.
  static let maximumBytes = 512 << 20
  /// Seconds before the second try, the third, ...: five tries, as dbt makes.
  static let pauses = [0.25, 0.5, 1, 2]

  let environment: [String: String]
  let world: PackageWorld

  /// The body of a successful answer.
  ///
  /// `onRetry`: Told of each failed try that is followed by another.
  func get(
    _ url: String,
    check: (HTTPResponse) throws(HTTPError) -> Void = { _ in },
    onRetry: (_ attempt: Int, _ error: HTTPError) -> Void
  ) throws(HTTPError) -> HTTPResponse {
    for (index, pause) in Self.pauses.enumerated() {
      do throws(HTTPError) {
        return try once(url, check)
      } catch {
        guard error.isPassing, !world.isCancelled() else { throw error }
        onRetry(index + 1, error)
        world.pause(pause)
      }
    }
    return try once(url, check)
  }

  private func once(
    _ url: String,
    _ check: (HTTPResponse) throws(HTTPError) -> Void
  ) throws(HTTPError) -> HTTPResponse {
    let response = try perform(url)
    guard (200..<300).contains(response.status) else {
      throw HTTPError(
        reason: .status(response.status),
        message: "\(url) answers with status \(response.status)"
      )
    }
    try check(response)
    return response
  }

  /// What the callbacks of a transfer share; the transfer is over when `perform` returns.
  private final class Transfer {
    var body: [UInt8] = []
    var isTooLarge = false
    let isCancelled: @Sendable () -> Bool

    init(isCancelled: @escaping @Sendable () -> Bool) { self.isCancelled = isCancelled }
  }

  private func perform(_ url: String) throws(HTTPError) -> HTTPResponse {
    var words = [CChar](repeating: 0, count: 512)
    guard ccurl_load(&words, words.count) == 0 else {
      throw HTTPError(
        reason: .noLibrary,
        message: "libcurl, which fetches packages over HTTP, cannot be loaded: \(text(words))"
      )
    }
    let transfer = Transfer(isCancelled: world.isCancelled)
    var response = ccurl_response()
    let (file, folder) = certificates
    withExtendedLifetime(transfer) {
      url.withCString { url in
        withOptionalCString(file) { file in
          withOptionalCString(folder) { folder in
            "sectoral".withCString { agent in
              var request = ccurl_request(
                url: url,
                user_agent: agent,
                certificate_file: file,
                certificate_folder: folder,
                connect_timeout_seconds: 30,
                stall_timeout_seconds: 60,
                context: Unmanaged.passUnretained(transfer).toOpaque(),
                receive: { context, bytes, count in
                  guard let context else { return 0 }
                  let transfer = Unmanaged<Transfer>.fromOpaque(context).takeUnretainedValue()
                  transfer.body += UnsafeBufferPointer(start: bytes, count: count)
                  transfer.isTooLarge = transfer.body.count > HTTPClient.maximumBytes
                  return transfer.isTooLarge ? 0 : 1
                },
                may_go_on: { context in
                  guard let context else { return 0 }
                  return Unmanaged<Transfer>.fromOpaque(context).takeUnretainedValue().isCancelled()
                    ? 0 : 1
                }
              )
              ccurl_get(&request, &response)
            }
          }
        }
      }
    }
    guard response.code == 0 else { throw error(response, transfer, url) }
    return HTTPResponse(
      status: response.status,
      contentType: withUnsafeBytes(of: response.content_type, text),
      url: withUnsafeBytes(of: response.final_url, text),
      body: transfer.body
    )
  }

  private func error(_ response: ccurl_response, _ transfer: Transfer, _ url: String) -> HTTPError {
    let said = withUnsafeBytes(of: response.message, text)
    let reason: HTTPError.Reason =
      switch Int(response.code) {
      case CCURL_UNSUPPORTED_SCHEME, CCURL_BAD_URL: .badURL
      case CCURL_NO_PROXY, CCURL_NO_HOST, CCURL_NO_CONNECTION: .noConnection
      // 52, 55 and 56: nothing came, and sending or receiving broke.
      case CCURL_PARTIAL, 52, 55, 56: .truncated
      case CCURL_TIMEOUT: .timeout
      case CCURL_RECEIVER_REFUSED where transfer.isTooLarge: .tooLarge
      case CCURL_ABORTED: .cancelled
      case CCURL_BAD_CERTIFICATE, CCURL_BAD_CERTIFICATE_FILE, 35: .certificate
      default: .other
      }
    let words =
      reason == .tooLarge ? "more than \(Self.maximumBytes >> 20) MB" : said
    return HTTPError(reason: reason, message: "could not fetch \(url): \(words)")
  }

  /// The first variable that is set wins; a folder may be named where Python's requests allow it.
  private var certificates: (file: String?, folder: String?) {
    for name in ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"] {
      guard let path = environment[name], !path.isEmpty else { continue }
      return FileSystem.isFolder(path) ? (nil, path) : (path, nil)
    }
    return (nil, environment["SSL_CERT_DIR"].flatMap { $0.isEmpty ? nil : $0 })
  }

  private func text(_ bytes: [CChar]) -> String { bytes.withUnsafeBytes(text) }

  private func text(_ bytes: UnsafeRawBufferPointer) -> String {
    String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
  }
}

private func withOptionalCString<R>(
  _ text: String?,
  _ body: (UnsafePointer<CChar>?) -> R
) -> R {
  guard let text else { return body(nil) }
  return text.withCString { body($0) }
}
