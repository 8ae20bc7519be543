/// The tables, and how the file is used.
///
/// `streams`: one for each stream that is kept. `details` are the owner's. Everything before
/// `start` was released. `pieces`: the bytes from `start` on, the first piece may begin before it.
enum Schema {
    static let version = 1

    static func prepare(_ database: Database) throws(SpoolError) {
        // One process at a time, and no shared memory beside the file.
        try database.run("PRAGMA locking_mode = EXCLUSIVE")
        try database.run("PRAGMA page_size = 16384")
        try database.run("PRAGMA journal_mode = WAL")
        // A commit is on the disk when it returns.
        try database.run("PRAGMA synchronous = FULL")
        // Statements must not need a directory for temporary files: there may be none to write in.
        try database.run("PRAGMA temp_store = MEMORY")
        try database.run("PRAGMA journal_size_limit = 67108864")
        var found = 0
        try database.run("PRAGMA user_version") { found = Int($0.integer(0)) }
        guard found <= version else {
            throw .newerVersion(path: database.path, version: found)
        }
        // The lock is taken with the first write.
        try database.transaction { () throws(SpoolError) in
            for table in tables { try database.run(table) }
            try database.run("PRAGMA user_version = \(version)")
        }
    }

    private static let tables = [
        """
        CREATE TABLE IF NOT EXISTS streams (
            number INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, details BLOB NOT NULL,
            start INTEGER NOT NULL, isComplete INTEGER NOT NULL)
        """,
        """
        CREATE TABLE IF NOT EXISTS pieces (
            stream INTEGER NOT NULL, position INTEGER NOT NULL, bytes BLOB NOT NULL,
            PRIMARY KEY (stream, position))
        """,
        """
        CREATE TABLE IF NOT EXISTS readers (
            stream INTEGER NOT NULL, name TEXT NOT NULL, position INTEGER NOT NULL,
            PRIMARY KEY (stream, name))
        """,
    ]
}
