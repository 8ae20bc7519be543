// swift-tools-version: 6.1
import PackageDescription

let package = Package(
    name: "lrp2p-gateway",
    targets: [
        .systemLibrary(
            name: "CSodium", pkgConfig: "libsodium", providers: [.apt(["libsodium-dev"])]),
        .target(name: "Sodium", dependencies: ["CSodium"]),
        .target(name: "Noise", dependencies: ["Sodium"]),
        .target(name: "LRP2PCore", dependencies: ["Noise", "Sodium"]),
        .testTarget(name: "SodiumTests", dependencies: ["Sodium"]),
        .testTarget(name: "NoiseTests", dependencies: ["Noise", "TestSupport"]),
        .testTarget(
            name: "LRP2PCoreTests", dependencies: ["LRP2PCore", "Noise", "Sodium", "TestSupport"]),
        .target(name: "TestSupport", path: "Tests/TestSupport"),
    ],
    swiftLanguageModes: [.v6]
)
