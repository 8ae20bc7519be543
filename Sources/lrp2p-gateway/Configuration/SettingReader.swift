import Gateway

/// Turns texts into values, or into an error that says which text came from where.
struct SettingReader {
    let sources: SettingSources

    /// `nil` when the setting is not set and has no default.
    func value<Value>(_ setting: Setting<Value>) throws(StartFailure) -> Value? {
        guard let found = sources[setting.info], let text = found.texts.first else { return nil }
        return try parse(text, setting, found.origin)
    }

    /// For settings that have a default.
    func required<Value>(_ setting: Setting<Value>) throws(StartFailure) -> Value {
        guard let value = try value(setting) else {
            throw .badValue(setting.info.flag, .preset, "", problem: "has to be given")
        }
        return value
    }

    func list<Value>(_ setting: Setting<Value>) throws(StartFailure) -> [Value] {
        guard let found = sources[setting.info] else { return [] }
        var values: [Value] = []
        for text in found.texts { values.append(try parse(text, setting, found.origin)) }
        return values
    }

    /// Whether somebody has set it.
    func isGiven(_ setting: SettingInfo) -> Bool {
        guard let origin = sources[setting]?.origin else { return false }
        return origin != .preset
    }

    /// Refuses settings that make no sense without another one.
    func checkNeeds() throws(StartFailure) {
        for setting in SettingTable.all where isGiven(setting) {
            for name in setting.needs {
                guard let needed = SettingTable[name], !isGiven(needed) else { continue }
                throw .combination(
                    setting.flag, origin(of: setting), "needs \(needed.flag) too")
            }
        }
    }

    func origin(of setting: SettingInfo) -> Origin { sources[setting]?.origin ?? .preset }

    private func parse<Value>(
        _ text: String, _ setting: Setting<Value>, _ origin: Origin
    ) throws(StartFailure) -> Value {
        let info = setting.info
        guard Self.fitsALine(text) else {
            throw .badValue(
                info.flag, origin, info.isSecret ? "…" : text,
                problem: "has to be without control characters, blanks at the ends and a quote "
                    + "at the beginning")
        }
        guard let value = setting.parse(text) else {
            throw .badValue(
                info.flag, origin, info.isSecret ? "…" : text,
                problem: "has to be \(info.allowed)")
        }
        return value
    }

    /// Whether the file can say it, so that all sources can say the same. A quote is more likely
    /// meant for a shell than for us.
    private static func fitsALine(_ text: String) -> Bool {
        let isPrintable = text.unicodeScalars.allSatisfy {
            $0.properties.generalCategory != .control
        }
        return isPrintable && trimmed(text) == text && !text.hasPrefix("\"") && !text.hasPrefix("'")
    }
}
