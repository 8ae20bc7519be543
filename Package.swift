// swift-tools-version: 6.1
import PackageDescription

let package = Package(
    name: "lrp2p-gateway",
    products: [
        .executable(name: "lrp2p-gateway", targets: ["lrp2p-gateway"]),
        .executable(name: "lrp2p", targets: ["lrp2p"]),
        .executable(name: "lrp2p-bench", targets: ["lrp2p-bench"]),
        .library(name: "LRP2P", targets: ["LRP2P"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        // Without its traits, which would pull in all of Foundation, three times the size.
        .package(url: "https://github.com/apple/swift-configuration", from: "1.4.0", traits: []),
        .package(url: "https://github.com/apple/swift-http-types", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
    ],
    targets: [
        .systemLibrary(
            name: "CSodium", pkgConfig: "libsodium", providers: [.apt(["libsodium-dev"])]),
        .systemLibrary(
            name: "CMicrohttpd", pkgConfig: "libmicrohttpd",
            providers: [.apt(["libmicrohttpd-dev"])]),
        .systemLibrary(
            name: "CSQLite", pkgConfig: "sqlite3", providers: [.apt(["libsqlite3-dev"])]),
        .systemLibrary(
            name: "CGnuTLS", pkgConfig: "gnutls", providers: [.apt(["libgnutls28-dev"])]),
        .systemLibrary(
            name: "CCurl", pkgConfig: "libcurl", providers: [.apt(["libcurl4-gnutls-dev"])]),
        .target(name: "CLinux"),
        .target(name: "Threads", dependencies: ["CLinux"]),
        .target(name: "CAllocationCounts"),
        .target(name: "COpenAPI"),
        .target(name: "CDashboard", exclude: ["page"]),
        .target(name: "CHelloServer", dependencies: ["CMicrohttpd"]),
        .target(name: "Sodium", dependencies: ["CSodium"]),
        .target(name: "Noise", dependencies: ["Sodium"]),
        .target(name: "LRP2PCore", dependencies: ["Noise", "Sodium"]),
        .target(name: "LRP2PSimulation", dependencies: ["LRP2PCore", "Sodium"]),
        .target(name: "LRP2P", dependencies: ["LRP2PCore", "Sodium", "CLinux", "Threads"]),
        .target(name: "Spool", dependencies: ["CSQLite", "Threads"]),
        .target(
            name: "HTTPServer",
            dependencies: [
                "CGnuTLS", "CLinux", "CMicrohttpd", "Threads",
                .product(name: "HTTPTypes", package: "swift-http-types"),
            ]),
        .target(
            name: "Gateway",
            dependencies: [
                "CDashboard", "COpenAPI", "HTTPServer", "LRP2P", "Sodium", "Spool",
                .product(name: "HTTPTypes", package: "swift-http-types"),
                .product(name: "Logging", package: "swift-log"),
            ]),
        .executableTarget(
            name: "lrp2p-gateway",
            dependencies: [
                "CLinux", "Gateway", "HTTPServer", "LRP2P", "Spool", "Threads",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Configuration", package: "swift-configuration"),
                .product(name: "Logging", package: "swift-log"),
            ]),
        .target(name: "GatewayClient", dependencies: ["CCurl"]),
        .executableTarget(
            name: "lrp2p",
            dependencies: [
                "GatewayClient", .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            exclude: ["lrp2p.1"]),
        .executableTarget(
            name: "lrp2p-bench",
            dependencies: [
                "CAllocationCounts", "CHelloServer", "CLinux", "LRP2P", "LRP2PCore",
                "LRP2PSimulation", "Sodium", "Threads",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ]),

        .target(name: "TestSupport", path: "Tests/TestSupport"),
        .target(name: "ProcessSupport", path: "Tests/ProcessSupport"),
        .testTarget(name: "SodiumTests", dependencies: ["Sodium"]),
        .testTarget(name: "NoiseTests", dependencies: ["Noise", "TestSupport"]),
        .testTarget(
            name: "LRP2PCoreTests", dependencies: ["LRP2PCore", "Noise", "Sodium", "TestSupport"]),
        .testTarget(
            name: "LRP2PSimulationTests", dependencies: ["LRP2PSimulation", "LRP2PCore"]),
        .testTarget(
            name: "LRP2PTests",
            dependencies: [
                "LRP2P", "LRP2PSimulation", "CLinux", "TestSupport", "Threads", "lrp2p-bench",
            ]),
        .testTarget(
            name: "lrp2p-benchTests",
            dependencies: [
                "lrp2p-bench", "LRP2P", "LRP2PCore", "LRP2PSimulation", "Sodium",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ]),
        .testTarget(name: "SpoolTests", dependencies: ["Spool", "CSQLite", "TestSupport"]),
        .testTarget(
            name: "HTTPServerTests",
            dependencies: [
                "HTTPServer", "TestSupport",
                .product(name: "HTTPTypes", package: "swift-http-types"),
            ]),
        .testTarget(
            name: "GatewayTests",
            dependencies: [
                "Gateway", "HTTPServer", "LRP2P", "ProcessSupport", "Spool", "TestSupport",
                .product(name: "HTTPTypes", package: "swift-http-types"),
                .product(name: "Logging", package: "swift-log"),
            ]),
        .testTarget(
            name: "lrp2p-gatewayTests",
            dependencies: [
                "lrp2p-gateway", "Gateway", "LRP2P",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Configuration", package: "swift-configuration"),
                .product(name: "Logging", package: "swift-log"),
            ]),
        .testTarget(
            name: "GatewayClientTests",
            dependencies: [
                "GatewayClient", "HTTPServer",
                .product(name: "HTTPTypes", package: "swift-http-types"),
            ]),
        .testTarget(
            name: "lrp2pTests",
            dependencies: [
                "lrp2p", "Gateway", "GatewayClient", "HTTPServer",
                .product(name: "HTTPTypes", package: "swift-http-types"),
            ]),
        .testTarget(
            name: "InteropTests",
            dependencies: ["LRP2P", "CSodium", "ProcessSupport", "TestSupport"],
            exclude: ["Peer"]),
        .testTarget(
            name: "ContractTests",
            dependencies: [
                "Gateway", "LRP2P", "ProcessSupport",
                .product(name: "Logging", package: "swift-log"),
            ],
            exclude: ["Contract"]),
        .testTarget(
            name: "BrowserTests", dependencies: ["ProcessSupport"], exclude: ["Browser"]),
        .testTarget(name: "EndToEndTests", dependencies: ["ProcessSupport", "TestSupport"]),
    ],
    swiftLanguageModes: [.v6]
)
