import Foundation
import ProcessSupport
import Testing

extension EndToEnd {
    struct ToolCertificateTests {
        private static let make = #"""
            cd "$1"; umask 077
            key=(-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes)
            openssl req -x509 "${key[@]}" -keyout ca.key -out ca.pem -subj /CN=ca
            echo subjectAltName=IP:127.0.0.1 > names
            for name in server client; do
                openssl req "${key[@]}" -keyout $name.key -out $name.csr -subj /CN=$name
                openssl x509 -req -in $name.csr -CA ca.pem -CAkey ca.key -CAcreateserial \
                    -extfile names -out $name.pem
            done
            """#

        @Test("A gateway with HTTPS that wants to see a certificate")
        func certificates() async throws {
            let directory = try TemporaryDirectory()
            let made = try Tool.shell(Self.make, [directory.url.path])
            try #require(try await made.wait() == .status(0), "\(made.errorText)")
            let (authority, server) = (directory.path("ca.pem"), directory.path("server"))
            let gateway = try await GatewayProcess([
                "--tls-certificate", "\(server).pem", "--tls-key", "\(server).key",
                "--tls-client-ca", authority,
            ])
            let url = "https://127.0.0.1:\(gateway.httpPort)"
            let unknown = try await Tool.run(nil, "identity", "--gateway", url, status: 78)
            #expect(unknown.errorText.contains("do not trust each other"))
            let unnamed = try await Tool.run(
                nil, "identity", "--gateway", url, "--ca", authority, status: 69)
            #expect(unnamed.errorText.contains("--certificate"), "\(unnamed.errorText)")
            let plain = try await Tool.run(gateway, "identity", status: 69)
            #expect(plain.errorText.contains("https://"), "\(plain.errorText)")
            let named = try await Tool.run(
                nil, "identity", "--gateway", url, "--ca", authority,
                "--certificate", directory.path("client.pem"),
                "--key", directory.path("client.key"))
            #expect(named.outputText.contains(gateway.peerID))
            try await gateway.stop()
        }
    }
}
