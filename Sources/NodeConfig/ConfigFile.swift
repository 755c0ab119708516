internal import Glibc

/// A configuration file in YAML.
public enum ConfigFile {
    private static let largest = 4 << 20

    /// Reads a file into `value`, whose defaults stay where the file says nothing.
    ///
    /// `value` is unchanged after an error.
    public static func load(path: String, into value: inout some Configurable) throws(ConfigError) {
        try parse(text: try read(path), file: path, into: &value)
    }

    /// Reads YAML text into `value`; `file` is only named in errors.
    public static func parse(text: String, file: String, into value: inout some Configurable) throws(ConfigError) {
        try RawConfig(yaml: text, file: file).bind(into: &value)
    }

    /// The text of a file: UTF-8, and not larger than a configuration can be.
    public static func read(_ path: String) throws(ConfigError) -> String {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw unreadable(path, errno) }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 64 << 10)
        while true {
            let count = Glibc.read(descriptor, &buffer, buffer.count)
            if count < 0 && errno == EINTR { continue }
            guard count >= 0 else { throw unreadable(path, errno) }
            if count == 0 { break }
            bytes += buffer[..<count]
            guard bytes.count <= largest else {
                throw ConfigError(file: path, message: "is too large for a configuration")
            }
        }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw ConfigError(file: path, message: "is not UTF-8 text")
        }
        return text
    }

    private static func unreadable(_ path: String, _ code: Int32) -> ConfigError {
        ConfigError(file: path, message: "cannot be read: \(String(cString: strerror(code)))")
    }
}

/// All keys of a configuration with their values as YAML that reads back to the same; secrets appear as `(set)`.
public func printed(_ value: some Configurable) -> String {
    YAMLWriter.text(ConfigFields.print(value))
}
