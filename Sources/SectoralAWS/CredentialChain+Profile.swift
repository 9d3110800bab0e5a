internal import SectoralHTTP
internal import SectoralText
internal import SectoralYAML

/// Credentials by a profile of ~/.aws.
extension CredentialChain {
  /// `visited`: The profiles whose source this one is.
  func fromProfile(_ name: String, visited: [String]) throws(AWSError) -> Outcome {
    guard let section = configuration.profiles[name] else {
      throw noProfile(name, askedBy: visited.last)
    }
    let values = section.values.filter { !$0.value.isEmpty }
    // A profile that is its own source has keys beside the role.
    let isOwnSource = visited.last == name
    if let role = values["role_arn"], !isOwnSource {
      return .found(try assumed(role, name, values, visited: visited))
    }
    if values["sso_start_url"] != nil || values["sso_session"] != nil {
      return .found(try signedOn(name, values))
    }
    if let key = values["aws_access_key_id"] {
      guard let secret = values["aws_secret_access_key"] else {
        throw AWSError(
          .configuration,
          message:
            "profile '\(name)' of \(configuration.file(of: name)) has aws_access_key_id and no "
            + "aws_secret_access_key",
          hint: "give both"
        )
      }
      return .found(
        AWSCredentials(
          accessKeyID: key,
          secretAccessKey: secret,
          sessionToken: values["aws_session_token"] ?? values["aws_security_token"],
          source: "profile '\(name)' of \(configuration.file(of: name))"
        )
      )
    }
    if let command = values["credential_process"] {
      return .found(try process(command, name))
    }
    return .nothing("profile '\(name)' of \(configuration.file(of: name)) holds no credentials")
  }

  private func assumed(
    _ role: String,
    _ name: String,
    _ values: [String: String],
    visited: [String]
  ) throws(AWSError) -> AWSCredentials {
    let source = "role \(role) of profile '\(name)'"
    if let file = values["web_identity_token_file"] {
      return try webIdentity(
        tokenFile: file,
        role: role,
        session: values["role_session_name"],
        source: source
      )
    }
    guard !visited.contains(name) else {
      throw AWSError(
        .configuration,
        message:
          "the AWS profiles \((visited + [name]).joined(separator: " -> ")) are each other's "
          + "source_profile",
        hint: "one of them needs keys of its own"
      )
    }
    guard values["mfa_serial"] == nil else {
      throw AWSError(
        .configuration,
        message:
          "profile '\(name)' needs a code of \(values["mfa_serial"] ?? ""), and nobody can be "
          + "asked for it here",
        hint:
          "get a session first ('aws configure export-credentials --format env'), or use a profile "
          + "with 'credential_process'"
      )
    }
    let base = try asker(of: name, values, visited: visited)
    var parameters = [
      ("RoleArn", role), ("RoleSessionName", values["role_session_name"] ?? sessionName),
    ]
    if let id = values["external_id"] { parameters.append(("ExternalId", id)) }
    if let seconds = values["duration_seconds"] { parameters.append(("DurationSeconds", seconds)) }
    let service = AWSQueryService.sts(account, region: values["region"])
    return try assumed(
      service.call("AssumeRole", parameters, credentials: base),
      source: source
    )
  }

  /// Who asks for the role.
  private func asker(
    of name: String,
    _ values: [String: String],
    visited: [String]
  ) throws(AWSError) -> AWSCredentials {
    let outcome: Outcome
    if let source = values["source_profile"] {
      outcome = try fromProfile(source, visited: visited + [name])
    } else {
      switch values["credential_source"]?.lowercased() {
      case "environment"?: outcome = try fromEnvironment()
      case "ec2instancemetadata"?: outcome = try fromInstance()
      case "ecscontainer"?: outcome = try fromContainer()
      default:
        throw AWSError(
          .configuration,
          message: "profile '\(name)' has a role_arn, and no source_profile or credential_source "
            + "that says who asks for the role",
          hint: "credential_source is Environment, Ec2InstanceMetadata or EcsContainer"
        )
      }
    }
    switch outcome {
    case .found(let credentials): return credentials
    case .nothing(let reason):
      throw AWSError(
        .noCredentials,
        message: "the role of profile '\(name)' has nobody to ask for it: \(reason)",
        hint: "check source_profile or credential_source of the profile"
      )
    }
  }

