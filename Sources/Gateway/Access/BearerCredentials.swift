import HTTPTypes

/// What a request says about who it is from, by `Authorization: Bearer` (RFC 6750 §2.1).
///
/// The other two ways of that RFC, a form field and a query parameter, are not taken: they end up
/// in logs and histories.
enum BearerCredentials: Equatable {
    /// None, or of another scheme.
    case none
    /// Meant as a token, and none by its form.
    case malformed
    case token(Substring.UTF8View.SubSequence)

    static func == (a: BearerCredentials, b: BearerCredentials) -> Bool {
        switch (a, b) {
        case (.none, .none), (.malformed, .malformed): true
        case (.token(let a), .token(let b)): a.elementsEqual(b)
        default: false
        }
    }

    init(_ headers: HTTPFields) throws(GatewayError) {
        let values = headers[values: .authorization]
        guard let value = values.first else {
            self = .none
            return
        }
        // RFC 9110 §11.6.2: one; which of several would count is anyone's guess.
        guard values.count == 1 else {
            throw .invalidHeader(name: "Authorization", detail: "given more than once")
        }
        // The scheme is not case-sensitive (RFC 9110 §11.1).
        let scheme = value.prefix { $0 != " " }
        guard scheme.lowercased() == "bearer" else {
            self = .none
            return
        }
        let token = value[scheme.endIndex...].utf8.drop { $0 == UInt8(ascii: " ") }
        self = Self.isToken(token) ? .token(token) : .malformed
    }

    /// `b64token`: letters, digits and `-._~+/`, then any number of `=`.
    static func isToken(_ bytes: some Collection<UInt8>) -> Bool {
        let rest = bytes.drop { byte in
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "z"),
                UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "-"), UInt8(ascii: "."),
                UInt8(ascii: "_"), UInt8(ascii: "~"), UInt8(ascii: "+"), UInt8(ascii: "/"):
                true
            default: false
            }
        }
        return rest.count < bytes.count && rest.allSatisfy { $0 == UInt8(ascii: "=") }
    }

    /// Of the challenge in `WWW-Authenticate`.
    static let realm = "lrp2p-gateway"
}
