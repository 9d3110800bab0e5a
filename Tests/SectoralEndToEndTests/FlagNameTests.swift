import Foundation
import Testing

/// Every command knows every flag that dbt-core 1.11 gives it.
struct FlagNameTests {
  /// `command: --flag -f …`, one command a line.
  static let commands: [String] = {
    let path = "\(Sectoral.repository)/Tests/Conformance/flags.txt"
    let text = (try? String(contentsOfFile: path, encoding: .utf8)) ?? ""
    return text.split(separator: "\n").map(String.init)
  }()

  @Test func thereAreCommands() { #expect(Self.commands.count == 20) }

  @Test(arguments: commands)
  func knowsItsFlags(_ line: String) async throws {
    let parts = line.split(separator: ":", maxSplits: 1)
    let home = try TestHome.shared.get()
    let command = parts[0].split(separator: " ").map(String.init)
    let help = try await Sectoral.run(command + ["--help-hidden"], in: home.path, home: home)
    try #require(help.exitCode == 0, "\(help)")
    let words = Set(
      help.output.split { !($0.isLetter || $0.isNumber || $0 == "-") }.map(String.init)
    )
    for flag in parts[1].split(separator: " ").map(String.init) {
      #expect(words.contains(flag), "\(parts[0]) does not know \(flag)")
    }
  }
}
