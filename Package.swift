// swift-tools-version: 6.1
import PackageDescription

let package = Package(
    name: "lrp2p-gateway",
    dependencies: [
        .package(url: "https://github.com/apple/swift-http-types", from: "1.8.0"),
    ],
    targets: [
        .systemLibrary(
            name: "CSodium", pkgConfig: "libsodium", providers: [.apt(["libsodium-dev"])]),
        .systemLibrary(
            name: "CMicrohttpd", pkgConfig: "libmicrohttpd",
            providers: [.apt(["libmicrohttpd-dev"])]),
        .target(name: "CLinux"),
        .target(name: "Sodium", dependencies: ["CSodium"]),
        .target(name: "Noise", dependencies: ["Sodium"]),
        .target(name: "LRP2PCore", dependencies: ["Noise", "Sodium"]),
        .target(
            name: "HTTPServer",
            dependencies: [
                "CLinux", "CMicrohttpd",
                .product(name: "HTTPTypes", package: "swift-http-types"),
            ]),
        .testTarget(name: "SodiumTests", dependencies: ["Sodium"]),
        .testTarget(name: "NoiseTests", dependencies: ["Noise", "TestSupport"]),
        .testTarget(
            name: "LRP2PCoreTests", dependencies: ["LRP2PCore", "Noise", "Sodium", "TestSupport"]),
        .testTarget(
            name: "HTTPServerTests",
            dependencies: [
                "HTTPServer",
                .product(name: "HTTPTypes", package: "swift-http-types"),
            ]),
        .target(name: "TestSupport", path: "Tests/TestSupport"),
    ],
    swiftLanguageModes: [.v6]
)
