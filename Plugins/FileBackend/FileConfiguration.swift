internal import Glibc
public import NodeConfig

/// The keys of `plugin: file`.
public struct FileConfiguration: Configurable {
    /// The directories from which, with all below them, files are served; absolute paths.
    public var roots: [String] = []

    /// No roots.
    public init() {}

    /// Visits the fields.
    public mutating func bind(_ fields: inout ConfigFields) throws(ConfigError) {
        try fields.list("roots", &roots)
        for root in roots {
            let isPlain = root.hasPrefix("/") && !root.split(separator: "/").contains { $0 == "." || $0 == ".." }
            try fields.check("roots", isPlain, "must be absolute paths without '.' and '..', found '\(root)'")
            var status = stat()
            let isDirectory = stat(root, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
            try fields.check("roots", isDirectory, "must be directories, found '\(root)'")
        }
    }
}
