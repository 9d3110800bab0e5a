internal import SectoralHTTP
package import SectoralYAML

/// A service that takes forms and answers with XML: STS, Redshift.
package struct AWSQueryService: Sendable {
  let account: AWSAccount
  let name: String
  let version: String
  let region: String
  let endpoint: String

  package init(_ account: AWSAccount, _ name: String, version: String, region: String) {
    self.account = account
    self.name = name
    self.version = version
    self.region = region
    endpoint = account.endpoint(name, region: region)
  }

  /// In the region that is set, or the one that stands for all.
  static func sts(_ account: AWSAccount, region: String? = nil) -> AWSQueryService {
    AWSQueryService(
      account,
      "sts",
      version: "2011-06-15",
      region: account.region ?? region ?? "us-east-1"
    )
  }

  /// Asks with the account's own credentials.
  package func call(
    _ action: String,
    _ parameters: [(name: String, value: String)]
  ) throws(AWSError) -> XMLElement {
    try call(action, parameters, credentials: account.credentials())
  }

  /// `credentials`: nil asks without a signature.
  func call(
    _ action: String,
    _ parameters: [(name: String, value: String)],
    credentials: AWSCredentials?
  ) throws(AWSError) -> XMLElement {
    let form = [("Action", action), ("Version", version)] + parameters
    var request = AWSRequest(.post, endpoint, body: Array(AWSEncoding.query(form).utf8))
    request.headers = [("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")]
    let title = "\(name) \(action)"
    let signature = credentials.map {
      SignatureV4(credentials: $0, region: region, service: name)
    }
    let response = try account.send(request, signature, action: title) { response in
      let error = XMLElement.parse(response.body)?.first("Error")
      return (error?.text("Code") ?? "", error?.text("Message") ?? "")
    }
    guard let answer = XMLElement.parse(response.body) else {
      throw AWSError(.network, message: "\(title): the answer of \(endpoint) is no XML")
    }
    return answer
  }
}

/// A service that takes and gives JSON, version 1.1: Redshift Serverless.
package struct AWSJSONService: Sendable {
  let account: AWSAccount
  let name: String
  /// What stands before an action's name: `RedshiftServerless`.
  let prefix: String
  let region: String
  let endpoint: String

  package init(_ account: AWSAccount, _ name: String, prefix: String, region: String) {
    self.account = account
    self.name = name
    self.prefix = prefix
    self.region = region
    endpoint = account.endpoint(name, region: region)
  }

  package func call(_ action: String, _ parameters: DatumMap) throws(AWSError) -> Datum {
    var request = AWSRequest(
      .post,
      endpoint,
      body: Array(JSON.text(of: .map(parameters)).utf8)
    )
    request.headers = [
      ("Content-Type", "application/x-amz-json-1.1"), ("X-Amz-Target", "\(prefix).\(action)"),
    ]
    return try JSONAnswer.send(
      request,
      SignatureV4(credentials: account.credentials(), region: region, service: name),
      action: "\(name) \(action)",
      account
    )
  }
}

enum JSONAnswer {
  static func send(
    _ request: AWSRequest,
    _ signature: SignatureV4? = nil,
    action: String,
    _ account: AWSAccount
  ) throws(AWSError) -> Datum {
    let response = try account.send(request, signature, action: action) { response in
      let answer = (try? JSON.parse(response.body))?.map
      // `com.amazonaws…#AccessDeniedException`, and a colon with an address behind it.
      let type = answer?["__type"]?.string ?? response.headers["x-amzn-errortype"] ?? ""
      let code = type.split(separator: "#").last?.split(separator: ":").first.map(String.init)
      let words = answer?["message"]?.string ?? answer?["Message"]?.string
      return (code ?? "", words ?? "")
    }
    do throws(JSONError) {
      return try JSON.parse(response.body)
    } catch {
      throw AWSError(.network, message: "\(action): the answer is no JSON (\(error))")
    }
  }
}

extension AWSAccount {
  /// Sends a request, signed anew for each try; gives a successful answer.
  ///
  /// `read`: The code and the words of an answer that is none.
  /// `undisturbed`: Whether it goes on after Ctrl-C.
  func send(
    _ request: AWSRequest,
    _ signature: SignatureV4?,
    action: String,
    undisturbed: Bool = false,
    read: (HTTPResponse) -> (code: String, message: String)
  ) throws(AWSError) -> HTTPResponse {
    var answer: HTTPResponse?
    do throws(HTTPError) {
      let http = undisturbed ? world.http.undisturbed : world.http
      return try http.repeating { () throws(HTTPError) in
        let signed = signature?.signed(request, at: world.now()) ?? request
        let response = try http.send(signed.httpRequest)
        answer = response
        guard !response.isSuccess else { return response }
        let isThrottled = AWSError.isThrottling(code: read(response).code)
        // 429 is worth another try; what else is refused is refused.
        throw HTTPError(
          reason: .status(isThrottled ? 429 : response.status),
          message: "status \(response.status)"
        )
      }
    } catch {
      guard case .status = error.reason, let answer else { throw AWSError(error, action: action) }
      let (code, message) = read(answer)
      throw AWSError(
        code: code,
        message: message,
        status: answer.status,
        action: action,
        caller: signature?.credentials
      )
    }
  }
}
