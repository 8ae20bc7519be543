/// What is fuzzed, from the argument `--target=`. libFuzzer leaves arguments of that form alone.
private let target: FuzzTarget = {
    let option = "--target="
    let names = CommandLine.arguments.filter { $0.hasPrefix(option) }
    guard let name = names.last?.dropFirst(option.count),
        let target = FuzzTarget(rawValue: String(name))
    else {
        fatalError("use \(option) with one of \(FuzzTarget.allCases.map(\.rawValue))")
    }
    return target
}()

@_cdecl("LLVMFuzzerTestOneInput")
public func testOneInput(_ bytes: UnsafeRawPointer, _ count: Int) -> CInt {
    let violation = target.violation(UnsafeRawBufferPointer(start: bytes, count: count))
    if let violation { fatalError(violation) }
    return 0
}
