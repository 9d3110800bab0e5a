package import SectoralText
package import SectoralYAML

/// One output of profiles.yml, rendered and checked: where to connect to, and as whom.
package struct Profile: Sendable {
  package let profileName: String
  package let targetName: String
  /// `postgres` or `redshift`.
  package let type: String
  package let threads: Int
  /// The output's keys under their main names (`database`, `password`), defaults filled in.
  package let credentials: DatumMap
  /// A private server of our own, started on demand.
  package let isEmbedded: Bool
  /// profiles.yml; nil where no profile was found and the embedded server stands in.
  package let file: SourceFile?
  /// Keys of the output that mean nothing to its type, each with the one that may be meant.
  package let unknownKeys: [(key: String, guess: String?)]
  /// Why it cannot be used; what is wrong is not among the credentials.
  package private(set) var problems: [Failure] = []

  package init(
    profileName: String,
    targetName: String,
    type: String,
    threads: Int,
    credentials: DatumMap,
    isEmbedded: Bool,
    file: SourceFile?,
    unknownKeys: [(key: String, guess: String?)] = []
  ) {
    self.unknownKeys = unknownKeys
    self.profileName = profileName
    self.targetName = targetName
    self.type = type
    self.threads = threads
    self.credentials = credentials
    self.isEmbedded = isEmbedded
    self.file = file
  }

  package var database: String { credentials["database"]?.string ?? "" }
  package var schema: String { credentials["schema"]?.string ?? "" }

  /// The template variable `target`: the connection without its secrets.
  package var targetVariable: DatumMap {
    var map = DatumMap()
    for key in Self.targetKeys[type] ?? credentials.keys where !Self.secretKeys.contains(key) {
      if let value = credentials[key] { map[key] = value }
    }
    map["dbname"] = credentials["database"]
    map["type"] = .string(type)
    map["threads"] = .int(threads)
    map["name"] = .string(targetName)
    map["target_name"] = .string(targetName)
    map["profile_name"] = .string(profileName)
    return map
  }

  /// What each adapter shows of its credentials, in the order in which templates go through it.
  private static let targetKeys: [String: [String]] = [
    "postgres": [
      "host", "port", "user", "database", "schema", "connect_timeout", "role", "search_path",
      "keepalives_idle", "sslmode", "sslcert", "sslkey", "sslrootcert", "application_name",
      "autocommit", "retries",
    ],
    "redshift": [
      "host", "user", "port", "database", "method", "cluster_id", "iam_profile", "schema",
      "sslmode",
      "region", "autocreate", "db_groups", "ra3_node", "datasharing", "connect_timeout", "role",
      "retries", "retry_all", "autocommit", "is_serverless", "serverless_work_group",
      "serverless_acct_id", "tcp_keepalive", "tcp_keepalive_idle", "tcp_keepalive_interval",
      "tcp_keepalive_count", "query_group", "allow_concurrent_drops", "drop_without_cascade",
    ],
  ]

  private static let secretKeys: Set<String> = [
    "password", "secret_access_key", "access_key_id", "token_endpoint",
  ]

  private enum KeyType: String {
    case text = "text"
    case int = "a whole number"
    case bool = "true or false"
    case any = "a value"

    /// As JSON schemas name it.
    var schemaName: String {
      switch self {
      case .text: "string"
      case .int: "integer"
      case .bool: "boolean"
      case .any: "object"
      }
    }

    func accepts(_ value: Datum) -> Bool {
      switch self {
      case .text: value.string != nil
      case .int: value.int != nil
      case .bool: value.bool != nil
      case .any: true
      }
    }
  }

  private struct Key {
    let name: String
    let type: KeyType
    var initial: Datum?
    var isRequired = false
    var isNullable = false
  }

  private static func required(_ name: String, _ type: KeyType) -> Key {
    Key(name: name, type: type, isRequired: true)
  }

  private static func optional(_ name: String, _ type: KeyType, _ initial: Datum = .null) -> Key {
    Key(name: name, type: type, initial: initial, isNullable: true)
  }

  private static let postgresKeys: [Key] = [
    required("database", .text), required("schema", .text), required("host", .text),
    required("user", .text), required("port", .int), required("password", .text),
    optional("connect_timeout", .int, .int(10)), optional("role", .text),
    optional("search_path", .text), optional("keepalives_idle", .int, .int(0)),
    optional("sslmode", .text), optional("sslcert", .text), optional("sslkey", .text),
    optional("sslrootcert", .text), optional("application_name", .text, "dbt"),
    optional("autocommit", .bool, .bool(false)), optional("retries", .int, .int(1)),
  ]

  private static let redshiftKeys: [Key] = [
    required("database", .text), required("schema", .text), required("host", .text),
    required("port", .int), optional("method", .text, "database"), optional("user", .text),
    optional("password", .text), optional("cluster_id", .text), optional("iam_profile", .text),
    optional("autocreate", .bool, .bool(false)), optional("db_groups", .any, .list([])),
    optional("ra3_node", .bool, .bool(false)), optional("datasharing", .bool, .bool(false)),
    optional("connect_timeout", .int), optional("role", .text),
    optional("sslmode", .text, "prefer"),
    optional("retries", .int, .int(1)), optional("retry_all", .bool, .bool(false)),
    optional("region", .text), optional("autocommit", .bool, .bool(true)),
    optional("access_key_id", .text), optional("secret_access_key", .text),
    optional("idc_region", .text), optional("issuer_url", .text),
    optional("idp_listen_port", .int, .int(7890)),
    optional("idc_client_display_name", .text, "Amazon Redshift driver"),
    optional("idp_response_timeout", .int), optional("token_endpoint", .any),
    optional("is_serverless", .bool), optional("serverless_work_group", .text),
    optional("serverless_acct_id", .text), optional("tcp_keepalive", .bool, .bool(true)),
    optional("tcp_keepalive_idle", .int), optional("tcp_keepalive_interval", .int),
    optional("tcp_keepalive_count", .int), optional("query_group", .text),
    optional("allow_concurrent_drops", .bool, .bool(false)),
    optional("drop_without_cascade", .bool, .bool(false)),
    // Ours: libpq checks certificates by files, and takes a search path.
    optional("sslrootcert", .text), optional("search_path", .text),
    // Where big seeds lie on their way, as a mapping.
    optional("bulk_load", .any),
    // Whether the system tables are asked what each node took.
    optional("query_costs", .bool, .bool(false)),
  ]

  /// The profile that stands in where a project has none: the embedded server.
  package static func embedded(
    profileName: String,
    targetName: String = "local",
    schema: String = "public",
    threads: Int?,
    database: String,
    file: SourceFile? = nil
  ) -> Profile {
    Profile(
      profileName: profileName,
      targetName: targetName,
      type: "postgres",
      threads: threads ?? 4,
      credentials: [
        "host": "", "port": .int(5432), "user": "", "database": .string(database),
        "schema": .string(schema), "connect_timeout": .int(10), "role": .null,
        "search_path": .null, "keepalives_idle": .int(0), "sslmode": .null, "sslcert": .null,
        "sslkey": .null, "sslrootcert": .null, "application_name": "dbt",
        "autocommit": .bool(false), "retries": .int(1),
      ],
      isEmbedded: true,
      file: file
    )
  }

  /// What stands in while a project with an unusable profiles.yml is searched for other mistakes.
  package static func unusable(type: String = "postgres", _ problem: Failure) -> Profile {
    var credentials = DatumMap()
    for key in targetKeys[type] ?? [] { credentials[key] = "" }
    var profile = Profile(
      profileName: "",
      targetName: "",
      type: type,
      threads: 1,
      credentials: credentials,
      isEmbedded: false,
      file: nil
    )
    profile.problems = [problem]
    return profile
  }

  /// Reads profiles.yml and picks a target. What is wrong with the target's values is kept in
  /// `problems`; where there is no such target, that is thrown.
  ///
  /// `folder`: the profiles directory.
  /// `embeddedDatabase`: the database of an output with `embedded: true` that names none.
  /// `render`: renders a node with the secret flavour of the base context.
  package static func load(
    folder: String,
    profileName: String,
    target: String?,
    threads: Int?,
    embeddedDatabase: String,
    renderer: YAMLRenderer
  ) throws(Failure) -> Profile {
    let path = "\(folder)/profiles.yml"
    let file = SourceFile(
      path: path,
      bytes: try FileSystem.read(path),
      secretKeys: ["password", "pass", "secret_access_key", "access_key_id", "token"]
    )
    let (parsed, diagnostics) = YAMLParser.parse(file)
    let errors = diagnostics.filter { $0.severity == .error }
    guard errors.isEmpty else { throw Failure(.runtime, errors.map(\.asSyntaxError)) }
    let start = TextSpan(file: file, start: 0, end: 0)
    guard let root = parsed, let profiles = root.mapping else {
      throw Failure(
        .runtime,
        Diagnostic(
          id: "profile.not-a-mapping",
          message: "profiles.yml must hold profiles by name",
          span: start
        )
      )
    }
    guard let profile = root[profileName] else {
      let names = profiles.map(\.key.keyText).filter { $0 != "config" }
      throw Failure(
        .runtime,
        Diagnostic(
          id: "profile.not-found",
          message: "Could not find profile named '\(profileName)'",
          span: start,
          hint: Spelling.nearest(to: profileName, among: names).map { "did you mean '\($0)'?" }
            ?? "the profiles of this file: \(names.joined(separator: ", "))"
        )
      )
    }
    guard let outputs = profile["outputs"], !outputs.isNull else {
      throw Failure(
        .runtime,
        Diagnostic(
          id: "profile.no-outputs",
          message: "outputs not specified in profile '\(profileName)'",
          span: profile.span,
          hint: "write the targets below 'outputs:'"
        )
      )
    }
    var targetName = target
    if targetName == nil, let node = profile["target"] {
      targetName = try renderer.render(node).datum.pythonText
    }
    let name = targetName ?? "default"
    guard let raw = outputs[name] else {
      let names = outputs.mapping?.map(\.key.keyText) ?? []
      throw Failure(
        .runtime,
        Diagnostic(
          id: "profile.target-not-found",
          message: "The profile '\(profileName)' does not have a target named '\(name)'. "
            + "The valid target names for this profile are:\n"
            + names.map { " - \($0)" }.joined(separator: "\n"),
          span: profile.span,
          hint: Spelling.nearest(to: name, among: names).map { "did you mean '\($0)'?" }
        )
      )
    }
    var unrendered: [Failure] = []
    let output =
      renderer.render(
        raw,
        keeping: { path in
          // A password may hold braces that are no template.
          path == ["password"] && raw["password"].map { !renderer.canCompile($0) } ?? false
        },
        &unrendered
      ) ?? raw
    var found = try Profile(
      output,
      written: Set(raw.mapping?.map(\.key.keyText) ?? []),
      profileName: profileName,
      targetName: name,
      threads: threads,
      embeddedDatabase: embeddedDatabase,
      file: file
    )
    found.problems.insert(contentsOf: unrendered, at: 0)
    return found
  }

  /// `written`: the keys of the output, those included whose values could not be rendered.
  private init(
    _ output: YAMLNode,
    written: Set<String>,
    profileName: String,
    targetName: String,
    threads: Int?,
    embeddedDatabase: String,
    file: SourceFile
  ) throws(Failure) {
    let isEmbedded = output["embedded"]?.bool ?? false
    let type = output["type"]?.string ?? (isEmbedded ? "postgres" : "")
    var problems: [Diagnostic] = []
    guard type == "postgres" || type == "redshift" else {
      throw Failure(
        .runtime,
        Diagnostic(
          id: "profile.unknown-type",
          message: type.isEmpty
            ? "required field \"type\" not found in profile \(profileName) and target \(targetName)"
            : "Could not find adapter type \(type)!",
          span: output["type"]?.span ?? output.span,
          hint: "sectoral works with 'type: postgres' and 'type: redshift'"
        )
      )
    }
    let keys = type == "postgres" ? Self.postgresKeys : Self.redshiftKeys
    let aliases = ["dbname": "database", "pass": "password"]
    let lost = Set(written.filter { output[$0] == nil }.map { aliases[$0] ?? $0 })
    var given: [String: YAMLNode] = [:]
    // dbt takes keys that it does not know, and so do we: a misspelt one will be missed below.
    var unknown: [String] = []
    if threads == nil, let node = output["threads"], !node.isNull, node.int == nil {
      problems.append(
        Diagnostic(
          id: "profile.threads",
          message: "at path ['threads']: \(node.datum.pythonRepr) is not of type 'integer'",
          span: node.span,
          hint: "write a whole number, for instance threads: 4"
        )
      )
    }
    for (key, value) in output.mapping ?? [] {
      let main = aliases[key.keyText] ?? key.keyText
      if ["type", "threads", "embedded"].contains(main) { continue }
      guard let known = keys.first(where: { $0.name == main }) else {
        unknown.append(key.keyText)
        continue
      }
      if given[main] != nil {
        problems.append(
          Diagnostic(
            id: "profile.double-key",
            message: "Got duplicate keys: (\(key.keyText), \(main))",
            span: key.span,
            hint: "keep one of the two"
          )
        )
      }
      var datum = value.datum
      // Rendered natively: a password of digits is still a password.
      if known.type == .text, ["password", "user"].contains(main), !datum.isNull,
        datum.list == nil, datum.map == nil
      {
        datum = .string(datum.pythonText)
      }
      if !(datum.isNull && known.isNullable), !known.type.accepts(datum) {
        problems.append(
          Diagnostic(
            id: "profile.wrong-type",
            message: "Credentials in profile \"\(profileName)\", target \"\(targetName)\" invalid: "
              + (main == "password" ? "the password" : datum.pythonRepr)
              + " is not of type '\(known.type.schemaName)'",
            span: value.span,
            hint: known.type == .int && value.string != nil
              ? "a number from the environment: \"{{ env_var('…') | as_number }}\""
              : "'\(key.keyText)' must be \(known.type.rawValue)"
          )
        )
      }
      given[main] = YAMLNode(data: datum, at: value.span)
    }
    var credentials = DatumMap()
    if isEmbedded {
      credentials =
        Profile.embedded(profileName: profileName, threads: nil, database: embeddedDatabase)
        .credentials
    }
    for key in keys {
      if let node = given[key.name] {
        credentials[key.name] = node.datum
      } else if !isEmbedded, key.isRequired, !lost.contains(key.name) {
        problems.append(
          Diagnostic(
            id: "profile.missing-key",
            message: "Credentials in profile \"\(profileName)\", target \"\(targetName)\" invalid: "
              + "'\(key.name == "database" ? "dbname" : key.name)' is a required property",
            span: output.span,
            hint: Spelling.nearest(to: key.name, among: unknown).map {
              "'\($0)' means nothing here: did you mean '\(key.name)'?"
            } ?? "add it to the target, or use 'embedded: true' for a private local server"
          )
        )
      } else if !isEmbedded {
        credentials[key.name] = key.initial
      }
    }
    self.init(
      profileName: profileName,
      targetName: targetName,
      type: type,
      threads: threads ?? output["threads"]?.int ?? (isEmbedded ? 4 : 1),
      credentials: credentials,
      isEmbedded: isEmbedded,
      file: file,
      unknownKeys: unknown.map { key in
        let known = keys.map(\.name) + Array(aliases.keys) + ["type", "threads"]
        return (key, Spelling.nearest(to: key, among: known.filter { given[$0] == nil }))
      }
    )
    if !problems.isEmpty { self.problems = [Failure(.runtime, problems)] }
  }
}

extension YAMLRenderer {
  func canCompile(_ node: YAMLNode) -> Bool {
    guard let text = node.string, Self.isTemplate(text) else { return true }
    return compiles(text)
  }
}

extension YAMLNode {
  /// Data as nodes that all stand at one place.
  package init(data: Datum, at span: TextSpan) {
    switch data {
    case .list(let items):
      self.init(.sequence(items.map { YAMLNode(data: $0, at: span) }), at: span)
    case .map(let map):
      self.init(
        .mapping(
          map.entries.map {
            (YAMLNode(.scalar(.string($0.key)), at: span), YAMLNode(data: $0.value, at: span))
          }
        ),
        at: span
      )
    default: self.init(.scalar(data), at: span)
    }
  }
}
