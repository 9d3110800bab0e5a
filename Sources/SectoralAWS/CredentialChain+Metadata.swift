internal import SectoralHTTP
internal import SectoralYAML

/// Credentials of the machine or container that this runs on.
extension CredentialChain {
  /// The address of ECS's agent, and those that EKS's has.
  private static let containerHosts = [
    "169.254.170.2", "169.254.170.23", "[fd00:ec2::23]", "localhost", "[::1]",
  ]

  /// The role of an ECS task or an EKS pod.
  func fromContainer() throws(AWSError) -> Outcome {
    let url: String
    if let relative = world.variable("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI") {
      url = "http://\(Self.containerHosts[0])\(relative)"
    } else if let full = world.variable("AWS_CONTAINER_CREDENTIALS_FULL_URI") {
      let host = Self.host(of: full)
      guard
        full.hasPrefix("https://") || Self.containerHosts.contains(host)
          || host.hasPrefix("127.")
      else {
        throw AWSError(
          .configuration,
          message:
            "AWS_CONTAINER_CREDENTIALS_FULL_URI names the host \(host): credentials are asked "
            + "for over https, or from this machine alone",
          hint: "use https, a loopback address, or one of "
            + Self.containerHosts.prefix(3).joined(separator: ", ")
        )
      }
      url = full
    } else {
      return .nothing(
        "no container gives credentials (AWS_CONTAINER_CREDENTIALS_*_URI are not set)"
      )
    }
    var headers = [(name: "Accept", value: "application/json")]
    if let file = world.variable("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE") {
      guard let bytes = world.read(file) else {
        throw AWSError(
          .configuration,
          message: "the file \(file) of AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE cannot be read"
        )
      }
      headers.append(("Authorization", String(decoding: bytes, as: UTF8.self)))
    } else if let token = world.variable("AWS_CONTAINER_AUTHORIZATION_TOKEN") {
      headers.append(("Authorization", token))
    }
    guard !headers.contains(where: { $0.value.contains(where: \.isNewline) }) else {
      throw AWSError(
        .configuration,
        message: "the container's authorization token has several lines"
      )
    }
    var request = HTTPRequest(.get, url, headers: headers)
    request.usesProxy = false
    request.connectTimeoutSeconds = 2
    request.stallTimeoutSeconds = 5
    let response: HTTPResponse
    do throws(HTTPError) {
      response = try world.http.repeating { () throws(HTTPError) in
        let response = try world.http.send(request)
        guard response.status == 200 else {
          throw HTTPError(
            reason: .status(response.status),
            message: "\(url) answers with status \(response.status)"
          )
        }
        return response
      }
    } catch {
      throw AWSError(error, action: "the container's credentials")
    }
    guard let answer = try? JSON.parse(response.body) else {
      throw AWSError(.network, message: "the container's credentials: \(url) gives no JSON")
    }
    return .found(try credentials(in: answer, token: "Token", source: "container's role"))
  }

  /// `host` of `http://host:80/path`.
  private static func host(of url: String) -> String {
    guard let scheme = url.range(of: "://") else { return "" }
    let authority = url[scheme.upperBound...].prefix { !"/?#".contains($0) }
    let place = authority.split(separator: "@").last ?? authority
    if place.hasPrefix("[") { return place.prefix { $0 != "]" } + "]" }
    return String(place.prefix { $0 != ":" })
  }

  /// The role of an EC2 instance, by the second version of its metadata service; the first one only
  /// where there is no second.
  func fromInstance() throws(AWSError) -> Outcome {
    guard !world.isOn("AWS_EC2_METADATA_DISABLED") else {
      return .nothing("the instance is not asked (AWS_EC2_METADATA_DISABLED)")
    }
    let isIPv6 = world.variable("AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE")?.lowercased() == "ipv6"
    var origin =
      world.variable("AWS_EC2_METADATA_SERVICE_ENDPOINT")
      ?? (isIPv6 ? "http://[fd00:ec2::254]" : "http://169.254.169.254")
    while origin.hasSuffix("/") { origin.removeLast() }
    func ask(
      _ method: HTTPRequest.Method,
      _ path: String,
      _ headers: [(name: String, value: String)]
    ) -> HTTPResponse? {
      var request = HTTPRequest(method, origin + path, headers: headers)
      if method == .put { request.body = [] }
      request.usesProxy = false
      request.connectTimeoutSeconds =
        world.variable("AWS_METADATA_SERVICE_TIMEOUT").flatMap { Int($0) } ?? 1
      request.stallTimeoutSeconds = request.connectTimeoutSeconds
      for _
        in 0..<max(1, world.variable("AWS_METADATA_SERVICE_NUM_ATTEMPTS").flatMap { Int($0) } ?? 1)
      {
        if let response = try? world.http.send(request), response.status < 500 { return response }
      }
      return nil
    }
    let lifetime = [(name: "X-aws-ec2-metadata-token-ttl-seconds", value: "21600")]
    guard let session = ask(.put, "/latest/api/token", lifetime) else {
      return .nothing("no instance metadata service answers at \(origin)")
    }
    var headers: [(name: String, value: String)] = []
    if session.status == 200 {
      let token = String(decoding: session.body, as: UTF8.self)
      headers.append(("X-aws-ec2-metadata-token", token))
    } else if world.isOn("AWS_EC2_METADATA_V1_DISABLED") {
      return .nothing("the instance metadata service gives no token (status \(session.status))")
    }
    let folder = "/latest/meta-data/iam/security-credentials/"
    guard let roles = ask(.get, folder, headers), roles.status == 200,
      let role = String(decoding: roles.body, as: UTF8.self).split(whereSeparator: \.isNewline)
        .first
    else { return .nothing("the instance has no role") }
    guard let response = ask(.get, folder + role, headers), response.status == 200,
      let answer = try? JSON.parse(response.body)
    else { return .nothing("the instance gives no credentials of its role \(role)") }
    return .found(
      try credentials(in: answer, token: "Token", source: "instance's role \(role)")
    )
  }
}
