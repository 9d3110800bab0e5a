import Foundation
import Testing

/// What goes wrong in the database, or on the way to it.
struct DatabaseFaultTests {
  private func home() throws -> TestHome { try TestHome.shared.get() }

  @Test(arguments: statements)
  func pointsAtTheModel(_ input: BadInput) async throws {
    try await input.check(in: home())
  }

  static let model = "select 1 as id\n"
  static let error = "Database Error in model a (models/a.sql)"

  static func models(
    _ name: String,
    _ files: [String: String],
    _ says: [String],
    hint: String? = nil,
    command: [String] = ["build"]
  ) -> BadInput {
    BadInput(name: name, files: files, command: command, exitCode: 1, says: says, hint: hint)
  }

  static let statements = [
    models(
      "column",
      [
        "models/a.sql":
          "{{ config(materialized='table') }}\n-- words\nselect\n  1 as id,\n  1️⃣nope as x\n"
      ],
      [
        error, "column \"nope\" does not exist", "LINE ", "nope as x",
        "compiled code at target/run/faulty/models/a.sql",
      ]
    ),
    models(
      "column-without-templates",
      ["models/a.sql": "select\n  1 as id,\n  1️⃣nope as x\n"],
      [error, "column \"nope\" does not exist"]
    ),
    models(
      "relation",
      ["models/a.sql": "select *\nfrom 1️⃣nothing\n"],
      [error, "relation \"nothing\" does not exist"]
    ),
    models(
      "syntax",
      ["models/a.sql": "{{ config(materialized='table') }}\nselect 1 as a,\n1️⃣from\n"],
      [error, "syntax error at or near \"from\""]
    ),
    models(
      "windows-line-ends",
      [
        "models/a.sql":
          "{{ config(materialized='table') }}\r\nselect\r\n  1 as a,\r\n  1️⃣nope as b\r\n"
      ],
      [error, "column \"nope\" does not exist"]
    ),
    models(
      "accents",
      ["models/a.sql": "select 'é', '€', '𝄞' as a, 1️⃣nope as b, {{ '1' }} as c\n"],
      [error, "column \"nope\" does not exist"]
    ),
    models(
      "text-of-a-macro",
      [
        "models/a.sql": "select\n  {{ plus_one('1️⃣zz') }} as a\n",
        "macros/m.sql": "{% macro plus_one(x) %}{{ x }} + 1{% endmacro %}\n",
      ],
      [error, "column \"zz\" does not exist", "in macro plus_one (macros/m.sql:1:27)"]
    ),
    models(
      "value-of-an-expression",
      ["models/a.sql": "{% set name = 'nope' %}\nselect\n  {{ 1️⃣name }} as a\n"],
      [error, "column \"nope\" does not exist"]
    ),
    models(
      "captured-text",
      [
        "models/a.sql":
          "{% set list %}\n  one, 1️⃣two\n{% endset %}\nselect\n  1 as a,\n  {{ list }}\nfrom (select 1 as one) t\n"
      ],
      [error, "column \"two\" does not exist"]
    ),
    models(
      "loop",
      [
        "models/a.sql":
          "select\n{% for c in ['1','nope'] %}\n  {{ 1️⃣c }} as c{{ loop.index }}{{ ',' if not loop.last }}\n{% endfor %}\n"
      ],
      [error, "column \"nope\" does not exist"]
    ),
    models(
      "ephemeral-model",
      [
        "models/e.sql": "{{ config(materialized='ephemeral') }}\nselect\n  1️⃣nope as x\n",
        "models/a.sql": "select * from {{ ref('e') }}\n",
      ],
      [error, "column \"nope\" does not exist", "ephemeral model e"]
    ),
    models(
      "below-an-ephemeral-model",
      [
        "models/e.sql": "{{ config(materialized='ephemeral') }}\nselect 1 as x\n",
        "models/a.sql": "with own as (select 1 as one)\nselect\n  1️⃣nope\nfrom {{ ref('e') }}\n",
      ],
      [error, "column \"nope\" does not exist"]
    ),
    models(
      "incremental-model",
      [
        "models/a.sql":
          "{{ config(materialized='incremental') }}\nselect 1 as a\nwhere 1️⃣nope > 1\n"
      ],
      [error, "column \"nope\" does not exist"]
    ),
    models(
      "value-at-run-time",
      [
        "models/a.sql":
          "{{ config(materialized='table') }}\nselect 1/(n-n) as x from (select 1 as n) t\n"
      ],
      [error, "division by zero", "compiled code at target/run/faulty/models/a.sql"]
    ),
    models(
      "hook-of-a-model",
      [
        "models/a.sql": "{{ config(pre_hook='select nope from 1️⃣nothing') }}\nselect 1 as a\n"
      ],
      [error, "relation \"nothing\" does not exist"]
    ),
    models(
      "query-of-a-macro",
      [
        "models/a.sql":
          "{% if execute %}\n{% set r = run_query('select 1️⃣oops') %}\n{% endif %}\nselect 1 as a\n"
      ],
      [error, "column \"oops\" does not exist"]
    ),
    models(
      "hook-at-the-start",
      [
        "models/a.sql": model,
        "dbt_project.yml": BadInput.projectFile("on-run-start:\n  - select nope from 1️⃣nothing\n"),
      ],
      ["on-run-start.0 failed, error:", "relation \"nothing\" does not exist"]
    ),
    models(
      "hook-at-the-end",
      [
        "models/a.sql": model,
        "dbt_project.yml": BadInput.projectFile(
          "on-run-end:\n  - select 1\n  - \"select nope from {{ 1️⃣target.schema }}.nothing\"\n"
        ),
      ],
      ["on-run-end.1 failed, error:", ".nothing\" does not exist"]
    ),
    models(
      "generic-test",
      [
        "models/a.sql": model,
        "models/s.yml":
          "models:\n  - name: a\n    columns:\n      - name: b\n        data_tests:\n          - 1️⃣not_null\n",
      ],
      ["Database Error in test not_null_a_b (models/s.yml)", "column \"b\" does not exist"]
    ),
    models(
      "singular-test",
      [
        "models/a.sql": model,
        "tests/t.sql": "select *\nfrom {{ ref('a') }}\nwhere 1️⃣nope > 1\n",
      ],
      ["Database Error in test t (tests/t.sql)", "column \"nope\" does not exist"]
    ),
    models(
      "failing-test",
      [
        "models/a.sql": "select 1 as id union all select 1\n",
        "models/s.yml":
          "models:\n  - name: a\n    columns:\n      - name: id\n        data_tests: [unique]\n",
      ],
      ["Failure in test unique_a_id (models/s.yml)", "Got 1 result, configured to fail if != 0"]
    ),
    models(
      "unknown-test",
      [
        "models/a.sql": model,
        "models/s.yml":
          "models:\n  - name: a\n    columns:\n      - name: id\n        data_tests: [1️⃣uniqe]\n",
      ],
      ["'test_uniqe' is undefined."],
      hint: "did you mean 'unique'?"
    ),
    models(
      "unknown-macro",
      [
        "models/a.sql": "select\n  {{ 1️⃣cents_to_dollar(1) }} as a\n",
        "macros/m.sql": "{% macro cents_to_dollars(x) %}{{ x }}/100{% endmacro %}\n",
      ],
      ["Compilation Error in model a (models/a.sql)", "'cents_to_dollar' is undefined."],
      hint: "did you mean 'cents_to_dollars'?"
    ),
    models(
      "unknown-package",
      ["models/a.sql": "select\n  {{ 1️⃣dbt_utils.star(1) }} as a\n"],
      ["'dbt_utils' is undefined.", "dbt deps"]
    ),
    models(
      "undefined-variable-called",
      ["models/a.sql": "select\n  {{ 1️⃣nope.x }} as a\n"],
      ["Compilation Error in model a (models/a.sql)", "'nope' is undefined."]
    ),
    models(
      "missing-var",
      ["models/a.sql": "select\n  {{ 1️⃣var('start') }} as a\n"],
      ["Required var 'start' not found in config:", "Vars supplied to a = {}"]
    ),
    models(
      "unknown-materialization",
      ["models/a.sql": "{{ config(materialized='tabel') }}\nselect 1 as a\n"],
      ["No materialization 'tabel' was found for adapter postgres!"],
      hint: "did you mean 'table'?"
    ),
    models(
      "unknown-strategy",
      [
        "models/a.sql":
          "{{ config(materialized='incremental', incremental_strategy='upsert') }}\nselect 1 as a\n"
      ],
      [
        "dbt could not find an incremental strategy macro with the name "
          + "\"get_incremental_upsert_sql\" in faulty"
      ]
    ),
    models(
      "long-name",
      ["models/\(String(repeating: "a", count: 70)).sql": model],
      ["is longer than 63 characters"]
    ),
    models(
      "byte-zero",
      ["models/a.sql": "select 1 as a \u{0} -- b\n"],
      ["model a (models/a.sql)"]
    ),
    models(
      "only-a-comment",
      ["models/a.sql": "-- nothing\n"],
      [error, "syntax error at"]
    ),
    models(
      "ref-that-parsing-did-not-see",
      [
        "models/b.sql": "select 1 as b",
        "models/a.sql": "select 1 as a\n{% if execute %}from {{ 1️⃣ref('b') }}{% endif %}\n",
      ],
      ["dbt was unable to infer all dependencies for the model \"a\"."]
    ),
    models(
      "ragged-seed",
      ["seeds/s.csv": "a,b\n1,2\n3\n1️⃣4,5,6\n"],
      ["Row 2 has 3 values, but Table only has 2 columns."]
    ),
    models(
      "seed-value-of-another-type",
      [
        "seeds/s.csv": "a,b\n1,2\n1️⃣x,3\n",
        "dbt_project.yml": BadInput.projectFile(
          "seeds:\n  faulty:\n    s:\n      +column_types: {a: integer}\n"
        ),
      ],
      ["Database Error in seed s (seeds/s.csv)", "invalid input syntax for type integer: \"x\""]
    ),
    models(
      "seed-with-an-unknown-type",
      [
        "seeds/s.csv": "a,b\n1,2\n",
        "dbt_project.yml": BadInput.projectFile(
          "seeds:\n  faulty:\n    s:\n      +column_types: {a: integr}\n"
        ),
      ],
      ["Database Error in seed s (seeds/s.csv)", "type \"integr\" does not exist"]
    ),
    models(
      "empty-seed",
      ["seeds/s.csv": ""],
      ["seed s (seeds/s.csv)"]
    ),
  ]

