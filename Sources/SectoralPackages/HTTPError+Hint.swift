internal import SectoralHTTP

extension HTTPError {
  /// What to do about it where packages are fetched.
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
