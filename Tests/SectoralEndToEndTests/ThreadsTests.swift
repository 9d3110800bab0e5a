import Foundation
import Testing

/// What `compile` leaves does not depend on how many workers there are.
struct ThreadsTests {
  @Test func oneWorkerAndManyCompileTheSame() async throws {
    var files = [
      "macros/kept.sql": "{% macro kept(name) %}coalesce({{ name }}, 0){% endmacro %}"
    ]
    for index in 0..<40 {
      let parent = index < 2 ? "(select 1 as id) as start" : "{{ ref('m\(index / 2)') }}"
      let kind = ["view", "ephemeral", "table", "incremental"][index % 4]
      files["models/m\(index).sql"] = """
        {{ config(materialized='\(kind)') }}
        select {{ kept('id') }} as id from \(parent)
        {% if is_incremental() %} where id > (select max(id) from {{ this }}) {% endif %}
        """
      files["models/m\(index).yml"] = """
        models:
          - name: m\(index)
            columns: [{name: id, data_tests: [unique, not_null]}]
        """
    }
    let project = try SmallProject("threads_compile", files)
    var results: [[String: String]] = []
    for threads in ["1", "8"] {
      let target = "target_\(threads)"
      let result = try await project.run("compile", "--threads", threads, "--target-path", target)
      #expect(result.exitCode == 0, "\(result)")
      results.append(try compiled(project, target))
    }
    #expect(results[0].count == 40 + 80 + 1)
    #expect(results[0] == results[1])
  }

  /// The compiled files by name, and the nodes of the manifest as one text.
  private func compiled(_ project: SmallProject, _ target: String) throws -> [String: String] {
    var manifest = try project.json("\(target)/manifest.json")
    manifest["metadata"] = nil
    let text = try JSONSerialization.data(withJSONObject: manifest, options: .sortedKeys)
    // The moment of reading and the folder's name are the only things that may differ.
    let moment = try Regex(#""created_at":[0-9.]+"#)
    var found = [
      "manifest": String(decoding: text, as: UTF8.self).replacing(moment, with: "")
        .replacingOccurrences(of: target, with: "target")
    ]
    let folder = "\(project.folder)/\(target)/compiled"
    for path in FileManager.default.enumerator(atPath: folder)?.compactMap({ $0 as? String }) ?? []
    where path.hasSuffix(".sql") {
      var isFolder: ObjCBool = false
      guard FileManager.default.fileExists(atPath: "\(folder)/\(path)", isDirectory: &isFolder),
        !isFolder.boolValue
      else { continue }
      found[path] = try String(contentsOfFile: "\(folder)/\(path)", encoding: .utf8)
    }
    return found
  }
}
