import SectoralAWS
import SectoralHTTP
import SectoralPostgres
import SectoralProject
import SectoralText
import SectoralWarehouse
import SectoralYAML
import Synchronization
import Testing

@testable import SectoralRedshift

/// Which settings of a profile lead to which question to AWS, and what becomes of the answers.
@Suite struct RedshiftLoginTests {
  /// 2026-01-01T00:00:00Z
  static let now = 1_767_225_600

  /// A service that answers every question alike, and notes them.
  final class Service: Sendable {
    let questions = Mutex<[String]>([])
    let status: Int
    let answer: String
    let time = Mutex(now)

    init(status: Int = 200, _ answer: String) {
      self.status = status
      self.answer = answer
    }

    var world: AWSWorld {
      AWSWorld(
        environment: ["AWS_ACCESS_KEY_ID": "K", "AWS_SECRET_ACCESS_KEY": "S", "HOME": "/nowhere"],
        http: HTTPClient(
          environment: [:],
          transport: { request in
            let target = request.headers.first { $0.name == "X-Amz-Target" }.map { "\($0.value) " }
            let key = request.headers.first { $0.name == "Authorization" }?.value
              .split(separator: "/").first?.split(separator: "=").last
            let body = String(decoding: request.body ?? [], as: UTF8.self)
            self.questions.withLock {
              $0.append("\(key ?? "-") \(request.url) \(target ?? "")\(body)")
            }
            return HTTPResponse(
              status: self.status,
              url: request.url,
              body: Array(self.answer.utf8)
            )
          },
          isCancelled: { false },
          pause: { _ in }
        ),
        now: { self.time.withLock { $0 } },
        isCancelled: { false }
      )
    }
  }

  static let clusterAnswer = """
    <R><GetClusterCredentialsResult><DbUser>IAM:ana</DbUser><DbPassword>pw&amp;1</DbPassword>
    <Expiration>2026-01-01T00:15:00Z</Expiration></GetClusterCredentialsResult></R>
    """
  static let workgroupAnswer =
    #"{"dbUser": "IAMR:x", "dbPassword": "pw", "expiration": 1767226500.5, "nextRefreshTime": 1.0}"#

  static func profile(_ settings: DatumMap) throws -> RedshiftProfile {
    var credentials: DatumMap = [
      "host": "cl.abc.eu-west-1.redshift.amazonaws.com", "port": .int(5439), "database": "dev",
      "schema": "public",
    ]
    for (key, value) in settings.entries { credentials[key] = value }
    return try RedshiftProfile(
      Profile(
        profileName: "market",
        targetName: "prod",
        type: "redshift",
        threads: 1,
        credentials: credentials,
        isEmbedded: false,
        file: nil
      )
    )
  }

