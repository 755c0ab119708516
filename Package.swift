// swift-tools-version: 6.2
import PackageDescription

let settings: [SwiftSetting] = [
    .treatAllWarnings(as: .error),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
]

let crypto: Target.Dependency = .product(name: "Crypto", package: "swift-crypto")
let logging: Target.Dependency = .product(name: "Logging", package: "swift-log")
let metrics: Target.Dependency = .product(name: "Metrics", package: "swift-metrics")
let metricsCore: Target.Dependency = .product(name: "CoreMetrics", package: "swift-metrics")
let lifecycle: Target.Dependency = .product(name: "ServiceLifecycle", package: "swift-service-lifecycle")
let signals: Target.Dependency = .product(name: "UnixSignals", package: "swift-service-lifecycle")
let hummingbird: Target.Dependency = .product(name: "Hummingbird", package: "hummingbird")
let hummingbirdCore: Target.Dependency = .product(name: "HummingbirdCore", package: "hummingbird")
let httpTypes: Target.Dependency = .product(name: "HTTPTypes", package: "swift-http-types")
let nioCore: Target.Dependency = .product(name: "NIOCore", package: "swift-nio")
let nioEmbedded: Target.Dependency = .product(name: "NIOEmbedded", package: "swift-nio")
let nioPosix: Target.Dependency = .product(name: "NIOPosix", package: "swift-nio")
let nioHTTP1: Target.Dependency = .product(name: "NIOHTTP1", package: "swift-nio")
let nioHTTPTypes: Target.Dependency = .product(name: "NIOHTTPTypes", package: "swift-nio-extras")
let nioHTTPTypesHTTP1: Target.Dependency = .product(name: "NIOHTTPTypesHTTP1", package: "swift-nio-extras")
let nioSSL: Target.Dependency = .product(name: "NIOSSL", package: "swift-nio-ssl")
let nioTLS: Target.Dependency = .product(name: "NIOTLS", package: "swift-nio")
let x509: Target.Dependency = .product(name: "X509", package: "swift-certificates")
let asn1: Target.Dependency = .product(name: "SwiftASN1", package: "swift-asn1")
let argumentParser: Target.Dependency = .product(name: "ArgumentParser", package: "swift-argument-parser")
let yams: Target.Dependency = .product(name: "Yams", package: "Yams")
let grdb: Target.Dependency = .product(name: "GRDB", package: "GRDB.swift")

/// A library of ours below `Sources/`.
func library(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .target(name: name, dependencies: dependencies, swiftSettings: settings)
}

/// A backend plugin: an ordinary target below `Plugins/`.
func plugin(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .target(name: name, dependencies: dependencies, path: "Plugins/\(name)", swiftSettings: settings)
}

/// An executable: argument parsing and wiring only.
func executable(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .executableTarget(name: name, dependencies: dependencies, swiftSettings: settings)
}

/// A test target below `Tests/`.
func tests(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .testTarget(name: name, dependencies: dependencies, swiftSettings: settings)
}

let plugins: [Target.Dependency] = ["HTTPBackend", "RegistryBackend", "FileBackend"]

