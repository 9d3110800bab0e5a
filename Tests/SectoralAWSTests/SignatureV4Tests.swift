import SectoralHTTP
import SectoralText
import Testing

@testable import SectoralAWS

/// Signature Version 4 against AWS's published examples, and what botocore makes of further requests.
@Suite struct SignatureV4Tests {
  struct Case: Sendable, CustomTestStringConvertible {
    var name: String
    var method: HTTPRequest.Method = .get
    var origin: String
    var path = "/"
    var query: [(name: String, value: String)] = []
    var headers: [(name: String, value: String)] = []
    var body = ""
    var token: String?
    /// AWS uses one key pair for its general examples and one for those of S3.
    var ofS3 = false
    var region = "us-east-1"
    var service = "service"
    /// 2015-08-30T12:36:00Z
    var time = 1_440_938_160
    var signature: String

    var testDescription: String { name }
  }

  static let cases = [
    Case(
      name: "AWS: get-vanilla",
      origin: "https://example.amazonaws.com",
      signature: "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"
    ),
    Case(
      name: "AWS: IAM ListUsers",
      origin: "https://iam.amazonaws.com",
      query: [("Action", "ListUsers"), ("Version", "2010-05-08")],
      headers: [("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")],
      service: "iam",
      signature: "5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7"
    ),
    Case(
      name: "query in another order",
      origin: "https://example.amazonaws.com",
      query: [
        ("Param2", "value2"), ("Param1", "b"), ("Param1", "a"), ("Param-3", ""), ("a b", "c+d/é"),
      ],
      signature: "e4d7f0001ff2a6e850e2eb06a9ec310668b988b7db13c2b01f7a2960ed0c123d"
    ),
    Case(
      name: "headers with blanks, twice the same",
      origin: "https://example.amazonaws.com",
      headers: [("My-Header1", "  a   b   c "), ("My-Header2", "x"), ("My-Header1", "z")],
      signature: "4d71d49982a470637d656ef548220fb27467542789e17849a0d7b4455c9a4a80"
    ),
    Case(
      name: "path with a blank and a percent sign",
      origin: "https://example.amazonaws.com",
      path: "/ex ample/100%/é",
      signature: "87a58f0a872b285bfc757b09ef35b974b5e828b2dd5bba76f138d768ccfa54eb"
    ),
    Case(
      name: "path with dots",
      origin: "https://example.amazonaws.com",
      path: "/a/./b/../c/",
      signature: "03815191a982245f233767bed9d5022ca4cf6dc96e4c7598525bfdbc1932b50c"
    ),
    Case(
      name: "post of a form, with a token",
      method: .post,
      origin: "https://redshift.eu-west-1.amazonaws.com",
      headers: [("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")],
      body: "Action=GetClusterCredentials&Version=2012-12-01&DbUser=alice",
      token: "AQoDYXdzEPT//////////wEXAMPLE==",
      region: "eu-west-1",
      service: "redshift",
      signature: "e462691df7f8eb96ae42475b234434445cf453dc553bc45d2e3c2d5bda79f038"
    ),
    Case(
      name: "post of JSON",
      method: .post,
      origin: "https://redshift-serverless.us-east-1.amazonaws.com",
      headers: [
        ("Content-Type", "application/x-amz-json-1.1"),
        ("X-Amz-Target", "RedshiftServerless.GetCredentials"),
      ],
      body: "{\"workgroupName\": \"w\"}",
      service: "redshift-serverless",
      signature: "608e350e5f5f62253a80dda36af2ac3e0ef384947e4dea0b0f2fc9e63e0aa8eb"
    ),
    Case(
      name: "another port",
      origin: "http://127.0.0.1:5000",
      service: "sts",
      signature: "b06f3cd8cfe07ae2a9bb1f45a25d9efc247d0755eb97be9f813738e77265dadf"
    ),
    Case(
      name: "S3: GET of a part",
      origin: "https://examplebucket.s3.amazonaws.com",
      path: "/test.txt",
      headers: [("Range", "bytes=0-9")],
      ofS3: true,
      service: "s3",
      time: 1_369_353_600,
      signature: "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"
    ),
    Case(
      name: "S3: PUT",
      method: .put,
      origin: "https://examplebucket.s3.amazonaws.com",
      path: "/test$file.text",
      headers: [
        ("Date", "Fri, 24 May 2013 00:00:00 GMT"), ("x-amz-storage-class", "REDUCED_REDUNDANCY"),
      ],
      body: "Welcome to Amazon S3.",
      ofS3: true,
      service: "s3",
      time: 1_369_353_600,
      signature: "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd"
    ),
    Case(
      name: "S3: lifecycle",
      origin: "https://examplebucket.s3.amazonaws.com",
      query: [("lifecycle", "")],
      ofS3: true,
      service: "s3",
      time: 1_369_353_600,
      signature: "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"
    ),
    Case(
      name: "S3: list",
      origin: "https://examplebucket.s3.amazonaws.com",
      query: [("max-keys", "2"), ("prefix", "J")],
      ofS3: true,
      service: "s3",
      time: 1_369_353_600,
      signature: "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"
    ),
    Case(
      name: "S3: key with blanks, plus and dots, with a token",
      method: .delete,
      origin: "http://localhost:9000",
      path: "/bucket/a b/../c+d=é//f",
      token: "T/O+K=EN",
      ofS3: true,
      region: "eu-central-1",
      service: "s3",
      signature: "4980b5705894199b2fadbd0e46ea556bf037fe1389c78a312496ef49139a0d0f"
    ),
  ]

