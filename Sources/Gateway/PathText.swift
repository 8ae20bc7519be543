/// Paths of files.
public enum PathText {
    /// The directory that the file is in, as the path has it.
    public static func directory(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }
}
