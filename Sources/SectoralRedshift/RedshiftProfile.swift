internal import SectoralAWS
package import SectoralProject
internal import SectoralText
internal import SectoralYAML

/// What a profile's output of `type: redshift` says, read as dbt-redshift 1.11 reads it.
package struct RedshiftProfile: Sendable {
  /// How a session gets its user and password.
  package enum Method: String, Sendable, CaseIterable {
    case database
    case iam
    case iamRole = "iam_role"
    case browserIdentityCenter = "browser_identity_center"
    case tokenIdentityCenter = "oauth_token_identity_center"
  }

  let method: Method
  /// Empty where AWS is to be asked for it.
  let host: String
  let port: Int
  let database: String
  let user: String?
  let password: String?
  /// Where it serves and is not given: the first part of the host's name.
  let clusterID: String?
  let isServerless: Bool
  let workgroup: String?
  let createsUser: Bool
  let groups: [String]
  let account: AWSAccount.Settings
  let sslMode: String
  let sslRootCertificate: String?
  let connectTimeout: Int?
  let role: String?
  let queryGroup: String?
  let searchPath: String?
  let retries: Int
  let keepsAlive: Bool
  let keepaliveIdle: Int?
  let keepaliveInterval: Int?
  let keepaliveCount: Int?
  let bulkLoad: BulkLoadSettings?
  let readsQueryCosts: Bool
  /// `target 'prod' of profile 'market'`
  let place: String

  private static let sslModes = [
    "disable", "allow", "prefer", "require", "verify-ca", "verify-full",
  ]

  package init(_ profile: Profile) throws(Failure) {
    let keys = profile.credentials
    func text(_ key: String) -> String? {
      keys[key]?.string.flatMap { $0.isEmpty ? nil : $0 }
    }
    func fail(_ id: String, _ message: String, hint: String?) -> Failure {
      Failure(
        .runtime,
        Diagnostic(
          id: "profile.\(id)",
          message: "target '\(profile.targetName)' of profile '\(profile.profileName)': \(message)",
          span: profile.file.map { TextSpan(file: $0, start: 0, end: 0) },
          hint: hint
        )
      )
    }
    place = "target '\(profile.targetName)' of profile '\(profile.profileName)'"
    let name = text("method") ?? "database"
    guard let method = Method(rawValue: name) else {
      let names = Method.allCases.map(\.rawValue)
      throw fail(
        "unknown-method",
        "there is no method '\(name)'",
        hint: Spelling.nearest(to: name, among: names).map { "did you mean '\($0)'?" }
          ?? "the methods are database, iam and iam_role"
      )
    }
    guard method != .browserIdentityCenter, method != .tokenIdentityCenter else {
      throw fail(
        "unsupported-method",
        "method '\(name)' signs on with a token that only Amazon's own drivers can hand over",
        hint:
          "use 'method: iam_role' with 'iam_profile' set to a profile made by 'aws configure sso': "
          + "it signs on with the same identity"
      )
    }
    self.method = method
    host = text("host") ?? ""
    port = keys["port"]?.int.flatMap { $0 == 0 ? nil : $0 } ?? 5439
    database = profile.database
    user = text("user")
    password = text("password")
    let server = RedshiftHost(host)
    isServerless = keys["is_serverless"]?.bool == true || host.contains("serverless")
    workgroup = text("serverless_work_group") ?? (isServerless ? server?.name : nil)
    clusterID = text("cluster_id")
    createsUser = keys["autocreate"]?.bool ?? false
    groups = (keys["db_groups"]?.list ?? []).map(\.pythonText)
    account = AWSAccount.Settings(
      profile: text("iam_profile"),
      // As in dbt, `iam_role` is whoever the surroundings say.
      accessKeyID: method == .iamRole ? nil : text("access_key_id"),
      secretAccessKey: method == .iamRole ? nil : text("secret_access_key"),
      region: text("region") ?? server?.region
    )
    sslRootCertificate = text("sslrootcert")
    let mode = text("sslmode") ?? "prefer"
    guard Self.sslModes.contains(mode) else {
      throw fail(
        "sslmode",
        "there is no sslmode '\(mode)'",
        hint: Spelling.nearest(to: mode, among: Self.sslModes).map { "did you mean '\($0)'?" }
          ?? "it is one of \(Self.sslModes.joined(separator: ", "))"
      )
    }
    sslMode = mode
    connectTimeout = keys["connect_timeout"]?.int
    role = text("role")
    queryGroup = text("query_group")
    searchPath = text("search_path")
    retries = keys["retries"]?.int ?? 1
    keepsAlive = keys["tcp_keepalive"]?.bool ?? true
    keepaliveIdle = keys["tcp_keepalive_idle"]?.int
    keepaliveInterval = keys["tcp_keepalive_interval"]?.int
    keepaliveCount = keys["tcp_keepalive_count"]?.int
    readsQueryCosts = keys["query_costs"]?.bool ?? false
    bulkLoad = try BulkLoadSettings(keys["bulk_load"]) { fail("bulk-load", $0, hint: $1) }

    if method == .database {
      let missing = [("user", user), ("password", password)].filter { $0.1 == nil }.map(\.0)
      guard missing.isEmpty else {
        throw fail(
          "missing-key",
          "method 'database' needs '\(missing.joined(separator: "' and '"))'",
          hint: "add it, or let AWS give both: 'method: iam' with 'cluster_id'"
        )
      }
      return
    }
    guard mode != "disable" else {
      throw fail(
        "sslmode",
        "method '\(name)' needs TLS, and sslmode is 'disable'",
        hint: "remove sslmode, or use 'verify-full'"
      )
    }
    if method == .iam, user == nil, !isServerless {
      throw fail(
        "missing-key",
        "method 'iam' needs 'user': the database user whose password AWS is to give",
        hint: "add it, or use 'method: iam_role', which takes the user from your IAM identity"
      )
    }
    if !isServerless, clusterID == nil {
      throw fail(
        "missing-key",
        "method '\(name)' needs 'cluster_id'",
        hint: server.map { "by the host's name it is '\($0.name)'" }
          ?? "the name of the cluster; for Serverless, 'is_serverless: true' and 'serverless_work_group'"
      )
    }
    if isServerless, workgroup == nil {
      throw fail(
        "missing-key",
        "method '\(name)' needs 'serverless_work_group', since the host's name does not begin with one",
        hint: "add the name of the workgroup"
      )
    }
  }
}

/// What the name of a host of Redshift says: `cluster.id.region.redshift.amazonaws.com`.
struct RedshiftHost: Equatable {
  /// Of the cluster or of the workgroup.
  let name: String
  let region: String

  init?(_ host: String) {
    let parts = host.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
    guard parts.count >= 6, !parts[0].isEmpty, !parts[2].isEmpty,
      ["redshift", "redshift-serverless"].contains(parts[3]), parts[4] == "amazonaws"
    else { return nil }
    name = parts[0]
    region = parts[2]
  }
}
