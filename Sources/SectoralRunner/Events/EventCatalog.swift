/// The names of dbt's events with their codes and usual levels: what `--warn-error-options` may name
/// and what JSON logs carry.
package enum EventCatalog {
  package struct Entry: Sendable {
    package let code: String
    /// `info` where dbt decides by the status.
    package let level: EventLevel
  }

  package static func entry(named name: String) -> Entry? { entries[name] }

  package static var names: [String] { entries.keys.sorted() }

  /// Whether an event belongs to the group `Deprecations` of `--warn-error-options`.
  package static func isDeprecation(_ name: String) -> Bool {
    entries[name].map { $0.code.utf8.first == UInt8(ascii: "D") } ?? false
  }

  /// Whether the summary of deprecations counts it. Names with spaces are summed up by a deprecation of
  /// their own.
  package static func isCounted(_ name: String) -> Bool {
    isDeprecation(name) && name != "SpacesInResourceNameDeprecation"
  }

  /// Whether dbt words a warning as a sentence, without `[WARNING]` in front.
  package static func isPlain(_ name: String) -> Bool { plainWarnings.contains(name) }

  private static let plainWarnings: Set<String> = [
    "CatalogGenerationError", "DepsScrubbedPackageName", "DepsUnpinned", "FreshnessConfigProblem",
    "InvalidMacroAnnotation",
    "InvalidValueForField", "JinjaLogWarning", "NoNodesForSelectionCriteria", "NoNodesSelected",
    "NothingToDo", "SeedExceedsLimitAndPathChanged", "SeedExceedsLimitChecksumChanged",
    "SeedExceedsLimitSamePath", "SeedIncreased", "SemanticValidationFailure",
    "SnapshotTimestampWarning", "WarnStateTargetEqual",
  ]

  private static let entries: [String: Entry] = {
    var entries: [String: Entry] = [:]
    for (level, names) in table {
      for name in names.split(separator: "\n") {
        let parts = name.split(separator: " ")
        entries[String(parts[1])] = Entry(code: String(parts[0]), level: level)
      }
    }
    return entries
  }()

  /// One text per level, a line per event: made into a dictionary at first use only.
  private static let table: [(EventLevel, String)] = [
    (
      .debug,
      """
      A002 MainReportArgs
      A003 MainTrackingUserState
      A017 StarterProjectPath
      E001 AdapterEventDebug
      E005 NewConnection
      E006 ConnectionReused
      E007 ConnectionLeftOpenInCleanup
      E008 ConnectionClosedInCleanup
      E009 RollbackFailed
      E010 ConnectionClosed
      E011 ConnectionLeftOpen
      E012 Rollback
      E013 CacheMiss
      E014 ListRelations
      E015 ConnectionUsed
      E016 SQLQuery
      E017 SQLQueryStatus
      E018 SQLCommit
      E019 ColTypeChange
      E020 SchemaCreation
      E021 SchemaDrop
      E022 CacheAction
      E031 CacheDumpGraph
      E036 PluginLoadError
      E037 NewConnectionOpening
      E038 CodeExecution
      E039 CodeExecutionStatus
      E050 TypeCodeNotFound
      I001 InputFileDiffError
      I014 PartialParsingErrorProcessingFile
      I016 PartialParsingError
      I017 PartialParsingSkipParsing
      I025 StateCheckVarsHash
      I028 PartialParsingNotEnabled
      I029 ParsedFileLoadFailed
      I040 PartialParsingEnabled
      I041 PartialParsingFile
      I050 InvalidDisabledTargetInTestNode
      I063 JinjaLogDebug
      M001 GitSparseCheckoutSubdirectory
      M002 GitProgressCheckoutRevision
      M003 GitProgressUpdatingExistingDependency
      M004 GitProgressPullingNewDependency
      M005 GitNothingToDo
      M006 GitProgressUpdatedCheckoutRange
      M007 GitProgressCheckedOutAt
      M008 RegistryProgressGETRequest
      M009 RegistryProgressGETResponse
      M020 RetryExternalCall
      M021 RecordRetryException
      M022 RegistryIndexProgressGETRequest
      M023 RegistryIndexProgressGETResponse
      M024 RegistryResponseUnexpectedType
      M025 RegistryResponseMissingTopKeys
      M026 RegistryResponseMissingNestedKeys
      M027 RegistryResponseExtraNestedKeys
      M028 DepsSetDownloadDirectory
      P001 ArtifactWritten
      Q006 SQLRunnerException
      Q024 NodeStart
      Q025 NodeFinished
      Q029 WritingInjectedSQLForNode
      Q030 NodeCompiling
      Q031 NodeExecuting
      Q037 EndRunResult
      Q039 CommandCompleted
      Q044 MicrobatchExecutionDebug
      W002 CatchableExceptionOnRun
      W003 InternalErrorOnRun
      W005 NodeConnectionReleaseError
      Z005 SystemCouldNotWrite
      Z006 SystemExecutingCmd
      Z007 SystemStdOut
      Z008 SystemStdErr
      Z009 SystemReportReturnCode
      Z010 TimingInfoCollected
      Z011 LogDebugStackTrace
      Z033 MarkSkippedChildren
      Z037 DepsCreatingLocalSymlink
      Z038 DepsSymlinkNotAvailable
      Z039 DisableTracking
      Z040 SendingEvent
      Z041 SendEventFailure
      Z042 FlushEvents
      Z043 FlushEventsFailure
      Z044 TrackingInitializeFailure
      Z051 ResourceReport
      Z063 ArtifactUploadSkipped
      """
    ),
    (
      .info,
      """
      A001 MainReportVersion
      A005 MissingProfileTarget
      A018 ConfigFolderDirectory
      A019 NoSampleProfileFound
      A020 ProfileWrittenWithSample
      A021 ProfileWrittenWithTargetTemplateYAML
      A022 ProfileWrittenWithProjectTemplateYAML
      A023 SettingUpProfile
      A024 InvalidProfileTemplateYAML
      A025 ProjectNameAlreadyExists
      A026 ProjectCreated
      D014 SpacesInResourceNameDeprecation
      E002 AdapterEventInfo
      E034 AdapterRegistered
      E035 AdapterImportError
      E042 CatalogWritten
      E043 CannotGenerateDocs
      E044 BuildingCatalog
      E045 DatabaseErrorRunningHook
      E046 HooksRunning
      E047 FinishedRunningStats
      I010 ParsePerfInfoPath
      I024 UnableToPartialParse
      I062 JinjaLogInfo
      I064 UnpinnedRefNewVersionAvailable
      M010 SelectorReportInvalidSelector
      M013 DepsNoPackagesFound
      M014 DepsStartPackageInstall
      M015 DepsInstallInfo
      M016 DepsUpdateAvailable
      M017 DepsUpToDate
      M018 DepsListSubdirectory
      M019 DepsNotifyUpdatesAvailable
      M031 DepsLockUpdating
      M032 DepsAddPackage
      M033 DepsFoundDuplicatePackage
      Q002 CompileComplete
      Q003 FreshnessCheckComplete
      Q004 SeedHeader
      Q007 LogTestResult
      Q008 LogNodeResult
      Q011 LogStartLine
      Q012 LogModelResult
      Q015 LogSnapshotResult
      Q016 LogSeedResult
      Q018 LogFreshnessResult
      Q019 LogNodeNoOpResult
      Q023 DefaultSelector
      Q026 QueryCancelationUnsupported
      Q027 ConcurrencyLine
      Q032 LogHookStartLine
      Q033 LogHookEndLine
      Q034 SkippingDetails
      Q041 ShowNode
      Q042 CompiledNode
      Q045 LogStartBatch
      Q046 LogBatchResult
      Q047 LogFunctionResult
      W006 FoundStats
      Z001 MainKeyboardInterrupt
      Z012 CheckCleanPath
      Z013 ConfirmCleanPath
      Z014 ProtectedCleanPath
      Z015 FinishedCleanPaths
      Z016 OpenCommand
      Z017 Formatting
      Z023 StatsLine
      Z026 SQLCompiledPath
      Z027 CheckNodeTestFailure
      Z030 EndOfRunSummary
      Z047 DebugCmdOut
      Z048 DebugCmdResult
      Z049 ListCmdOut
      Z050 Note
      Z052 PrintEvent
      Z053 RecordReplayIssue
      Z062 ArtifactUploadSuccess
      """
    ),
    (
      .warn,
      """
      D000 BehaviorChangeEvent
      D001 PackageRedirectDeprecation
      D002 PackageInstallPathDeprecation
      D003 ConfigSourcePathDeprecation
      D004 ConfigDataPathDeprecation
      D005 AdapterDeprecationWarning
      D006 MetricAttributesRenamed
      D007 ExposureNameDeprecation
      D008 InternalDeprecation
      D009 EnvironmentVariableRenamed
      D010 ConfigLogPathDeprecation
      D011 ConfigTargetPathDeprecation
      D012 CollectFreshnessReturnSignature
      D012 TestsConfigDeprecation
      D013 ProjectFlagsMovedDeprecation
      D015 ResourceNamesWithSpacesDeprecation
      D016 PackageMaterializationOverrideDeprecation
      D017 SourceFreshnessProjectHooksNotRun
      D018 MFTimespineWithoutYamlConfigurationDeprecation
      D019 MFCumulativeTypeParamsDeprecation
      D020 MicrobatchMacroOutsideOfBatchesDeprecation
      D022 GenericJSONSchemaValidationDeprecation
      D023 UnexpectedJinjaBlockDeprecation
      D024 DuplicateYAMLKeysDeprecation
      D025 CustomTopLevelKeyDeprecation
      D026 CustomKeyInConfigDeprecation
      D027 CustomKeyInObjectDeprecation
      D028 DeprecationsSummary
      D029 CustomOutputPathInSourceFreshnessDeprecation
      D030 PropertyMovedToConfigDeprecation
      D031 WEOIncludeExcludeDeprecation
      D032 ModelParamUsageDeprecation
      D034 ModulesItertoolsUsageDeprecation
      D035 SourceOverrideDeprecation
      D036 EnvironmentVariableNamespaceDeprecation
      D037 MissingPlusPrefixDeprecation
      D038 ArgumentsPropertyInGenericTestDeprecation
      D039 MissingArgumentsPropertyInGenericTestDeprecation
      D040 DuplicateNameDistinctNodeTypesDeprecation
      D041 GetMetaKeyWarning
      E003 AdapterEventWarning
      E040 CatalogGenerationError
      E048 ConstraintNotEnforced
      E049 ConstraintNotSupported
      I008 InvalidValueForField
      I009 ValidationWarning
      I051 UnusedResourceConfigPath
      I052 SeedIncreased
      I053 SeedExceedsLimitSamePath
      I054 SeedExceedsLimitAndPathChanged
      I055 SeedExceedsLimitChecksumChanged
      I056 UnusedTables
      I057 WrongResourceSchemaFile
      I058 NoNodeForYamlKey
      I059 MacroNotFoundForPatch
      I060 NodeNotFoundOrDisabled
      I061 JinjaLogWarning
      I065 DeprecatedModel
      I066 UpcomingReferenceDeprecation
      I067 DeprecatedReference
      I068 UnsupportedConstraintMaterialization
      I070 SemanticValidationFailure
      I071 UnversionedBreakingChange
      I072 WarnStateTargetEqual
      I073 FreshnessConfigProblem
      I074 MicrobatchModelNoEventTimeInputs
      I075 InvalidConcurrentBatchesConfig
      I076 InvalidMacroAnnotation
      I077 PackageNodeDependsOnRootProjectNode
      M029 DepsUnpinned
      M030 NoNodesForSelectionCriteria
      M035 DepsScrubbedPackageName
      Q035 NothingToDo
      Q038 NoNodesSelected
      Q043 SnapshotTimestampWarning
      Z021 RunResultWarning
      Z046 RunResultWarningMessage
      """
    ),
    (
      .error,
      """
      A008 InvalidOptionYAML
      A009 LogDbtProjectError
      A011 LogDbtProfileError
      E004 AdapterEventError
      E041 WriteCatalogFailure
      I069 ParseInlineNodeError
      Q001 RunningOperationCaughtError
      Q022 LogCancelLine
      Q036 RunningOperationUncaughtError
      W004 GenericExceptionOnRun
      Z002 MainEncounteredError
      Z003 MainStackTrace
      Z022 RunResultFailure
      Z024 RunResultError
      Z025 RunResultErrorNoMessage
      Z034 LogSkipBecauseError
      Z036 EnsureGitInstalled
      Z061 ArtifactUploadError
      """
    ),
  ]
}
