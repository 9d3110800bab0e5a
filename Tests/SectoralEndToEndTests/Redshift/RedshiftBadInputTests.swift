import Foundation
import Testing

/// Whatever a project or a profile for Redshift can have wrong: the error names the node, the setting and
/// where it stands, and nothing is sent for the node where that could be known before.
@Suite(.enabled(if: RedshiftOnAWS.isThere, RedshiftOnAWS.whyNot))
struct RedshiftBadInputTests {
  struct Case: Sendable, CustomTestStringConvertible {
    var name: String
    var files: [String: String]
    var command = "run"
    var target = "password"
    var environment: [String: String] = [:]
    /// What Redshift says, where only a cluster would: a fault of the stand-in's.
    var fault: String?
    /// What must be said.
    var words: [String]
    /// Whether something of the node's own may have been sent.
    var sends = false
    var testDescription: String { name }
  }

  private static func model(
    _ settings: String,
    _ query: String = "select 1 as order_id, 2 as b"
  ) -> [String: String] {
    ["models/m.sql": "{{ config(materialized='table', \(settings)) }}\n\(query)\n"]
  }
  private static let place = "models/m.sql:1:"
  private static let ofSeed = ["seeds/s.csv": "id,label\n" + (0..<40).map { "\($0),x\n" }.joined()]

  static let cases: [Case] = [
    Case(
      name: "dist",
      files: model("dist='ordr_id'"),
      words: [
        "model m (models/m.sql)", "dist: 'ordr_id' is no column of the model's query", place,
        "did you mean 'order_id'?",
      ]
    ),
    Case(
      name: "sort",
      files: model("sort=['order_id', 'nothing_like_it']"),
      words: [
        "model m (models/m.sql)", "sort: 'nothing_like_it' is no column", place,
        "its columns are: order_id, b",
      ]
    ),
    Case(
      name: "dist_of_properties",
      files: [
        "models/m.sql": "with x as (select 1 as order_id) select * from x",
        "models/m.yml": """
        models:
          - name: m
            config:
              materialized: table
              dist: ordr_id
        """,
      ],
      words: ["dist: 'ordr_id' is no column", "models/m.yml:5:7", "did you mean 'order_id'?"]
    ),
    Case(
      name: "sort_of_the_project",
      files: [
        "dbt_project.yml": "models:\n  +materialized: table\n  +sort: [ordr_id]\n",
        "models/m.sql": "select 1 as order_id",
      ],
      words: ["sort: 'ordr_id' is no column", "dbt_project.yml:5:", "did you mean 'order_id'?"]
    ),
    // Only the database knows the columns of a table.
    Case(
      name: "dist_that_redshift_refuses",
      files: model("dist='ordr_id'", "select * from {{ ref('base') }}").merging([
        "models/base.sql": "{{ config(materialized='table') }} select 1 as order_id"
      ]) { $1 },
      words: [
        "model m (models/m.sql)", "'ordr_id' stands in the model's setting `dist`", place,
        "did you mean 'order_id'?",
      ],
      sends: true
    ),
    Case(
      name: "sort_that_redshift_refuses",
      files: model("sort='order_id, far'", "select * from {{ ref('base') }}").merging([
        "models/base.sql": "{{ config(materialized='table') }} select 1 as order_id"
      ]) { $1 },
      words: [
        "model m (models/m.sql)", "'far' stands in the model's setting `sort`", place,
        "whose columns are order_id",
      ],
      sends: true
    ),
    Case(
      name: "both_sorts",
      files: model("sort=['order_id', 'b'], sort_type=['compound', 'interleaved']"),
      words: [
        "model m (models/m.sql)", "sort_type: ['compound', 'interleaved'] is not known", place,
      ]
    ),
    Case(
      name: "auto_and_columns",
      files: model("sort=['order_id', 'b'], sort_type='auto'"),
      words: ["model m (models/m.sql)", "sort_type: 'auto' and sort: 'order_id, b' exclude", place]
    ),
    Case(
      name: "long_name",
      files: [
        "models/m.sql": "{{ config(alias='\(String(repeating: "n", count: 128))') }} select 1 as a"
      ],
      words: ["model m (models/m.sql)", "is longer than 127 characters", "alias: …", place]
    ),
    Case(
      name: "role_without_rights",
      files: ofSeed,
      command: "seed",
      target: "load",
      fault: "error:S3ServiceException:Access Denied,Status 403,Error AccessDenied,Rid 1",
      words: [
        "seed s (seeds/s.csv)", "'iam_role' of 'bulk_load' of target 'load'", "s3:GetObject",
      ],
      sends: true
    ),
    Case(
      name: "copy_of_bad_rows",
      files: [
        "seeds/s.csv": "id,label\n1,a\n2,b\nthree,c\n" + (4..<40).map { "\($0),x\n" }.joined(),
        "seeds/s.yml": "seeds:\n  - {name: s, config: {column_types: {id: integer}}}\n",
      ],
      command: "seed",
      target: "load",
      words: ["seed s (seeds/s.csv)", "seeds/s.csv:4, column id (integer), value 'three'"],
      sends: true
    ),
    Case(
      name: "expired_credentials",
      files: model("dist='even'"),
      target: "iam",
      environment: ["AWS_CREDENTIAL_EXPIRATION": "2020-01-01T00:00:00Z"],
      words: [
        "target 'iam' of profile 'warehouse'",
        "the AWS credentials of the environment ended at 2020-01-01T00:00:00Z", "AWS_SESSION_TOKEN",
      ]
    ),
    Case(
      name: "paused",
      files: model("dist='even'"),
      target: "asleep",
      words: [
        "the cluster 'sleeper' is paused",
        "aws redshift resume-cluster --cluster-identifier sleeper",
      ]
    ),
  ]

  @Test(arguments: cases) func isToldInFull(_ input: Case) async throws {
    let project = try AWSProject("bad_\(input.name)", input.files)
    if let fault = input.fault {
      try project.both.arm("\(fault)@^.*copy \"dev\".\"\(project.name)\"")
    }
    let result = try await project.run(
      input.command,
      "--target",
      input.target,
      environment: input.environment
    )
    #expect(result.exitCode != 0, "\(result)")
    for words in input.words { #expect(result.output.contains(words), "\(words)\n\(result)") }
    let own = ["model.\(project.name).m\"", "seed.\(project.name).s\""]
    let sent = try own.flatMap { try project.both.statements(with: $0) }
    #expect(sent.isEmpty != input.sends, "\(sent)")
  }
}
