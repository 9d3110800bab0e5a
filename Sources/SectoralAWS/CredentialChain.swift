internal import SectoralHTTP
internal import SectoralText
internal import SectoralYAML

/// Looks for credentials where AWS's own tools do, in their order (as botocore 1.44's resolver).
struct CredentialChain {
  let account: AWSAccount
  var world: AWSWorld { account.world }
  var configuration: SharedConfiguration { account.configuration }

  init(_ account: AWSAccount) { self.account = account }

  /// What came of one place.
  enum Outcome {
    case found(AWSCredentials)
    /// Why there are none, in words that follow a comma.
    case nothing(String)
  }

  func find() throws(AWSError) -> AWSCredentials {
    if let own = try fromSettings() { return own }
    var tried: [String] = []
    // Who names a profile means it: the environment's keys are another's then.
    if account.settings.profile == nil {
      switch try fromEnvironment() {
      case .found(let credentials): return credentials
      case .nothing(let reason): tried.append(reason)
      }
    }
    let name = account.profileName
    if configuration.profiles[name] != nil {
      switch try fromProfile(name, visited: []) {
      case .found(let credentials): return credentials
      case .nothing(let reason): tried.append(reason)
      }
    } else if account.settings.profile != nil || world.variable("AWS_PROFILE") != nil {
      throw noProfile(name, askedBy: nil)
    } else {
      tried.append("there is no profile '\(name)' in \(configuration.credentialsPath)")
    }
    if account.settings.profile == nil {
      switch try fromWebIdentityVariables() {
      case .found(let credentials): return credentials
      case .nothing(let reason): tried.append(reason)
      }
    }
    switch try fromContainer() {
    case .found(let credentials): return credentials
    case .nothing(let reason): tried.append(reason)
    }
    switch try fromInstance() {
    case .found(let credentials): return credentials
    case .nothing(let reason): tried.append(reason)
    }
    throw AWSError(
      .noCredentials,
      message: "no AWS credentials were found: \(tried.joined(separator: "; "))",
      hint:
        "set AWS_PROFILE or 'iam_profile' to a profile of ~/.aws/config, or AWS_ACCESS_KEY_ID and "
        + "AWS_SECRET_ACCESS_KEY"
    )
  }

  func noProfile(_ name: String, askedBy: String?) -> AWSError {
    let names = configuration.profileNames
    let from = askedBy.map { ", which is the source of profile '\($0)'" } ?? ""
    return AWSError(
      .configuration,
      message: "there is no AWS profile '\(name)'\(from) in \(configuration.configPath) or "
        + configuration.credentialsPath,
      hint: Spelling.nearest(to: name, among: names).map { "did you mean '\($0)'?" }
        ?? (names.isEmpty
          ? "'aws configure' makes one" : "there are: \(names.joined(separator: ", "))")
    )
  }

  private func fromSettings() throws(AWSError) -> AWSCredentials? {
    switch (account.settings.accessKeyID, account.settings.secretAccessKey) {
    case (let key?, let secret?):
      return AWSCredentials(
        accessKeyID: key,
        secretAccessKey: secret,
        source: "access_key_id of the profile's output"
      )
    case (nil, nil): return nil
    case (let key, _):
      throw AWSError(
        .configuration,
        message: "'\(key == nil ? "secret_access_key" : "access_key_id")' is set without "
          + "'\(key == nil ? "access_key_id" : "secret_access_key")'",
        hint: "give both, or neither and 'iam_profile' instead"
      )
    }
  }

  func fromEnvironment() throws(AWSError) -> Outcome {
    // The second name is one that AWS's oldest tools knew.
    guard let key = world.variable("AWS_ACCESS_KEY_ID") ?? world.variable("AWS_ACCESS_KEY") else {
      return .nothing("AWS_ACCESS_KEY_ID is not set")
    }
    guard let secret = world.variable("AWS_SECRET_ACCESS_KEY") ?? world.variable("AWS_SECRET_KEY")
    else {
      throw AWSError(
        .configuration,
        message: "AWS_ACCESS_KEY_ID is set, and AWS_SECRET_ACCESS_KEY is not",
        hint: "set both or neither"
      )
    }
    var expiration: Int?
    if let text = world.variable("AWS_CREDENTIAL_EXPIRATION") { expiration = AWSTime.parse(text) }
    if let expiration, expiration <= world.now() {
      throw AWSError(
        .expired,
        message: "the AWS credentials of the environment ended at "
          + (world.variable("AWS_CREDENTIAL_EXPIRATION") ?? ""),
        hint: "get new ones and set AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN"
      )
    }
    return .found(
      AWSCredentials(
        accessKeyID: key,
        secretAccessKey: secret,
        sessionToken: world.variable("AWS_SESSION_TOKEN") ?? world.variable("AWS_SECURITY_TOKEN"),
        expiration: expiration,
        source: "environment variables"
      )
    )
  }

  private func fromWebIdentityVariables() throws(AWSError) -> Outcome {
    guard let file = world.variable("AWS_WEB_IDENTITY_TOKEN_FILE") else {
      return .nothing("AWS_WEB_IDENTITY_TOKEN_FILE is not set")
    }
    guard let role = world.variable("AWS_ROLE_ARN") else {
      throw AWSError(
        .configuration,
        message: "AWS_WEB_IDENTITY_TOKEN_FILE is set, and AWS_ROLE_ARN is not",
        hint: "set AWS_ROLE_ARN to the role that the token stands for"
      )
    }
    return .found(
      try webIdentity(
        tokenFile: file,
        role: role,
        session: world.variable("AWS_ROLE_SESSION_NAME"),
        source: "web identity of AWS_WEB_IDENTITY_TOKEN_FILE"
      )
    )
  }

  /// `AssumeRoleWithWebIdentity`, which is asked without a signature.
  func webIdentity(
    tokenFile: String,
    role: String,
    session: String?,
    source: String
  ) throws(AWSError) -> AWSCredentials {
    guard let bytes = world.read(tokenFile) else {
      throw AWSError(
        .configuration,
        message: "the token file \(tokenFile) cannot be read",
        hint: "check AWS_WEB_IDENTITY_TOKEN_FILE, or 'web_identity_token_file' of the AWS profile"
      )
    }
    let answer = try AWSQueryService.sts(account).call(
      "AssumeRoleWithWebIdentity",
      [
        ("RoleArn", role), ("RoleSessionName", session ?? sessionName),
        ("WebIdentityToken", String(decoding: bytes, as: UTF8.self).trimmed),
      ],
      credentials: nil
    )
    return try assumed(answer, source: source)
  }

  var sessionName: String { "sectoral-\(world.now())" }

  /// `Credentials` of an answer of STS.
  func assumed(_ answer: XMLElement, source: String) throws(AWSError) -> AWSCredentials {
    guard let element = answer.first("Credentials"), let key = element.text("AccessKeyId"),
      let secret = element.text("SecretAccessKey")
    else {
      throw AWSError(.service, message: "the answer of STS holds no credentials")
    }
    return AWSCredentials(
      accessKeyID: key,
      secretAccessKey: secret,
      sessionToken: element.text("SessionToken"),
      expiration: element.text("Expiration").flatMap(AWSTime.parse),
      source: source
    )
  }
}