  /// A program that prints credentials as JSON.
  private func process(_ command: String, _ name: String) throws(AWSError) -> AWSCredentials {
    let what = "credential_process of profile '\(name)'"
    guard let result = world.output(of: command) else {
      throw AWSError(.configuration, message: "\(what) could not be started")
    }
    guard result.status == 0 else {
      let words = result.errors.trimmed
      throw AWSError(
        .configuration,
        message: "\(what) ended with status \(result.status)\(words.isEmpty ? "" : ": \(words)")",
        hint: "run it by hand: \(command)"
      )
    }
    guard let answer = try? JSON.parse(result.output), answer.map?["Version"]?.int == 1 else {
      throw AWSError(
        .configuration,
        message: "\(what) does not print JSON with \"Version\": 1",
        hint: "run it by hand: \(command)"
      )
    }
    let source = "credential_process of profile '\(name)'"
    return try credentials(in: answer, token: "SessionToken", source: source)
  }

  /// `AccessKeyId` and its like, as programs and metadata services give them.
  func credentials(
    in answer: Datum,
    token: String,
    source: String
  ) throws(AWSError) -> AWSCredentials {
    guard let key = answer.map?["AccessKeyId"]?.string,
      let secret = answer.map?["SecretAccessKey"]?.string
    else {
      throw AWSError(
        .configuration,
        message: "the answer of the \(source) holds no AccessKeyId and SecretAccessKey"
      )
    }
    let expiration = answer.map?["Expiration"]?.string.flatMap(AWSTime.parse)
    if let expiration, expiration <= world.now() {
      throw AWSError(
        .expired,
        message: "the credentials that the \(source) gives have ended",
        hint: "check the clock of this machine, or get new ones"
      )
    }
    return AWSCredentials(
      accessKeyID: key,
      secretAccessKey: secret,
      sessionToken: answer.map?[token]?.string,
      expiration: expiration,
      source: source
    )
  }

  /// IAM Identity Center: the token that `aws sso login` left, exchanged for a role's credentials.
  private func signedOn(
    _ name: String,
    _ values: [String: String]
  ) throws(AWSError) -> AWSCredentials {
    var settings = values
    let session = values["sso_session"]
    if let session {
      guard let shared = configuration.sessions[session] else {
        throw AWSError(
          .configuration,
          message: "profile '\(name)' names the sso_session '\(session)', which "
            + "\(configuration.configPath) does not have",
          hint: "add [sso-session \(session)] with sso_start_url and sso_region"
        )
      }
      settings.merge(shared.values) { own, _ in own }
    }
    guard let start = settings["sso_start_url"], let region = settings["sso_region"],
      let accountID = settings["sso_account_id"], let role = settings["sso_role_name"]
    else {
      throw AWSError(
        .configuration,
        message: "profile '\(name)' lacks some of sso_start_url, sso_region, sso_account_id and "
          + "sso_role_name"
      )
    }
    let login = "run 'aws sso login --profile \(name)', and then this command again"
    let file = "~/.aws/sso/cache/\(Digest.sha1((session ?? start).utf8)).json"
    guard let bytes = world.read(file), let cached = try? JSON.parse(bytes),
      let token = cached.map?["accessToken"]?.string
    else {
      throw AWSError(
        .noCredentials,
        message: "nobody has signed on for profile '\(name)'",
        hint: login
      )
    }
    if let end = cached.map?["expiresAt"]?.string.flatMap(AWSTime.parse), end <= world.now() {
      throw AWSError(
        .expired,
        message: "the sign-on for profile '\(name)' has ended",
        hint: login
      )
    }
    var request = AWSRequest(
      .get,
      account.ownEndpoint("sso") ?? "https://portal.sso.\(region).\(AWSAccount.domain(of: region))",
      path: "/federation/credentials",
      query: [("role_name", role), ("account_id", accountID)]
    )
    request.headers = [("x-amz-sso_bearer_token", token)]
    let answer = try JSONAnswer.send(request, action: "sso GetRoleCredentials", account)
    guard let found = answer.map?["roleCredentials"]?.map, let key = found["accessKeyId"]?.string,
      let secret = found["secretAccessKey"]?.string
    else {
      throw AWSError(.service, message: "the answer of the sign-on portal holds no credentials")
    }
    return AWSCredentials(
      accessKeyID: key,
      secretAccessKey: secret,
      sessionToken: found["sessionToken"]?.string,
      expiration: found["expiration"]?.int.map { $0 / 1000 },
      source: "sign-on of profile '\(name)'"
    )
  }
}
