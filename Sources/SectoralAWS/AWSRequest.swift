package import SectoralHTTP

/// A request to AWS in the parts that a signature covers.
package struct AWSRequest: Sendable {
  package var method: HTTPRequest.Method
  /// `https://s3.eu-west-1.amazonaws.com`, without a path.
  package var origin: String
  /// Not encoded; begins with a slash.
  package var path: String
  /// Not encoded.
  package var query: [(name: String, value: String)] = []
  package var headers: [(name: String, value: String)] = []
  package var body: [UInt8] = []

  package init(
    _ method: HTTPRequest.Method,
    _ origin: String,
    path: String = "/",
    query: [(name: String, value: String)] = [],
    headers: [(name: String, value: String)] = [],
    body: [UInt8] = []
  ) {
    self.method = method
    self.origin = origin
    self.path = path
    self.query = query
    self.headers = headers
    self.body = body
  }

  /// The host with its port, as the header `Host` has it.
  var host: String {
    guard let scheme = origin.range(of: "://") else { return origin }
    return String(origin[scheme.upperBound...].prefix { $0 != "/" })
  }

  /// Ready to be sent.
  package var httpRequest: HTTPRequest {
    var url = origin + AWSEncoding.path(path)
    if !query.isEmpty { url += "?" + AWSEncoding.query(query) }
    let hasBody = method == .put || method == .post
    var headers = headers
    // What libcurl would take it for otherwise.
    if hasBody, !headers.contains(where: { $0.name.lowercased() == "content-type" }) {
      headers.append(("Content-Type", "application/octet-stream"))
    }
    return HTTPRequest(method, url, headers: headers, body: hasBody ? body : nil)
  }
}

/// How AWS writes names and values into addresses (RFC 3986, blanks as `%20`).
enum AWSEncoding {
  static func component(_ text: String, keeping kept: Set<UInt8> = []) -> String {
    let digits = Array("0123456789ABCDEF".utf8)
    var out: [UInt8] = []
    for byte in text.utf8 {
      switch byte {
      case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."),
        UInt8(ascii: "_"), UInt8(ascii: "~"):
        out.append(byte)
      default:
        if kept.contains(byte) {
          out.append(byte)
        } else {
          out += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
        }
      }
    }
    return String(decoding: out, as: UTF8.self)
  }

  static func path(_ path: String) -> String { component(path, keeping: [UInt8(ascii: "/")]) }

  static func query(_ pairs: [(name: String, value: String)]) -> String {
    pairs.map { "\(component($0.name))=\(component($0.value))" }.joined(separator: "&")
  }
}

extension String {
  /// Of another text, bytes compared.
  func range(of part: String) -> Range<String.Index>? {
    var start = utf8.startIndex
    while start != utf8.endIndex {
      if utf8[start...].starts(with: part.utf8) {
        return start..<utf8.index(start, offsetBy: part.utf8.count)
      }
      start = utf8.index(after: start)
    }
    return nil
  }

  var trimmed: String {
    var text = self[...]
    while let first = text.first, first.isWhitespace { text.removeFirst() }
    while let last = text.last, last.isWhitespace { text.removeLast() }
    return String(text)
  }
}
