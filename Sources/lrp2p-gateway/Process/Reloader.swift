import Logging

/// SIGHUP: reads the file of settings again. Flags and environment stay what they were.
struct Reloader {
    /// What settings have that only a restart changes.
    private let started: SettingSources
    /// What the others have.
    private var inForce: SettingSources

    init(_ sources: SettingSources) {
        (started, inForce) = (sources, sources)
    }

    struct Outcome {
        /// What is in force from now on.
        let settings: Settings
        let changed: [String]
        /// Set to something else in the file than what is in force.
        let needsRestart: [String]
    }

    /// A file that is wrong in any way, or would be together with what only a restart changes,
    /// changes nothing.
    mutating func reread() throws(StartFailure) -> Outcome {
        let fresh = try inForce.reread()
        _ = try Settings(fresh)
        let effective = fresh.keepingFixed(of: started)
        let settings = try Settings(effective)
        let changed = SettingTable.all.filter { effective[$0]?.texts != inForce[$0]?.texts }
        let needsRestart = SettingTable.all.filter {
            !$0.isReloadable && fresh[$0]?.texts != started[$0]?.texts
        }
        inForce = effective
        return Outcome(
            settings: settings, changed: changed.map(\.variable),
            needsRestart: needsRestart.map(\.variable))
    }

    mutating func reload(_ running: Running) {
        let before = inForce
        do throws(StartFailure) {
            let outcome = try reread()
            try Wiring.reload(outcome.settings, running)
            let changed = outcome.changed.isEmpty ? ["nothing"] : outcome.changed
            var metadata: Logger.Metadata = ["changed": "\(changed.joined(separator: ","))"]
            if !outcome.needsRestart.isEmpty {
                metadata["needs_restart"] = "\(outcome.needsRestart.joined(separator: ","))"
            }
            running.log.notice("configuration reloaded", metadata: metadata)
        } catch {
            inForce = before
            running.log.error(
                "configuration not reloaded, the old one stays", metadata: ["reason": "\(error)"])
        }
    }
}
