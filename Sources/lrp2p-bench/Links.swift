import ArgumentParser
struct Links: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "x")
    @OptionGroup var options: RunOptions
}
