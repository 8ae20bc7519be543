import Glibc

enum SystemError {
    static func text(_ number: Int32) -> String { String(cString: strerror(number)) }
}
