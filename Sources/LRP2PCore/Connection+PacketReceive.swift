// The extended protocol (PROTOCOL.md §3): what arrives.
extension Connection {
    /// The plaintext of a packet.
    func handlePacket(
        _ plaintext: UnsafeRawBufferPointer, number: UInt64, ecn: ECNCodepoint, now: Instant
    ) -> Progress {
        var reader = FrameReader(plaintext)
        var progress: Progress = []
        var isAckEliciting = false
        var isKept = true
        var isPing = false
        while true {
            let frame: Frame
            do {
                guard let next = try reader.next() else { break }
                frame = next
            } catch {
                // What came before it counts; what comes after cannot be understood.
                shared.countDrop(.malformed)
                isAckEliciting = true
                break
            }
            isAckEliciting = isAckEliciting || frame.isAckEliciting
            switch frame {
            case .stream(let offset, let payload, let isFinal):
                let (outcome, wasKept) = handleStream(payload, at: offset, isFinal: isFinal)
                progress.formUnion(outcome)
                isKept = isKept && wasKept
            case .acknowledgement(let acknowledgement):
                progress.formUnion(handleAcknowledgement(acknowledgement, now: now))
            case .ping:
                isPing = true
            default:
                progress.formUnion(handleControl(frame))
            }
        }
        if extended.receiveStream.finalOffset != nil { lingerIfComplete(now: now) }
        // What was not kept is not acknowledged, so that it comes again.
        guard isKept else { return progress }
        extended.received.insert(
            number: number, isAckEliciting: isAckEliciting, ecn: ecn, now: now)
        if isPing { extended.received.acknowledgeAtOnce(now: now) }
        return progress
    }

    private func handleControl(_ frame: Frame) -> Progress {
        switch frame {
        case .padding, .ping, .stream, .acknowledgement:
            return []
        case .reset(let code):
            resetCode = ResetCode(rawValue: code)
            // Of a peer that did not wait for the end of both streams to settle.
            return end(because: isComplete ? .finished : .reset)
        case .pathChallenge(let data):
            extended.path.didReceiveChallenge(data)
            return []
        case .pathResponse(let data):
            _ = extended.path.didReceiveResponse(data)
            return []
        case .window(let maximum):
            _ = extended.sendStream.raiseLimit(to: maximum)
            return []
        case .datagram(let payload):
            return handleMessage(payload)
        case .delivered(let offset):
            guard extended.sendStream.didReport(delivered: offset, next: segmentedUpTo) else {
                shared.countDrop(.invalidAcknowledgement)
                return []
            }
            return releaseSettled()
        }
    }

    // MARK: Stream

    /// - Returns: what has changed, and whether the bytes are kept or needed no more.
    private func handleStream(
        _ payload: UnsafeRawBufferPointer, at offset: UInt64, isFinal: Bool
    ) -> (Progress, isKept: Bool) {
        switch extended.receiveStream.insert(
            payload, at: offset, isFinal: isFinal, into: receiveRing)
        {
        case .delivered(let count):
            shared.statistics.receivedBytes += UInt64(count)
            return (noteDelivery(count), true)
        case .stored:
            return ([], true)
        case .duplicate:
            duplicatesReceived += 1
            return (noteDelivery(0), true)
        case .noRoom:
            shared.countDrop(.receiveBufferFull)
            return ([], false)
        case .violation(let code):
            shared.countDrop(.malformed)
            ownResetCode = code
            return (end(because: .protocolViolation), true)
        }
    }

    @inline(__always)
    private func noteDelivery(_ count: Int) -> Progress {
        var progress: Progress = count > 0 ? .readable : []
        if extended.receiveStream.finalOffset != nil { progress.formUnion(noteRemoteEnd()) }
        return progress
    }

    private func noteRemoteEnd() -> Progress {
        guard isRemoteStreamComplete, !extended.isRemoteEndReported else { return [] }
        extended.isRemoteEndReported = true
        return .remoteFinished
    }

