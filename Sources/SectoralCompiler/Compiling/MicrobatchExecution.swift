import SectoralJinja
package import SectoralProject
import SectoralPython
import SectoralWarehouse
import SectoralYAML

extension RunContext {
  /// Whether the node's table stands and is to be kept: then only what is due is built.
  package func updatesTable() throws(Failure) -> Bool {
    guard let node else { return false }
    let rebuilds = node.config["full_refresh"]?.bool ?? workspace.flags.isFullRefresh
    guard !rebuilds else { return false }
    do throws(TemplateError) {
      return try hosting { () throws(TemplateError) in
        let own = relationValue(workspace.relation(of: node))
        let found = try callMacroForNode("load_cached_relation", Arguments([own]))
        return found?.object(RelationObject.self)?.relation.type == .table
      }
    } catch {
      throw failure(error, nil)
    }
  }

  /// From here on, the materialization adds to a table that stands, whatever the flags say.
  package func continueTable() {
    define("is_incremental", .function("is_incremental") { _, _ in .bool(true) })
    define("should_full_refresh", .function("should_full_refresh") { _, _ in .bool(false) })
  }

  /// The rows that this node reads of something with such a configuration.
  func eventTimeFilter(_ config: DatumMap) -> EventTimeFilter? {
    guard let field = config["event_time"]?.string,
      node?.resourceType == .model || node?.resourceType == .snapshot
    else { return nil }
    let sample = workspace.flags.sample
    guard let batch else { return sample?.filter(on: field) }
    return (sample.map { batch.window.clipped(to: $0) } ?? batch.window).filter(on: field)
  }

  /// `model.batch`, and what dbt keeps of it in the configuration.
  static func add(_ batch: Batch, to model: DictValue) {
    let zone = PytzUTC()
    let start = Value.object(DateTimeObject(local: batch.window.start, zone: zone))
    let end = Value.object(DateTimeObject(local: batch.window.end, zone: zone))
    model["batch"] = .dict([
      ("id", .string(batch.id)), ("event_time_start", start), ("event_time_end", end),
    ])
    if case .dict(let config)? = model["config"] {
      config["__dbt_internal_microbatch_event_time_start"] = start
      config["__dbt_internal_microbatch_event_time_end"] = end
    }
  }
}

extension Node {
  /// The configuration with which a batch is built: hooks before come with the first one, hooks
  /// after with the last.
  func config(of batch: Batch) -> DatumMap {
    var config = config
    if !batch.isFirst { config["pre-hook"] = .list([]) }
    if !batch.isLast { config["post-hook"] = .list([]) }
    let (start, end) = batch.window.isoTexts
    config["__dbt_internal_microbatch_event_time_start"] = .date(start)
    config["__dbt_internal_microbatch_event_time_end"] = .date(end)
    return config
  }
}
