package import SectoralAWS
internal import SectoralText
internal import SectoralYAML
internal import Synchronization

/// Who a session is: a user of the database and the password that serves for now.
package struct RedshiftLogin: Sendable, Hashable {
  package var host: String
  package var port: Int
  package var user: String
  package var password: String
  /// In seconds since 1970; nil for a password that stays.
  var expiration: Int?
}

/// Gets logins as the profile's method says, and keeps them until shortly before they end.
///
/// Which method asks AWS for what is as in dbt-redshift and Amazon's redshift_connector 2.1:
/// `iam` on a cluster `GetClusterCredentials` for the named user, `iam_role` on a cluster
/// `GetClusterCredentialsWithIAM`, either on Serverless `GetCredentials` of the workgroup.
package final class RedshiftLogins: Sendable {
  let profile: RedshiftProfile
  let account: AWSAccount
  /// Held while AWS is asked: sessions that open at once wait for one answer.
  private let kept = Mutex<RedshiftLogin?>(nil)

  /// A login that ends sooner is replaced, in seconds: AWS's shortest live for 900.
  static let margin = 120

  package init(_ profile: RedshiftProfile, world: AWSWorld) {
    self.profile = profile
    account = AWSAccount(profile.account, world: world)
  }

  func login() throws(AWSError) -> RedshiftLogin {
    let result: Result<RedshiftLogin, AWSError> = kept.withLock { kept in
      if let kept, kept.expiration.map({ $0 - Self.margin > account.world.now() }) ?? true {
        return .success(kept)
      }
      do throws(AWSError) {
        let login = try fetch()
        kept = login
        return .success(login)
      } catch {
        return .failure(error)
      }
    }
    return try result.get()
  }

  /// Lets go of a login that the server refused. Whether another may fare better.
  func forget(_ login: RedshiftLogin) -> Bool {
    guard profile.method != .database else { return false }
    kept.withLock { if $0 == login { $0 = nil } }
    return true
  }

  private func fetch() throws(AWSError) -> RedshiftLogin {
    switch (profile.method, profile.isServerless) {
    case (.iam, false): return try clusterLogin("GetClusterCredentials", userParameters)
    case (.iamRole, false): return try clusterLogin("GetClusterCredentialsWithIAM", [])
    case (.iam, true), (.iamRole, true): return try workgroupLogin()
    case (.database, _), (.browserIdentityCenter, _), (.tokenIdentityCenter, _):
      return RedshiftLogin(
        host: profile.host,
        port: profile.port,
        user: profile.user ?? "",
        password: profile.password ?? ""
      )
    }
  }

  private var userParameters: [(name: String, value: String)] {
    [("DbUser", profile.user ?? ""), ("AutoCreate", profile.createsUser ? "true" : "false")]
      + profile.groups.enumerated().map { ("DbGroups.DbGroup.\($0.offset + 1)", $0.element) }
  }

  // MARK: Clusters

  private func clusterService(for purpose: String) throws(AWSError) -> AWSQueryService {
    AWSQueryService(
      account,
      "redshift",
      version: "2012-12-01",
      region: try account.requiredRegion(for: purpose)
    )
  }

  private func clusterLogin(
    _ action: String,
    _ parameters: [(name: String, value: String)]
  ) throws(AWSError) -> RedshiftLogin {
    let service = try clusterService(for: "method '\(profile.method.rawValue)'")
    let cluster = profile.clusterID ?? ""
    let answer: XMLElement
    do throws(AWSError) {
      answer = try service.call(
        action,
        [("ClusterIdentifier", cluster), ("DbName", profile.database)] + parameters
      )
    } catch {
      throw explained(error, action, service)
    }
    guard let user = answer.text("DbUser"), let password = answer.text("DbPassword") else {
      throw AWSError(.service, message: "the answer of redshift \(action) holds no login")
    }
    let place =
      profile.host.isEmpty ? try endpoint(of: cluster, service) : (profile.host, profile.port)
    return RedshiftLogin(
      host: place.0,
      port: place.1,
      user: user,
      password: password,
      expiration: expiration(answer.text("Expiration"))
    )
  }

  private func endpoint(
    of cluster: String,
    _ service: AWSQueryService
  ) throws(AWSError) -> (String, Int) {
    let answer = try service.call("DescribeClusters", [("ClusterIdentifier", cluster)])
    guard let place = answer.first("Endpoint"), let host = place.text("Address") else {
      throw AWSError(
        .notFound,
        message: "the cluster '\(cluster)' has no address (status: "
          + "\(answer.text("ClusterStatus") ?? "unknown"))",
        hint: Self.advice(status: answer.text("ClusterStatus"), cluster: cluster)
      )
    }
    return (host, place.text("Port").flatMap { Int($0) } ?? profile.port)
  }

  /// A login lives for a quarter of an hour where the answer does not say.
  private func expiration(_ text: String?) -> Int {
    text.flatMap { AWSAccount.time($0) } ?? account.world.now() + 900
  }

  // MARK: Serverless

  private func workgroupLogin() throws(AWSError) -> RedshiftLogin {
    let region = try account.requiredRegion(for: "method '\(profile.method.rawValue)'")
    let service = AWSJSONService(
      account,
      "redshift-serverless",
      prefix: "RedshiftServerless",
      region: region
    )
    let workgroup = profile.workgroup ?? ""
    let answer: Datum
    do throws(AWSError) {
      answer = try service.call(
        "GetCredentials",
        ["workgroupName": .string(workgroup), "dbName": .string(profile.database)]
      )
    } catch {
      throw explained(error, "GetCredentials", nil)
    }
    guard let user = answer.map?["dbUser"]?.string, let password = answer.map?["dbPassword"]?.string
    else {
      throw AWSError(.service, message: "the answer of GetCredentials holds no login")
    }
    var place = (profile.host, profile.port)
    if profile.host.isEmpty {
      let group = try service.call("GetWorkgroup", ["workgroupName": .string(workgroup)])
      guard let endpoint = group.map?["workgroup"]?.map?["endpoint"]?.map,
        let host = endpoint["address"]?.string
      else {
        throw AWSError(.notFound, message: "the workgroup '\(workgroup)' has no address")
      }
      place = (host, endpoint["port"]?.int ?? profile.port)
    }
    // A number of seconds, as JSON of AWS has times, or a text.
    let seconds: Int? =
      switch answer.map?["expiration"] {
      case .int(let seconds)?: seconds
      case .float(let seconds)?: Int(seconds)
      case .string(let text)?: AWSAccount.time(text)
      default: nil
      }
    return RedshiftLogin(
      host: place.0,
      port: place.1,
      user: user,
      password: password,
      expiration: seconds ?? account.world.now() + 900
    )
  }

  // MARK: Words

  /// The error with the profile's settings in it.
  private func explained(
    _ error: AWSError,
    _ action: String,
    _ service: AWSQueryService?
  ) -> AWSError {
    let region = account.region ?? ""
    var hint = error.hint
    switch (error.kind, error.code) {
    case (.notFound, _), (_, "ResourceNotFoundException"?):
      if let service, let cluster = profile.clusterID {
        let names = (try? service.call("DescribeClusters", []))?.all("ClusterIdentifier").map(
          \.text
        )
        let guess = Spelling.nearest(to: cluster, among: names ?? [])
        hint =
          "check 'cluster_id' ('\(cluster)') and 'region' ('\(region)')"
          + (guess.map { ": did you mean '\($0)'?" } ?? "")
      } else {
        hint =
          "check 'serverless_work_group' ('\(profile.workgroup ?? "")') and 'region' ('\(region)')"
      }
    case (.denied, _):
      let permission =
        profile.isServerless ? "redshift-serverless:GetCredentials" : "redshift:\(action)"
      hint = "the IAM identity needs \(permission)" + resource(region) + "; see docs/redshift.md"
    default: break
    }
    return AWSError(error.kind, code: error.code, message: error.message, hint: hint)
  }

  /// What a policy has to name.
  private func resource(_ region: String) -> String {
    guard !profile.isServerless, let cluster = profile.clusterID else { return "" }
    switch profile.method {
    case .iam:
      return
        " on dbuser:\(cluster)/\(profile.user ?? "*") and dbname:\(cluster)/\(profile.database)"
    default: return " on dbname:\(cluster)/\(profile.database)"
    }
  }

  /// What AWS says about a cluster that cannot be reached; nil where it says nothing of use.
  func state() -> (status: String, advice: String?)? {
    guard profile.method != .database, !profile.isServerless, let cluster = profile.clusterID,
      let service = try? clusterService(for: "the state of the cluster"),
      let answer = try? service.call("DescribeClusters", [("ClusterIdentifier", cluster)]),
      let status = answer.text("ClusterStatus")
    else { return nil }
    return (status, Self.advice(status: status, cluster: cluster))
  }

  private static func advice(status: String?, cluster: String) -> String? {
    switch status {
    case "paused"?, "pausing"?:
      "resume the cluster: aws redshift resume-cluster --cluster-identifier \(cluster)"
    case "available"?, nil: nil
    default: "wait until the cluster is available"
    }
  }
}
