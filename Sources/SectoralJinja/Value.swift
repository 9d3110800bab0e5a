/// A value of the template language, with Python's semantics.
///
/// Lists, dictionaries and sets are mutable by reference, as in Python. Values belong to one
/// thread: what crosses threads is a `Template` and whatever data the host makes values from.
public enum Value {
  case undefined(Undefined)
  case none
  case bool(Bool)
  case int(Int)
  /// Only beyond 64 bits: every result that fits is `int`.
  case bigInt(BigInteger)
  case float(Double)
  case string(String)
  case list(ListValue)
  case tuple(TupleValue)
  case dict(DictValue)
  case set(SetValue)
  case object(Object)
}
