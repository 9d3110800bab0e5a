import Foundation
import SectoralProject
import SectoralText
import Testing

final class FileSystemTests {
  let folder: String

  deinit { try? FileSystem.removeTree(folder) }

  init() throws {
    folder = FileManager.default.temporaryDirectory.path + "/sectoral-files-\(UUID().uuidString)"
    try FileSystem.makeFolder(folder)
  }

  @Test
  func `What is written is read back, in folders made on the way`() throws {
    let path = "\(folder)/a/b/c.json"
    for text in ["first", "", "a longer second text"] {
      try FileSystem.write(Array(text.utf8), to: path)
      #expect(try FileSystem.read(path) == Array(text.utf8))
      try FileSystem.writeDerived(Array(text.utf8), to: path + ".sql")
      #expect(try FileSystem.read(path + ".sql") == Array(text.utf8))
    }
    #expect(FileSystem.files(below: folder) == ["a/b/c.json", "a/b/c.json.sql"])
  }

  @Test
  func `A write that cannot be leaves what was there and nothing beside it`() throws {
    try FileSystem.write(Array("old".utf8), to: "\(folder)/taken")
    let failure = try #require(throws: Failure.self) {
      try FileSystem.write(Array("new".utf8), to: "\(folder)/taken/below.json")
    }
    #expect(failure.diagnostics[0].hint?.contains("a file stands where a folder must be") == true)
    #expect(try FileSystem.read("\(folder)/taken") == Array("old".utf8))
    #expect(FileSystem.files(below: folder) == ["taken"])
  }

  @Test
  func `A link in a tree that is removed is not followed`() throws {
    try FileSystem.write(Array("kept".utf8), to: "\(folder)/outside/kept.sql")
    try FileSystem.makeFolder("\(folder)/target")
    try FileManager.default.createSymbolicLink(
      atPath: "\(folder)/target/link",
      withDestinationPath: "\(folder)/outside"
    )
    try FileSystem.removeTree("\(folder)/target")
    #expect(FileSystem.files(below: folder) == ["outside/kept.sql"])
  }

  @Test(arguments: [
    ("a/b", "/r/a/b"), ("./a/../b", "/r/b"), ("/x//y/.", "/x/y"), ("../..", "/"), ("", "/r"),
  ])
  func `A path becomes absolute`(path: String, absolute: String) {
    #expect(FileSystem.absolute(path, from: "/r") == absolute)
  }
}
