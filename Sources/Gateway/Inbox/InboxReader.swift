import LRP2P

/// A reader of an inbox: takes cursors, and says what is wrong with them.
struct InboxReader {
    let inbox: Inbox
    /// `ReaderTable.unnamed` for a request that names none.
    let name: String

    /// The position to read from: that of a cursor within what is kept, by default where the reader
    /// goes on. A named reader is waited for from here on.
    ///
    /// - Parameter field: what to blame.
    func position(of cursor: Cursor?, field: String) throws(GatewayError) -> UInt64 {
        var position: UInt64?
        if let cursor {
            try checkEpoch(cursor, field: field)
            let range = inbox.range
            guard cursor.position >= range.lowerBound else {
                throw trimmed(range.lowerBound, field: field)
            }
            guard cursor.position <= range.upperBound else {
                throw beyond(range.upperBound, field: field)
            }
            position = cursor.position
        }
        if name != ReaderTable.unnamed {
            do throws(ReaderTable.Refusal) {
                try inbox.join(name, at: position)
            } catch {
                throw refused(error)
            }
        }
        return position ?? inbox.position(of: name)
    }

    /// `nil` when there is nothing until the deadline, or the connection is closed; no bytes at the
    /// end of a stream.
    func read(
        at position: UInt64, maximum: Int, deadline: ContinuousClock.Instant?
    ) async throws(GatewayError) -> [UInt8]? {
        do throws(InboxReadError) {
            return try await inbox.read(at: position, maximum: maximum, deadline: deadline)
        } catch {
            switch error {
            case .stream(.timedOut), .stream(.closed), .stream(.cancelled): return nil
            // Another client acknowledged in the meantime.
            case .stream(.released(let earliest)): throw trimmed(earliest, field: "offset")
            case .stream(.notYetWritten(let end)): throw beyond(end, field: "offset")
            case .spool(let error): throw .spoolFailing(error)
            }
        }
    }

    func acknowledge(_ cursor: Cursor, field: String) throws(GatewayError) {
        try checkEpoch(cursor, field: field)
        do throws(AcknowledgementError) {
            try inbox.acknowledge(name, upTo: cursor.position)
        } catch {
            switch error {
            case .beyondEnd(let end): throw beyond(end, field: field)
            case .refused(let refusal): throw refused(refusal)
            }
        }
    }

    private func checkEpoch(_ cursor: Cursor, field: String) throws(GatewayError) {
        guard cursor.epoch == inbox.epoch else {
            let start = inbox.cursor(inbox.range.lowerBound)
            throw .state(.cursorExpired(field: field, earliest: start))
        }
    }

    private func refused(_ refusal: ReaderTable.Refusal) -> GatewayError {
        switch refusal {
        case .expired:
            .state(.readerExpired(name, earliest: inbox.cursor(inbox.range.lowerBound)))
        case .tooManyReaders(let limit): .tooManyReaders(limit: limit)
        }
    }

    private func trimmed(_ earliest: UInt64, field: String) -> GatewayError {
        .state(.offsetTrimmed(field: field, earliest: inbox.cursor(earliest)))
    }

    private func beyond(_ end: UInt64, field: String) -> GatewayError {
        .state(.offsetBeyondEnd(field: field, end: inbox.cursor(end)))
    }
}
