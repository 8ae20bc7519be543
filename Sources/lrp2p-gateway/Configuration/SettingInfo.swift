import Configuration

/// One row of the table of settings: everything about a setting but the type of its value.
struct SettingInfo: Sendable {
    /// Where the command line has put it.
    enum Flag: Sendable {
        case value(KeyPath<GatewayCommand, String?> & Sendable)
        /// Given any number of times; a comma separates in the environment and in the file.
        case list(KeyPath<GatewayCommand, [String]> & Sendable)
        /// `--name` and `--no-name`.
        case toggle(KeyPath<GatewayCommand, Bool?> & Sendable)
    }

    /// In kebab case, as on the command line.
    let name: String
    let given: Flag
    /// `nil` when the setting is not set by default.
    let defaultText: String?
    /// What the help says instead, when the default depends on the machine.
    var defaultNote: String?
    /// For people, after "has to be".
    let allowed: String
    let valueName: String
    let help: String
    /// Settings without which this one makes no sense.
    var needs: [String] = []
    /// Its value is shown to nobody.
    var isSecret = false
    /// SIGHUP changes it; others need a restart.
    var isReloadable = false
    /// Where to read the file cannot be said in the file.
    var isAllowedInFile = true

    var flag: String { "--\(name)" }

    /// As swift-configuration makes it of the key.
    var variable: String {
        Self.prefix + String(name.map { $0 == "-" ? "_" : $0 }).uppercased()
    }

    static let prefix = "LRP2P_"

    var key: AbsoluteConfigKey { AbsoluteConfigKey(["lrp2p", name]) }

    var isList: Bool {
        if case .list = given { true } else { false }
    }
}

/// A setting with the type of its value, of each of its values for a list.
struct Setting<Value: Sendable>: Sendable {
    let info: SettingInfo
    let parse: @Sendable (String) -> Value?

    init(
        _ name: String, _ given: SettingInfo.Flag, _ form: SettingForm<Value>,
        default defaultText: String? = nil, defaultNote: String? = nil, needs: [String] = [],
        isReloadable: Bool = false, isAllowedInFile: Bool = true, help: String
    ) {
        parse = form.parse
        info = SettingInfo(
            name: name, given: given, defaultText: defaultText, defaultNote: defaultNote,
            allowed: form.allowed, valueName: form.valueName, help: help, needs: needs,
            isReloadable: isReloadable, isAllowedInFile: isAllowedInFile)
    }
}
