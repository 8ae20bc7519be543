import Testing

@testable import Gateway

@Suite struct CursorTests {
    @Test(arguments: [0, 1, 41, UInt64.max])
    func readsBackWhatItWrites(position: UInt64) {
        let cursor = Cursor(epoch: Epoch(value: 0xab), position: position)
        #expect(cursor.description == "000000ab-\(position)")
        #expect(Cursor(cursor.description) == cursor)
    }

    @Test(arguments: [
        "", "0", "17", "-", "000000ab", "000000ab-", "-1", "000000ab--1", "000000ab-+1",
        "000000ab-01", "000000AB-1", "00000ab-1", "0000000ab-1", "0000+0ab-1", "000000ab-1 ",
        "000000ab-18446744073709551616", "000000ab-1-2", "000000ab-١",
    ])
    func refusesEverythingElse(text: String) {
        #expect(Cursor(text) == nil)
    }

    @Test func epochsDiffer() {
        #expect(Set((0..<64).map { _ in Epoch.random() }).count > 60)
    }
}
