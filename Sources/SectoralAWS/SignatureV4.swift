internal import SectoralHTTP
internal import SectoralText

/// AWS's Signature Version 4, in the header `Authorization`.
///
/// After the public description ("Signature Version 4 signing process" of AWS's documentation).
package struct SignatureV4: Sendable {
  package let credentials: AWSCredentials
  package let region: String
  /// As the credential scope names it: `s3`, `redshift`, `sts`.
  package let service: String

  package init(credentials: AWSCredentials, region: String, service: String) {
    self.credentials = credentials
    self.region = region
    self.service = service
  }

  /// The request with the headers that sign it.
  ///
  /// `time`: In seconds since 1970; the service refuses what is 15 minutes off.
  package func signed(_ request: AWSRequest, at time: Int) -> AWSRequest {
    var request = request
    let stamp = AWSTime.basic(time)
    let bodyDigest = Digest.sha256(request.body)
    request.headers.append(("X-Amz-Date", stamp))
    if service == "s3" { request.headers.append(("X-Amz-Content-Sha256", bodyDigest)) }
    if let token = credentials.sessionToken {
      request.headers.append(("X-Amz-Security-Token", token))
    }
    let names = signedNames(request)
    let scope = scope(stamp)
    let signature = Digest.hexadecimal(
      Digest.hmacSHA256(
        stringToSign(request, bodyDigest: bodyDigest, stamp: stamp).utf8,
        key: key(day: String(stamp.prefix(8)))
      )
    )
    request.headers.append(
      (
        "Authorization",
        "AWS4-HMAC-SHA256 Credential=\(credentials.accessKeyID)/\(scope), "
          + "SignedHeaders=\(names), Signature=\(signature)"
      )
    )
    return request
  }

  func stringToSign(_ request: AWSRequest, bodyDigest: String, stamp: String) -> String {
    let digest = Digest.sha256(canonical(request, bodyDigest: bodyDigest).utf8)
    return "AWS4-HMAC-SHA256\n\(stamp)\n\(scope(stamp))\n\(digest)"
  }

  /// The text that stands for the request, whatever the way it travels.
  func canonical(_ request: AWSRequest, bodyDigest: String) -> String {
    // S3 takes keys as they are; the others sign the path of the address, encoded once more.
    let path =
      service == "s3"
      ? AWSEncoding.path(request.path)
      : AWSEncoding.path(AWSEncoding.path(Self.withoutDots(request.path)))
    var pairs: [(name: String, value: String)] = request.query.map {
      (AWSEncoding.component($0.name), AWSEncoding.component($0.value))
    }
    pairs.sort { $0.name == $1.name ? $0.value < $1.value : $0.name < $1.name }
    let query = pairs.map { "\($0.name)=\($0.value)" }.joined(separator: "&")
    var lines = [request.method.rawValue, path, query]
    for (name, values) in signedHeaders(request) {
      lines.append("\(name):\(values.joined(separator: ","))")
    }
    lines += ["", signedNames(request), bodyDigest]
    return lines.joined(separator: "\n")
  }

  /// By name in lower case; blanks within values become single ones.
  private func signedHeaders(_ request: AWSRequest) -> [(name: String, values: [String])] {
    var values: [String: [String]] = [:]
    if !request.headers.contains(where: { $0.name.lowercased() == "host" }) {
      values["host"] = [request.host]
    }
    for (name, value) in request.headers {
      let words = value.split(whereSeparator: { $0 == " " || $0 == "\t" })
      values[name.lowercased(), default: []].append(words.joined(separator: " "))
    }
    return values.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
  }

  private func signedNames(_ request: AWSRequest) -> String {
    signedHeaders(request).map(\.name).joined(separator: ";")
  }

  private func scope(_ stamp: String) -> String {
    "\(stamp.prefix(8))/\(region)/\(service)/aws4_request"
  }

  private func key(day: String) -> [UInt8] {
    var key = Array("AWS4\(credentials.secretAccessKey)".utf8)
    for part in [day, region, service, "aws4_request"] {
      key = Digest.hmacSHA256(part.utf8, key: key)
    }
    return key
  }

  /// `/a/./b/../c` as `/a/c`; double slashes are one.
  private static func withoutDots(_ path: String) -> String {
    var parts: [Substring] = []
    for part in path.split(separator: "/") where part != "." {
      if part == ".." { _ = parts.popLast() } else { parts.append(part) }
    }
    let ending = path.hasSuffix("/") && !parts.isEmpty ? "/" : ""
    return "/" + parts.joined(separator: "/") + ending
  }
}
