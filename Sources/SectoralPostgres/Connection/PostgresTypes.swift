internal import SectoralWarehouse

/// A type as a result shows it.
struct PostgresType: Sendable, Hashable {
  /// `pg_type.typname`.
  let name: String
  let kind: ValueKind
  /// How its values are rewritten; nil leaves them as the server writes them.
  var form: DriverText?

  /// The built-in types by OID, which never change; others are looked up in `pg_type`.
  static let builtIn: [UInt32: PostgresType] = {
    var types: [UInt32: PostgresType] = [:]
    func add(_ kind: ValueKind, _ form: DriverText?, _ entries: [(UInt32, String)]) {
      for (oid, name) in entries { types[oid] = PostgresType(name: name, kind: kind, form: form) }
    }
    add(.boolean, nil, [(16, "bool")])
    add(.integer, nil, [(20, "int8"), (21, "int2"), (23, "int4"), (26, "oid")])
    add(.decimal, nil, [(700, "float4"), (701, "float8"), (1700, "numeric")])
    add(.date, .date, [(1082, "date")])
    add(.timestamp, .timestamp(hasZone: false), [(1114, "timestamp")])
    add(.timestampWithZone, .timestamp(hasZone: true), [(1184, "timestamptz")])
    add(.json, .json, [(114, "json"), (3802, "jsonb")])
    add(.text, .time, [(1083, "time"), (1266, "timetz")])
    add(.text, .interval, [(1186, "interval")])
    add(
      .text,
      nil,
      [
        (17, "bytea"), (18, "char"), (19, "name"), (24, "regproc"), (25, "text"), (27, "tid"),
        (28, "xid"), (29, "cid"), (142, "xml"), (600, "point"), (601, "lseg"), (602, "path"),
        (603, "box"), (604, "polygon"), (628, "line"), (650, "cidr"), (705, "unknown"),
        (718, "circle"), (774, "macaddr8"), (790, "money"), (829, "macaddr"), (869, "inet"),
        (1033, "aclitem"), (1042, "bpchar"), (1043, "varchar"), (1560, "bit"), (1562, "varbit"),
        (2202, "regprocedure"), (2205, "regclass"), (2206, "regtype"), (2249, "record"),
        (2278, "void"), (2950, "uuid"), (3220, "pg_lsn"), (3614, "tsvector"), (3615, "tsquery"),
        (4072, "jsonpath"),
        // Arrays that dbt's driver leaves alone.
        (1001, "_bytea"), (2951, "_uuid"),
      ]
    )
    add(.json, .array(.boolean), [(1000, "_bool")])
    add(
      .json,
      .array(.integer),
      [(1005, "_int2"), (1007, "_int4"), (1016, "_int8"), (1028, "_oid")]
    )
    add(.json, .array(.float), [(1021, "_float4"), (1022, "_float8"), (1231, "_numeric")])
    add(.json, .array(.timestamp), [(1115, "_timestamp"), (1185, "_timestamptz")])
    add(.json, .array(.json), [(199, "_json"), (3807, "_jsonb")])
    add(.json, .array(.text(.time)), [(1183, "_time"), (1270, "_timetz")])
    add(.json, .array(.text(.interval)), [(1187, "_interval")])
    add(
      .json,
      .array(.text(nil)),
      [
        (651, "_cidr"), (1002, "_char"), (1003, "_name"), (1009, "_text"), (1014, "_bpchar"),
        (1015, "_varchar"), (1040, "_macaddr"), (1041, "_inet"), (1182, "_date"),
      ]
    )
    let ranges: [(UInt32, array: UInt32, String, DriverText?)] = [
      (3904, 3905, "int4range", nil), (3906, 3907, "numrange", nil), (3926, 3927, "int8range", nil),
      (3912, 3913, "daterange", .date), (3908, 3909, "tsrange", .timestamp(hasZone: false)),
      (3910, 3911, "tstzrange", .timestamp(hasZone: true)),
    ]
    for (oid, array, name, bound) in ranges {
      add(.text, .range(bound), [(oid, name)])
      add(.json, .array(.text(.range(bound))), [(array, "_\(name)")])
    }
    return types
  }()
}
