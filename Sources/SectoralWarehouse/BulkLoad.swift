/// Rows on their way into a relation by files in an object store.
///
/// They come in pieces of CSV as RFC 4180 has it: commas, `"` around texts, no head, every record ended by
/// a newline; NULL is `nullMark`, which is no value of any row.
public struct BulkLoad: Sendable {
  /// As it stands in SQL.
  public var relation: String
  /// As they stand in SQL, in the order of the values.
  public var columns: [String]
  /// Whose rows they are: the folder of the files has this name.
  public var owner: String
  public var rowCount: Int
  /// How many bytes the pieces have together, about.
  public var byteCount: Int
  public var pieceCount: Int
  public var nullMark: String
  /// Whether the relation is empty before: statistics are made then.
  public var fillsRelation: Bool
  /// Called from several threads, once for each piece, and once more for one in which an error is.
  public var piece: @Sendable (Int) -> [UInt8]

  public init(
    relation: String,
    columns: [String],
    owner: String,
    rowCount: Int,
    byteCount: Int,
    pieceCount: Int,
    nullMark: String,
    fillsRelation: Bool,
    piece: @escaping @Sendable (Int) -> [UInt8]
  ) {
    self.relation = relation
    self.columns = columns
    self.owner = owner
    self.rowCount = rowCount
    self.byteCount = byteCount
    self.pieceCount = pieceCount
    self.nullMark = nullMark
    self.fillsRelation = fillsRelation
    self.piece = piece
  }
}

/// A value that the database did not take.
public struct BulkLoadFault: Sendable, Hashable {
  /// The piece, and the row within it, from 0.
  public var piece: Int
  public var row: Int
  /// As the database names it; empty where the fault is the whole row's.
  public var column: String
  public var type: String
  public var reason: String

  public init(piece: Int, row: Int, column: String, type: String, reason: String) {
    self.piece = piece
    self.row = row
    self.column = column
    self.type = type
    self.reason = reason
  }
}

/// Why rows were not loaded; the relation is as it was.
public struct BulkLoadError: Error, Sendable {
  public var error: WarehouseError
  /// In the order of the rows.
  public var faults: [BulkLoadFault]

  public init(_ error: WarehouseError, faults: [BulkLoadFault] = []) {
    self.error = error
    self.faults = faults
  }
}

/// Loads rows by files in an object store; shared by all threads.
public protocol BulkLoader: Sendable {
  /// Loads of fewer bytes are better sent as statements.
  var minimumByteCount: Int { get }

  /// Writes the files, has the database read them, and removes them, whatever comes of it.
  ///
  /// `execute`: Sends a statement on the connection whose transaction the rows belong to.
  /// - Returns: What the user should know all the same: files that could not be removed.
  func load(
    _ load: BulkLoad,
    execute: (String) throws(WarehouseError) -> Void
  ) throws(BulkLoadError) -> [String]
}
