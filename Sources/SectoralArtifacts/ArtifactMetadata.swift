package import SectoralYAML

/// The artifacts that commands write.
package enum ArtifactKind: String, Sendable {
  case manifest = "manifest/v12"
  case runResults = "run-results/v6"
  case catalog = "catalog/v1"
  case sources = "sources/v3"
}

/// The block that says when and by what an artifact was made (spec: artifacts, section 1).
package struct ArtifactMetadata: Sendable {
  package var dbtVersion: String
  /// ISO 8601, UTC, with microseconds and `Z`.
  package var generatedAt: String
  package var invocationID: String
  package var invocationStartedAt: String
  /// The `DBT_ENV_CUSTOM_ENV_` variables, without the prefix.
  package var environment: DatumMap
  /// What must not be in the file.
  package var mask = SecretMask.none

  package init(
    dbtVersion: String,
    generatedAt: String,
    invocationID: String,
    invocationStartedAt: String,
    environment: DatumMap,
    mask: SecretMask = .none
  ) {
    self.mask = mask
    self.dbtVersion = dbtVersion
    self.generatedAt = generatedAt
    self.invocationID = invocationID
    self.invocationStartedAt = invocationStartedAt
    self.environment = environment
  }

  func layout(_ kind: ArtifactKind) -> DatumMap {
    [
      "dbt_schema_version": .string("https://schemas.getdbt.com/dbt/\(kind.rawValue).json"),
      "dbt_version": .string(dbtVersion), "generated_at": .string(generatedAt),
      "invocation_id": .string(invocationID),
      "invocation_started_at": .string(invocationStartedAt), "env": .map(environment),
    ]
  }
}
