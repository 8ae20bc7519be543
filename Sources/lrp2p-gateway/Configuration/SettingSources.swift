import Configuration
import Gateway

/// What the settings were given as: flags over environment over file over defaults.
struct SettingSources: Sendable {
    /// A setting's texts, one unless it is a list, and where they come from.
    struct Found: Hashable, Sendable {
        let texts: [String]
        let origin: Origin
    }

    private struct Layer: Sendable {
        let provider: any ConfigProvider
        let origin: @Sendable (SettingInfo) -> Origin
    }

    /// The first that has a setting decides.
    private let layers: [Layer]
    /// The same for settings that only a restart changes.
    private var fixedLayers: [Layer]
    /// The names in the environment that look like settings and are none.
    let unknownVariables: [String]
    let filePath: String?
    private let command: GatewayCommand
    private let environment: [String: String]

    /// What the terminal tool `lrp2p` looks at, which often runs in the same environment.
    private static let variablesOfTheTool = ["LRP2P_GATEWAY", "LRP2P_TOKEN"]

    /// Reads the file, if one is named by a flag or in the environment.
    init(
        _ command: GatewayCommand, environment: [String: String]
    ) throws(StartFailure) {
        self.command = command
        self.environment = environment
        let flags = Layer(provider: Self.flags(of: command)) { .flag($0.flag) }
        let variables = Layer(provider: Self.provider(environment)) { .environment($0.variable) }
        let presets = Layer(provider: Self.presets(environment)) { _ in .preset }
        let known = Set(SettingTable.all.map(\.variable) + Self.variablesOfTheTool)
        unknownVariables = environment.keys
            .filter { $0.hasPrefix(SettingInfo.prefix) && !known.contains($0) }.sorted()
        let config = SettingTable.config.info
        guard let path = Self.find(config, in: [flags, variables])?.texts.first else {
            filePath = nil
            layers = [flags, variables, presets]
            fixedLayers = layers
            return
        }
        filePath = path
        let lines: [ConfigurationFile.Line]
        do {
            lines = try ConfigurationFile(reading: path).lines
        } catch {
            throw .configurationFile(error)
        }
        let values = Dictionary(lines.map { ($0.name, $0.value) }) { $1 }
        let numbers = Dictionary(lines.map { ($0.name, $0.number) }) { $1 }
        let file = Layer(provider: Self.provider(values)) {
            .file(path, line: numbers[$0.variable] ?? 0)
        }
        layers = [flags, variables, file, presets]
        fixedLayers = layers
    }

    /// The same flags and environment, and what the file says now.
    func reread() throws(StartFailure) -> SettingSources {
        try SettingSources(command, environment: environment)
    }

    /// With what `started` says of the settings that only a restart changes.
    func keepingFixed(of started: SettingSources) -> SettingSources {
        var result = self
        result.fixedLayers = started.fixedLayers
        return result
    }

    /// `nil` when the setting is not set and has no default.
    subscript(setting: SettingInfo) -> Found? {
        Self.find(setting, in: setting.isReloadable ? layers : fixedLayers)
    }

    private static func find(_ setting: SettingInfo, in layers: [Layer]) -> Found? {
        for layer in layers {
            // Reading text as text cannot fail.
            let result = try? layer.provider.value(
                forKey: setting.key, type: setting.isList ? .stringArray : .string)
            switch result?.value?.content {
            case .string(let text):
                return Found(texts: [text], origin: layer.origin(setting))
            case .stringArray(let texts):
                return Found(texts: texts, origin: layer.origin(setting))
            default: continue
            }
        }
        return nil
    }

    /// What is empty is not set: that is how others pass on a variable they do not have.
    private static func provider(_ variables: [String: String]) -> EnvironmentVariablesProvider {
        EnvironmentVariablesProvider(environmentVariables: variables.filter { !$0.value.isEmpty })
    }

    private static func flags(of command: GatewayCommand) -> InMemoryProvider {
        var values: [AbsoluteConfigKey: ConfigValue] = [:]
        for setting in SettingTable.all {
            guard let texts = command.texts(of: setting) else { continue }
            values[setting.key] = value(texts, of: setting)
        }
        return InMemoryProvider(name: "flags", values: values)
    }

    private static func presets(_ environment: [String: String]) -> InMemoryProvider {
        var values: [AbsoluteConfigKey: ConfigValue] = [:]
        for setting in SettingTable.all {
            guard let text = setting.defaultText else { continue }
            values[setting.key] = value([text], of: setting)
        }
        // Without a place for it the setting is not set, and whoever needs it says so.
        if let path = try? KeyFile.defaultPath(environment: { environment[$0] }) {
            values[SettingTable.keyFile.info.key] = value([path], of: SettingTable.keyFile.info)
        }
        return InMemoryProvider(name: "defaults", values: values)
    }

    private static func value(_ texts: [String], of setting: SettingInfo) -> ConfigValue {
        let content: ConfigContent =
            setting.isList ? .stringArray(texts) : .string(texts.first ?? "")
        return ConfigValue(content, isSecret: setting.isSecret)
    }
}
