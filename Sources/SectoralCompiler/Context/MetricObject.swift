import SectoralJinja
import SectoralProject
import SectoralYAML

/// What `metric('name')` gives: the two names, and once the project has been read whatever the manifest
/// says of the metric.
final class MetricObject: Object {
  private let name: String
  private let package: String?
  private let fields: DatumMap

  /// `names`: as they were written, the package first if there is one.
  init(_ names: [String], _ metric: PlainResource? = nil) {
    name = names.last ?? ""
    package = names.count > 1 ? names[0] : nil
    fields = metric?.layout() ?? [:]
    super.init()
  }

  override var typeName: String { "MetricReference" }

  override func string(_ interpreter: Interpreter) throws(TemplateError) -> String { name }

  override func attribute(
    _ name: Symbol,
    _ interpreter: Interpreter
  ) throws(TemplateError) -> Value? {
    switch name {
    case "metric_name": return .string(self.name)
    case "package_name": return package.map { Value.string($0) } ?? Value.none
    default: return fields[name.name].map { Value($0) }
    }
  }
}
