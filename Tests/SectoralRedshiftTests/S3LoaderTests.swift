import SectoralAWS
import SectoralHTTP
import SectoralProject
import SectoralWarehouse
import SectoralYAML
import Synchronization
import Testing

@testable import SectoralRedshift

/// What a bulk load puts where, asks of the database, and leaves behind.
@Suite struct S3LoaderTests {
  /// A bucket that notes what is done to it.
  final class Bucket: Sendable {
    let objects = Mutex<[String: [UInt8]]>([:])
    let requests = Mutex<[String]>([])
    /// The answer to a PUT whose address holds the text.
    let refusal: (text: String, status: Int, body: String, headers: [String: String])?

    /// How often it is given.
    let refusalsLeft: Mutex<Int>

    init(refusing refusal: (String, Int, String, [String: String])? = nil, times: Int = .max) {
      self.refusal = refusal
      refusalsLeft = Mutex(times)
    }

    private func isRefusing() -> Bool {
      refusalsLeft.withLock { left in
        defer { left = max(0, left - 1) }
        return left > 0
      }
    }

    var http: HTTPClient {
      HTTPClient(
        environment: [:],
        transport: { request in
          self.requests.withLock { $0.append("\(request.method.rawValue) \(request.url)") }
          if let refusal = self.refusal, request.method == .put,
            request.url.contains(refusal.text), self.isRefusing()
          {
            return HTTPResponse(
              status: refusal.status,
              url: request.url,
              headers: refusal.headers,
              body: Array(refusal.body.utf8)
            )
          }
          self.objects.withLock { objects in
            objects[request.url] = request.method == .put ? request.body ?? [] : nil
          }
          return HTTPResponse(status: 200, url: request.url, body: [])
        },
        isCancelled: { false },
        pause: { _ in }
      )
    }
  }

  /// A connection that answers the questions for load errors.
  final class ErrorTables: WarehouseConnection {
    struct Canceller: StatementCanceller { func cancel() {} }
    let answer: @Sendable (String) throws(WarehouseError) -> [[String?]]

    init(_ answer: @escaping @Sendable (String) throws(WarehouseError) -> [[String?]]) {
      self.answer = answer
    }

    func execute(
      _ sql: String,
      fetch: Bool,
      limit: Int?
    ) throws(WarehouseError) -> (response: AdapterResponse, table: ResultTable) {
      let rows = try answer(sql)
      return (
        AdapterResponse(message: "SELECT", code: "SELECT", rowsAffected: rows.count),
        ResultTable(rows: rows)
      )
    }

    func copyIn(
      _ sql: String,
      next: () throws(WarehouseError) -> [UInt8]?
    ) throws(WarehouseError) -> Int { 0 }
    var canceller: any StatementCanceller { Canceller() }
    var isInTransaction: Bool { false }
    var isUndoable: Bool { true }
    func resetSession() {}
    func close() {}
  }

  private func loader(
    _ bucket: Bucket,
    settings: DatumMap = [:],
    errors: @escaping @Sendable (String) throws(WarehouseError) -> [[String?]] = { _ in [] }
  ) throws -> S3Loader {
    var load: DatumMap = ["bucket": "bkt", "prefix": "/p/", "iam_role": "arn:aws:iam::1:role/copy"]
    for (key, value) in settings.entries { load[key] = value }
    let profile = try RedshiftLoginTests.profile([
      "user": "a", "password": "b", "bulk_load": .map(load),
    ])
    let world = AWSWorld(
      environment: ["AWS_ACCESS_KEY_ID": "K", "AWS_SECRET_ACCESS_KEY": "S"],
      http: bucket.http,
      now: { 1_767_225_600 },
      isCancelled: { false }
    )
    return S3Loader(
      try #require(profile.bulkLoad),
      profile,
      account: AWSAccount(profile.account, world: world),
      open: { _ throws(WarehouseError) in ErrorTables(errors) }
    )
  }

