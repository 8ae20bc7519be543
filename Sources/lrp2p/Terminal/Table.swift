/// Columns as wide as their widest cell; the first line names them.
struct Table {
    private(set) var rows: [[String]]

    init(_ titles: [String]) { rows = [titles] }

    /// Cells may come from elsewhere.
    mutating func add(_ cells: [String]) { rows.append(cells.map(SafeText.of)) }

    var lines: [String] {
        var widths: [Int] = []
        for row in rows {
            for (column, cell) in row.enumerated() {
                if column == widths.count { widths.append(0) }
                widths[column] = max(widths[column], cell.count)
            }
        }
        return rows.map { row in
            let cells = row.enumerated().map { column, cell in
                column == row.count - 1
                    ? cell : cell + String(repeating: " ", count: widths[column] - cell.count)
            }
            return cells.joined(separator: "  ")
        }
    }
}
