import Foundation
import ProcessSupport
import Testing

/// A real Chromium without a window, through `chromedriver` (W3C WebDriver).
struct WebDriver: Sendable {
    private let process: ChildProcess
    private let base: String
    private let session: String

    private struct Answer<Value: Decodable>: Decodable { let value: Value }
    private struct Session: Decodable { let sessionId: String }

    /// Opens one, and closes it whatever comes.
    static func run<Result>(_ work: (WebDriver) async throws -> Result) async throws -> Result {
        let driver = try await WebDriver()
        do {
            let result = try await work(driver)
            try await driver.close()
            return result
        } catch {
            try? await driver.close()
            throw error
        }
    }

    private init() async throws {
        process = try ChildProcess("chromedriver", ["--port=0"])
        var port: Substring?
        while port == nil {
            port = try await process.nextLine().firstMatch(of: /successfully on port (\d+)/)?.1
        }
        base = "http://127.0.0.1:\(try #require(port))/session"
        // Tests run as root in containers, where Chromium's sandbox does not work.
        let options = ["args": ["--headless=new", "--no-sandbox", "--disable-dev-shm-usage"]]
        let capabilities: [String: any Sendable] = [
            "goog:chromeOptions": options, "timeouts": ["script": 120_000],
        ]
        session = try await Self.post(
            base, ["capabilities": ["alwaysMatch": capabilities]], as: Session.self
        ).sessionId
    }

    func open(_ url: String) async throws {
        _ = try await Self.post("\(base)/\(session)/url", ["url": url], as: String?.self)
    }

    /// Runs the body of an asynchronous function of `arguments` in the page.
    func evaluate(_ body: String, _ arguments: [String]) async throws -> String {
        let script = """
            const done = arguments[arguments.length - 1];
            (async (...args) => { \(body) })(...arguments).then(done, error => done(String(error)));
            """
        return try await Self.post(
            "\(base)/\(session)/execute/async", ["script": script, "args": arguments],
            as: String.self)
    }

    private func close() async throws {
        _ = try await Curl.run("-X", "DELETE", "\(base)/\(session)")
        process.send(signal: SIGTERM)
        _ = try await process.wait()
    }

    private static func post<Value: Decodable>(
        _ url: String, _ body: [String: any Sendable], as type: Value.Type
    ) async throws -> Value {
        let directory = try TemporaryDirectory()
        let file = directory.path("body")
        try JSONSerialization.data(withJSONObject: body).write(to: URL(filePath: file))
        let answer = try await Curl.run(
            "-H", "Content-Type: application/json", "--data-binary", "@\(file)", url)
        try #require(answer.status == 200, "\(answer.text)")
        return try JSONDecoder().decode(Answer<Value>.self, from: Data(answer.body)).value
    }
}
