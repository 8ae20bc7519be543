import ArgumentParser
import GatewayClient
import Glibc

struct Send: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Send a file or standard input.",
        discussion: """
            What standard input has goes to the peer at once. At its end the peer is told that \
            this was all, and the connection is closed. Ends well only when the peer has \
            acknowledged every byte. A gateway that does not answer for a while is tried again.
            """)

    @OptionGroup var target: NameArgument
    @Argument(help: "The file; - or nothing is standard input.", completion: .file())
    var file: String?
    @Flag(help: "Go on with FILE where an earlier send on this connection ended.")
    var resume = false
    @Option(help: "Begin with byte N of FILE.")
    var offset: UInt64?
    @Flag(help: "Do not end the stream and close the connection, so that more can follow.")
    var keepOpen = false
    @Option(help: "Give up when the peer takes nothing for so long (default: never).")
    var timeout: Time?
    @OptionGroup var options: GlobalOptions

    private var path: String? { file == "-" ? nil : file }

    func validate() throws {
        if resume, offset != nil {
            throw ValidationError("--resume and --offset exclude each other")
        }
        if path == nil, resume || offset != nil {
            throw ValidationError("--resume and --offset need a FILE")
        }
    }

    mutating func run() throws {
        // A wrong file is told before anything happens at the gateway.
        let input = try path.map { path throws(Failure) in try Input.open(path) }
        let client = try options.client()
        let document = try client.require(target.name)
        var upload = try Upload(client, document, timeout: timeout?.duration)
        let position = resume ? upload.accepted : offset ?? 0
        if let path, let input {
            if let length = input.length, position > length {
                throw Failure(
                    .data, "the connection has taken \(position) bytes, and \(path) has only "
                        + "\(length): it is not what was being sent")
            }
            try Input.skip(input.descriptor, to: position, of: path)
        }
        let line = ProgressLine(options)
        let base = upload.accepted, before = position
        let length = input?.length
        var progress = TransferProgress("sent", total: length)
        upload.onProgress = { upload in
            progress.advance(to: before + upload.accepted - base)
            progress.acknowledged =
                upload.acknowledged > base ? before + upload.acknowledged - base : 0
            progress.note = upload.note
            line.show { progress.text }
        }
        var reader = ChunkReader(
            input?.descriptor ?? STDIN_FILENO, name: path ?? "standard input")
        while true {
            let count = try reader.next()
            if count == 0 { break }
            try upload.send(reader.buffer[..<count])
        }
        try upload.waitAcknowledged()
        if !keepOpen { try upload.end() }
        line.clear()
        report(upload, id: document.id)
    }

    private func report(_ upload: Upload, id: String) {
        guard options.json else { return }
        Standard.print(
            #"{"connection":\#(JSONText.quoted(id)),"accepted_offset":\#(upload.accepted),"#
                + #""acknowledged_offset":\#(upload.acknowledged),"finished":\#(!keepOpen)}"#)
    }
}