  @Test(arguments: cases) func signature(_ example: Case) throws {
    let credentials = AWSCredentials(
      accessKeyID: example.ofS3 ? "AKIAIOSFODNN7EXAMPLE" : "AKIDEXAMPLE",
      secretAccessKey: example.ofS3
        ? "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY" : "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
      sessionToken: example.token,
      source: "test"
    )
    let signer = SignatureV4(
      credentials: credentials,
      region: example.region,
      service: example.service
    )
    let signed = signer.signed(
      AWSRequest(
        example.method,
        example.origin,
        path: example.path,
        query: example.query,
        headers: example.headers,
        body: Array(example.body.utf8)
      ),
      at: example.time
    )
    let header = try #require(signed.headers.first { $0.name == "Authorization" }?.value)
    #expect(header.hasSuffix("Signature=\(example.signature)"), "\(header)")
  }

  @Test func times() {
    #expect(AWSTime.basic(1_440_938_160) == "20150830T123600Z")
    #expect(AWSTime.parse("2015-08-30T12:36:00Z") == 1_440_938_160)
    #expect(AWSTime.parse("2015-08-30T12:36:00.123Z") == 1_440_938_160)
    #expect(AWSTime.parse("2015-08-30T14:36:00+02:00") == 1_440_938_160)
    #expect(AWSTime.parse("2015-08-30T07:06:00-0530") == 1_440_938_160)
    #expect(AWSTime.parse("yesterday") == nil)
  }

  /// RFC 4231, cases 1 to 3 and 6.
  @Test(arguments: [
    (
      [UInt8](repeating: 0x0b, count: 20), Array("Hi There".utf8),
      "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"
    ),
    (
      Array("Jefe".utf8), Array("what do ya want for nothing?".utf8),
      "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
    ),
    (
      [UInt8](repeating: 0xaa, count: 20), [UInt8](repeating: 0xdd, count: 50),
      "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"
    ),
    (
      [UInt8](repeating: 0xaa, count: 131),
      Array("Test Using Larger Than Block-Size Key - Hash Key First".utf8),
      "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"
    ),
  ]) func code(_ key: [UInt8], _ message: [UInt8], _ expected: String) {
    #expect(Digest.hexadecimal(Digest.hmacSHA256(message, key: key)) == expected)
  }
}
