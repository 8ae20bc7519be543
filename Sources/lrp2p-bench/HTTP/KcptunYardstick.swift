import Glibc
import LRP2P

/// The same size through kcptun, which carries TCP over KCP, another reliable protocol on UDP:
/// an HTTP download from nginx on this machine.
enum KcptunYardstick {
    /// Debian's packages kcptun and nginx-light.
    static let programs = ["kcptun-client", "kcptun-server", "nginx"]

    static var isAvailable: Bool { programs.allSatisfy(Program.exists) }

    /// Its fastest mode; no redundancy and no compression, as we have none; windows that do not
    /// limit it on loopback.
    private static let options = [
        "--mode", "fast3", "--datashard", "0", "--parityshard", "0", "--nocomp",
        "--sndwnd", "4096", "--rcvwnd", "4096", "--crypt", "aes-128", "--quiet", "--log",
        "/dev/null",
    ]

    static func bytesPerSecond(bytes: Int) async throws -> Double {
        let scratch = try Scratch()
        try scratch.makeFile("body", bytes: bytes)
        try scratch.write(configuration(scratch), to: "nginx.conf")
        let web = try Program(
            "nginx", ["-p", scratch.path, "-c", scratch.path("nginx.conf"), "-e", "/dev/null"])
        defer { web.end() }
        let udp = try freePort(SOCK_DGRAM), tcp = try freePort(SOCK_STREAM)
        let server = try Program(
            "kcptun-server",
            ["--listen", "127.0.0.1:\(udp)", "--target", scratch.path("socket")] + options)
        defer { server.end() }
        let tunnel = try Program(
            "kcptun-client",
            ["--localaddr", "127.0.0.1:\(tcp)", "--remoteaddr", "127.0.0.1:\(udp)"] + options)
        defer { tunnel.end() }
        return try await onThread {
            // Also waits until all three are ready.
            try firstAnswer(port: tcp)
            let client = try HTTPClient(port: tcp)
            let start = ContinuousClock.now
            try client.send("GET", "/body")
            var received = 0
            let head = try client.readAnswer { bytes, _ in received += bytes.count }
            guard head.status == 200, received == bytes else {
                throw BenchError.status(head.status, of: "GET through kcptun")
            }
            return Double(bytes) / (ContinuousClock.now - start).inSeconds
        }
    }

    private static func configuration(_ scratch: Scratch) -> String {
        """
        daemon off; master_process off; pid \(scratch.path("pid")); error_log /dev/null;
        events { worker_connections 64; }
        http {
            access_log off; sendfile on; default_type application/octet-stream;
            client_body_temp_path \(scratch.path); proxy_temp_path \(scratch.path);
            fastcgi_temp_path \(scratch.path); uwsgi_temp_path \(scratch.path);
            scgi_temp_path \(scratch.path);
            server { listen unix:\(scratch.path("socket")); root \(scratch.path); }
        }

        """
    }

    /// How long the three may take to start, and between two looks.
    private static let startLimit = Duration.seconds(10)
    private static let pauseMicroseconds: UInt32 = 20_000

    private static func firstAnswer(port: UInt16) throws {
        let limit = ContinuousClock.now + startLimit
        while true {
            do {
                let answer = try HTTPClient(port: port).request("HEAD", "/body")
                guard answer.head.status == 200 else {
                    throw BenchError.status(answer.head.status, of: "HEAD through kcptun")
                }
                return
            } catch {
                guard ContinuousClock.now < limit else { throw error }
                usleep(pauseMicroseconds)
            }
        }
    }

    /// A port that nobody has now: these programs cannot pick one themselves.
    private static func freePort(_ kind: __socket_type) throws -> UInt16 {
        let descriptor = socket(AF_INET, Int32(kind.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw BenchError.system(operation: "socket", errno: errno) }
        defer { close(descriptor) }
        guard sockaddr_in.loopback(port: 0).asSockaddr({ bind(descriptor, $0, $1) }) == 0,
            let port = sockaddr_in.localPort(of: descriptor)
        else { throw BenchError.system(operation: "bind", errno: errno) }
        return port
    }
}
