/// What stands between the delimiters of a tag.
struct Token {
  enum Kind: UInt8 {
    case name, string, integer, float
    case add, subtract, divide, floorDivide, multiply, modulo, power, tilde
    case leftBracket, rightBracket, leftParenthesis, rightParenthesis, leftBrace, rightBrace
    case equal, notEqual, greater, greaterOrEqual, less, lessOrEqual
    case assign, dot, colon, pipe, comma, semicolon
    /// The closing delimiter of the tag.
    case end
  }

  var kind: Kind
  /// Of a name the grammar or the engine knows.
  var known: KnownName?
  var start: Int32
  var end: Int32
  /// Names: index in the program's names. Literals: index of the constant.
  var value: Int32
}

extension Token.Kind {
  /// How messages name the kind.
  var described: String {
    switch self {
    case .name: "name"
    case .string: "string"
    case .integer: "integer"
    case .float: "float"
    case .add: "'+'"
    case .subtract: "'-'"
    case .divide: "'/'"
    case .floorDivide: "'//'"
    case .multiply: "'*'"
    case .modulo: "'%'"
    case .power: "'**'"
    case .tilde: "'~'"
    case .leftBracket: "'['"
    case .rightBracket: "']'"
    case .leftParenthesis: "'('"
    case .rightParenthesis: "')'"
    case .leftBrace: "'{'"
    case .rightBrace: "'}'"
    case .equal: "'=='"
    case .notEqual: "'!='"
    case .greater: "'>'"
    case .greaterOrEqual: "'>='"
    case .less: "'<'"
    case .lessOrEqual: "'<='"
    case .assign: "'='"
    case .dot: "'.'"
    case .colon: "':'"
    case .pipe: "'|'"
    case .comma: "','"
    case .semicolon: "';'"
    case .end: "the end of the tag"
    }
  }
}
