import HTTPTypes

/// Which of several representations a client gets (RFC 9110 §12.5.1).
enum ContentNegotiation {
    /// One media range of `Accept`.
    private struct Range {
        let type: Substring
        let subtype: Substring
        /// Thousandths.
        let quality: Int

        /// `nil` when it is malformed. Parameters but `q` are ignored: no type that is offered here
        /// has any.
        init?(_ text: Substring) {
            let parts = text.split(separator: ";", omittingEmptySubsequences: false)
                .map(ContentNegotiation.trimmed)
            let names = parts[0].split(separator: "/", omittingEmptySubsequences: false)
            guard names.count == 2, !names[0].isEmpty, !names[1].isEmpty,
                names[0] != "*" || names[1] == "*"
            else { return nil }
            (type, subtype) = (names[0], names[1])
            let weight = parts.dropFirst().first { $0.hasPrefix("q=") || $0.hasPrefix("Q=") }
            guard let quality = Self.quality(weight?.dropFirst(2) ?? "1") else { return nil }
            self.quality = quality
        }

        /// A `qvalue` (RFC 9110 §12.4.2) in thousandths.
        private static func quality(_ text: Substring) -> Int? {
            let parts = text.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
            let fraction = parts.count == 2 ? parts[1] : ""
            guard parts[0] == "0" || parts[0] == "1", fraction.utf8.count <= 3,
                fraction.utf8.allSatisfy({ (0x30...0x39).contains($0) })
            else { return nil }
            let zeros = String(repeating: "0", count: 3 - fraction.utf8.count)
            guard let thousandths = Int(parts[0] + fraction + zeros), thousandths <= 1000 else {
                return nil
            }
            return thousandths
        }

        /// How exactly it names the type; `nil` when it does not.
        func precision(for offer: String) -> Int? {
            let names = offer.split(separator: "/")
            if type == "*" { return 0 }
            guard type.lowercased() == names[0] else { return nil }
            if subtype == "*" { return 1 }
            return subtype.lowercased() == names[1] ? 2 : nil
        }
    }

    /// What the client likes best; of those it likes as much as another, the one it names more
    /// exactly, then the first. A malformed range counts as absent.
    ///
    /// - Parameter offers: media types in lowercase without parameters, the usual one first.
    static func choose(
        _ offers: [String], for headers: HTTPFields
    ) throws(GatewayError) -> String {
        let values = headers[values: .accept]
        let ranges = values.flatMap { $0.split(separator: ",") }.compactMap { Range(trimmed($0)) }
        var best: (offer: String, quality: Int, precision: Int)?
        for offer in offers {
            // The most exact range decides, whether it likes the type or not.
            let rating =
                values.isEmpty
                ? (quality: 1000, precision: 0)
                : ranges.compactMap { range in
                    range.precision(for: offer).map { (range.quality, $0) }
                }.max { $0.1 < $1.1 }
            guard let (quality, precision) = rating, quality > 0 else { continue }
            if let best, (best.quality, best.precision) >= (quality, precision) { continue }
            best = (offer, quality, precision)
        }
        guard let best else { throw .notAcceptable(offers: offers) }
        return best.offer
    }

    private static func trimmed(_ text: Substring) -> Substring {
        var text = text.drop { $0 == " " || $0 == "\t" }
        while text.last == " " || text.last == "\t" { text.removeLast() }
        return text
    }
}
