internal import SectoralProject
internal import SectoralText
internal import SectoralYAML

/// `bulk_load:` of a profile's output: the bucket that big loads go through.
///
///     bulk_load:
///       bucket: analytics-staging
///       prefix: sectoral
///       iam_role: arn:aws:iam::123456789012:role/redshift-copy
struct BulkLoadSettings: Sendable, Hashable {
  var bucket: String
  /// Without slashes at its ends; may be empty.
  var prefix: String
  /// What the cluster reads the bucket as: an ARN, several with commas, or `default`.
  var role: String
  /// The bucket's; nil where it is the cluster's.
  var region: String?
  /// Seeds of fewer bytes are sent as statements.
  var minimumByteCount: Int

  /// A second or two of COPY are worth it from here on.
  static let usualMinimum = 1_000_000

  private static let keys = ["bucket", "prefix", "iam_role", "region", "min_bytes"]

  /// nil where there are none. `fail`: an error from its words and a hint.
  init?(
    _ value: Datum?,
    fail: (_ message: String, _ hint: String?) -> Failure
  ) throws(Failure) {
    guard let value, !value.isNull else { return nil }
    guard let map = value.map else {
      throw fail("'bulk_load' must be a mapping", "write 'bucket:' and 'iam_role:' below it")
    }
    for key in map.keys where !Self.keys.contains(key) {
      throw fail(
        "'bulk_load' has no setting '\(key)'",
        Spelling.nearest(to: key, among: Self.keys).map { "did you mean '\($0)'?" }
          ?? "its settings: \(Self.keys.joined(separator: ", "))"
      )
    }
    func text(_ key: String) -> String? { map[key]?.string.flatMap { $0.isEmpty ? nil : $0 } }
    guard var bucket = text("bucket") else {
      throw fail("'bulk_load' needs 'bucket'", "the name of a bucket of S3")
    }
    guard let role = text("iam_role") else {
      throw fail(
        "'bulk_load' needs 'iam_role'",
        "the ARN of a role that the cluster may use and that may read the bucket, or 'default'"
      )
    }
    guard role == "default" || role.hasPrefix("arn:") else {
      throw fail(
        "'iam_role' of 'bulk_load' is '\(role)'",
        "an ARN (arn:aws:iam::123456789012:role/name), or 'default'"
      )
    }
    var prefix = text("prefix") ?? ""
    // `s3://bucket/prefix` says both.
    if bucket.hasPrefix("s3://") {
      let parts = bucket.dropFirst(5).split(separator: "/", maxSplits: 1).map(String.init)
      bucket = parts.first ?? ""
      if parts.count > 1, prefix.isEmpty { prefix = parts[1] }
    }
    guard bucket.utf8.count >= 3,
      bucket.allSatisfy({ $0.isLetter || $0.isNumber || "-._".contains($0) })
    else { throw fail("'\(bucket)' is no name of a bucket", "letters, digits, dots and hyphens") }
    self.bucket = bucket
    self.prefix = prefix.split(separator: "/").joined(separator: "/")
    self.role = role
    region = text("region")
    guard map["min_bytes"].map({ $0.isNull || $0.int != nil }) ?? true else {
      throw fail("'min_bytes' of 'bulk_load' must be a whole number", nil)
    }
    minimumByteCount = map["min_bytes"]?.int ?? Self.usualMinimum
  }
}
