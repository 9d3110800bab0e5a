package import SectoralText

extension ConfigSchema {
  /// What materializations of this and of other databases read: projects are written for several.
  private static let ofAdapters: Set<String> = [
    // Any.
    "pre_hook", "post_hook", "sql_header", "predicates", "incremental_predicates",
    "merge_update_columns", "merge_exclude_columns", "hard_deletes", "invalidate_hard_deletes",
    "catalog_name", "snapshot_table_column_names", "limit", "where",
    // Postgres and Redshift.
    "unlogged", "indexes", "dist", "sort", "sort_type", "bind", "backup", "auto_refresh",
    "query_group",
    // Others.
    "partition_by", "cluster_by", "labels", "policy_tags", "kms_key_name", "partitions",
    "partition_expiration_days", "require_partition_filter", "hours_to_expiration", "transient",
    "copy_grants", "secure", "query_tag", "snowflake_warehouse", "automatic_clustering",
    "target_lag", "refresh_mode", "initialize", "tmp_relation_type", "table_format",
    "external_volume", "base_location_root", "base_location_subpath", "file_format",
    "location_root", "location", "tblproperties", "clustered_by", "buckets",
    "liquid_clustered_by", "databricks_compute", "databricks_tags", "row_filter", "engine",
    "order_by", "primary_key", "sorted_by", "external_location", "format", "properties",
    "on_table_exists", "view_security", "partitioned_by", "s3_data_dir", "s3_data_naming",
  ]

  /// The known configuration that a name is a slip of; nil for what is known, or like nothing.
  package func known(near name: String) -> String? {
    guard self[name] == nil, !Self.ofAdapters.contains(name), name.utf8.count > 3 else {
      return nil
    }
    let names = (fields + laterFields).map(\.name) + Self.ofAdapters
    // `+meta` where no `+` belongs.
    if name.hasPrefix("+"), names.contains(String(name.dropFirst())) {
      return String(name.dropFirst())
    }
    return Spelling.nearest(to: name, among: names)
  }
}

extension TextSpan {
  /// The place of a key that this is the value of, or that stands in it; itself where it is not found.
  package func key(named name: String) -> TextSpan {
    let wanted = Array(name.utf8)
    func isAt(_ start: Int) -> Bool {
      start >= 0 && start + wanted.count <= file.bytes.count
        && file.bytes[start..<start + wanted.count].elementsEqual(wanted)
    }
    func span(_ start: Int) -> TextSpan {
      TextSpan(file: file, start: start, end: start + wanted.count)
    }
    // Before the value, on its line or on one above it.
    var offset = start - wanted.count
    while offset >= 0, offset > start - wanted.count - 200 {
      if isAt(offset), file.bytes[(offset + wanted.count)..<start].allSatisfy(Self.isBetween) {
        return span(offset)
      }
      offset -= 1
    }
    var within = start
    while within + wanted.count <= end {
      if isAt(within) { return span(within) }
      within += 1
    }
    return self
  }

  /// What may stand between a key and its value.
  private static func isBetween(_ byte: UInt8) -> Bool {
    switch byte {
    case 0x20, 0x09, 0x0A, 0x0D, UInt8(ascii: ":"), UInt8(ascii: "'"), UInt8(ascii: "\""): true
    default: false
    }
  }
}
