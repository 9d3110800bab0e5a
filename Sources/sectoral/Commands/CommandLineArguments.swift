import ArgumentParser

/// A command line sorted out before it is parsed: which command, with the global flags in front of
/// it moved behind.
struct CommandLineArguments {
  /// `run`, `db status`; nil when there is none.
  var command: String?
  /// For the parser: the command, the global flags, the rest.
  var arguments: [String]
  /// Whether `-m`, `--model` or `--models` stands there, which dbt calls deprecated.
  var usesModelsOption = false
  /// `--version` without a command.
  var asksForVersion = false

  private static let groups: [String] = ["db", "docs", "source"]

  init(_ given: [String]) throws(UsageError) {
    var before: [String] = []
    var seen: [String] = []
    var index = 0
    while index < given.count, given[index].hasPrefix("-"), given[index] != "--" {
      let token = given[index]
      let name = token.split(separator: "=", maxSplits: 1).first.map(String.init) ?? token
      guard let entry = FlagTable.spellings[name] else { break }
      before.append(token)
      seen.append(entry.flag.name)
      index += 1
      if entry.takesValue, name == token {
        guard index < given.count else {
          throw UsageError("Option '\(name)' requires an argument.")
        }
        before.append(given[index])
        index += 1
      }
    }
    var rest = given[index...]
    guard let first = rest.first, !first.hasPrefix("-") else {
      asksForVersion = seen.contains("version")
      if rest.isEmpty, !asksForVersion { throw UsageError("Missing command.") }
      arguments = before + rest
      return
    }
    var words = [first]
    rest = rest.dropFirst()
    if Self.groups.contains(first), let second = rest.first, !second.hasPrefix("-") {
      words.append(second)
      rest = rest.dropFirst()
    }
    let command = words.joined(separator: " ")
    for token in rest.prefix(while: { $0 != "--" }) {
      let name = token.split(separator: "=", maxSplits: 1).first.map(String.init) ?? token
      if ["-m", "--model", "--models"].contains(name) { usesModelsOption = true }
      guard let entry = FlagTable.spellings[name], seen.contains(entry.flag.name) else { continue }
      throw UsageError(
        "\(entry.flag.name) was provided both before and after the subcommand, it can only be set "
          + "either before or after.",
        command: command
      )
    }
    self.command = command
    arguments = words + before + rest
  }

  /// The command with its options; an error of the parser's own for what it does not know.
  func parsed() throws -> any ParsableCommand { try RootCommand.parseAsRoot(arguments) }

  /// What the parsed options say, under dbt's names; options that were not given are left out.
  static func flags(of arguments: some ParsableArguments) -> [String: RawFlag] {
    var flags: [String: RawFlag] = [:]
    collect(Mirror(reflecting: arguments), into: &flags)
    return flags
  }

  private static func collect(_ mirror: Mirror, into flags: inout [String: RawFlag]) {
    for child in mirror.children {
      // Property wrappers are stored under the property's name with an underscore in front.
      guard let label = child.label, label.hasPrefix("_") else { continue }
      let name = snakeCase(label.dropFirst())
      switch child.value {
      case let flag as Flag<Bool?>: flags[name] = flag.wrappedValue.map(RawFlag.bool)
      case let flag as Flag<Bool>: flags[name] = flag.wrappedValue ? .bool(true) : nil
      case let option as Option<String?>: flags[name] = option.wrappedValue.map(RawFlag.text)
      case let option as Option<[String]>:
        flags[name] = option.wrappedValue.isEmpty ? nil : .texts(option.wrappedValue)
      case let group as any OptionGroupValue:
        collect(Mirror(reflecting: group.value), into: &flags)
      default: continue
      }
    }
  }

  private static func snakeCase(_ name: Substring) -> String {
    var out = ""
    for character in name {
      if character.isUppercase {
        out += "_" + character.lowercased()
      } else {
        out.append(character)
      }
    }
    return out
  }
}

/// An option group whatever its type.
private protocol OptionGroupValue {
  var value: any ParsableArguments { get }
}

extension OptionGroup: OptionGroupValue {
  fileprivate var value: any ParsableArguments { wrappedValue }
}
