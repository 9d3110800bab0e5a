internal import SectoralHTTP
internal import Synchronization

/// Objects in a bucket of S3: written, and removed.
package final class S3Client: Sendable {
  package let account: AWSAccount
  package let bucket: String
  /// The bucket's, once it is known: AWS tells it to whoever asks elsewhere.
  private let knownRegion: Mutex<String>

  /// `region`: the bucket's; nil takes the account's, until AWS says another.
  package init(_ account: AWSAccount, bucket: String, region: String?) {
    self.account = account
    self.bucket = bucket
    knownRegion = Mutex(region ?? account.region ?? "us-east-1")
  }

  /// Where the bucket is, as far as is known.
  package var region: String { knownRegion.withLock { $0 } }

  package func put(_ key: String, _ bytes: [UInt8], contentType: String) throws(AWSError) {
    try send(.put, key, bytes, [("Content-Type", contentType)], action: "s3 PutObject")
  }

  /// Goes on after Ctrl-C. An object that is not there is no error.
  package func delete(_ key: String) throws(AWSError) {
    do throws(AWSError) {
      try send(.delete, key, action: "s3 DeleteObject", undisturbed: true)
    } catch {
      guard error.code != "NoSuchKey" else { return }
      throw error
    }
  }

  private func send(
    _ method: HTTPRequest.Method,
    _ key: String,
    _ body: [UInt8] = [],
    _ headers: [(name: String, value: String)] = [],
    action: String,
    undisturbed: Bool = false
  ) throws(AWSError) {
    let region = self.region
    do throws(AWSError) {
      try send(method, key, body, headers, action, undisturbed, in: region)
    } catch {
      // A thread beside this one may have learned it meanwhile.
      guard error.kind == .service || error.kind == .wrongKey, self.region != region else {
        throw error
      }
      try send(method, key, body, headers, action, undisturbed, in: self.region)
    }
  }

  private func send(
    _ method: HTTPRequest.Method,
    _ key: String,
    _ body: [UInt8],
    _ headers: [(name: String, value: String)],
    _ action: String,
    _ undisturbed: Bool,
    in region: String
  ) throws(AWSError) {
    var (origin, path) = place(region)
    path += key
    if let own = account.ownEndpoint("s3") { (origin, path) = (own, "/\(bucket)/\(key)") }
    let request = AWSRequest(method, origin, path: path, headers: headers, body: body)
    _ = try account.send(
      request,
      SignatureV4(credentials: account.credentials(), region: region, service: "s3"),
      action: action,
      undisturbed: undisturbed
    ) { response in
      if let right = response.headers["x-amz-bucket-region"], right != region {
        knownRegion.withLock { $0 = right }
      }
      let error = XMLElement.parse(response.body)
      let code = error?.text("Code") ?? ""
      return (
        code.isEmpty && response.status == 404 ? "NoSuchKey" : code, error?.text("Message") ?? ""
      )
    }
  }

  /// The bucket's name is part of the host's, unless certificates would not fit it.
  private func place(_ region: String) -> (origin: String, path: String) {
    let host = "s3.\(region).\(AWSAccount.domain(of: region))"
    return bucket.contains(".") || bucket.contains(where: \.isUppercase)
      ? ("https://\(host)", "/\(bucket)/") : ("https://\(bucket).\(host)", "/")
  }
}