  @Test func aNamedUserOfACluster() throws {
    let service = Service(Self.clusterAnswer)
    let logins = RedshiftLogins(
      try Self.profile([
        "method": "iam", "user": "ana", "cluster_id": "cl", "autocreate": .bool(true),
        "db_groups": .list(["readers", "a b"]),
      ]),
      world: service.world
    )
    let login = try logins.login()
    #expect(login.user == "IAM:ana")
    #expect(login.password == "pw&1")
    #expect(login.expiration == Self.now + 900)
    #expect(
      service.questions.withLock { $0 } == [
        "K https://redshift.eu-west-1.amazonaws.com/ Action=GetClusterCredentials&Version=2012-12-01"
          + "&ClusterIdentifier=cl&DbName=dev&DbUser=ana&AutoCreate=true"
          + "&DbGroups.DbGroup.1=readers&DbGroups.DbGroup.2=a%20b"
      ]
    )
    // Kept until shortly before its end.
    _ = try logins.login()
    service.time.withLock { $0 += 700 }
    _ = try logins.login()
    #expect(service.questions.withLock { $0.count } == 1)
    service.time.withLock { $0 += 100 }
    _ = try logins.login()
    #expect(service.questions.withLock { $0.count } == 2)
  }

  @Test func keysOfTheProfile() throws {
    let service = Service(Self.clusterAnswer)
    let profile = try Self.profile([
      "method": "iam", "user": "ana", "cluster_id": "cl", "region": "us-west-2",
      "access_key_id": "OWN", "secret_access_key": "S",
    ])
    _ = try RedshiftLogins(profile, world: service.world).login()
    let question = try #require(service.questions.withLock { $0.first })
    #expect(question.hasPrefix("OWN https://redshift.us-west-2.amazonaws.com/ "))
  }

  @Test func theCallersOwnIdentity() throws {
    let service = Service(Self.clusterAnswer)
    let profile = try Self.profile(["method": "iam_role", "cluster_id": "cl"])
    _ = try RedshiftLogins(profile, world: service.world).login()
    #expect(
      service.questions.withLock {
        $0.first?.hasSuffix(
          "Action=GetClusterCredentialsWithIAM&Version=2012-12-01&ClusterIdentifier=cl&DbName=dev"
        )
      } == true
    )
  }

  @Test(arguments: ["iam", "iam_role"]) func aWorkgroup(_ method: String) throws {
    let service = Service(Self.workgroupAnswer)
    let profile = try Self.profile([
      "method": .string(method),
      "host": "wg.123456789012.us-east-2.redshift-serverless.amazonaws.com",
    ])
    let login = try RedshiftLogins(profile, world: service.world).login()
    #expect(login.user == "IAMR:x")
    #expect(login.expiration == Self.now + 900)
    #expect(
      service.questions.withLock { $0.first }
        == "K https://redshift-serverless.us-east-2.amazonaws.com/ RedshiftServerless.GetCredentials "
        + #"{"workgroupName": "wg", "dbName": "dev"}"#
    )
    let named = try Self.profile([
      "method": .string(method), "host": "alias.example.com", "is_serverless": .bool(true),
      "serverless_work_group": "other", "region": "eu-west-1",
    ])
    _ = try RedshiftLogins(named, world: service.world).login()
    #expect(service.questions.withLock { $0.last }?.contains(#""workgroupName": "other""#) == true)
  }

  @Test func hosts() {
    let cluster = RedshiftHost("cl.abc.eu-west-1.redshift.amazonaws.com")
    #expect(cluster?.name == "cl")
    #expect(cluster?.region == "eu-west-1")
    #expect(RedshiftHost("cl.abc.cn-north-1.redshift.amazonaws.com.cn")?.region == "cn-north-1")
    #expect(RedshiftHost("warehouse.example.com") == nil)
    #expect(RedshiftHost("") == nil)
  }

  struct BadSetting: Sendable, CustomTestStringConvertible {
    var settings: DatumMap
    var message: String
    var hint: String
    var testDescription: String { message }
  }

  static let badSettings = [
    BadSetting(
      settings: ["method": "database", "user": "a"],
      message: "method 'database' needs 'password'",
      hint: "add it"
    ),
    BadSetting(
      settings: ["method": "iam_rol"],
      message: "there is no method 'iam_rol'",
      hint: "did you mean 'iam_role'?"
    ),
    BadSetting(
      settings: ["method": "iam", "cluster_id": "cl"],
      message: "method 'iam' needs 'user'",
      hint: "iam_role"
    ),
    BadSetting(
      settings: ["method": "iam", "user": "a"],
      message: "method 'iam' needs 'cluster_id'",
      hint: "by the host's name it is 'cl'"
    ),
    BadSetting(
      settings: ["method": "iam_role", "is_serverless": .bool(true), "host": "x"],
      message: "needs 'serverless_work_group'",
      hint: "workgroup"
    ),
    BadSetting(
      settings: ["method": "iam", "user": "a", "cluster_id": "cl", "sslmode": "disable"],
      message: "needs TLS",
      hint: "verify-full"
    ),
    BadSetting(
      settings: ["method": "database", "user": "a", "password": "b", "sslmode": "verify_full"],
      message: "there is no sslmode 'verify_full'",
      hint: "did you mean 'verify-full'?"
    ),
    BadSetting(
      settings: ["method": "browser_identity_center"],
      message: "method 'browser_identity_center'",
      hint: "aws configure sso"
    ),
  ]

  @Test(arguments: badSettings) func settingsThatCannotWork(_ bad: BadSetting) throws {
    let failure = try #require(throws: Failure.self) { try Self.profile(bad.settings) }
    let text = failure.text()
    #expect(text.contains("target 'prod' of profile 'market'"), "\(text)")
    #expect(text.contains(bad.message), "\(text)")
    #expect(text.contains(bad.hint), "\(text)")
  }

  /// The error of an attempt to connect whose login AWS does not give.
  private func refusal(
    _ settings: DatumMap,
    status: Int,
    _ answer: String
  ) throws -> WarehouseError {
    let profile = try Self.profile(settings)
    let service = Service(status: status, answer)
    let warehouse = RedshiftWarehouse(
      profile,
      logins: RedshiftLogins(profile, world: service.world)
    )
    return try #require(throws: WarehouseError.self) { try warehouse.open(name: "test") }
  }

  private static let iam: DatumMap = ["method": "iam", "user": "ana", "cluster_id": "cl"]

  @Test func noRight() throws {
    let error = try refusal(
      Self.iam,
      status: 403,
      "<E><Error><Code>AccessDenied</Code><Message>User: arn:x is not authorized</Message></Error></E>"
    )
    #expect(error.message.contains("target 'prod' of profile 'market'"))
    #expect(error.message.contains("arn:x is not authorized"))
    #expect(
      error.hint?.contains("redshift:GetClusterCredentials on dbuser:cl/ana and dbname:cl/dev")
        == true
    )
  }

  @Test func expiredCredentials() throws {
    let error = try refusal(
      Self.iam,
      status: 403,
      "<E><Error><Code>ExpiredToken</Code><Message>expired</Message></Error></E>"
    )
    #expect(error.hint?.contains("environment variables are past their end") == true)
  }

  @Test func noSuchCluster() throws {
    let error = try refusal(
      Self.iam,
      status: 404,
      "<E><Error><Code>ClusterNotFound</Code><Message>Cluster cl not found.</Message></Error></E>"
    )
    #expect(error.hint == "check 'cluster_id' ('cl') and 'region' ('eu-west-1')")
  }

  @Test func noSuchWorkgroup() throws {
    let error = try refusal(
      ["method": "iam_role", "is_serverless": .bool(true), "serverless_work_group": "wg"],
      status: 400,
      #"{"__type": "com.amazonaws#ResourceNotFoundException", "message": "Workgroup wg not found"}"#
    )
    #expect(error.hint == "check 'serverless_work_group' ('wg') and 'region' ('eu-west-1')")
  }

  @Test func noRegion() throws {
    let error = try refusal(
      ["method": "iam_role", "cluster_id": "cl", "host": "warehouse.example.com"],
      status: 200,
      ""
    )
    #expect(error.message.contains("needs an AWS region"))
    #expect(error.hint?.contains("region") == true)
  }

  // MARK: libpq

  private func parameters(_ settings: DatumMap) throws -> PostgresCredentials {
    let login: DatumMap = ["user": "a", "password": "b"]
    let profile = try Self.profile(login.merging(settings))
    let logins = RedshiftLogins(profile, world: Service("").world)
    return RedshiftSessions(profile: profile, logins: logins).credentials(try logins.login())
  }

  @Test func connectionSettings() throws {
    let usual = try parameters([:])
    #expect(usual.sslMode == "require")
    #expect(usual.keepsAlive)
    #expect(usual.keepalivesIdle == 200)
    #expect(usual.connectTimeout == 0)
    let own = try parameters([
      "sslmode": "verify-full", "sslrootcert": "/tmp/bundle.pem", "tcp_keepalive_idle": .int(30),
      "tcp_keepalive_interval": .int(5), "tcp_keepalive_count": .int(3), "connect_timeout": .int(7),
      "query_group": "it's", "role": "r", "search_path": "a, b", "retries": .int(4),
    ])
    #expect(own.sslMode == "verify-full")
    #expect(own.sslRootCertificate == "/tmp/bundle.pem")
    #expect(own.keepalivesIdle == 30)
    #expect(own.keepalivesInterval == 5)
    #expect(own.keepalivesCount == 3)
    #expect(own.connectTimeout == 7)
    #expect(own.preparation == ["set query_group to 'it''s'"])
    #expect(own.role == "r")
    #expect(own.searchPath == "a, b")
    #expect(own.retries == 4)
    #expect(try !parameters(["tcp_keepalive": .bool(false)]).keepsAlive)
    // Nobody listens between a machine and itself.
    #expect(try parameters(["host": "127.0.0.1"]).sslMode == "prefer")
  }
}

extension DatumMap {
  fileprivate func merging(_ other: DatumMap) -> DatumMap {
    var merged = self
    for (key, value) in other.entries { merged[key] = value }
    return merged
  }
}
