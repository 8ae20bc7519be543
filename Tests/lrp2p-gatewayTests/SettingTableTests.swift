import ArgumentParser
import Configuration
import Testing

@testable import lrp2p_gateway

@Suite struct SettingTableTests {
    @Test func namesAreTheirOwn() {
        let names = SettingTable.all.map(\.name)
        #expect(Set(names).count == names.count)
        for setting in SettingTable.all {
            #expect(SettingTable[setting.name]?.variable == setting.variable)
            for needed in setting.needs { #expect(SettingTable[needed] != nil) }
        }
        #expect(SettingTable.logLevel.info.variable == "LRP2P_LOG_LEVEL")
        #expect(SettingTable["nothing"] == nil)
    }

    /// Each row's key path leads to the option of its own name.
    @Test func everySettingHasItsFlag() throws {
        for setting in SettingTable.all {
            let (arguments, texts): ([String], [String]) =
                switch setting.given {
                case .value: ([setting.flag, "a b"], ["a b"])
                case .list: ([setting.flag, "a", setting.flag, "b"], ["a", "b"])
                case .toggle: (["--no-\(setting.name)"], ["false"])
                }
            let command = try GatewayCommand.parse(arguments)
            for other in SettingTable.all {
                let expected = other.name == setting.name ? texts : nil
                #expect(command.texts(of: other) == expected, "\(other.flag) in \(arguments)")
            }
        }
    }

    /// Nothing on the command line that environment, file and `--print-config` do not know.
    @Test func everyFlagIsASetting() {
        let help = GatewayCommand.helpMessage()
        let flags = Set(help.matches(of: /(?m)^  --([a-z-]+)/).map { String($0.1) })
        let known = Set(SettingTable.all.map(\.name))
        #expect(flags.subtracting(known) == ["print-config", "version"])
        #expect(known.subtracting(flags) == [])
    }

    @Test func theHelpTellsDefaults() {
        // As wide as it needs, so that no line is broken.
        let help = GatewayCommand.helpMessage(columns: 1000)
        for setting in SettingTable.all {
            #expect(help.contains(setting.help), "\(setting.name)")
            guard let text = setting.defaultText, text != "false" else { continue }
            #expect(help.contains("\(setting.help) (default: \(text))"), "\(setting.name)")
        }
    }

    /// swift-configuration makes the name of the environment from the key by itself.
    @Test func keysAndVariablesAgree() throws {
        for setting in SettingTable.all {
            let provider = EnvironmentVariablesProvider(
                environmentVariables: [setting.variable: "x"])
            let found = try provider.value(forKey: setting.key, type: .string)
            #expect(found.value?.content == .string("x"), "\(setting.variable)")
        }
    }
}