    /// Whether both streams have ended and the peer has all of ours.
    var isComplete: Bool {
        isRemoteStreamComplete && extended.sendStream.isComplete && isDeliveryKnown
    }

    /// Whether the peer knows that all of its stream was delivered, if it waits for our word.
    private var isDeliveryKnown: Bool {
        !extended.reportsDelivery
            || extended.delivery.acknowledged > extended.receiveStream.finalOffset ?? .max
    }

    /// The application has confirmed everything before the offset, the end counting as a byte.
    func confirmDelivery(upTo offset: UInt64) {
        if isExtended {
            extended.delivery.confirm(upTo: offset)
        } else {
            confirmedSegments.confirm(upTo: offset)
        }
    }

    /// The window moves with the reader; the peer is told when that is worth a packet.
    func didReadExtended() {
        guard extended.receiveStream.finalOffset == nil else { return }
        let told = extended.receiveStream.toldLimit
        let possible = receiveRing.startPosition + UInt64(receiveRing.limit)
        let isNearlyClosed = told - receiveRing.endPosition < UInt64(receiveRing.limit / 4)
        let worthwhile = UInt64(isNearlyClosed ? receiveRing.limit / 8 : receiveRing.limit / 4)
        if possible >= told + worthwhile { extended.mustSendWindow = true }
    }

    // MARK: Acknowledgements

    private func handleAcknowledgement(
        _ frame: AcknowledgementFrame, now: Instant
    ) -> Progress {
        guard frame.largest < nextNonce else {
            shared.countDrop(.invalidAcknowledgement)
            return []
        }
        let sentUpTo = recovery.nextNumber
        // One that was overtaken has counts of before (RFC 9000 §13.4.2.1).
        let isNewest = recovery.largestAcknowledged.map { frame.largest > $0 } ?? true
        recovery.beginAcknowledgement()
        for range in frame.ranges {
            while let late = recovery.takeLate(in: range, largest: frame.largest) {
                didDeliver(late.packet, late.number)
            }
            let first = max(range.lowerBound, recovery.firstUnsettled)
            guard first <= range.upperBound else { continue }
            for number in first...min(range.upperBound, sentUpTo &- 1) {
                // Only the largest was acknowledged at once, as far as is known.
                if let packet = recovery.acknowledge(
                    number, mayMeasure: number == frame.largest, now: now)
                {
                    didDeliver(packet, number)
                }
            }
        }
        keys.didAcknowledge(frame.largest)
        recovery.noteAcknowledged(frame.largest)
        let sample = recovery.endAcknowledgement(
            delay: frame.delay, endsBackoff: true, isMarked: isNewest && hasNewMarks(frame),
            now: now)
        takeLostPackets(now: now)
        if let sample { shared.statistics.rttSamples.observe(sample) }
        return releaseSettled()
    }

    private func releaseSettled() -> Progress {
        release(upTo: extended.sendStream.settledUpTo).union(noteOwnEnd())
    }

    /// The owner waits for the end as it does for bytes.
    @inline(__always)
    private func noteOwnEnd() -> Progress {
        guard isSendStreamComplete, !extended.isEndReported else { return [] }
        extended.isEndReported = true
        return .writable
    }

    /// A packet of ours has arrived.
    @inline(__always)
    private func didDeliver(_ packet: SentPacket, _ number: UInt64) {
        extended.sendStream.didAcknowledge(packet)
        if packet.contents.isDisjoint(with: [.sizeProbe, .acknowledgement, .delivered]) {
            extended.mtu.packetAcknowledged(number, size: Int(packet.size))
        } else {
            didDeliverControl(packet, number)
        }
    }

