import SectoralJinja

/// What the context's own classes derive from.
///
/// Swift 6.3 takes the initializer that an internal class inherits straight from a public one in
/// another module for an endless recursion; a class between the two keeps it from looking.
class ContextObject: Object {}
