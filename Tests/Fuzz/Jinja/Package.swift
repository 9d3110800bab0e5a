// swift-tools-version: 6.2
import PackageDescription

// libFuzzer targets for the template engine: a package of its own, since every module of it is
// built with the fuzzer's instrumentation (fuzz_jinja.py says how).
let package = Package(
  name: "jinja-fuzz",
  platforms: [.macOS(.v15)],
  dependencies: [.package(name: "sectoral", path: "../../..")],
  targets: [
    .executableTarget(
      name: "JinjaFuzzer",
      dependencies: [.product(name: "SectoralJinja", package: "sectoral")],
      // libFuzzer brings `main`.
      swiftSettings: [.unsafeFlags(["-parse-as-library"])]
    )
  ],
  swiftLanguageModes: [.v6]
)
