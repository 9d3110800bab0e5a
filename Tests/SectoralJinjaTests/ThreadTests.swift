import Foundation
import SectoralJinja
import SectoralText
import Synchronization
import Testing

/// One compiled template, many threads at once.
struct ThreadTests {
  @Test func manyThreadsRenderTheSameTemplates() throws {
    let base = try Environment().compile(
      SourceFile(path: "base", text: "<{% block body %}base{% endblock %}>")
    )
    let parts = try Environment().compile(
      SourceFile(
        path: "parts",
        text: "{% macro star(xs, sep=', ') %}{{ xs | join(sep) }}{% endmacro %}"
          + "{% set constant = 'a constant that is long enough' %}"
      )
    )
    let environment = Environment { (name) throws(TemplateError) in
      name == "base" ? base : name == "parts" ? parts : nil
    }
    let template = try environment.compile(
      SourceFile(
        path: "main",
        text: """
          {% extends 'base' %}
          {% import 'parts' as parts with context %}
          {% macro twice(x) %}{{ caller(x) }}{{ caller(x) }}{% endmacro %}
          {% block body %}
          {%- from 'parts' import star, constant -%}
          {%- set ns = namespace(total=0, text='') -%}
          {%- for i in range(40) -%}
            {%- set ns.total = ns.total + i * n -%}
            {%- set ns.text = ns.text ~ d['key' ~ i % 7] ~ object['name' ~ i % 5] -%}
          {%- endfor -%}
          {{ ns.total }} {{ ns.text | upper }} {{ star(range(n)) }} {{ constant }} {{ 2 ** (100 + n) }}
          {%- endblock %}
          """
      )
    )
    let shared = Shared()
    let threads = 8
    let done = DispatchSemaphore(value: 0)
    for _ in 0..<threads {
      Thread {
        // All of them at once, not one behind the other.
        shared.started.add(1, ordering: .sequentiallyConsistent)
        while shared.started.load(ordering: .sequentiallyConsistent) < threads { sched_yield() }
        for n in 0..<60 {
          let pairs = (0..<7).map { ("key\($0)", Value.string("a value of some length \($0 + n)")) }
          let values: [Symbol: Value] = [
            "n": .int(n), "d": .dict(pairs), "object": .object(NamedObject()),
          ]
          let text =
            (try? Interpreter(environment).render(template, scope: DictionaryScope(values)))
            ?? "an error"
          shared.texts.withLock { _ = $0[n, default: []].insert(text) }
        }
        done.signal()
      }.start()
    }
    for _ in 0..<threads { done.wait() }
    shared.texts.withLock { texts in
      #expect(texts.count == 60)
      #expect(texts.values.allSatisfy { $0.count == 1 && !$0.contains("an error") })
    }
  }

  private final class Shared: Sendable {
    let started = Atomic(0)
    let texts = Mutex<[Int: Set<String>]>([:])
  }

  /// Threads that meet new names at the same time agree on their symbols.
  @Test func symbolsAreTheSameOnEveryThread() {
    let found = Mutex<[String: Set<UInt32>]>([:])
    DispatchQueue.concurrentPerform(iterations: 8) { _ in
      for index in 0..<3000 {
        let name = "symbol of a test \(index)"
        let symbol = Symbol(name)
        #expect(symbol.name == name)
        found.withLock { _ = $0[name, default: []].insert(symbol.index) }
      }
    }
    found.withLock { found in
      #expect(found.count == 3000)
      #expect(found.values.allSatisfy { $0.count == 1 })
      #expect(Set(found.values.flatMap { $0 }).count == 3000)
    }
  }
}

/// Gives its name for every attribute.
private final class NamedObject: Object {
  override func attribute(
    _ name: Symbol,
    _ interpreter: Interpreter
  ) throws(TemplateError) -> Value? { .string(name.name) }
}
