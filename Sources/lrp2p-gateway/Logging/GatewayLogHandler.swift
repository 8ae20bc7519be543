import Logging

/// Makes lines of log messages and hands them to the writer, which never waits.
struct GatewayLogHandler: LogHandler {
    let label: String
    let writer: LogWriter
    let format: LogFormat
    /// In force for all loggers that have no level of their own.
    let level: LogLevel
    private var ownLevel: Logger.Level?
    var metadata: Logger.Metadata = [:]

    init(label: String, writer: LogWriter, format: LogFormat, level: LogLevel) {
        self.label = label
        self.writer = writer
        self.format = format
        self.level = level
    }

    var logLevel: Logger.Level {
        get { ownLevel ?? level.current }
        set { ownLevel = newValue }
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        var all = metadata.merging(event.metadata ?? [:]) { $1 }
        if let error = event.error, all["error"] == nil { all["error"] = "\(error)" }
        writer.write(format.line(event.level, event.message.description, all, label: label))
    }
}
