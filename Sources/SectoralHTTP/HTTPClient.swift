internal import CCurl

#if canImport(Glibc)
internal import Glibc
#else
internal import Darwin
#endif

/// Requests over libcurl, which is loaded at the first of them; each blocks its thread.
///
/// Proxies (`HTTPS_PROXY`, `NO_PROXY`, ...) and `~/.netrc` are libcurl's business; certificates are
/// named by the variables that Python's requests, curl and OpenSSL know.
package struct HTTPClient: Sendable {
  /// Seconds before the second try, the third, ...: five tries, as dbt makes.
  package static let pauses = [0.25, 0.5, 1, 2]

  /// What carries a request to where it is answered.
  package typealias Transport = @Sendable (HTTPRequest) throws(HTTPError) -> HTTPResponse

  private let transport: Transport?
  private let certificates: (file: String?, folder: String?)
  private var isCancelled: @Sendable () -> Bool
  private let pause: @Sendable (Double) -> Void

  /// - Parameters:
  ///   - environment: Names the certificates to trust.
  ///   - certificateVariables: Asked first for a file or folder of certificates.
  ///   - transport: Takes libcurl's place, in tests.
  ///   - isCancelled: Ctrl-C; a transfer ends within a second of it.
  ///   - pause: Waits so many seconds.
  package init(
    environment: [String: String],
    certificateVariables: [String] = [],
    transport: Transport? = nil,
    isCancelled: @escaping @Sendable () -> Bool,
    pause: @escaping @Sendable (Double) -> Void
  ) {
    certificates = Self.certificates(environment, certificateVariables)
    self.transport = transport
    self.isCancelled = isCancelled
    self.pause = pause
  }

  /// The same without an ear for Ctrl-C: what was begun is cleared away all the same.
  package var undisturbed: HTTPClient {
    var client = self
    client.isCancelled = { false }
    return client
  }

  /// The body of a successful answer to a GET, repeated when the trouble may pass.
  ///
  /// `onRetry`: Told of each failed try that is followed by another.
  package func get(
    _ url: String,
    check: (HTTPResponse) throws(HTTPError) -> Void = { _ in },
    onRetry: (_ attempt: Int, _ error: HTTPError) -> Void
  ) throws(HTTPError) -> HTTPResponse {
    var request = HTTPRequest(.get, url)
    request.followsRedirections = true
    request.usesNetrc = true
    return try repeating(onRetry: onRetry) { () throws(HTTPError) in
      let response = try send(request)
      guard response.isSuccess else {
        throw HTTPError(
          reason: .status(response.status),
          message: "\(url) answers with status \(response.status)"
        )
      }
      try check(response)
      return response
    }
  }

  /// Tries until it works, the trouble is of the lasting kind, or five tries have been made.
  package func repeating<Result>(
    onRetry: (_ attempt: Int, _ error: HTTPError) -> Void = { _, _ in },
    _ attempt: () throws(HTTPError) -> Result
  ) throws(HTTPError) -> Result {
    for (index, seconds) in Self.pauses.enumerated() {
      do throws(HTTPError) {
        return try attempt()
      } catch {
        guard error.isPassing, !isCancelled() else { throw error }
        onRetry(index + 1, error)
        pause(seconds)
      }
    }
    return try attempt()
  }

  /// Sends one request, once; an answer of any status is an answer.
  package func send(_ request: HTTPRequest) throws(HTTPError) -> HTTPResponse {
    if let transport { return try transport(request) }
    var words = [CChar](repeating: 0, count: 512)
    guard ccurl_load(&words, words.count) == 0 else {
      throw HTTPError(
        reason: .noLibrary,
        message: "libcurl, which is needed for HTTP, cannot be loaded: \(Self.text(words))"
      )
    }
    let transfer = Transfer(maximumBytes: request.maximumBytes, isCancelled: isCancelled)
    var response = ccurl_response()
    withExtendedLifetime(transfer) { perform(request, transfer, &response) }
    guard response.code == 0 else { throw error(response, transfer, request) }
    return HTTPResponse(
      status: response.status,
      contentType: withUnsafeBytes(of: response.content_type, Self.text),
      url: withUnsafeBytes(of: response.final_url, Self.text),
      headers: transfer.headers,
      body: transfer.body
    )
  }

  /// What the callbacks of a transfer share; the transfer is over when `send` returns.
  private final class Transfer {
    var body: [UInt8] = []
    var headers: [String: String] = [:]
    var isTooLarge = false
    let maximumBytes: Int
    let isCancelled: @Sendable () -> Bool

    init(maximumBytes: Int, isCancelled: @escaping @Sendable () -> Bool) {
      self.maximumBytes = maximumBytes
      self.isCancelled = isCancelled
    }

    func receive(_ bytes: UnsafeBufferPointer<UInt8>) -> Bool {
      body += bytes
      isTooLarge = body.count > maximumBytes
      return !isTooLarge
    }

    func receiveHeader(_ bytes: UnsafeBufferPointer<UInt8>) {
      let line = String(decoding: bytes, as: UTF8.self)
      // The head of the next answer: what the one before it said is past.
      if line.hasPrefix("HTTP/") { headers = [:] }
      guard let colon = line.utf8.firstIndex(of: UInt8(ascii: ":")) else { return }
      let value = line[line.index(after: colon)...]
        .drop { $0.isWhitespace }.reversed().drop { $0.isWhitespace }.reversed()
      headers[line[..<colon].lowercased()] = String(value)
    }

    static func of(_ context: UnsafeMutableRawPointer) -> Transfer {
      Unmanaged<Transfer>.fromOpaque(context).takeUnretainedValue()
    }
  }

  private func perform(
    _ request: HTTPRequest,
    _ transfer: Transfer,
    _ response: inout ccurl_response
  ) {
    let texts =
      [request.url, request.method.rawValue, "sectoral"]
      + request.headers.map {
        // libcurl takes a name without a value for one that is to be removed.
        $0.value.isEmpty ? "\($0.name);" : "\($0.name): \($0.value)"
      }
    let owned = texts.map { strdup($0) }
    let file = certificates.file.map { strdup($0) } ?? nil
    let folder = certificates.folder.map { strdup($0) } ?? nil
    defer { for text in owned + [file, folder] { free(text) } }
    let headers = owned.dropFirst(3).map { UnsafePointer($0) }
    headers.withUnsafeBufferPointer { headers in
      (request.body ?? []).withUnsafeBufferPointer { body in
        var call = ccurl_request(
          url: UnsafePointer(owned[0]),
          method: UnsafePointer(owned[1]),
          user_agent: UnsafePointer(owned[2]),
          headers: headers.baseAddress,
          header_count: headers.count,
          body: body.baseAddress,
          body_size: body.count,
          has_body: request.body == nil ? 0 : 1,
          follows_redirections: request.followsRedirections ? 1 : 0,
          uses_netrc: request.usesNetrc ? 1 : 0,
          uses_proxy: request.usesProxy ? 1 : 0,
          certificate_file: UnsafePointer(file),
          certificate_folder: UnsafePointer(folder),
          connect_timeout_seconds: request.connectTimeoutSeconds,
          stall_timeout_seconds: request.stallTimeoutSeconds,
          context: Unmanaged.passUnretained(transfer).toOpaque(),
          receive: { context, bytes, count in
            guard let context else { return 0 }
            return Transfer.of(context).receive(.init(start: bytes, count: count)) ? 1 : 0
          },
          receive_header: { context, bytes, count in
            if let context { Transfer.of(context).receiveHeader(.init(start: bytes, count: count)) }
          },
          may_go_on: { context in
            guard let context else { return 0 }
            return Transfer.of(context).isCancelled() ? 0 : 1
          }
        )
        ccurl_perform(&call, &response)
      }
    }
  }

  private func error(
    _ response: ccurl_response,
    _ transfer: Transfer,
    _ request: HTTPRequest
  ) -> HTTPError {
    let said = withUnsafeBytes(of: response.message, Self.text)
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
    let words = reason == .tooLarge ? "more than \(request.maximumBytes >> 20) MB" : said
    let action = request.method == .get ? "fetch" : "reach"
    return HTTPError(reason: reason, message: "could not \(action) \(request.url): \(words)")
  }

  /// The first variable that is set wins; a folder may be named where Python's requests allow it.
  private static func certificates(
    _ environment: [String: String],
    _ first: [String]
  ) -> (file: String?, folder: String?) {
    for name in first + ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"] {
      guard let path = environment[name], !path.isEmpty else { continue }
      var information = stat()
      let isFolder = stat(path, &information) == 0 && information.st_mode & S_IFMT == S_IFDIR
      return isFolder ? (nil, path) : (path, nil)
    }
    return (nil, environment["SSL_CERT_DIR"].flatMap { $0.isEmpty ? nil : $0 })
  }

  private static func text(_ bytes: [CChar]) -> String { bytes.withUnsafeBytes(text) }

  private static func text(_ bytes: UnsafeRawBufferPointer) -> String {
    String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
  }
}
