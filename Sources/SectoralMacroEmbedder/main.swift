import Foundation

// SectoralMacroEmbedder FOLDER OUTPUT.swift: writes the templates below FOLDER into one Swift file
// as `embeddedMacroFiles`, a list of (path relative to FOLDER, text).
let arguments = CommandLine.arguments
guard arguments.count == 3 else {
  FileHandle.standardError.write(Data("usage: SectoralMacroEmbedder FOLDER OUTPUT\n".utf8))
  exit(2)
}
let folder = URL(filePath: arguments[1]).standardizedFileURL
let output = URL(filePath: arguments[2])

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
for (path, text) in files {
  swift += "  (\n    \"\(path)\",\n    ##\"\"\"\n\(text)\n\"\"\"##\n  ),\n"
}
swift += "]\n"
try swift.write(to: output, atomically: true, encoding: .utf8)
