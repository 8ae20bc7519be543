/// What the spool does with its database. For one thread at a time.
///
/// Unchecked, because it is handed to the thread that uses it and used nowhere else after that.
final class SpoolStore: @unchecked Sendable {
    private let database: Database
    private var numbers: [String: Int64] = [:]

    init(_ database: Database) {
        self.database = database
    }

    func close() { database.close() }

    func load() throws(SpoolError) -> [StoredStream] {
        var rows: [(number: Int64, name: String, details: [UInt8], start: Int64, complete: Bool)] = []
        try database.run("SELECT number, name, details, start, isComplete FROM streams ORDER BY 1") {
            rows.append(
                ($0.integer(0), $0.text(1), $0.blob(2), $0.integer(3), $0.integer(4) != 0))
        }
        var streams: [StoredStream] = []
        for row in rows {
            numbers[row.name] = row.number
            var end = row.start
            try database.run(
                """
                SELECT position + length(bytes) FROM pieces
                WHERE stream = ? ORDER BY position DESC LIMIT 1
                """, [.integer(row.number)]) { end = max(end, $0.integer(0)) }
            var readers: [String: UInt64] = [:]
            try database.run(
                "SELECT name, position FROM readers WHERE stream = ?", [.integer(row.number)]) {
                    readers[$0.text(0)] = UInt64(bitPattern: $0.integer(1))
                }
            streams.append(
                StoredStream(
                    name: row.name, details: row.details,
                    range: UInt64(row.start)..<UInt64(end), isComplete: row.complete,
                    readers: readers))
        }
        return streams
    }

    func transaction(_ body: () throws(SpoolError) -> Void) throws(SpoolError) {
        do throws(SpoolError) {
            try database.transaction(body)
        } catch {
            // Numbers given in it are void.
            numbers = [:]
            throw error
        }
    }

    func begin(_ name: String, details: [UInt8]) throws(SpoolError) {
        try database.run(
            "INSERT INTO streams (name, details, start, isComplete) VALUES (?, ?, 0, 0)",
            [.text(name), .blob(details)])
    }

    func update(_ name: String, details: [UInt8]) throws(SpoolError) {
        try database.run(
            "UPDATE streams SET details = ? WHERE name = ?", [.blob(details), .text(name)])
    }

    /// Returns how many bytes were added: none to a stream that was removed meanwhile.
    func append(_ name: String, position: UInt64, _ bytes: [UInt8]) throws(SpoolError) -> Int {
        guard let number = try number(of: name) else { return 0 }
        try database.run(
            "INSERT INTO pieces (stream, position, bytes) VALUES (?, ?, ?)",
            [.integer(number), .integer(Int64(position)), .blob(bytes)])
        return bytes.count
    }

    func complete(_ name: String) throws(SpoolError) {
        try database.run("UPDATE streams SET isComplete = 1 WHERE name = ?", [.text(name)])
    }

    /// Returns how many bytes are needed no more.
    func release(
        _ name: String, upTo position: UInt64, readers: [String: UInt64]
    ) throws(SpoolError) -> Int {
        guard let number = try number(of: name) else { return 0 }
        var start: Int64 = 0
        try database.run("SELECT start FROM streams WHERE number = ?", [.integer(number)]) {
            start = $0.integer(0)
        }
        let released = max(0, Int64(position) - start)
        if released > 0 {
            try database.run(
                "UPDATE streams SET start = ? WHERE number = ?",
                [.integer(Int64(position)), .integer(number)])
            try database.run(
                "DELETE FROM pieces WHERE stream = ? AND position + length(bytes) <= ?",
                [.integer(number), .integer(Int64(position))])
        }
        try database.run("DELETE FROM readers WHERE stream = ?", [.integer(number)])
        for (reader, position) in readers {
            try database.run(
                "INSERT INTO readers (stream, name, position) VALUES (?, ?, ?)",
                [.integer(number), .text(reader), .integer(Int64(position))])
        }
        return Int(released)
    }

    /// Returns how many bytes are needed no more.
    func remove(_ name: String) throws(SpoolError) -> Int {
        guard let number = try number(of: name) else { return 0 }
        var bytes: Int64 = 0
        try database.run(
            """
            SELECT coalesce(max(position + length(bytes)), start) - start FROM streams
            LEFT JOIN pieces ON stream = number WHERE number = ?
            """, [.integer(number)]) { bytes = max(0, $0.integer(0)) }
        for table in ["DELETE FROM pieces WHERE stream = ?", "DELETE FROM readers WHERE stream = ?",
            "DELETE FROM streams WHERE number = ?"]
        {
            try database.run(table, [.integer(number)])
        }
        numbers[name] = nil
        return Int(bytes)
    }

    func read(_ name: String, from position: UInt64, maximum: Int) throws(SpoolError) -> [UInt8] {
        guard let number = try number(of: name), maximum > 0 else { return [] }
        var bytes: [UInt8] = []
        var next = position
        while bytes.count < maximum {
            var piece: (position: UInt64, bytes: [UInt8])?
            // The last piece that begins at or before.
            try database.run(
                """
                SELECT position, bytes FROM pieces WHERE stream = ? AND position <= ?
                ORDER BY position DESC LIMIT 1
                """, [.integer(number), .integer(Int64(next))]) {
                    piece = (UInt64($0.integer(0)), $0.blob(1))
                }
            guard let piece, piece.position + UInt64(piece.bytes.count) > next else { break }
            let rest = piece.bytes[Int(next - piece.position)...].prefix(maximum - bytes.count)
            bytes += rest
            next += UInt64(rest.count)
        }
        return bytes
    }

    private func number(of name: String) throws(SpoolError) -> Int64? {
        if let number = numbers[name] { return number }
        try database.run("SELECT number FROM streams WHERE name = ?", [.text(name)]) {
            numbers[name] = $0.integer(0)
        }
        return numbers[name]
    }
}
