/// The keys that dbt's JSON schemas know, by the name of the section: those of dbt 1.11, of all adapters.
/// dbt holds a project against them on Redshift, and not on Postgres.
package enum SchemaKeys {
  private static func words(_ text: String) -> Set<String> {
    Set(text.split(whereSeparator: \.isWhitespace).map(String.init))
  }

  /// What materializations of one adapter or another read, wherever they are set.
  private static let anywhere = words(
    """
    adapter_properties as_columnstore auto_liquid_cluster auto_refresh
    automatic_clustering backup base_location_root base_location_subpath bind buckets
    catalog catalog_name cluster_by clustered_by compression copy_grants
    databricks_compute databricks_tags dist enable_refresh enabled external_volume
    file_format grant_access_to hours_to_expiration include_full_name_in_path indexes
    initialize kms_key_name labels labels_from_meta liquid_clustered_by location_root
    matched_condition max_staleness merge_with_schema_evolution meta
    not_matched_by_source_action not_matched_by_source_condition not_matched_condition
    partition_by partition_expiration_days partitions query_tag refresh_interval_minutes
    refresh_mode require_partition_filter row_access_policy schedule secure
    skip_matched_step skip_not_matched_step snowflake_warehouse sort sort_type
    source_alias static_analysis table_tag table_type tags target_alias target_lag
    tblproperties tmp_relation_type transient
    """
  )
  /// The same, in properties files and not in dbt_project.yml.
  private static let inFiles = words(
    """
    batch_id category dataproc_cluster_name description enable_list_inference
    intermediate_format jar_file_uri notebook_template_id primary_key resource_tags
    timeout
    """
  )

  /// Below `config:` in properties files.
  package static let ofConfig: [String: Set<String>] = [
    "models": anywhere.union(inFiles).union(
      words(
        """
        access additional_libs alias batch_size begin cluster_id column_types
        concurrent_batches contract create_notebook custom_checks database docs
        event_time external_access_integrations freshness full_refresh grants group
        http_path imports incremental_predicates incremental_strategy index_url
        job_cluster_config location lookback materialized merge_exclude_columns
        merge_update_columns on_configuration_change on_schema_change packages
        persist_docs post_hook pre_hook predicates python_job_config python_version
        quoting schema secrets sql_header state strictness submission_method sync
        table_format unique_key use_anonymous_sproc user_folder_for_python
        """
      )
    ),
    "seeds": anywhere.union(inFiles).union(
      words(
        """
        alias column_types database delimiter docs event_time full_refresh grants
        group materialized persist_docs post_hook pre_hook quote_columns quoting
        schema
        """
      )
    ),
    "snapshots": anywhere.union(inFiles).union(
      words(
        """
        alias check_cols database dbt_valid_to_current docs event_time full_refresh
        grants group hard_deletes invalidate_hard_deletes materialized persist_docs
        post_hook pre_hook quote_columns quoting schema snapshot_meta_column_names
        strategy sync target_database target_schema unique_key updated_at
        """
      )
    ),
    "analyses": ["description", "docs", "enabled", "group", "meta", "static_analysis", "tags"],
    "data_tests": anywhere.union(inFiles).union(
      words(
        """
        alias database error_if fail_calc full_refresh group limit materialized
        quoting schema severity store_failures store_failures_as warn_if where
        """
      )
    ),
    "functions": anywhere.union(inFiles).union(
      words(
        """
        access alias database docs entry_point grants group on_configuration_change
        quoting runtime_version schema type volatility
        """
      )
    ),
    "sources": anywhere.union(inFiles).union(
      words(
        """
        event_time freshness loaded_at_field loaded_at_query quoting schema_origin
        sync
        """
      )
    ),
    "unit_tests": anywhere.union(inFiles),
    "exposures": ["enabled", "meta", "tags"],
    "groups": ["meta"],
    "macros": ["docs", "meta"],
    "metrics": ["enabled", "group", "meta", "tags"],
    "saved_queries": ["cache", "enabled", "export_as", "group", "meta", "schema", "tags"],
  ]

  /// In dbt_project.yml, behind a `+`.
  package static let ofProject: [String: Set<String>] = [
    "seeds": anywhere.union(
      words(
        """
        alias column_types database delimiter docs event_time full_refresh grants
        group persist_docs post-hook pre-hook quote_columns quoting schema
        """
      )
    ),
    "sources": anywhere.union(
      words(
        """
        event_time freshness loaded_at_field loaded_at_query quoting schema_origin
        sync
        """
      )
    ),
    "models": anywhere.union(
      words(
        """
        access additional_libs alias batch_id batch_size begin category cluster_id
        column_types concurrent_batches contract create_notebook database
        dataproc_cluster_name description docs enable_list_inference event_time
        external_access_integrations freshness full_refresh grants group http_path
        imports incremental_predicates incremental_strategy index_url
        intermediate_format jar_file_uri job_cluster_config location lookback
        materialized merge_exclude_columns merge_update_columns notebook_template_id
        on_configuration_change on_schema_change packages persist_docs post-hook
        pre-hook predicates primary_key python_job_config python_version quoting
        resource_tags schema secrets sql_header state submission_method sync
        table_format timeout unique_key use_anonymous_sproc user_folder_for_python
        """
      )
    ),
    "snapshots": anywhere.union(
      words(
        """
        alias check_cols database dbt_valid_to_current docs event_time full_refresh
        grants group hard_deletes invalidate_hard_deletes materialized persist_docs
        post-hook pre-hook quote_columns quoting schema snapshot_meta_column_names
        strategy sync target_database target_schema unique_key updated_at
        """
      )
    ),
    "tests": anywhere.union(
      words(
        """
        alias database error_if fail_calc full_refresh group limit quoting schema
        severity store_failures store_failures_as warn_if where
        """
      )
    ),
    "exposures": ["enabled", "meta", "tags"],
    "data_tests": anywhere.union(
      words(
        """
        alias database error_if fail_calc full_refresh group limit quoting schema
        severity store_failures store_failures_as warn_if where
        """
      )
    ),
    "metrics": ["enabled", "group", "meta", "tags"],
    "unit_tests": anywhere,
  ]

  /// The entries of a section.
  package static let ofEntry: [String: Set<String>] = [
    "models": words(
      """
      agg_time_dimension columns config constraints data_tests deprecation_date
      derived_semantics description identifier latest_version metrics name
      primary_entity semantic_model static_analysis_off_reason tests time_spine versions
      """
    ),
    "seeds": words(
      """
      columns config data_tests description name static_analysis_off_reason tests
      """
    ),
    "snapshots": words(
      """
      columns config data_tests description name relation static_analysis_off_reason
      tests
      """
    ),
    "analyses": words(
      """
      columns config description name static_analysis_off_reason
      """
    ),
    "data_tests": words(
      """
      config description name static_analysis_off_reason
      """
    ),
    "functions": words(
      """
      arguments config data_tests description identifier language name returns
      static_analysis_off_reason tests
      """
    ),
    "sources": words(
      """
      catalog config database description loader name quoting schema tables
      """
    ),
    "unit_tests": words(
      """
      config description expect given model name overrides static_analysis_off_reason
      versions
      """
    ),
    "exposures": words(
      """
      config depends_on description label maturity name owner type url
      """
    ),
    "groups": words(
      """
      config description name owner
      """
    ),
    "macros": words(
      """
      arguments config description docs meta name
      """
    ),
    "metrics": words(
      """
      agg agg_time_dimension base_metric calculation config constant_properties
      conversion_metric denominator description entity expr fill_nulls_with filter
      grain_to_date hidden input_metric input_metrics join_to_timespine label name
      non_additive_dimension numerator percentile percentile_type period_agg
      time_granularity type type_params window
      """
    ),
    "saved_queries": words(
      """
      config description exports label name query_params
      """
    ),
  ]

  package static let ofColumn = words(
    """
    column_mask config constraints data_tests data_type databricks_tags description
    dimension entity granularity name policy_tags quote tests
    """
  )
  package static let ofColumnConfig: Set = ["databricks_tags", "meta", "tags"]
  package static let ofTable = words(
    """
    columns config data_tests description external identifier loader name quoting tests
    """
  )
  package static let ofTableConfig = words(
    """
    enabled event_time freshness loaded_at_field loaded_at_query meta schema_origin sync
    tags
    """
  )
  package static let ofFile = words(
    """
    analyses anchors data_tests exposures functions groups macros metrics models
    saved_queries seeds semantic_models snapshots sources tests unit_tests version
    """
  )
}
