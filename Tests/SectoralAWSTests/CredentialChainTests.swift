import Foundation
import SectoralHTTP
import Synchronization
import Testing

@testable import SectoralAWS

/// Where credentials come from, as far as no service is needed; the stand-in of AWS has the rest.
@Suite final class CredentialChainTests {
  private var folders: [URL] = []

  deinit {
    for folder in folders { try? FileManager.default.removeItem(at: folder) }
  }

  /// 2026-01-01T00:00:00Z
  static let now = 1_767_225_600

  private func account(
    _ settings: AWSAccount.Settings = .init(),
    config: String = "",
    credentials: String = "",
    files: [String: String] = [:],
    environment: [String: String] = [:],
    transport: HTTPClient.Transport? = nil
  ) throws -> AWSAccount {
    let folder = FileManager.default.temporaryDirectory
      .appendingPathComponent("sectoral-aws-\(UUID().uuidString)")
    folders.append(folder)
    for (name, text) in files.merging(
      [".aws/config": config, ".aws/credentials": credentials],
      uniquingKeysWith: { a, _ in a }
    ) {
      let file = folder.appendingPathComponent(name)
      try FileManager.default.createDirectory(
        at: file.deletingLastPathComponent(),
        withIntermediateDirectories: true
      )
      try Data(text.utf8).write(to: file)
    }
    var variables = [
      "HOME": folder.path, "AWS_EC2_METADATA_DISABLED": "true", "PATH": "/usr/bin:/bin",
    ]
    variables.merge(environment) { _, new in new }
    return AWSAccount(
      settings,
      world: AWSWorld(
        environment: variables,
        http: HTTPClient(
          environment: [:],
          transport: transport,
          isCancelled: { false },
          pause: { _ in }
        ),
        now: { Self.now },
        isCancelled: { false }
      )
    )
  }

  private func error(_ body: () throws -> AWSCredentials) -> AWSError? {
    do {
      _ = try body()
      return nil
    } catch { return error as? AWSError }
  }

