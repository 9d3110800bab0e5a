import Foundation
import Testing

/// Logins by AWS, loads by S3, and what went wrong with them, on the stand-ins of both.
@Suite(.enabled(if: RedshiftOnAWS.isThere, RedshiftOnAWS.whyNot))
struct RedshiftAWSTests {
  private static let model = ["models/m.sql": "select 1 as a"]

  /// AWS's logins have names that the stand-in must know.
  private func makeUsers(_ project: AWSProject) async throws {
    for user in ["IAM:tester", "IAM:testbed"] {
      // Another test may have been quicker.
      _ = try await project.run(
        "run-operation",
        "--target",
        "password",
        "--sql",
        "create user \"\(user)\" password 'Passw0rd1' createuser"
      )
    }
  }

  @Test(arguments: ["iam", "role"]) func logsOnByAWS(_ target: String) async throws {
    let project = try AWSProject("aws_login_\(target)", Self.model)
    try await makeUsers(project)
    let debug = try await project.run("debug", "--target", target)
    #expect(debug.exitCode == 0, "\(debug)")
    let run = try await project.run("run", "--target", target)
    #expect(run.exitCode == 0, "\(run)")
    #expect(try await project.rows("select a from \(project.name).m") == "1")
  }

  @Test func wrongKeysAreRefused() async throws {
    let project = try AWSProject("aws_wrong_keys", Self.model)
    let run = try await project.run(
      "run",
      environment: ["AWS_SECRET_ACCESS_KEY": "not the secret"]
    )
    #expect(run.exitCode != 0, "\(run)")
    let text = run.output
    #expect(text.contains("target 'iam' of profile 'warehouse'"), "\(run)")
    #expect(text.contains("SignatureDoesNotMatch"), "\(run)")
    #expect(text.contains("environment variables"), "\(run)")
    #expect(!text.contains("not the secret"), "\(run)")
  }

