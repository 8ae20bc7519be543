/// What a client calls a connection. Only this gateway knows it; several may have the same.
enum ConnectionName {
    static func isUsable(_ text: String, limit: Int) -> Bool {
        !text.isEmpty && text.utf8.count <= limit
            && text.unicodeScalars.allSatisfy { $0.properties.generalCategory != .control }
    }

    /// To follow the name of a parameter or member.
    static func allowed(limit: Int) -> String {
        "has to have 1 to \(limit) bytes and no control character"
    }
}
