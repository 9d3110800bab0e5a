import Foundation
import Testing

/// Passwords and secrets are in nothing that is printed or written, and templates cannot get at them.
struct SecretTests {
  private static let password = PasswordServer.password
  private static let secret = "s3cr\"et/vält"

  /// The text of every file below a folder.
  private func files(in folder: String) throws -> [(path: String, text: String)] {
    let names = try #require(FileManager.default.enumerator(atPath: folder)).compactMap {
      $0 as? String
    }
    return names.compactMap { name in
      let data = FileManager.default.contents(atPath: "\(folder)/\(name)")
      return data.map { (name, String(decoding: $0, as: UTF8.self)) }
    }
  }

  private static let files: [String: String] = [
    "dbt_project.yml": BadInput.projectFile(
      "on-run-start: [\"{{ log('start ' ~ var('spilled'), info=True) }}\"]\n"
    ),
    // Whoever holds the words in a variable can print them; they are masked all the same.
    "models/a.sql": "{{ log(var('spilled'), info=True) }}select 1 as id -- no secret\n",
    "models/broken.sql": "select '{{ var('spilled').replace(\"'\", '') }}' as x, nope\n",
    "models/s.yml": """
    models:
      - name: a
        description: "{{ var('spilled') }} is what the server asks for"
        columns:
          - name: id
            data_tests: [unique]

    """,
    "macros/m.sql": """
    {% macro show_all() %}
      {{ log('target ' ~ target, info=True) }}
      {{ log('config ' ~ adapter.config.credentials, info=True) }}
      {{ log('config ' ~ adapter.config, info=True) }}
      {{ log('adapter ' ~ adapter, info=True) }}
      {{ log('flags ' ~ flags, info=True) }}
      {% for name in target %}{{ log(name ~ ' ' ~ target[name], info=True) }}{% endfor %}
    {% endmacro %}
    """,
  ]

  @Test(arguments: [password, secret])
  func nothingThatIsWrittenHoldsIt(_ spilled: String) async throws {
    let home = try TestHome.shared.get()
    let server = try PasswordServer.shared.get()
    var files = Self.files
    files["profiles.yml"] = server.profile()
    let folder = try home.folder("secret-\(UInt32.random(in: 0...UInt32.max))", files: files)
    let variables = try String(
      decoding: JSONSerialization.data(withJSONObject: ["spilled": spilled]),
      as: UTF8.self
    )
    let commands = [
      ["parse"], ["debug"], ["build"], ["run-operation", "show_all"], ["docs", "generate"],
      ["ls"], ["build", "--log-format", "json", "--log-level", "debug"],
      ["run", "--log-format-file", "json"], ["show", "--inline", "select 1 as id"],
    ]
    for command in commands {
      let result = try await Sectoral.run(
        command + ["--vars", variables],
        in: folder,
        home: home,
        environment: ["DBT_ENV_SECRET_WORD": Self.secret]
      )
      let escaped = spilled.replacingOccurrences(of: "\"", with: "\\\"")
      for text in [spilled, escaped] {
        #expect(!result.output.contains(text), "\(command)")
        #expect(!result.errors.contains(text), "\(command)")
      }
    }
    let log = try String(contentsOfFile: "\(folder)/logs/dbt.log", encoding: .utf8)
    #expect(log.contains("*****"))
    for (path, text) in try self.files(in: "\(folder)/target") + self.files(in: "\(folder)/logs") {
      // What is sent to the server is written as it is: it is to be run again by hand.
      if path.hasPrefix("compiled/") || path.hasPrefix("run/") { continue }
      #expect(!text.contains(spilled), "\(path)")
      #expect(!text.contains(spilled.replacingOccurrences(of: "\"", with: "\\\"")), "\(path)")
      if path.hasSuffix(".json") {
        #expect(throws: Never.self, "\(path)") {
          try JSONSerialization.jsonObject(with: Data(text.utf8))
        }
      }
    }
  }

  /// A password that is a word of the project takes nothing out of its names.
  @Test func wordsAreNoSecrets() async throws {
    let home = try TestHome.shared.get()
    let folder = try home.folder(
      "secretword",
      files: [
        "dbt_project.yml": BadInput.projectFile(),
        "profiles.yml": """
        faulty:
          target: dev
          outputs:
            dev: {type: postgres, host: 127.0.0.1, port: 1, user: u, password: unused, dbname: d, schema: s}

        """,
        "models/fct_unused_sources.sql": "select 1 as id\n",
      ]
    )
    let result = try await Sectoral.run(["parse"], in: folder, home: home)
    #expect(result.exitCode == 0, "\(result)")
    let manifest = try String(contentsOfFile: "\(folder)/target/manifest.json", encoding: .utf8)
    #expect(manifest.contains("model.faulty.fct_unused_sources"))
    #expect(!manifest.contains("*****"))
  }

  /// A profile that cannot be used has no password yet that could be masked.
  @Test(arguments: [
    ("other", "faulty: {target: dev, outputs: {dev: {type: postgres, password: swordfish}}}\n"),
    ("faulty", "faulty: {target: prd, outputs: {dev: {type: postgres, pass: 'swordfish'}}}\n"),
    ("faulty", "faulty: {target: dev, outputs: {dev: {type: postgres, password: swordfish}\n"),
  ])
  func noSnippetShowsAPassword(_ profile: String, _ text: String) async throws {
    let home = try TestHome.shared.get()
    let folder = try home.folder(
      "secretsnippet-\(UInt32.random(in: 0...UInt32.max))",
      files: [
        "dbt_project.yml": "name: faulty\nprofile: \(profile)\n", "profiles.yml": text,
        "models/a.sql": "select 1 as id\n",
      ]
    )
    for command in ["parse", "debug", "run"] {
      let result = try await Sectoral.run([command], in: folder, home: home)
      #expect(result.exitCode != 0, "\(result)")
      #expect(result.output.contains("profiles.yml"), "\(result)")
      #expect(!result.output.contains("swordfish"), "\(result)")
    }
  }

  /// Relations are known by these names: an artifact without them is of no use to the next run.
  @Test func namesOfTheDatabaseStayInArtifacts() async throws {
    let home = try TestHome.shared.get()
    let folder = try home.folder(
      "secretnames",
      files: [
        "dbt_project.yml": BadInput.projectFile(),
        "profiles.yml": """
        faulty:
          target: dev
          outputs:
            dev:
              type: postgres
              host: 127.0.0.1
              port: 1
              user: u
              password: "{{ env_var('DBT_ENV_SECRET_PASSWORD') }}"
              dbname: "{{ env_var('DBT_ENV_SECRET_DATABASE') }}"
              schema: "{{ env_var('DBT_ENV_SECRET_SCHEMA') }}"

        """,
        "models/a.sql": "-- swordfish-9\nselect 1 as id\n",
      ]
    )
    let result = try await Sectoral.run(
      ["parse"],
      in: folder,
      home: home,
      environment: [
        "DBT_ENV_SECRET_PASSWORD": "swordfish-9", "DBT_ENV_SECRET_DATABASE": "warehouse",
        "DBT_ENV_SECRET_SCHEMA": "analytics",
      ]
    )
    #expect(result.exitCode == 0, "\(result)")
    let manifest = try String(contentsOfFile: "\(folder)/target/manifest.json", encoding: .utf8)
    #expect(manifest.contains(#"\"warehouse\".\"analytics\".\"a\""#))
    #expect(!manifest.contains("swordfish-9"))
  }

  @Test func templatesDoNotGetSecrets() async throws {
    let home = try TestHome.shared.get()
    let folder = try home.folder(
      "secretvar",
      files: [
        "dbt_project.yml": BadInput.projectFile(),
        "models/a.sql": "select '{{ env_var('DBT_ENV_SECRET_WORD') }}' as a\n",
      ]
    )
    let result = try await Sectoral.run(
      ["parse"],
      in: folder,
      home: home,
      environment: ["DBT_ENV_SECRET_WORD": Self.secret]
    )
    #expect(result.exitCode == 2, "\(result)")
    #expect(result.output.contains("Secret env vars are allowed only in profiles.yml"), "\(result)")
    #expect(!result.output.contains(Self.secret))
  }

  /// A filter sees a placeholder: what it makes of a secret would not be recognized and masked.
  @Test(arguments: ["| upper", "| join(' ')", "[1:]"])
  func filtersDoNotGetSecrets(_ change: String) async throws {
    let home = try TestHome.shared.get()
    let folder = try home.folder(
      "secretfilter",
      files: [
        "dbt_project.yml": BadInput.projectFile(),
        "packages.yml": "packages:\n  - local: \"{{ env_var('DBT_ENV_SECRET_WORD')\(change) }}\"\n",
      ]
    )
    let result = try await Sectoral.run(
      ["deps"],
      in: folder,
      home: home,
      environment: ["DBT_ENV_SECRET_WORD": "swordfish"]
    )
    #expect(result.exitCode == 2, "\(result)")
    for spilled in ["swordfish", "SWORDFISH", "s w o r d f i s h", "wordfish"] {
      #expect(!result.output.contains(spilled), "\(result)")
    }
  }
}
