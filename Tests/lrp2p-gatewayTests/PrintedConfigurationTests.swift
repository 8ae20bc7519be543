import Testing

@testable import lrp2p_gateway

@Suite struct PrintedConfigurationTests {
    private func lines(_ sources: SettingSources) -> [Substring] {
        PrintedConfiguration.text(sources).split(separator: "\n")
    }

    /// What is in force, without the comments on where it comes from.
    private func inForce(_ sources: SettingSources) -> [Substring] {
        lines(sources).filter { !$0.hasPrefix("#") }
    }

    @Test func saysWhereEachComesFrom() throws {
        let file = try TestFile("LRP2P_SOCKETS=2")
        let text = PrintedConfiguration.text(
            try .test(["--udp", "[::1]:1"], environment: ["LRP2P_LOG_LEVEL": "debug"], file: file))
        #expect(text.contains("# flag --udp\nLRP2P_UDP=[::1]:1\n"))
        #expect(text.contains("# environment LRP2P_LOG_LEVEL\nLRP2P_LOG_LEVEL=debug\n"))
        #expect(text.contains("# file \(file.path) line 1\nLRP2P_SOCKETS=2\n"))
        #expect(text.contains("# default\nLRP2P_KEEPALIVE=never\n"))
        #expect(text.contains("# not set\n# LRP2P_TOKEN_FILE=\n"))
        let limit = "# default, without effect unless LRP2P_DATA_DIR is set\n# LRP2P_SPOOL_LIMIT="
        #expect(text.contains(limit))
    }

    @Test(arguments: [
        [],
        [
            "--http", "0.0.0.0:0", "--insecure-http", "--token-file", "a=b #c", "--dial-deny",
            "fd00::/8", "--dial-deny", "10.0.0.0/8", "--data-dir", "/var/lib/ä ö",
            "--application-protocol", "a b", "--application-protocol", "#c", "--drain-time", "0",
            "--tls-certificate", "c", "--tls-key", "k", "--tls-client-ca", "ca",
        ],
    ])
    func isAFileThatSetsTheSame(arguments: [String]) throws {
        let sources = try SettingSources.test(arguments)
        _ = try Settings(sources)
        let file = try TestFile(PrintedConfiguration.text(sources))
        // Nothing else says where the key file is.
        let again = try SettingSources.test([], environment: [:], file: file)
        _ = try Settings(again)
        #expect(inForce(again) == inForce(sources))
        for setting in SettingTable.all where setting.isAllowedInFile {
            #expect(again[setting]?.texts == sources[setting]?.texts, "\(setting.name)")
        }
    }

    @Test func secretsAreShownToNobody() throws {
        var secret = SettingTable.keyFile.info
        secret.isSecret = true
        let sources = try SettingSources.test(["--key-file", "/hush"])
        let text = PrintedConfiguration.text(sources, settings: [secret])
        #expect(!text.contains("hush"))
        #expect(text.contains("# flag --key-file\n# LRP2P_KEY_FILE=…"))
    }
}