  @Test func resultsHoldTheWordsOfDbt() async throws {
    let home = try home()
    let folder = try home.folder(
      "words",
      files: [
        "dbt_project.yml": BadInput.projectFile("models: {faulty: {+materialized: table}}\n"),
        "models/bad.sql":
          "-- a model\nselect\n  1 as id,\n  nope as x\nfrom (select 1 as one) t\n",
        "models/rq.sql":
          "{% if execute %}{% set r = run_query(\"select oops\") %}{% endif %}\nselect 1 as x\n",
      ]
    )
    _ = try await Sectoral.run(["run"], in: folder, home: home)
    let messages = try runResults(in: folder).mapValues(\.message)
    // Line numbers and columns are those of the statement as it was sent.
    let bad = try #require(messages["model.faulty.bad"])
    #expect(
      bad.hasPrefix(
        "Database Error in model bad (models/bad.sql)\n  column \"nope\" does not exist\n  LINE "
      )
    )
    #expect(bad.contains(":   nope as x\n"))
    #expect(bad.contains(" ^\n"))
    #expect(bad.contains("\n  HINT:  Perhaps you meant to reference the column \"t.one\"."))
    #expect(bad.hasSuffix("\n  compiled code at target/run/faulty/models/bad.sql"))
    let query = try #require(messages["model.faulty.rq"])
    #expect(
      query.hasPrefix(
        "Database Error in model rq (models/rq.sql)\n  column \"oops\" does not exist"
      )
    )
    #expect(!query.contains("compiled code at"))
  }

  // MARK: Connections

  private func connect(_ profile: (PasswordServer) -> String) async throws -> Sectoral.Result {
    let home = try home()
    let server = try PasswordServer.shared.get()
    let folder = try home.folder(
      "connect-\(UInt32.random(in: 0...UInt32.max))",
      files: [
        "dbt_project.yml": BadInput.projectFile(), "models/a.sql": Self.model,
        "profiles.yml": profile(server),
      ]
    )
    return try await Sectoral.run(["run"], in: folder, home: home)
  }

  @Test func aServerWithAPassword() async throws {
    let result = try await connect { $0.profile() }
    #expect(result.exitCode == 0, "\(result)")
  }

  @Test func aWrongPassword() async throws {
    let result = try await connect { $0.profile(password: "wrong-password") }
    #expect(result.exitCode == 2, "\(result)")
    #expect(result.output.contains("Database Error"))
    #expect(
      result.output.contains("password authentication failed for user \"analyst\""),
      "\(result)"
    )
    #expect(result.output.contains("= hint: check `user` and `password`"), "\(result)")
    #expect(!result.output.contains("wrong-password"))
  }

  @Test func aDeadDatabase() async throws {
    let port = try PasswordServer.freePort()
    let result = try await connect { $0.profile(port: port) }
    #expect(result.exitCode == 2, "\(result)")
    #expect(result.output.contains("Database Error"))
    #expect(result.output.contains("Connection refused"), "\(result)")
    #expect(result.output.contains("= hint: check that the server runs"), "\(result)")
  }

  /// Connecting begins while the project is read: mistakes of the project are told without waiting for a
  /// server that does not answer.
  @Test func mistakesDoNotWaitForAServer() async throws {
    let home = try home()
    let server = try PasswordServer.shared.get()
    let folder = try home.folder(
      "mistakes-first",
      files: [
        "dbt_project.yml": BadInput.projectFile(),
        "models/a.sql": "select * from {{ ref('nope') }}\n",
        // An address that is kept for examples: nobody answers there.
        "profiles.yml": server.profile().replacing("127.0.0.1", with: "192.0.2.1"),
      ]
    )
    let result = try await Sectoral.run(["run"], in: folder, home: home)
    #expect(result.exitCode == 2, "\(result)")
    #expect(result.output.contains("depends on a node named 'nope'"), "\(result)")
    #expect(!result.output.contains("192.0.2.1"), "\(result)")
  }

  /// A compile connects when a model first asks for something: who does not answer is asked once.
  @Test func aCompileDoesNotAskADeadDatabaseForEveryModel() async throws {
    let home = try home()
    let server = try PasswordServer.shared.get()
    var files = [
      "dbt_project.yml": BadInput.projectFile(),
      "profiles.yml": server.profile(port: try PasswordServer.freePort()),
    ]
    for number in 0..<20 {
      files["models/m\(number).sql"] =
        "select {% if execute %}{{ run_query('select 1').rows[0][0] }}{% endif %} as id\n"
    }
    let folder = try home.folder("compile-dead", files: files)
    let result = try await Sectoral.run(["compile"], in: folder, home: home)
    #expect(result.exitCode == 2, "\(result)")
    let refusals = result.output.components(separatedBy: "Connection refused").count - 1
    #expect(refusals == 1, "\(result)")
    #expect(result.output.contains("= hint: check that the server runs"), "\(result)")
  }

  @Test func anUnknownDatabase() async throws {
    let result = try await connect { $0.profile(database: "nowhere") }
    #expect(result.exitCode == 2, "\(result)")
    #expect(result.output.contains("database \"nowhere\" does not exist"), "\(result)")
    #expect(result.output.contains("= hint: create the database"), "\(result)")
  }

  @Test func debugSaysWhatIsWrong() async throws {
    let home = try home()
    let server = try PasswordServer.shared.get()
    let folder = try home.folder(
      "debug-wrong",
      files: [
        "dbt_project.yml": BadInput.projectFile(),
        "profiles.yml": server.profile(password: "wrong-password"),
      ]
    )
    let result = try await Sectoral.run(["debug"], in: folder, home: home)
    #expect(result.exitCode == 1, "\(result)")
    #expect(result.output.contains("Connection test: [ERROR]"), "\(result)")
    #expect(result.output.contains("password authentication failed"), "\(result)")
    #expect(!result.output.contains("wrong-password"))
  }
}

/// `run_results.json`, by node.
func runResults(in folder: String) throws -> [String: (status: String, message: String)] {
  struct Results: Decodable {
    struct Result: Decodable {
      var uniqueID: String
      var status: String
      var message: String?

      enum CodingKeys: String, CodingKey {
        case uniqueID = "unique_id"
        case status
        case message
      }
    }
    var results: [Result]
  }
  let data = try Data(contentsOf: URL(fileURLWithPath: "\(folder)/target/run_results.json"))
  let results = try JSONDecoder().decode(Results.self, from: data).results
  return Dictionary(
    uniqueKeysWithValues: results.map { ($0.uniqueID, ($0.status, $0.message ?? "")) }
  )
}
