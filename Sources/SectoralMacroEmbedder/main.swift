import Foundation

// SectoralMacroEmbedder FOLDER OUTPUT.swift: writes the templates below FOLDER into one Swift file
// as `embeddedMacroFiles`, a list of (path relative to FOLDER, text), and what is in them as
// `embeddedMacros`, so that nobody has to scan the texts when the program starts.
let arguments = CommandLine.arguments
guard arguments.count == 3 else { fail("usage: SectoralMacroEmbedder FOLDER OUTPUT") }
let folder = URL(filePath: arguments[1]).standardizedFileURL
let output = URL(filePath: arguments[2])

func fail(_ message: String) -> Never {
  FileHandle.standardError.write(Data("error: \(message)\n".utf8))
  exit(2)
}

/// A raw string literal that stands for the text, whatever is in it.
func literal(_ text: String) -> String {
  var fence = "#"
  while text.contains("\"\"\"\(fence)") || text.contains("\\\(fence)") { fence += "#" }
  return "\(fence)\"\"\"\n\(text)\n\"\"\"\(fence)"
}

var files: [(path: String, text: String)] = []
let prefix = folder.path().hasSuffix("/") ? folder.path() : folder.path() + "/"
for case let url as URL in FileManager.default.enumerator(
  at: folder,
  includingPropertiesForKeys: nil
) ?? FileManager.DirectoryEnumerator()
where url.pathExtension == "sql" {
  let path = String(url.standardizedFileURL.path().dropFirst(prefix.count))
  files.append((path, try String(contentsOf: url, encoding: .utf8)))
}
files.sort { $0.path < $1.path }

var swift = "// Made by SectoralMacroEmbedder; do not edit.\n\n"
swift += "let embeddedMacroFiles: [(path: StaticString, text: StaticString)] = [\n"
for (path, text) in files { swift += "  (\n    \"\(path)\",\n    \(literal(text))\n  ),\n" }
swift += "]\n\nlet embeddedMacros: [EmbeddedMacro] = [\n"
for (index, (path, text)) in files.enumerated() {
  var scanner = TemplateScanner(path: path, text: text)
  for block in scanner.blocks() {
    swift +=
      "  EmbeddedMacro(\n    file: \(index), name: \"\(block.name)\", start: \(block.start), "
    swift += "end: \(block.end),\n    languages: \"\(block.languages.joined(separator: " "))\",\n"
    swift += "    calls: \"\(block.calls.joined(separator: " "))\"),\n"
  }
}
swift += "]\n"
try swift.write(to: output, atomically: true, encoding: .utf8)
