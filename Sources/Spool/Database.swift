import CSQLite

/// One SQLite database, for one thread at a time.
final class Database {
    /// What is bound to a parameter.
    enum Value {
        case integer(Int64)
        case text(String)
        case blob([UInt8])
        case null
    }

    let path: String
    /// `nil` once it is closed.
    private var handle: OpaquePointer?
    private var statements: [String: OpaquePointer] = [:]

    init(path: String) throws(SpoolError) {
        self.path = path
        var handle: OpaquePointer?
        let flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX
        let status = sqlite3_open_v2(path, &handle, flags, nil)
        guard let handle, status == SQLITE_OK else {
            defer { sqlite3_close_v2(handle) }
            throw Self.error(status, path: path, detail: String(cString: sqlite3_errstr(status)))
        }
        self.handle = handle
        sqlite3_extended_result_codes(handle, 1)
    }

    deinit { close() }

    /// Afterwards every statement fails. Idempotent.
    func close() {
        guard let handle else { return }
        for statement in statements.values { sqlite3_finalize(statement) }
        statements = [:]
        sqlite3_close_v2(handle)
        self.handle = nil
    }

    /// Runs a statement, and calls `row` for each row it gives. Statements are prepared once.
    func run(
        _ sql: String, _ values: [Value] = [], row: (Row) -> Void = { _ in }
    ) throws(SpoolError) {
        let statement = try prepared(sql)
        defer {
            sqlite3_reset(statement)
            sqlite3_clear_bindings(statement)
        }
        for (index, value) in values.enumerated() {
            try check(Self.bind(value, to: statement, at: Int32(index + 1)))
        }
        while true {
            switch sqlite3_step(statement) {
            case SQLITE_ROW: row(Row(statement: statement))
            case SQLITE_DONE: return
            case let status: throw error(status)
            }
        }
    }

    /// All of it happens, durably, or nothing.
    func transaction(_ body: () throws(SpoolError) -> Void) throws(SpoolError) {
        try run("BEGIN IMMEDIATE")
        do throws(SpoolError) {
            try body()
            try run("COMMIT")
        } catch {
            // Some failures have rolled it back already.
            if let handle, sqlite3_get_autocommit(handle) == 0 { try? run("ROLLBACK") }
            throw error
        }
    }

    /// A row, valid during the call it is given to.
    struct Row {
        fileprivate let statement: OpaquePointer

        func integer(_ column: Int32) -> Int64 { sqlite3_column_int64(statement, column) }

        func text(_ column: Int32) -> String {
            sqlite3_column_text(statement, column).map { String(cString: $0) } ?? ""
        }

        func blob(_ column: Int32) -> [UInt8] {
            let bytes = sqlite3_column_blob(statement, column)
            let count = Int(sqlite3_column_bytes(statement, column))
            return Array(UnsafeRawBufferPointer(start: bytes, count: bytes == nil ? 0 : count))
        }
    }

    private func prepared(_ sql: String) throws(SpoolError) -> OpaquePointer {
        if let statement = statements[sql] { return statement }
        guard let handle else { throw .closed }
        var statement: OpaquePointer?
        try check(
            sqlite3_prepare_v3(handle, sql, -1, UInt32(SQLITE_PREPARE_PERSISTENT), &statement, nil))
        guard let statement else {
            throw .failed(path: path, detail: "an empty statement")
        }
        statements[sql] = statement
        return statement
    }

    private static func bind(_ value: Value, to statement: OpaquePointer, at index: Int32) -> Int32 {
        // SQLite copies what it is given, for a pointer from here ends with the call.
        let copies = unsafeBitCast(-1, to: sqlite3_destructor_type.self)
        return switch value {
        case .integer(let number): sqlite3_bind_int64(statement, index, number)
        case .text(let text): sqlite3_bind_text(statement, index, text, -1, copies)
        case .blob(let bytes):
            bytes.withUnsafeBytes {
                $0.isEmpty
                    ? sqlite3_bind_zeroblob(statement, index, 0)
                    : sqlite3_bind_blob64(
                        statement, index, $0.baseAddress, UInt64($0.count), copies)
            }
        case .null: sqlite3_bind_null(statement, index)
        }
    }

    private func check(_ status: Int32) throws(SpoolError) {
        if status != SQLITE_OK { throw error(status) }
    }

    private func error(_ status: Int32) -> SpoolError {
        Self.error(status, path: path, detail: String(cString: sqlite3_errmsg(handle)))
    }

    private static func error(_ status: Int32, path: String, detail: String) -> SpoolError {
        switch status & 0xff {
        case SQLITE_BUSY, SQLITE_LOCKED: .inUse(path: path)
        case SQLITE_CORRUPT, SQLITE_NOTADB: .damaged(path: path, detail: detail)
        case SQLITE_FULL: .diskFull(path: path)
        default: .failed(path: path, detail: detail)
        }
    }
}
