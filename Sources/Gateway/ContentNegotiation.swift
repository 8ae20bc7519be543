import HTTPTypes

/// Which of several representations a client gets (RFC 9110 §12.5.1).
enum ContentNegotiation {
    /// A media type, or one media range of `Accept`, with its parameters.
    private struct MediaType {
        let type: String
        let subtype: String
        /// Names in lowercase.
        private(set) var parameters: [String: String] = [:]

        /// `nil` when it is malformed.
        init?(_ text: Substring) {
            let parts = text.split(separator: ";", omittingEmptySubsequences: false)
                .map(ContentNegotiation.trimmed)
            let names = parts[0].split(separator: "/", omittingEmptySubsequences: false)
            guard names.count == 2, !names[0].isEmpty, !names[1].isEmpty,
                names[0] != "*" || names[1] == "*"
            else { return nil }
            (type, subtype) = (names[0].lowercased(), names[1].lowercased())
            for part in parts.dropFirst() {
                let sides = part.split(
                    separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
                guard sides.count == 2 else { continue }
                parameters[sides[0].lowercased()] = Self.unquoted(sides[1])
            }
        }

        private static func unquoted(_ value: Substring) -> String {
            guard value.count >= 2, value.first == "\"", value.last == "\"" else {
                return String(value)
            }
            return String(value.dropFirst().dropLast())
        }
    }

    /// One media range of `Accept`.
    private struct Range {
        let range: MediaType
        /// Thousandths.
        let quality: Int

        /// `nil` when it is malformed.
        init?(_ text: Substring) {
            guard let range = MediaType(text),
                let quality = Self.quality(range.parameters["q"] ?? "1")
            else { return nil }
            (self.range, self.quality) = (range, quality)
        }

        /// A `qvalue` (RFC 9110 §12.4.2) in thousandths.
        private static func quality(_ text: String) -> Int? {
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

        /// How exactly it names the type; `nil` when it does not. A parameter that the offer has
        /// too must agree, letters of either case; others say nothing of what we offer.
        func precision(for offer: MediaType) -> Int? {
            if range.type == "*" { return 0 }
            guard range.type == offer.type else { return nil }
            if range.subtype == "*" { return 1 }
            guard range.subtype == offer.subtype else { return nil }
            var precision = 2
            for (name, value) in offer.parameters {
                guard let wanted = range.parameters[name] else { continue }
                guard wanted.lowercased() == value.lowercased() else { return nil }
                precision += 1
            }
            return precision
        }
    }

    /// What the client likes best; of those it likes as much as another, the one it names more
    /// exactly, then the first. A malformed range counts as absent.
    ///
    /// - Parameter offers: media types, the usual one first.
    static func choose(
        _ offers: [String], for headers: HTTPFields
    ) throws(GatewayError) -> String {
        let values = headers[values: .accept]
        let ranges = values.flatMap { $0.split(separator: ",") }.compactMap { Range(trimmed($0)) }
        var best: (offer: String, quality: Int, precision: Int)?
        for offer in offers {
            guard let type = MediaType(offer[...]) else { continue }
            // The most exact range decides, whether it likes the type or not.
            let rating =
                values.isEmpty
                ? (quality: 1000, precision: 0)
                : ranges.compactMap { range in
                    range.precision(for: type).map { (range.quality, $0) }
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