  private func rows(_ pieces: [String]) -> BulkLoad {
    BulkLoad(
      relation: "\"s\".\"t\"",
      columns: ["a", "b"],
      owner: "seed.p.t",
      rowCount: 3,
      byteCount: 100,
      pieceCount: pieces.count,
      nullMark: "<null>",
      fillsRelation: true,
      piece: { Array(pieces[$0].utf8) }
    )
  }

  @Test func onePartForEachPieceAndOneStatement() throws {
    let bucket = Bucket()
    let seen = Mutex<[String: [UInt8]]>([:])
    var statements: [String] = []
    let left = try loader(bucket).load(rows(["1,x\n", "2,<null>\n"])) { sql in
      statements.append(sql)
      let there = bucket.objects.withLock { $0 }
      seen.withLock { $0 = there }
    }
    #expect(left == [])
    let names = seen.withLock { $0.keys.sorted() }
    let folder = "https://bkt.s3.eu-west-1.amazonaws.com/p/seed.p.t/"
    #expect(names.allSatisfy { $0.hasPrefix(folder) })
    #expect(
      names.map { $0.split(separator: "/").last ?? "" } == [
        "manifest", "part00000.csv.gz", "part00001.csv.gz",
      ]
    )
    // Two bytes that every gzip begins with.
    for name in names.dropFirst() {
      #expect(seen.withLock { $0[name]?.prefix(2) } == [0x1F, 0x8B])
    }
    let manifest = try JSON.parse(try #require(seen.withLock { $0[names[0]] }))
    let urls = manifest.map?["entries"]?.list?.compactMap { $0.map?["url"]?.string }
    #expect(urls?.count == 2)
    #expect(urls?.allSatisfy { $0.hasPrefix("s3://bkt/p/seed.p.t/") } == true)
    let copy = try #require(statements.first)
    #expect(statements.count == 1)
    #expect(copy.hasPrefix("copy \"s\".\"t\" (a, b)\nfrom 's3://bkt/p/seed.p.t/"))
    for part in [
      "manifest'\niam_role 'arn:aws:iam::1:role/copy'\nmanifest gzip csv", "null as '<null>'",
      "compupdate off statupdate on",
    ] { #expect(copy.contains(part), "\(copy)") }
    // Nothing is left behind.
    #expect(bucket.objects.withLock { $0.isEmpty })
  }

  @Test func nothingIsLeftAfterAFailure() throws {
    let bucket = Bucket()
    let error = try #require(throws: BulkLoadError.self) {
      try loader(bucket).load(rows(["1,x\n"])) { _ throws(WarehouseError) in
        throw WarehouseError(
          kind: .statement,
          sqlState: "XX000",
          message: "S3ServiceException:Access Denied,Status 403,Error AccessDenied,Rid 0"
        )
      }
    }
    #expect(error.error.hint?.contains("arn:aws:iam::1:role/copy needs s3:GetObject") == true)
    #expect(bucket.objects.withLock { $0.isEmpty })
    #expect(bucket.requests.withLock { $0.filter { $0.hasPrefix("DELETE") }.count } == 2)
  }

  @Test func uploadsAreTriedAgain() throws {
    let bucket = Bucket(
      refusing: ("part00000", 503, "<Error><Code>SlowDown</Code></Error>", [:]),
      times: 3
    )
    let left = try loader(bucket).load(rows(["1,x\n"])) { _ in }
    #expect(left == [])
    #expect(bucket.requests.withLock { $0.filter { $0.contains("PUT") }.count } == 5)
  }

