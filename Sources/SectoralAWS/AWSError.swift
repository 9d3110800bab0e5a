internal import SectoralHTTP

/// Why AWS did not do what it was asked to.
package struct AWSError: Error, Sendable {
  package enum Kind: Sendable, Hashable {
    /// Nobody says who we are.
    case noCredentials
    /// A file or variable says something that cannot be used.
    case configuration
    case noRegion
    /// The credentials are past their end, or are not known any more.
    case expired
    /// AWS knows us and says no.
    case denied
    /// The key or the signature is wrong.
    case wrongKey
    case notFound
    /// No answer, or none that can be read.
    case network
    case cancelled
    /// Anything else that the service says.
    case service
  }

  package let kind: Kind
  /// AWS's own word: `ClusterNotFound`.
  package let code: String?
  /// One line.
  package let message: String
  package let hint: String?

  package init(_ kind: Kind, code: String? = nil, message: String, hint: String? = nil) {
    self.kind = kind
    self.code = code
    self.message = message
    self.hint = hint
  }

  /// `action`: What was asked for: `redshift GetClusterCredentials`.
  init(_ error: HTTPError, action: String) {
    let kind: Kind =
      switch error.reason {
      case .cancelled: .cancelled
      default: .network
      }
    let hint: String =
      switch error.reason {
      case .noLibrary: "install libcurl (Debian's package libcurl4)"
      case .certificate:
        "name the certificates of your network's authority with AWS_CA_BUNDLE or SSL_CERT_FILE"
      case .noConnection, .timeout:
        "check the network, HTTPS_PROXY, the region, and AWS_ENDPOINT_URL if it is set"
      default: "run the command again"
      }
    self.init(kind, message: "\(action): \(error.message)", hint: hint)
  }

  /// What an answer says that is no success.
  ///
  /// `action`: As above. `caller`: The credentials it was asked with.
  init(code: String, message said: String, status: Int, action: String, caller: AWSCredentials?) {
    let who = caller.map { " (asked as \($0))" } ?? ""
    let kind = Self.kind(code: code, said: said, status: status)
    let hint: String? =
      switch kind {
      case .expired:
        "the credentials\(caller.map { " of the \($0.source)" } ?? "") are past their end: get new "
          + "ones (for instance 'aws sso login'), and run the command again"
      case .denied: "give that user or role the right to \(Self.permission(action))"
      case .wrongKey:
        "check the access key and its secret\(caller.map { " (\($0.source))" } ?? ""), and the clock "
          + "of this machine"
      case .noCredentials, .configuration, .noRegion, .notFound, .network, .cancelled, .service: nil
      }
    let text = said.isEmpty ? "status \(status)" : said
    self.init(
      kind,
      code: code,
      message: "AWS refuses \(action)\(who): \(code.isEmpty ? text : "\(code): \(text)")",
      hint: hint
    )
  }

  private static func kind(code: String, said: String, status: Int) -> Kind {
    switch code {
    case "ExpiredToken", "ExpiredTokenException", "RequestExpired", "TokenRefreshRequired",
      "ExpiredIdentityToken":
      return .expired
    case "AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "AllAccessDisabled",
      "UnauthorizedException", "ForbiddenException":
      return .denied
    case "InvalidClientTokenId", "UnrecognizedClientException", "InvalidAccessKeyId",
      "SignatureDoesNotMatch", "IncompleteSignature", "RequestTimeTooSkewed", "InvalidToken",
      "MissingAuthenticationToken", "AuthFailure", "InvalidSignatureException":
      return .wrongKey
    default:
      if code.contains("NotFound") || code == "NoSuchBucket" || code == "NoSuchKey" {
        return .notFound
      }
      return status == 403 ? .denied : status == 404 ? .notFound : .service
    }
  }

  /// `redshift GetClusterCredentials` as policies write it.
  private static func permission(_ action: String) -> String {
    let words = action.split(separator: " ")
    return words.count >= 2 ? "\(words[0]):\(words[1])" : action
  }

  /// Whether the service asks to be left alone for a moment.
  static func isThrottling(code: String) -> Bool {
    [
      "Throttling", "ThrottlingException", "ThrottledException", "RequestThrottled",
      "RequestThrottledException", "TooManyRequestsException", "RequestLimitExceeded", "SlowDown",
      "BandwidthLimitExceeded", "PriorRequestNotComplete", "TransactionInProgressException",
      "RequestTimeout", "RequestTimeoutException", "InternalError", "InternalFailure",
      "ServiceUnavailable",
    ].contains(code)
  }
}