    private func didDeliverControl(_ packet: SentPacket, _ number: UInt64) {
        if packet.contents.contains(.sizeProbe) {
            extended.mtu.probeAcknowledged(size: Int(packet.size))
            recovery.setDatagramSize(extended.mtu.currentSize)
        } else {
            extended.mtu.packetAcknowledged(number, size: Int(packet.size))
        }
        if packet.contents.contains(.delivered) { extended.delivery.didDeliver(number) }
        if let told = extended.toldAcknowledgement, told.number == number {
            extended.toldAcknowledgement = nil
            extended.received.forget(below: told.largest)
        }
    }

    /// Lost packets are not sent again; what they carried is.
    func takeLostPackets(now: Instant) {
        guard recovery.hasLost else { return }
        recovery.takeLost { lost in
            let contents = lost.packet.contents
            extended.sendStream.didLose(lost.packet)
            if contents.contains(.window) { extended.mustSendWindow = true }
            if contents.contains(.delivered) { extended.delivery.didLose(lost.number) }
            if contents.contains(.acknowledgement),
                extended.toldAcknowledgement?.number == lost.number
            {
                extended.toldAcknowledgement = nil
            }
            if contents.contains(.sizeProbe) {
                extended.mtu.probeLost()
            } else {
                _ = extended.mtu.packetLost(
                    lost.number, size: Int(lost.packet.size), now: now)
            }
            lastLossCause = lost.cause
        }
        recovery.setDatagramSize(extended.mtu.currentSize)
    }

    /// Whether routers have marked more packets than the peer had told before (RFC 9000 §13.4.2).
    private func hasNewMarks(_ frame: AcknowledgementFrame) -> Bool {
        guard let known = extended.ecn else { return false }
        guard let counts = frame.ecn else {
            // Marked packets were acknowledged without a word of their marks.
            if extended.markedSent > 0, frame.largest >= extended.firstMarked {
                extended.ecn = nil
            }
            return false
        }
        let isPossible = counts.ect0 >= known.ect0 && counts.ce >= known.ce
            && counts.ect0 + counts.ce <= extended.markedSent
        extended.ecn = isPossible ? counts : nil
        return isPossible && counts.ce > known.ce
    }

    // MARK: Messages

    private func handleMessage(_ payload: UnsafeRawBufferPointer) -> Progress {
        guard extended.features.contains(.datagrams) else { return [] }
        extended.incomingMessages.append(Array(payload))
        return .datagram
    }

    // MARK: Address

    /// The newest packet tells where the peer is (RFC 9000 §9.3).
    @inline(__always)
    func noteSource(_ source: SocketAddress, number: UInt64, size: Int, now: Instant) {
        let isNewest = extended.largestReceived.map { number > $0 } ?? true
        if isNewest { extended.largestReceived = number }
        if source == remoteAddress {
            extended.path.didReceive(bytes: size)
        } else if isNewest {
            moveRemote(to: source, size: size, now: now)
        }
    }

    /// Message 3 shows that its sender receives what is sent to where message 1 came from. What is
    /// written on message 3 itself can be another's address, like that of any packet.
    func noteSourceOfThirdMessage(_ source: SocketAddress, size: Int, now: Instant) {
        guard isExtended, source != remoteAddress else { return }
        moveRemote(to: source, size: size, now: now)
    }

    private func moveRemote(to source: SocketAddress, size: Int, now: Instant) {
        guard extended.features.contains(.pathValidation) else { return }
        let former = remoteAddress
        remoteAddress = source
        if extended.path.validated == source {
            extended.path.returnToValidated()
        } else {
            extended.path.begin(
                from: former, challenge: shared.randomWord(),
                probeTimeout: recovery.probeTimeout(isPeerWindowClosed: false), now: now)
            extended.path.didReceive(bytes: size)
        }
        // A new port is a new binding of a NAT on the same path (RFC 9000 §9.4).
        guard source.host != former.host else { return }
        extended.mtu.start()
        recovery.beginPath(datagramSize: extended.mtu.currentSize)
    }
}