  @Test func theRoleIsNotTheClusters() throws {
    let error = try #require(throws: BulkLoadError.self) {
      try loader(Bucket()).load(rows(["1,x\n"])) { _ throws(WarehouseError) in
        throw WarehouseError(
          kind: .statement,
          message:
            "User arn:aws:redshift:eu-west-1:1:dbuser:cl/a is not authorized to assume IAM Role "
            + "arn:aws:iam::1:role/copy"
        )
      }
    }
    #expect(error.error.hint?.contains("must be attached to the cluster") == true)
    #expect(error.error.hint?.contains("target 'prod' of profile 'market'") == true)
  }

  @Test func aBucketThatIsNotThere() throws {
    let bucket = Bucket(
      refusing: (
        "part", 404,
        "<Error><Code>NoSuchBucket</Code><Message>The bucket does not exist</Message></Error>", [:]
      )
    )
    let error = try #require(throws: BulkLoadError.self) {
      try loader(bucket).load(rows(["1,x\n"])) { _ in Issue.record("nothing is to be copied") }
    }
    #expect(error.error.message.contains("NoSuchBucket"))
    #expect(
      error.error.hint?.contains("check 'bucket' ('bkt') and 'region' of 'bulk_load'") == true
    )
  }

  @Test func aBucketOfAnotherRegion() throws {
    let bucket = Bucket(
      refusing: (
        "s3.eu-west-1", 400,
        "<Error><Code>AuthorizationHeaderMalformed</Code><Message>wrong region</Message></Error>",
        ["x-amz-bucket-region": "us-west-2"]
      )
    )
    var statements: [String] = []
    let left = try loader(bucket).load(rows(["1,x\n"])) { statements.append($0) }
    #expect(left == [])
    #expect(statements.first?.hasSuffix("region 'us-west-2'") == true, "\(statements)")
    #expect(bucket.objects.withLock { $0.isEmpty })
  }

  @Test func valuesThatDoNotFit() throws {
    let asked = Mutex<[String]>([])
    let loader = try loader(
      Bucket(),
      errors: { sql throws(WarehouseError) in
        asked.withLock { $0.append(sql) }
        guard !sql.contains("sys_load_error_detail") else {
          throw WarehouseError(kind: .statement, message: "no such view")
        }
        // `like 's3://bkt/p/…/%'`
        let start = sql.components(from: "like '", to: "%'").replacing("\\\\", with: "")
        return [["\(start)part00001.csv.gz", "3", "b", "integer", "Invalid digit"]]
      }
    )
    let error = try #require(throws: BulkLoadError.self) {
      // The second record of the second piece begins at its third line.
      try loader.load(rows(["1,x\n", "2,\"y\nz\"\n3,w\n"])) { _ throws(WarehouseError) in
        throw WarehouseError(
          kind: .statement,
          message:
            "Load into table 't' failed.  Check 'sys_load_error_detail' system table for details."
        )
      }
    }
    #expect(asked.withLock { $0.count } == 2)
    #expect(
      error.faults == [
        BulkLoadFault(piece: 1, row: 1, column: "b", type: "integer", reason: "Invalid digit")
      ]
    )
  }

  static let badSettings: [(DatumMap, String)] = [
    (["bukcet": "x"], "no setting 'bukcet'"),
    (["iam_role": .null], "needs 'iam_role'"), (["bucket": ""], "needs 'bucket'"),
    (["iam_role": "copy"], "'iam_role' of 'bulk_load' is 'copy'"),
    (["bucket": "a b c"], "no name of a bucket"), (["min_bytes": "many"], "a whole number"),
  ]

  @Test(arguments: badSettings)
  func settingsThatCannotWork(_ settings: DatumMap, _ message: String) throws {
    let error = try #require(throws: Failure.self) { try loader(Bucket(), settings: settings) }
    #expect(error.text().contains(message), "\(error.text())")
  }

  @Test func bucketAndPrefixInOne() throws {
    let loader = try loader(Bucket(), settings: ["bucket": "s3://other/x/y/", "prefix": .null])
    #expect(loader.settings.bucket == "other")
    #expect(loader.settings.prefix == "x/y")
  }
}

extension String {
  fileprivate func components(from start: String, to end: String) -> String {
    guard let first = firstRange(of: start),
      let last = self[first.upperBound...].firstRange(of: end)
    else { return "" }
    return String(self[first.upperBound..<last.lowerBound])
  }
}