let package = Package(
    name: "darter",
    platforms: [.macOS(.v15)],
    products: [
        .executable(name: "supernode", targets: ["supernode"]),
        .executable(name: "dfget", targets: ["dfget"]),
        .executable(name: "dfdaemon", targets: ["dfdaemon"]),
        .executable(name: "dfwebhook", targets: ["dfwebhook"]),
        .executable(name: "darter", targets: ["darter"]),
        .executable(name: "dfsim", targets: ["dfsim"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-asn1", from: "1.7.4"),
        .package(url: "https://github.com/apple/swift-certificates", from: "1.21.1"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
        .package(url: "https://github.com/apple/swift-http-types", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-metrics", from: "2.13.0"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-extras", from: "1.35.2"),
        .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.6"),
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
        .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
    ],
    targets: [
        // Layer 0: values and arithmetic.
        .systemLibrary(name: "CLibCurl"),
        library("Content", [crypto]),

        // Layer 1: one concern each.
        library("NodeConfig", ["Content", yams]),
        library("RegistryProtocol", ["Content"]),
        library("WireAPI", ["Content"]),
        library("SwarmScheduling", ["Content"]),
        library("RateLimiting", ["Content"]),
        library("RuntimeSetup", ["Content"]),
        library("Certification", ["Content", crypto, asn1, x509]),

        // Layer 2: what has a configuration: origins, listeners, the disk; and every outbound byte.
        library("BackendAPI", ["Content", "NodeConfig", "RateLimiting", metrics]),
        library("CurlTransport", ["CLibCurl", "Content", "NodeConfig", "RateLimiting", logging]),
        library(
            "HTTPService",
            [
                "Content", "NodeConfig", "RateLimiting", hummingbird, hummingbirdCore, httpTypes, nioCore, nioPosix,
                nioHTTP1,
                nioHTTPTypes, nioHTTPTypesHTTP1, nioSSL, nioTLS, logging, metrics, metricsCore, lifecycle,
            ]
        ),
        library("CacheStore", ["Content", "NodeConfig", crypto, grdb, logging]),

        // Layer 2: the scheduler under a virtual clock.
        library("SwarmSimulation", ["Content", "NodeConfig", "SwarmScheduling"]),

        // Layer 3: from origins, into the store, and out of it.
        library(
            "OriginTransfer",
            ["BackendAPI", "Content", "CurlTransport", "NodeConfig", "RateLimiting", "RegistryProtocol"]
        ),
        library(
            "OriginFetch",
            [
                "BackendAPI", "CacheStore", "Content", "NodeConfig", "RateLimiting", "RegistryProtocol", "WireAPI",
                lifecycle, logging, metrics,
            ]
        ),
        library(
            "PieceServer",
            [
                "CacheStore", "Content", "HTTPService", "RateLimiting", "WireAPI", crypto, hummingbird, httpTypes,
                metrics,
            ]
        ),

        // Layer 4: the swarm.
        library(
            "PeerEngine",
            [
                "BackendAPI", "CacheStore", "Content", "CurlTransport", "NodeConfig", "OriginFetch", "PieceServer",
                "RateLimiting", "WireAPI", lifecycle, logging, metrics,
            ]
        ),
        library(
            "SupernodeService",
            [
                "BackendAPI", "CacheStore", "Content", "HTTPService", "NodeConfig", "OriginFetch", "PieceServer",
                "RateLimiting", "SwarmScheduling", "WireAPI", hummingbird, httpTypes, lifecycle, logging, metrics,
            ]
        ),

        // Plugins: each knows one kind of origin.
        .target(name: "CFileAccess", path: "Plugins/CFileAccess"),
        plugin("HTTPBackend", ["BackendAPI", "Content", "CurlTransport", "NodeConfig", "OriginTransfer"]),
        plugin(
            "RegistryBackend",
            ["BackendAPI", "Content", "CurlTransport", "NodeConfig", "OriginTransfer", "RegistryProtocol"]
        ),
        plugin(
            "FileBackend",
            [
                "BackendAPI", "CFileAccess", "Content", "CurlTransport", "NodeConfig", "OriginTransfer", "RateLimiting",
                logging,
            ]
        ),

        // Layer 5: what clients see of a node.
        library(
            "ContentProxy",
            [
                "BackendAPI", "CacheStore", "Certification", "Content", "CurlTransport", "HTTPService", "NodeConfig",
                "OriginFetch", "OriginTransfer", "PeerEngine", "RegistryProtocol", "WireAPI", crypto, hummingbird,
                httpTypes, nioCore, nioSSL, logging, metrics,
            ]
        ),
        library(
            "NodeControl",
            [
                "BackendAPI", "CacheStore", "Content", "CurlTransport", "HTTPService", "NodeConfig", "OriginFetch",
                "PeerEngine", "WireAPI", hummingbird, httpTypes,
            ]
        ),

        library(
            "AdmissionWebhook",
            [
                "Certification", "Content", "CurlTransport", "HTTPService", "NodeConfig", "PeerEngine",
                "RegistryProtocol", hummingbird, nioCore, lifecycle, logging, metrics,
            ]
        ),

        // Layer 6: the daemons: configuration and wiring.
        library(
            "NodeAssembly",
            [
                "AdmissionWebhook", "BackendAPI", "CacheStore", "Certification", "Content", "ContentProxy",
                "CurlTransport", "HTTPService", "NodeConfig", "NodeControl", "OriginFetch", "PeerEngine", "PieceServer",
                "RateLimiting", "SupernodeService", "WireAPI", argumentParser, lifecycle, signals, logging, metrics,
                hummingbird,
            ]
        ),

        // Layer 7: dfget without its argument parsing.
        library(
            "DownloadTool",
            [
                "BackendAPI", "CacheStore", "Content", "CurlTransport", "HTTPService", "NodeAssembly", "NodeConfig",
                "NodeControl", "OriginFetch", "PeerEngine", "PieceServer", "RateLimiting", "WireAPI", hummingbird,
                lifecycle,
                signals, logging,
            ]
        ),

        // Layer 7: what is wrong with a node, in plain words.
        library(
            "NodeCheck",
            [
                "CacheStore", "Content", "ContentProxy", "CurlTransport", "HTTPService", "NodeAssembly", "NodeConfig",
                "OriginTransfer", "PeerEngine", "RegistryProtocol", "RuntimeSetup", logging,
            ]
        ),

        // Layer 7: the list of plugins.
        library("IncludedBackends", ["BackendAPI", "NodeAssembly"] + plugins),

        // Layer 8: argument parsing.
        library("SupernodeCommandLine", ["IncludedBackends", "NodeAssembly", "WireAPI", argumentParser]),
        library(
            "DfgetCommandLine",
            [
                "DownloadTool", "HTTPService", "IncludedBackends", "NodeAssembly", "NodeConfig", "PeerEngine",
                "WireAPI",
                argumentParser, logging,
            ]
        ),
        library(
            "WebhookCommandLine",
            ["AdmissionWebhook", "NodeAssembly", "NodeConfig", "WireAPI", argumentParser]
        ),
        library(
            "DaemonCommandLine",
            [
                "IncludedBackends", "NodeAssembly", "NodeCheck", "NodeConfig", "RegistryProtocol", "RuntimeSetup",
                "WireAPI", argumentParser,
            ]
        ),

        // Executables: one for each tool, and one that is all of them.
        executable("supernode", ["SupernodeCommandLine", argumentParser]),
        executable("dfget", ["DfgetCommandLine"]),
        executable("dfdaemon", ["DaemonCommandLine", argumentParser]),
        executable("dfwebhook", ["WebhookCommandLine", argumentParser]),
        executable(
            "darter",
            [
                "CurlTransport", "DaemonCommandLine", "DfgetCommandLine", "SupernodeCommandLine", "WebhookCommandLine",
                "NodeAssembly", "WireAPI", argumentParser, logging,
            ]
        ),
        executable("dfsim", ["NodeConfig", "SwarmSimulation", argumentParser]),

        .target(
            name: "TestSupport",
            dependencies: ["BackendAPI", "Content", "SwarmScheduling", crypto, nioCore, nioPosix, nioHTTP1],
            swiftSettings: settings
        ),

        .executableTarget(
            name: "store-crash",
            dependencies: ["CacheStore", "Content", "NodeConfig", logging],
            path: "Tests/Support/store-crash",
            swiftSettings: settings
        ),

        tests("ContentTests", ["Content", "TestSupport"]),
        tests("NodeConfigTests", ["NodeConfig", "Content", "TestSupport"]),
        tests("RateLimitingTests", ["RateLimiting", "Content", "TestSupport"]),
        tests("BackendAPITests", ["BackendAPI", "Content", "NodeConfig", "RateLimiting", "TestSupport"]),
        tests(
            "ContentProxyTests",
            [
                "ContentProxy", "BackendAPI", "CacheStore", "Content", "CurlTransport", "HTTPService", "NodeConfig",
                "OriginFetch", "PeerEngine", "RegistryProtocol", "TestSupport", "WireAPI", hummingbird, httpTypes,
                lifecycle, logging, nioCore,
            ]
        ),
        tests("CertificationTests", ["Certification", "TestSupport", crypto]),
        tests("RegistryProtocolTests", ["RegistryProtocol", "Content"]),
        tests("RuntimeSetupTests", ["RuntimeSetup", "TestSupport"]),
        tests("NodeCheckTests", ["NodeCheck", "CacheStore", "Content", "CurlTransport", "NodeConfig"]),
        tests("WireAPITests", ["WireAPI", "Content"]),
        tests("SwarmSchedulingTests", ["SwarmScheduling", "Content", "TestSupport"]),
        tests("SwarmSimulationTests", ["SwarmSimulation", "SwarmScheduling", "Content", "NodeConfig", "TestSupport"]),
        tests("CurlTransportTests", ["CurlTransport", "Content", "RateLimiting", "TestSupport", logging]),
        tests(
            "HTTPServiceTests",
            [
                "HTTPService", "Content", "NodeConfig", "RateLimiting", "TestSupport", hummingbird, httpTypes,
                lifecycle, logging, metricsCore, nioCore, nioEmbedded,
            ]
        ),
        tests(
            "CacheStoreTests",
            ["CacheStore", "Content", "NodeConfig", "TestSupport", "store-crash", logging]
        ),
        tests(
            "OriginFetchTests",
            [
                "OriginFetch", "BackendAPI", "CacheStore", "Content", "NodeConfig", "RateLimiting", "TestSupport",
                "WireAPI",
                logging,
            ]
        ),
        tests("PieceServerTests", ["PieceServer", "Content"]),
        tests(
            "BackendConformanceTests",
            ["BackendAPI", "Content", "CurlTransport", "NodeConfig", "RateLimiting", "TestSupport", logging] + plugins
        ),
        tests(
            "SupernodeServiceTests",
            [
                "SupernodeService", "BackendAPI", "CacheStore", "Content", "NodeConfig", "OriginFetch", "PieceServer",
                "SwarmScheduling", "TestSupport", "WireAPI", hummingbird, nioCore, logging,
            ]
        ),
        tests(
            "PeerEngineTests",
            [
                "PeerEngine", "BackendAPI", "CacheStore", "Content", "CurlTransport", "NodeConfig", "OriginFetch",
                "RateLimiting", "TestSupport", "WireAPI", logging,
            ]
        ),
        tests(
            "SwarmTests",
            [
                "BackendAPI", "CacheStore", "Content", "CurlTransport", "DownloadTool", "HTTPService", "NodeConfig",
                "OriginFetch", "PeerEngine", "PieceServer", "RateLimiting", "SupernodeService", "TestSupport",
                "WireAPI", hummingbird,
                lifecycle, logging,
            ]
        ),
        tests(
            "NodeAssemblyTests",
            [
                "BackendAPI", "CacheStore", "Certification", "Content", "ContentProxy", "HTTPService", "NodeAssembly",
                "NodeConfig", "PeerEngine", "RateLimiting", "TestSupport", "WireAPI",
            ]
        ),
        tests(
            "APIDescriptionTests",
            [
                "AdmissionWebhook", "BackendAPI", "CacheStore", "Content", "CurlTransport", "HTTPService",
                "NodeAssembly", "NodeConfig", "NodeControl", "OriginFetch", "PeerEngine", "PieceServer",
                "SupernodeService", "TestSupport", "WireAPI", hummingbird, httpTypes, lifecycle, logging, yams,
            ]
        ),
        tests(
            "NodeControlTests",
            [
                "NodeControl", "BackendAPI", "CacheStore", "Content", "CurlTransport", "HTTPService", "NodeConfig",
                "OriginFetch", "PeerEngine", "RateLimiting", "TestSupport", "WireAPI", hummingbird, lifecycle, logging,
            ]
        ),
        tests(
            "DownloadToolTests",
            [
                "DownloadTool", "BackendAPI", "CacheStore", "Content", "CurlTransport", "NodeConfig", "OriginFetch",
                "PeerEngine", "TestSupport", "WireAPI",
            ]
        ),
        tests(
            "AdmissionWebhookTests",
            [
                "AdmissionWebhook", "Certification", "Content", "CurlTransport", "HTTPService", "NodeConfig",
                "PeerEngine",
                "RegistryProtocol", "TestSupport", logging,
            ]
        ),
        tests("IntegrationTests", ["CacheStore", "Content", "TestSupport", "CurlTransport", "WireAPI", logging]),
    ],
    swiftLanguageModes: [.v6]
)
