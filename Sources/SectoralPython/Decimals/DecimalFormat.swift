/// The part of Python's format specifications that writes a decimal with a fixed number of places:
/// `,.2f`, `>10.1f`, `.0%`.
package struct DecimalFormat {
  private var fill: Character = " "
  private var alignment: Character = ">"
  private var sign: Character = "-"
  private var width = 0
  private var isGrouped = false
  private var places: Int?
  private var isPercentage = false

  /// nil: a specification of another kind.
  package init?(_ specification: String) {
    var rest = Substring(specification)
    if rest.dropFirst().first.map({ "<>=^".contains($0) }) ?? false {
      fill = rest.removeFirst()
      alignment = rest.removeFirst()
    } else if let first = rest.first, "<>=^".contains(first) {
      alignment = rest.removeFirst()
    }
    if let first = rest.first, "+- ".contains(first) { sign = rest.removeFirst() }
    if rest.first == "0" {
      rest.removeFirst()
      fill = "0"
      alignment = "="
    }
    let digits = rest.prefix { $0.isASCII && $0.isNumber }
    width = Int(digits) ?? 0
    rest = rest.dropFirst(digits.count)
    if rest.first == "," {
      isGrouped = true
      rest.removeFirst()
    }
    if rest.first == "." {
      rest.removeFirst()
      let digits = rest.prefix { $0.isASCII && $0.isNumber }
      guard let count = Int(digits), count <= 1000 else { return nil }
      places = count
      rest = rest.dropFirst(digits.count)
    }
    switch rest {
    case "f", "F": break
    case "%": isPercentage = true
    // Without a letter a precision counts significant digits.
    case "" where places == nil: break
    default: return nil
    }
    guard width <= 10_000 else { return nil }
  }

  package func text(_ number: DecimalNumber) -> String {
    guard number.kind == .finite else { return padded(number.description, isNegative: false) }
    var shown = isPercentage ? number * DecimalNumber(100) : number
    if let places { shown = shown.quantized(places: places) }
    var text = shown.plainText
    let isNegative = text.hasPrefix("-")
    if isNegative { text.removeFirst() }
    if isGrouped { text = Self.grouped(text) }
    if isPercentage { text += "%" }
    return padded(text, isNegative: isNegative)
  }

  private func padded(_ text: String, isNegative: Bool) -> String {
    let prefix = isNegative ? "-" : sign == "-" ? "" : String(sign)
    let missing = max(0, width - prefix.count - text.count)
    let left = alignment == "^" ? missing / 2 : alignment == "<" ? 0 : missing
    let gap = { (count: Int) in String(repeating: fill, count: count) }
    if alignment == "=" { return prefix + gap(missing) + text }
    return gap(left) + prefix + text + gap(missing - left)
  }

  /// With a comma between thousands.
  package static func grouped(_ text: String) -> String {
    let isNegative = text.hasPrefix("-")
    let parts = text.drop { $0 == "-" }.split(
      separator: ".",
      maxSplits: 1,
      omittingEmptySubsequences: false
    )
    var digits = Array(parts[0])
    var index = digits.count - 3
    while index > 0 {
      digits.insert(",", at: index)
      index -= 3
    }
    return (isNegative ? "-" : "") + String(digits) + (parts.count > 1 ? "." + parts[1] : "")
  }
}
