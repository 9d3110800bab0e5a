import BigInt
import SectoralJinja
import SectoralPython
import SectoralText
import SectoralYAML

/// The names that a template sees, from files and from the command line.
enum ContextData {
  /// A mapping from a file: YAML (PyYAML's dialect) when its name says so, JSON otherwise.
  static func read(_ path: String) -> DictValue {
    guard let bytes = System.read(path) else {
      System.fail("cannot read the context file '\(path)'")
    }
    let isYAML = path.hasSuffix(".yaml") || path.hasSuffix(".yml")
    let file = SourceFile(path: path, bytes: bytes)
    guard case .dict(let dictionary) = isYAML ? yaml(file) : json(file) else {
      System.fail("\(path): the context must be a mapping of names to values")
    }
    return dictionary
  }

  private static func json(_ file: SourceFile) -> Value {
    do throws(JSONText.Failure) {
      return try JSONText.value(of: file.bytes)
    } catch {
      let (line, column) = file.position(at: error.offset)
      System.fail("\(file.path):\(line):\(column): \(error.message)")
    }
  }

  private static func yaml(_ file: SourceFile) -> Value {
    let (root, diagnostics) = YAMLParser.parse(file)
    if let first = diagnostics.first(where: { $0.severity == .error }) {
      System.fail(DiagnosticFormatter().format(first))
    }
    return root.map(value) ?? .none
  }

  /// The value of `--define NAME=VALUE`, as YAML reads it.
  static func defined(_ name: String, _ text: String) -> Value {
    yaml(SourceFile(path: "--define \(name)", text: text))
  }

  private static func value(_ node: YAMLNode) -> Value {
    switch node.value {
    case .scalar(let scalar): return value(scalar)
    case .sequence(let items): return .list(items.map(value))
    case .mapping(let entries):
      let dictionary = DictValue()
      for (key, item) in entries { dictionary[value(key)] = value(item) }
      return .dict(dictionary)
    }
  }

  private static func value(_ scalar: Datum) -> Value {
    switch scalar {
    case .null, .list, .map: .none
    case .bool(let bool): .bool(bool)
    case .int(let int): .int(int)
    case .bigInt(let digits): .integer(BigInt(digits, radix: 10) ?? 0)
    case .float(let double): .float(double)
    case .string(let text): .string(text)
    case .date(let text): .isoDate(text)
    }
  }

  static func addModules(to context: DictValue) {
    context["modules"] = .object(ModulesObject())
    context["Decimal"] = .object(DecimalClass())
  }

  static func scope(_ context: DictValue) -> Scope {
    var values: [Symbol: Value] = [:]
    for (key, value) in context.pairs {
      if case .string(let name) = key { values[Symbol(name)] = value }
    }
    return DictionaryScope(values)
  }
}

extension UndefinedKind {
  /// By the names that options use.
  init?(option: String) {
    switch option {
    case "default", "standard": self = .standard
    case "strict": self = .strict
    case "chainable": self = .chainable
    case "debug": self = .debug
    case "silent": self = .silent
    default: return nil
    }
  }
}
