/// Python's format specifications, as decimals understand them: `,.2f`, `>10.1f`, `.0%`, `.3e`.
package struct DecimalFormat {
  private var fill: Character = " "
  private var alignment: Character = ">"
  private var sign: Character = "-"
  private var width = 0
  private var isGrouped = false
  private var precision: Int?
  /// `e`, `E`, `f`, `F`, `g`, `G`, `%`; `G` where none is given.
  private var kind: Character = "G"

  /// nil: not a specification for a number.
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
      precision = count
      rest = rest.dropFirst(digits.count)
    }
    if let letter = rest.popFirst() {
      guard "eEfFgG%".contains(letter) else { return nil }
      kind = letter
    }
    guard rest.isEmpty, width <= 10_000 else { return nil }
  }

  package func text(_ number: DecimalNumber) -> String {
    guard number.kind == .finite else {
      return padded(number.magnitude.description, "", isNegative: number.isNegative)
    }
    var shown = kind == "%" ? number.scaled(by: 2) : number
    if let precision {
      switch kind {
      case "e", "E": shown = shown.rounded(toDigits: precision + 1)
      case "f", "F", "%":
        if shown.exponent < -precision { shown = shown.quantized(places: precision) }
      default: shown = shown.rounded(toDigits: max(1, precision))
      }
    }
    if shown.isZero, shown.exponent > 0, "fF%".contains(kind) {
      shown = shown.quantized(places: 0)
    }
    var digits = Array(shown.coefficient.description.utf8)
    let leftDigits = shown.exponent + digits.count
    if let precision, "fF%".contains(kind), shown.exponent > -precision {
      // Zeros as text: multiplying numbers of a million digits takes minutes.
      digits += repeatElement(UInt8(ascii: "0"), count: shown.exponent + precision)
    }
    if let precision, "eE".contains(kind), !shown.isZero, digits.count <= precision {
      digits += repeatElement(UInt8(ascii: "0"), count: precision + 1 - digits.count)
    }
    let point: Int
    switch kind {
    case "e", "E": point = shown.isZero ? 1 - (precision ?? 0) : 1
    case "f", "F", "%": point = leftDigits
    default: point = shown.exponent <= 0 && leftDigits > -6 ? leftDigits : 1
    }
    var whole: String
    var fraction: String
    if point < 0 {
      whole = "0"
      fraction = String(repeating: "0", count: -point) + String(decoding: digits, as: UTF8.self)
    } else if point > digits.count {
      whole =
        String(decoding: digits, as: UTF8.self)
        + String(repeating: "0", count: point - digits.count)
      fraction = ""
    } else {
      whole = point == 0 ? "0" : String(decoding: digits[..<point], as: UTF8.self)
      fraction = String(decoding: digits[point...], as: UTF8.self)
    }
    let ungrouped = whole
    if isGrouped { whole = Self.grouped(whole) }
    if !fraction.isEmpty { fraction = "." + fraction }
    let exponent = leftDigits - point
    if exponent != 0 || "eE".contains(kind) {
      fraction += kind == "e" || kind == "g" ? "e" : "E"
      fraction += (exponent < 0 ? "" : "+") + String(exponent)
    }
    if kind == "%" { fraction += "%" }
    if isGrouped, fill == "0", alignment == "=" {
      // The zeros that fill the width have commas as well.
      let prefix = shown.isNegative || sign != "-" ? 1 : 0
      var digits = ungrouped
      while prefix + whole.count + fraction.count < width {
        digits = "0" + digits
        whole = Self.grouped(digits)
      }
    }
    return padded(whole, fraction, isNegative: shown.isNegative)
  }

  private func padded(_ whole: String, _ rest: String, isNegative: Bool) -> String {
    let prefix = isNegative ? "-" : sign == "-" ? "" : String(sign)
    let missing = max(0, width - prefix.count - whole.count - rest.count)
    let left = alignment == "^" ? missing / 2 : alignment == "<" ? 0 : missing
    let gap = { (count: Int) in String(repeating: fill, count: count) }
    if alignment == "=" { return prefix + gap(missing) + whole + rest }
    return gap(left) + prefix + whole + rest + gap(missing - left)
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