  @Test func noKeysAtAll() async throws {
    let project = try AWSProject("aws_no_keys", Self.model)
    let run = try await project.run(
      "run",
      environment: ["AWS_ACCESS_KEY_ID": nil, "AWS_SECRET_ACCESS_KEY": nil]
    )
    #expect(run.exitCode != 0, "\(run)")
    #expect(
      run.output.contains("no AWS credentials were found: AWS_ACCESS_KEY_ID is not set"),
      "\(run)"
    )
  }

  @Test func noRegion() async throws {
    let project = try AWSProject("aws_no_region", Self.model)
    let run = try await project.run(
      "run",
      environment: ["AWS_REGION": nil, "AWS_DEFAULT_REGION": nil]
    )
    #expect(run.exitCode != 0, "\(run)")
    #expect(run.output.contains("method 'iam' needs an AWS region"), "\(run)")
  }

  @Test func anotherCluster() async throws {
    let project = try AWSProject("aws_wrong_cluster", Self.model)
    let run = try await project.run("run", "--target", "wrong_cluster")
    #expect(run.exitCode != 0, "\(run)")
    #expect(run.output.contains("'cluster_id' ('analytic')"), "\(run)")
    #expect(run.output.contains("did you mean 'analytics'?"), "\(run)")
  }

  @Test func aClusterThatIsPaused() async throws {
    let project = try AWSProject("aws_paused", Self.model)
    let run = try await project.run("run", "--target", "asleep")
    #expect(run.exitCode != 0, "\(run)")
    #expect(run.output.contains("the cluster 'sleeper' is paused"), "\(run)")
    #expect(
      run.output.contains("aws redshift resume-cluster --cluster-identifier sleeper"),
      "\(run)"
    )
  }

  // MARK: Loads

  /// Texts with all that CSV makes hard, NULLs, and every type that is found out.
  private static let seed =
    "id,name,amount,at,ok,day\n"
    + (0..<400).map { row in
      row % 5 == 0
        ? "\(row),,,,,\n"
        : "\(row),\"name \(row), \"\"x\"\"\nit's \\ \",\(row).25,2024-01-01 10:00:00,true,2024-01-02\n"
    }.joined()

  private static let sum = """
    select count(*) as a, count(name) as b, sum(amount) as c, count(at) as d, sum(case when ok then 1 end) as e,
      max(name) as f, max(day) as g from
    """

  @Test func aBigSeedIsOneStatement() async throws {
    let project = try AWSProject("aws_load", ["seeds/big.csv": Self.seed])
    let seed = try await project.run("seed", "--target", "load")
    #expect(seed.exitCode == 0, "\(seed)")
    let copies = try project.both.statements(with: "\"aws_load\".\"big\"")
      .filter { $0.contains("manifest gzip csv") || $0.contains("insert into") }
    #expect(copies.count == 1, "\(copies)")
    #expect(copies.first?.contains("iam_role 'arn:aws:iam::123456789012:role/copy'") == true)
    #expect(try project.both.objects(below: "aws_load/") == [])
    let loaded = try await project.rows("\(Self.sum) aws_load.big")

    // The same by INSERTs, and as often as one likes.
    let again = try await project.run("seed", "--target", "password", "--full-refresh")
    #expect(again.exitCode == 0, "\(again)")
    #expect(try await project.rows("\(Self.sum) aws_load.big") == loaded)
    let inserts = try project.both.statements(with: "insert into \"dev\".\"aws_load\".\"big\"")
    #expect(inserts.count == 1)
    let third = try await project.run("seed", "--target", "load")
    #expect(third.exitCode == 0, "\(third)")
    #expect(try await project.rows("\(Self.sum) aws_load.big") == loaded)
  }

  @Test func aValueThatDoesNotFit() async throws {
    let project = try AWSProject(
      "aws_bad_value",
      [
        "seeds/big.csv": Self.seed + "x,short,1,2024-01-01 10:00:00,true,2024-01-02\n",
        "seeds/schema.yml":
          "seeds:\n  - name: big\n    config:\n      column_types: {id: integer}\n",
      ]
    )
    let seed = try await project.run("seed", "--target", "load")
    #expect(seed.exitCode == 1, "\(seed)")
    let line = Self.seed.count { $0 == "\n" } + 1
    #expect(
      seed.output.contains("seeds/big.csv:\(line), column id (integer), value 'x': Invalid digit"),
      "\(seed)"
    )
    #expect(try project.both.objects(below: "aws_bad_value/") == [])
  }

  /// What a cluster says whose role is not enough, by the stand-in's switch.
  @Test(arguments: [
    (
      "no_right", "S3ServiceException:Access Denied,Status 403,Error AccessDenied,Rid 1",
      "the role arn:aws:iam::123456789012:role/copy needs s3:GetObject on arn:aws:s3:::staging/*"
    ),
    (
      "not_its_role",
      "Not authorized to get credentials of role arn:aws:iam::123456789012:role/copy",
      "the role arn:aws:iam::123456789012:role/copy must be attached to the cluster"
    ),
  ])
  func aRoleThatIsNotEnough(_ name: String, _ said: String, _ advice: String) async throws {
    let project = try AWSProject("aws_role_\(name)", ["seeds/big.csv": Self.seed])
    try project.both.arm("error:\(said)@^.*copy \"dev\".\"\(project.name)\"")
    let seed = try await project.run("seed", "--target", "load")
    #expect(seed.exitCode == 1, "\(seed)")
    #expect(seed.output.contains("seed big (seeds/big.csv)"), "\(seed)")
    #expect(seed.output.contains(said), "\(seed)")
    #expect(seed.output.contains(advice), "\(seed)")
    #expect(
      seed.output.contains("'iam_role' of 'bulk_load' of target 'load' of profile 'warehouse'"),
      "\(seed)"
    )
    #expect(try project.both.objects(below: "\(project.name)/") == [])
  }

  @Test func aBucketThatIsNotThere() async throws {
    let project = try AWSProject("aws_no_bucket", ["seeds/big.csv": Self.seed])
    let seed = try await project.run("seed", "--target", "no_bucket")
    #expect(seed.exitCode == 1, "\(seed)")
    #expect(seed.output.contains("NoSuchBucket"), "\(seed)")
    #expect(
      seed.output.contains("check 'bucket' ('nowhere-aws-no-bucket') and 'region' of 'bulk_load'"),
      "\(seed)"
    )
  }

  // MARK: Settings

  @Test func keysThatMeanNothing() async throws {
    let project = try AWSProject("aws_unknown", Self.model)
    let debug = try await project.run("debug", "--target", "misspelt")
    #expect(debug.exitCode == 0, "\(debug)")
    #expect(
      debug.output.contains("sslmod: no setting of redshift, did you mean 'sslmode'?"),
      "\(debug)"
    )
  }

  // MARK: Costs

  @Test func whatNodesTook() async throws {
    let project = try AWSProject(
      "aws_costs",
      ["models/m.sql": "select 1 as a", "models/n.sql": "select * from {{ ref('m') }}"]
    )
    let run = try await project.run("run", "--target", "costs")
    #expect(run.exitCode == 0, "\(run)")
    #expect(run.output.contains("model.aws_costs.n"), "\(run)")
    #expect(run.output.contains("all 2 nodes"), "\(run)")
    let data = try Data(
      contentsOf: URL(fileURLWithPath: "\(project.folder)/target/run_results.json")
    )
    let results = try JSONSerialization.jsonObject(with: data) as? [String: Any]
    let rows = try #require(results?["results"] as? [[String: Any]])
    for row in rows {
      let response = try #require(row["adapter_response"] as? [String: Any])
      #expect((response["query_count"] as? Int ?? 0) > 0, "\(response)")
      #expect(response["execution_time"] is Double, "\(response)")
    }
  }
}
