// swift-tools-version: 6.2
// SPDX-License-Identifier: Apache-2.0
import PackageDescription

// `#expect` expands to code that strict memory safety refuses, so tests use these alone.
let relaxed: [SwiftSetting] = [
  .swiftLanguageMode(.v6), .treatAllWarnings(as: .error),
  .enableUpcomingFeature("ExistentialAny"), .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("MemberImportVisibility"), .enableUpcomingFeature("ImmutableWeakCaptures"),
  // Borrowed records and spans need lifetime annotations, which 6.3 still calls experimental.
  .enableExperimentalFeature("Lifetimes"),
]
let strict = relaxed + [.strictMemorySafety()]

/// A module of the user half; `dependencies` may only name modules above it in the list below.
func module(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
  .target(name: name, dependencies: dependencies, swiftSettings: strict)
}

func tests(
  of name: String, _ dependencies: [Target.Dependency] = [], exclude: [String] = []
) -> Target {
  .testTarget(
    name: "\(name)Tests", dependencies: [.byName(name: name)] + dependencies, exclude: exclude,
    swiftSettings: relaxed)
}

let package = Package(
  name: "apus",
  targets: [
    .systemLibrary(name: "CLibbpf", providers: [.apt(["libbpf-dev", "libelf-dev", "zlib1g-dev"])]),
    .systemLibrary(name: "CCurl", providers: [.apt(["libcurl4-openssl-dev"])]),
    .systemLibrary(name: "CMicrohttpd", providers: [.apt(["libmicrohttpd-dev"])]),
    .systemLibrary(name: "CYAML", providers: [.apt(["libyaml-dev"])]),
    .systemLibrary(name: "CApusABI", path: "bpf/abi"),
    .target(
      name: "CApus",
      cSettings: [
        .unsafeFlags(["-std=c23", "-Wall", "-Wextra", "-Werror", "-Wmissing-prototypes"])
      ],
      linkerSettings: [
        .linkedLibrary(":libbpf.a"), .linkedLibrary(":libelf.a"), .linkedLibrary(":libz.a"),
        .linkedLibrary(":libyaml.a"),
      ]),
    module("Platform", ["CApus"]),
    module("Kernel", ["CLibbpf", "CApusABI", "CApus", "Platform"]),
    module("Metrics", ["Platform"]),
    module("Config", ["CYAML", "Platform"]),
    module("OTLP", ["Platform", "Metrics"]),
    module("Transport", ["CCurl", "CApus", "Platform"]),
    module("Identity", ["CApus", "Platform", "OTLP"]),
    module("Export", ["Platform", "Metrics", "Config", "OTLP", "Transport"]),
    module(
      "Probes",
      ["CApusABI", "Platform", "Kernel", "Metrics", "Config", "OTLP", "Identity", "Export"]),
    module("Serve", ["CMicrohttpd", "CApus", "Platform"]),
    module(
      "Agent",
      [
        "CApus", "CApusABI", "Platform", "Kernel", "Metrics", "Config", "OTLP", "Transport",
        "Identity",
        "Export", "Probes", "Serve",
      ]),
    module("CLI", ["Platform", "Metrics", "Config"]),
    .executableTarget(
      name: "apus",
      dependencies: [
        "CApusABI", "Platform", "Kernel", "Metrics", "Config", "OTLP", "Identity", "Export",
        "Probes", "Serve", "Agent", "CLI",
      ],
      swiftSettings: strict),
    // Measure the hot paths; no product, and not needed to run anything.
    .target(
      name: "CBench",
      cSettings: [
        .unsafeFlags(["-std=c23", "-Wall", "-Wextra", "-Werror", "-Wmissing-prototypes"])
      ]),
    .executableTarget(
      name: "apus-bench",
      dependencies: [
        "CApusABI", "Platform", "Kernel", "Metrics", "Config", "OTLP", "Identity", "Export",
        "Probes", "CBench",
      ],
      swiftSettings: strict),
    // Tests of random input, for as long as the environment says.
    .target(name: "Fuzzing", path: "Tests/Fuzzing", swiftSettings: relaxed),
    .target(name: "Ports", path: "Tests/Ports", swiftSettings: relaxed),
    tests(of: "Platform", ["Fuzzing"]),
    tests(of: "Kernel", ["CApusABI", "Config", "Platform", "Probes"]),
    tests(of: "Metrics"),
    tests(of: "Config", ["Fuzzing", "Platform"], exclude: ["Cases"]),
    tests(of: "OTLP", ["Fuzzing", "Metrics"], exclude: ["decode_otlp.py", "random_otlp.py"]),
    tests(of: "Identity", ["OTLP", "Platform"]),
    tests(
      of: "Export", ["Config", "Fuzzing", "Metrics", "OTLP", "Platform", "Ports", "Transport"]),
    tests(
      of: "Probes",
      ["CApusABI", "Config", "Export", "Fuzzing", "Identity", "Kernel", "OTLP", "Platform"]),
    tests(
      of: "Agent",
      [
        "CApusABI", "Config", "Export", "Identity", "Kernel", "Metrics", "OTLP", "Platform",
        "Ports", "Probes", "Serve",
      ]),
    tests(of: "Transport", ["CApus", "Fuzzing"], exclude: ["Servers"]),
    tests(of: "Serve", ["Platform"]),
    tests(of: "CLI", ["Config"]),
  ]
)
