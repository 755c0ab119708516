/// What is wrong with a configuration, and where.
public struct ConfigError: Error, Sendable, Hashable {
    /// The file's path as it was given; nil where there is no file.
    public let file: String?
    /// The line in the file, from 1; nil where no line is to blame.
    public let line: Int?
    /// The fault in one line, for a person.
    public let message: String

    /// A fault at a place.
    public init(file: String? = nil, line: Int? = nil, message: String) {
        self.file = file
        self.line = line
        self.message = message
    }
}

extension ConfigError: CustomStringConvertible {
    /// `file:line: message`, as compilers write it.
    public var description: String {
        switch (file, line) {
        case (let file?, let line?): "\(file):\(line): \(message)"
        case (let file?, nil): "\(file): \(message)"
        case (nil, let line?): "line \(line): \(message)"
        case (nil, nil): message
        }
    }
}