  @Test func theProfilesOwnKeysComeFirst() throws {
    let account = try account(
      .init(profile: "other", accessKeyID: "A", secretAccessKey: "B"),
      environment: ["AWS_ACCESS_KEY_ID": "C", "AWS_SECRET_ACCESS_KEY": "D"]
    )
    #expect(try account.credentials().accessKeyID == "A")
    #expect(
      error { try self.account(.init(accessKeyID: "A")).credentials() }?.kind == .configuration
    )
  }

  @Test func environmentBeforeFilesUnlessAProfileIsNamed() throws {
    let keys = [
      "AWS_ACCESS_KEY_ID": "E", "AWS_SECRET_ACCESS_KEY": "S", "AWS_SESSION_TOKEN": "T",
      "AWS_PROFILE": "p",
    ]
    let file = "[p]\naws_access_key_id = F\naws_secret_access_key = S # not this\n"
    let environment = try account(credentials: file, environment: keys).credentials()
    #expect(environment.accessKeyID == "E")
    #expect(environment.sessionToken == "T")
    let profile = try account(.init(profile: "p"), credentials: file, environment: keys)
      .credentials()
    #expect(profile.accessKeyID == "F")
    #expect(profile.secretAccessKey == "S")
    #expect(profile.source == "profile 'p' of ~/.aws/credentials")
  }

  @Test func bothFilesMakeAProfile() throws {
    let config = """
      [default]
      region = eu-west-1
      s3 =
        max_concurrent_requests = 20
        region = nowhere

      [profile "with blanks"]
      region=eu-central-1
      aws_access_key_id = from config
      aws_secret_access_key = s
      """
    let credentials = "[with blanks]\naws_access_key_id = from credentials\n"
    let named = try account(.init(profile: "with blanks"), config: config, credentials: credentials)
    #expect(try named.credentials().accessKeyID == "from credentials")
    #expect(named.region == "eu-central-1")
    #expect(try account(config: config).region == "eu-west-1")
    #expect(try account(.init(region: "x"), config: config).region == "x")
    #expect(try account(config: config, environment: ["AWS_REGION": "y"]).region == "y")
  }

  @Test func expiredCredentialsOfTheEnvironment() throws {
    let found = error {
      try account(environment: [
        "AWS_ACCESS_KEY_ID": "E", "AWS_SECRET_ACCESS_KEY": "S",
        "AWS_CREDENTIAL_EXPIRATION": "2025-12-31T23:59:59Z",
      ]).credentials()
    }
    #expect(found?.kind == .expired)
  }

  @Test func aProgramGivesThem() throws {
    let answer =
      #"{"Version": 1, "AccessKeyId": "P", "SecretAccessKey": "S", "SessionToken": "T", "Expiration": "2026-01-01T01:00:00Z"}"#
    let account = try account(
      config: "[default]\ncredential_process = cat \"$HOME/answer.json\"\n",
      files: ["answer.json": answer]
    )
    let found = try account.credentials()
    #expect(found.accessKeyID == "P")
    #expect(found.expiration == Self.now + 3600)
    let failing = try self.account(
      config: "[default]\ncredential_process = echo no luck >&2; exit 3\n"
    )
    let problem = error { try failing.credentials() }
    #expect(problem?.message.contains("status 3: no luck") == true)
  }

  @Test func aRoleNeedsSomebodyWhoAsksForIt() throws {
    let alone = "[default]\nrole_arn = arn:aws:iam::1:role/r\n"
    #expect(
      error { try account(config: alone).credentials() }?.message.contains("source_profile") == true
    )
    let circle = """
      [profile a]
      role_arn = r
      source_profile = b
      [profile b]
      role_arn = r
      source_profile = a
      """
    let found = error { try account(.init(profile: "a"), config: circle).credentials() }
    #expect(found?.message.contains("a -> b -> a") == true)
    let missing = "[profile a]\nrole_arn = r\nsource_profile = bb\n[profile bbb]\nregion = x\n"
    let problem = error { try account(.init(profile: "a"), config: missing).credentials() }
    #expect(problem?.message.contains("'bb', which is the source of profile 'a'") == true)
    #expect(problem?.hint == "did you mean 'bbb'?")
  }

  @Test func signOnThatNobodyDid() throws {
    let config = """
      [profile s]
      sso_session = work
      sso_account_id = 1
      sso_role_name = analyst
      [sso-session work]
      sso_start_url = https://x.awsapps.com/start
      sso_region = eu-west-1
      """
    let nobody = error { try account(.init(profile: "s"), config: config).credentials() }
    #expect(nobody?.kind == .noCredentials)
    #expect(nobody?.hint?.contains("aws sso login --profile s") == true)
    // The name of the file is the SHA-1 of the session's name, as AWS's tools have it.
    let old = #"{"accessToken": "t", "expiresAt": "2025-12-31T00:00:00UTC"}"#
    let past = error {
      try account(
        .init(profile: "s"),
        config: config,
        files: [".aws/sso/cache/e274eeff768c6396088ec6eb091f4bf4d47ab1e0.json": old]
      ).credentials()
    }
    #expect(past?.kind == .expired)
  }

  @Test func nothingAnywhere() throws {
    let found = error { try account().credentials() }
    #expect(found?.kind == .noCredentials)
    for place in [
      "AWS_ACCESS_KEY_ID", "profile 'default'", "WEB_IDENTITY", "container", "instance",
    ] {
      #expect(found?.message.contains(place) == true, "\(found?.message ?? "")")
    }
    let misspelt = error {
      try account(.init(profile: "prd"), config: "[profile prod]\nregion = x\n").credentials()
    }
    #expect(misspelt?.hint == "did you mean 'prod'?")
  }

  @Test func containersOfOtherMachinesAreNotAsked() throws {
    let found = error {
      try account(environment: ["AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://example.com/x"])
        .credentials()
    }
    #expect(found?.message.contains("example.com") == true)
  }

  /// A service of HTTP that gives what stands at `METHOD url`; the rest is not there.
  private func service(
    _ answers: [String: String],
    seen: @escaping @Sendable (HTTPRequest) -> Void = { _ in }
  ) -> HTTPClient.Transport {
    { (request) throws(HTTPError) in
      seen(request)
      let body = answers["\(request.method.rawValue) \(request.url)"]
      return HTTPResponse(
        status: body == nil ? 404 : 200,
        contentType: "",
        url: request.url,
        headers: [:],
        body: Array((body ?? "").utf8)
      )
    }
  }

  private static let temporary =
    #"{"Code": "Success", "AccessKeyId": "M", "SecretAccessKey": "S", "Token": "T", "Expiration": "2026-01-01T06:00:00Z"}"#

  @Test func instanceMetadata() throws {
    let folder = "http://169.254.169.254/latest/meta-data/iam/security-credentials/"
    let seen = Mutex<[HTTPRequest]>([])
    let account = try account(
      environment: ["AWS_EC2_METADATA_DISABLED": ""],
      transport: service(
        [
          "PUT http://169.254.169.254/latest/api/token": "session", "GET \(folder)": "web\n",
          "GET \(folder)web": Self.temporary,
        ],
        seen: { request in seen.withLock { $0.append(request) } }
      )
    )
    let found = try account.credentials()
    #expect(found.sessionToken == "T")
    #expect(found.source == "instance's role web")
    let requests = seen.withLock { $0 }
    #expect(requests.count == 3)
    #expect(requests.allSatisfy { !$0.usesProxy })
    for request in requests.dropFirst() {
      #expect(
        request.headers.contains { $0.name == "X-aws-ec2-metadata-token" && $0.value == "session" }
      )
    }
    // They are kept.
    #expect(try account.credentials() == found)
    #expect(seen.withLock { $0.count } == 3)
  }

  @Test func containersCredentials() throws {
    let task = try account(
      environment: ["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": "/v2/x"],
      transport: service(["GET http://169.254.170.2/v2/x": Self.temporary])
    )
    #expect(try task.credentials().source == "container's role")
    let seen = Mutex<[HTTPRequest]>([])
    let pod = try account(
      files: ["token": "pod token"],
      environment: [
        "AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://169.254.170.23/v1/credentials",
        "AWS_CONTAINER_AUTHORIZATION_TOKEN": "another",
      ],
      transport: service(
        ["GET http://169.254.170.23/v1/credentials": Self.temporary],
        seen: { request in seen.withLock { $0.append(request) } }
      )
    )
    #expect(try pod.credentials().accessKeyID == "M")
    #expect(
      seen.withLock { $0 }.first?.headers.contains { $0 == ("Authorization", "another") } == true
    )
  }

  @Test func rolesAreAssumedByTheSourceProfile() throws {
    let config = """
      [profile base]
      aws_access_key_id = B
      aws_secret_access_key = S
      [profile analyst]
      role_arn = arn:aws:iam::1:role/analyst
      source_profile = base
      external_id = x y
      region = eu-west-1
      """
    let answer = """
      <AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>R</AccessKeyId>
      <SecretAccessKey>S</SecretAccessKey><SessionToken>T</SessionToken>
      <Expiration>2026-01-01T01:00:00Z</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>
      """
    let seen = Mutex<[HTTPRequest]>([])
    let account = try account(
      .init(profile: "analyst"),
      config: config,
      transport: service(
        ["POST https://sts.eu-west-1.amazonaws.com/": answer],
        seen: { request in seen.withLock { $0.append(request) } }
      )
    )
    let found = try account.credentials()
    #expect(found.accessKeyID == "R")
    #expect(found.expiration == Self.now + 3600)
    let request = try #require(seen.withLock { $0.first })
    let body = String(decoding: request.body ?? [], as: UTF8.self)
    #expect(
      body.hasPrefix(
        "Action=AssumeRole&Version=2011-06-15&RoleArn=arn%3Aaws%3Aiam%3A%3A1%3Arole%2Fanalyst"
      )
    )
    #expect(body.hasSuffix("&ExternalId=x%20y"))
    let signature = try #require(request.headers.first { $0.name == "Authorization" }?.value)
    #expect(signature.contains("Credential=B/20260101/eu-west-1/sts/aws4_request"))
  }

  @Test func endpoints() throws {
    let config = """
      [default]
      services = local
      [services local]
      redshift =
        endpoint_url = http://127.0.0.1:1/
      """
    #expect(try account(config: config).endpoint("redshift", region: "x") == "http://127.0.0.1:1")
    #expect(
      try account().endpoint("redshift-serverless", region: "eu-west-1")
        == "https://redshift-serverless.eu-west-1.amazonaws.com"
    )
    #expect(
      try account().endpoint("sts", region: "cn-north-1")
        == "https://sts.cn-north-1.amazonaws.com.cn"
    )
    let variables = [
      "AWS_ENDPOINT_URL": "http://all", "AWS_ENDPOINT_URL_REDSHIFT_SERVERLESS": "http://one",
    ]
    #expect(
      try account(environment: variables).endpoint("redshift-serverless", region: "x")
        == "http://one"
    )
    #expect(try account(environment: variables).endpoint("s3", region: "x") == "http://all")
  }

  @Test func elements() throws {
    let text = """
      <?xml version="1.0"?><!-- a --><R xmlns="x"><Error><Code>A&amp;B</Code>
      <Message><![CDATA[<no>]]></Message><Empty/></Error></R>
      """
    let root = try #require(XMLElement.parse(Array(text.utf8)))
    #expect(root.text("Code") == "A&B")
    #expect(root.text("Message") == "<no>")
    #expect(root.text("Empty") == "")
    for broken in ["", "no xml", "<a><b></a>", "<a>", "<a", "<!-- "] {
      #expect(XMLElement.parse(Array(broken.utf8)) == nil)
    }
  }
}
