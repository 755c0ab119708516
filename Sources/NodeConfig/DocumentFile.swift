/// A file of documents that other programs read, such as the manifests of Kubernetes.
public enum DocumentFile {
    /// The documents of a file in YAML, which JSON is a part of, each as `type`; empty ones are left out.
    public static func load<Document: Decodable>(
        _ path: String,
        as type: Document.Type
    ) throws(ConfigError) -> [Document] {
        try parse(text: try ConfigFile.read(path), file: path, as: type)
    }

    /// The same of a text; `file` is only named in errors.
    public static func parse<Document: Decodable>(
        text: String,
        file: String,
        as type: Document.Type
    ) throws(ConfigError) -> [Document] {
        var reader = YAMLReader(file: file)
        return try reader.readAll(text, as: type)
    }
}
