import SectoralWarehouse

extension ResultColumn {
  /// The name under which the Python driver of the database knows the type: what contracts compare and print.
  func driverTypeName(_ adapterType: String) -> String {
    adapterType == "redshift" ? redshiftName : postgresName
  }

  /// The server's number of a type that psycopg2 has no name for (our name of the type, where the
  /// number is not known); nil: the driver knows it.
  func unknownTypeCode(_ adapterType: String) -> String? {
    adapterType == "redshift" || knownPostgresName != nil ? nil : typeCode
  }

  /// As psycopg2 calls it.
  private var postgresName: String { knownPostgresName ?? "unknown type_code \(typeCode)" }

  private var knownPostgresName: String? {
    if let name = Self.driverNames[typeName] { return name }
    guard typeName.hasPrefix("_"), let element = Self.driverNames[String(typeName.dropFirst())]
    else { return nil }
    return (element == "TEXT" ? "STRING" : element) + "ARRAY"
  }

  private var typeCode: String { Self.identifiers[typeName].map { String($0) } ?? typeName }

  private static let driverNames: [String: String] = [
    "bool": "BOOLEAN", "bytea": "BINARY", "int8": "LONGINTEGER", "int2": "INTEGER",
    "int4": "INTEGER", "text": "TEXT", "varchar": "TEXT", "bpchar": "TEXT", "char": "TEXT",
    "name": "TEXT", "oid": "ROWID", "json": "JSON", "jsonb": "JSONB", "float4": "FLOAT",
    "float8": "FLOAT", "numeric": "DECIMAL", "date": "DATE", "time": "TIME", "timetz": "TIME",
    "timestamp": "DATETIME", "timestamptz": "DATETIMETZ", "interval": "INTERVAL",
    "int4range": "type", "int8range": "type", "numrange": "type", "daterange": "daterange",
    "tsrange": "tsrange", "tstzrange": "tstzrange", "_inet": "INETARRAY",
    "unknown": "UNKNOWN",
  ]

  /// Types that the driver has no name for, by the number that the server gives them.
  private static let identifiers: [String: Int] = [
    "xml": 142, "money": 790, "_money": 791, "macaddr": 829, "inet": 869, "cidr": 650, "bit": 1560,
    "varbit": 1562, "uuid": 2950, "_uuid": 2951, "point": 600, "line": 628, "lseg": 601,
    "box": 603, "path": 602, "polygon": 604, "circle": 718, "tsvector": 3614, "tsquery": 3615,
    "regclass": 2205, "regtype": 2206, "regproc": 24, "macaddr8": 774, "pg_lsn": 3220,
    "jsonpath": 4072, "xid": 28, "tid": 27, "cid": 29,
  ]

  /// As redshift_connector calls it; what it has no name for (`hllsketch`) keeps the server's.
  private var redshiftName: String {
    if let name = Self.redshiftNames[typeName] { return name }
    if typeName.hasPrefix("_"), let element = Self.redshiftNames[String(typeName.dropFirst())] {
      return (element == "STRING" ? "VARCHAR" : element) + "_ARRAY"
    }
    return typeName.uppercased()
  }

  private static let redshiftNames: [String: String] = [
    "bool": "BOOLEAN", "bytea": "BYTES", "int8": "BIGINT", "int4": "INTEGER", "int2": "SMALLINT",
    "varchar": "STRING", "text": "TEXT", "float4": "REAL", "float8": "FLOAT",
    "intervaly2m": "INTERVALY2M", "intervald2s": "INTERVALD2S", "uuid": "UUID_TYPE",
    "bpchar": "BPCHAR", "char": "CHAR", "name": "NAME", "oid": "OID", "numeric": "NUMERIC",
    "date": "DATE", "time": "TIME", "timetz": "TIMETZ", "timestamp": "TIMESTAMP",
    "timestamptz": "TIMESTAMPTZ",
  ]
}
