/// What somebody who misspelt a name may have meant.
enum Nearest {
    /// The environment's name of the setting with the fewest letters to change.
    static func setting(to name: String) -> String {
        let upper = name.uppercased()
        let ranked = SettingTable.all.map { ($0.variable, distance(upper, $0.variable)) }
        return ranked.min { $0.1 < $1.1 }?.0 ?? ""
    }

    /// The letters to insert, delete or replace (Levenshtein's distance).
    static func distance(_ first: String, _ second: String) -> Int {
        let second = Array(second.utf8)
        var row = Array(0...second.count)
        for (index, letter) in first.utf8.enumerated() {
            var diagonal = row[0]
            row[0] = index + 1
            for column in second.indices {
                let replaced = diagonal + (letter == second[column] ? 0 : 1)
                diagonal = row[column + 1]
                row[column + 1] = min(replaced, diagonal + 1, row[column] + 1)
            }
        }
        return row[second.count]
    }
}
