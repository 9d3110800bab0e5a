/// ANSI colours, or none.
struct Paint: Sendable {
  enum Color: String, Sendable {
    case red = "31"
    case green = "32"
    case yellow = "33"
    case cyan = "36"
    case dim = "2"
  }

  var isOn: Bool

  static let none = Paint(isOn: false)

  func callAsFunction(_ text: String, _ color: Color) -> String {
    isOn ? "\u{1B}[\(color.rawValue)m\(text)\u{1B}[0m" : text
  }
}
