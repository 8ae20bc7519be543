import HTTPTypes
import Testing

@testable import HTTPServer

@Suite struct LastResponseTests {
    @Test func wireFormat() {
        let response = ServerResponse(
            status: .conflict, headers: [.contentType: "text/plain", .contentLength: "99"],
            body: Array("no".utf8))
        let head = "HTTP/1.1 409 Conflict\r\nContent-Type: text/plain\r\n"
            + "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\nContent-Length: 2\r\n"
            + "Connection: close\r\n\r\n"
        let date = 784_111_777
        #expect(
            Connection.lastResponse(response, toHead: false, date: date)
                == Array((head + "no").utf8))
        #expect(Connection.lastResponse(response, toHead: true, date: date) == Array(head.utf8))
    }
}
