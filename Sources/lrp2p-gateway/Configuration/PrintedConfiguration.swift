import Gateway

/// `--print-config`: the settings in force, as a file that sets the same.
enum PrintedConfiguration {
    static func text(
        _ sources: SettingSources, settings: [SettingInfo] = SettingTable.all
    ) -> String {
        var lines = ["# lrp2p-gateway \(GatewayVersion.current)"]
        if let path = sources.filePath { lines.append("# with the configuration file \(path)") }
        for setting in settings where setting.isAllowedInFile {
            lines += ["", "# \(origin(of: setting, sources))", line(setting, sources)]
        }
        return lines.joined(separator: "\n")
    }

    private static func origin(of setting: SettingInfo, _ sources: SettingSources) -> String {
        guard let found = sources[setting] else { return "not set" }
        guard let missing = missing(setting, sources) else { return found.origin.description }
        return "\(found.origin), without effect unless \(missing) is set"
    }

    /// A comment where there is nothing to set: no value, none that counts, or none to show.
    private static func line(_ setting: SettingInfo, _ sources: SettingSources) -> String {
        guard let found = sources[setting] else { return "# \(setting.variable)=" }
        if setting.isSecret { return "# \(setting.variable)=…" }
        let comment = missing(setting, sources) == nil ? "" : "# "
        return "\(comment)\(setting.variable)=\(found.texts.joined(separator: ","))"
    }

    private static func missing(_ setting: SettingInfo, _ sources: SettingSources) -> String? {
        setting.needs.compactMap { SettingTable[$0] }.first { sources[$0] == nil }?.variable
    }
}
