// swift-tools-version: 6.2
import PackageDescription

// One target per stage; imports go up this list, never down. ARCHITECTURE.md gives the reasons.
let package = Package(
  name: "sectoral",
  platforms: [.macOS(.v15)],
  products: [
    .executable(name: "sectoral", targets: ["sectoral"]),
    .executable(name: "jinja", targets: ["jinja"]),
    .library(name: "SectoralJinja", targets: ["SectoralJinja"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
    .package(url: "https://github.com/attaswift/BigInt", from: "6.0.1"),
  ],
  targets: [
    // C libraries, each behind one door. libyaml and libcrypto are linked statically (Debian ships
    // the archives), libpq is loaded at the first connection.
    .systemLibrary(name: "CYAML", providers: [.apt(["libyaml-dev"])]),
    .target(name: "CCrypto", linkerSettings: [.linkedLibrary(":libcrypto.a")]),
    .target(name: "CPostgres"),
    .systemLibrary(name: "CPCRE2", providers: [.apt(["libpcre2-dev"])]),
    .systemLibrary(name: "CZlib", providers: [.apt(["zlib1g-dev"])]),
    // HTTP: libcurl, loaded at the first request.
    .target(name: "CCurl"),
    .target(name: "CSystem"),

    // Values and text: no I/O.
    .target(name: "SectoralText", dependencies: ["CCrypto"]),
    .target(
      name: "SectoralYAML",
      dependencies: ["SectoralText", "CYAML"],
      linkerSettings: [.linkedLibrary(":libyaml.a")]
    ),
    .target(
      name: "SectoralJinja",
      dependencies: [
        "SectoralText", .product(name: "BigInt", package: "BigInt"),
        .product(name: "OrderedCollections", package: "swift-collections"),
      ],
      exclude: ["README.md"]
    ),
    // The engine's side of `make bench-jinja`.
    .executableTarget(
      name: "JinjaBenchmark",
      dependencies: ["SectoralJinja", "SectoralText"],
      path: "Benchmarks/jinja/JinjaBenchmark"
    ),
    // The engine on a command line, for tests against Jinja itself and for whoever wants it.
    .executableTarget(
      name: "jinja",
      dependencies: [
        "SectoralJinja", "SectoralPython", "SectoralText", "SectoralYAML",
        .product(name: "BigInt", package: "BigInt"),
      ]
    ),
    // Python's library as templates see it: dates, time zones, regular expressions, decimals.
    .target(
      name: "SectoralPython",
      dependencies: [
        "SectoralText", "SectoralJinja", "CPCRE2", .product(name: "BigInt", package: "BigInt"),
      ],
      linkerSettings: [.linkedLibrary(":libpcre2-8.a")]
    ),
    .target(name: "SectoralWarehouse", dependencies: ["SectoralText"]),

    // Files to resources to SQL.
    .target(
      name: "SectoralProject",
      dependencies: [
        "SectoralText", "SectoralYAML", "SectoralJinja", "SectoralWarehouse", "CSystem",
      ]
    ),
    .target(
      name: "SectoralCompiler",
      dependencies: [
        "SectoralText", "SectoralYAML", "SectoralJinja", "SectoralWarehouse", "SectoralProject",
        "SectoralPython", .product(name: "BigInt", package: "BigInt"),
      ],
      exclude: ["Macros"],
      plugins: ["EmbedMacros"]
    ),
    .target(
      name: "SectoralArtifacts",
      dependencies: ["SectoralText", "SectoralYAML", "SectoralProject", "SectoralWarehouse"]
    ),
    // On Artifacts because `state:` compares with what an earlier run wrote.
    .target(
      name: "SectoralGraph",
      dependencies: ["SectoralText", "SectoralYAML", "SectoralProject", "SectoralArtifacts"]
    ),

    // The ways out of this process: requests over HTTP, other programs.
    .target(name: "SectoralHTTP", dependencies: ["CCurl"]),
    .target(name: "SectoralProcess"),
    // What AWS asks of its callers: credentials, signatures, its protocols.
    .target(
      name: "SectoralAWS",
      dependencies: ["SectoralText", "SectoralYAML", "SectoralHTTP", "SectoralProcess"]
    ),

    // Packages: what `deps` fetches and where from.
    .target(
      name: "SectoralPackages",
      dependencies: [
        "SectoralText", "SectoralYAML", "SectoralProject", "SectoralHTTP", "SectoralProcess",
        "CZlib",
      ],
      linkerSettings: [.linkedLibrary(":libz.a")]
    ),

    // The warehouse and the run.
    .target(
      name: "SectoralPostgres",
      dependencies: ["SectoralText", "SectoralWarehouse", "CPostgres"]
    ),
    // Redshift: logins by AWS, and what goes through S3.
    .target(
      name: "SectoralRedshift",
      dependencies: [
        "SectoralText", "SectoralYAML", "SectoralWarehouse", "SectoralProject", "SectoralPostgres",
        "SectoralAWS", "CZlib",
      ],
      linkerSettings: [.linkedLibrary(":libz.a")]
    ),
    .target(
      name: "SectoralRunner",
      dependencies: [
        "SectoralText", "SectoralYAML", "SectoralJinja", "SectoralWarehouse", "SectoralProject",
        "SectoralCompiler", "SectoralGraph", "SectoralArtifacts", "SectoralPackages",
      ]
    ),
    .executableTarget(
      name: "sectoral",
      dependencies: [
        "SectoralText", "SectoralYAML", "SectoralJinja", "SectoralWarehouse", "SectoralProject",
        "SectoralCompiler", "SectoralGraph", "SectoralArtifacts", "SectoralPostgres",
        "SectoralPackages", "SectoralRunner", "SectoralRedshift", "SectoralAWS", "SectoralHTTP",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ]
    ),

    // Built-in macros are templates in Sources/SectoralCompiler/Macros, put into the binary here.
    .executableTarget(name: "SectoralMacroEmbedder"),
    .plugin(
      name: "EmbedMacros",
      capability: .buildTool(),
      dependencies: ["SectoralMacroEmbedder"]
    ),

    // Tests.
    .testTarget(name: "SectoralTextTests", dependencies: ["SectoralText"]),
    .testTarget(
      name: "SectoralYAMLTests",
      dependencies: ["SectoralYAML", "SectoralText", "SectoralTestSupport"],
      exclude: ["Data"]
    ),
    .testTarget(
      name: "SectoralJinjaTests",
      dependencies: ["SectoralJinja", "SectoralText"],
      exclude: ["Cases", "Differential"]
    ),
    .testTarget(
      name: "SectoralPythonTests",
      dependencies: ["SectoralPython", "SectoralJinja", "SectoralText"],
      exclude: ["Cases"]
    ),
    .testTarget(
      name: "SectoralPostgresTests",
      dependencies: [
        "SectoralPostgres", "SectoralWarehouse", "SectoralText",
        "SectoralTestSupport", "SectoralTestTool",
      ]
    ),
    // What tests of several targets need.
    .target(name: "SectoralTestSupport", path: "Tests/SectoralTestSupport"),
    // Stands for the tool where a test needs processes of its own.
    .executableTarget(
      name: "SectoralTestTool",
      dependencies: ["SectoralPostgres", "SectoralWarehouse"],
      path: "Tests/SectoralTestTool"
    ),
    .testTarget(
      name: "SectoralProjectTests",
      dependencies: [
        "SectoralProject", "SectoralYAML", "SectoralText", "SectoralJinja",
      ]
    ),
    .testTarget(
      name: "SectoralCompilerTests",
      dependencies: [
        "SectoralCompiler", "SectoralProject", "SectoralYAML", "SectoralText", "SectoralJinja",
        "SectoralWarehouse", "SectoralArtifacts",
      ],
      exclude: ["Context/Recorded", "Macros/Recorded", "Macros/signatures.txt"]
    ),
    .testTarget(
      name: "SectoralGraphTests",
      dependencies: [
        "SectoralGraph", "SectoralProject", "SectoralYAML", "SectoralText", "SectoralArtifacts",
        "SectoralCompiler", "SectoralTestSupport",
      ],
      exclude: ["Data"]
    ),
    .testTarget(
      name: "SectoralArtifactsTests",
      dependencies: [
        "SectoralArtifacts", "SectoralProject", "SectoralYAML", "SectoralText",
      ]
    ),
    .testTarget(
      name: "SectoralPackagesTests",
      dependencies: ["SectoralPackages", "SectoralProject", "SectoralYAML", "SectoralText"]
    ),
    .testTarget(
      name: "SectoralAWSTests",
      dependencies: ["SectoralAWS", "SectoralHTTP", "SectoralText", "SectoralYAML"]
    ),
    .testTarget(
      name: "SectoralRedshiftTests",
      dependencies: [
        "SectoralRedshift", "SectoralAWS", "SectoralHTTP", "SectoralProject", "SectoralPostgres",
        "SectoralWarehouse", "SectoralYAML", "SectoralText",
      ]
    ),
    .testTarget(
      name: "SectoralCLITests",
      dependencies: [
        "sectoral", "SectoralRunner", "SectoralGraph", "SectoralWarehouse", "SectoralYAML",
        "SectoralText", "SectoralArtifacts",
      ]
    ),
    .testTarget(
      name: "SectoralEndToEndTests",
      dependencies: ["sectoral", "SectoralText", "SectoralYAML", "SectoralTestSupport"],
      exclude: ["Materializations/Recorded"]
    ),
  ],
  swiftLanguageModes: [.v6]
)

for target in package.targets
where ![.system, .plugin].contains(target.type) && !target.name.hasPrefix("C") {
  target.swiftSettings = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
    .enableUpcomingFeature("InferIsolatedConformances"),
    .treatAllWarnings(as: .error),
  ]
}
