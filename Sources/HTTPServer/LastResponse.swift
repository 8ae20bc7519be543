import Glibc
import HTTPTypes

extension Connection {
    /// Answers in the middle of an upload, where libmicrohttpd accepts no answer, on a connection
    /// that is about to be closed: the client is told why instead of being cut off. Nothing else
    /// has been written since the last answer left, so the socket's send buffer takes it; what it
    /// does not take is lost with the connection.
    func sendLast(_ response: ServerResponse, toHead isHead: Bool) {
        let bytes = Self.lastResponse(response, toHead: isHead, date: time(nil))
        if let tls { return tls.send(bytes) }
        _ = bytes.withUnsafeBytes {
            send(socket, $0.baseAddress, $0.count, Int32(MSG_DONTWAIT) | Int32(MSG_NOSIGNAL))
        }
    }

    /// The answer as it is on the wire (RFC 9112 §4).
    static func lastResponse(
        _ response: ServerResponse, toHead isHead: Bool, date: time_t
    ) -> [UInt8] {
        var text = "HTTP/1.1 \(response.status.code) \(response.status.reasonPhrase)\r\n"
        for field in response.headers
        where !ownHeaders.contains(field.name) && field.name != .connection {
            text += "\(field.name.rawName): \(field.value)\r\n"
        }
        text += "Date: \(formatted(date))\r\n"
        text += "Content-Length: \(response.body.count)\r\nConnection: close\r\n\r\n"
        return Array(text.utf8) + (isHead ? [] : response.body)
    }

    /// An IMF-fixdate (RFC 9110 §5.6.7), whatever the locale is.
    private static func formatted(_ date: time_t) -> String {
        var date = date
        var fields = tm()
        guard gmtime_r(&date, &fields) != nil else { return "" }
        let days = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]
        let months = [
            "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
        ]
        let two = { (value: Int32) in value < 10 ? "0\(value)" : "\(value)" }
        let day = days[Int(fields.tm_wday)]
        let month = months[Int(fields.tm_mon)]
        return "\(day), \(two(fields.tm_mday)) \(month) \(fields.tm_year + 1900) "
            + "\(two(fields.tm_hour)):\(two(fields.tm_min)):\(two(fields.tm_sec)) GMT"
    }
}
