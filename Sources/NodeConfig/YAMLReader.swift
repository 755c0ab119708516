internal import Yams

/// YAML text -> ``ConfigNode``.
///
/// Scalars stay text (the field's type decides what they mean); anchors work, merge keys do not.
struct YAMLReader {
    /// Aliases make a small file expand to any size; no configuration needs more nodes than this.
    private static let mostNodes = 100_000
    private static let deepest = 100

    let file: String?
    private var nodes = 0

    init(file: String?) { self.file = file }

    /// The document; an empty one is `.null`.
    mutating func read(_ text: String) throws(ConfigError) -> ConfigNode {
        let root: Node?
        do {
            root = try Parser(yaml: text, resolver: .basic).singleRoot()
        } catch let error as YamlError {
            throw describe(error)
        } catch {
            throw ConfigError(file: file, message: "not readable as YAML")
        }
        guard let root else { return ConfigNode(.null, line: nil) }
        return try convert(root, depth: 0)
    }

    /// All documents of a stream, each as `type`; empty ones are left out.
    mutating func readAll<Document: Decodable>(_ text: String, as type: Document.Type) throws(ConfigError) -> [Document]
    {
        do {
            let parser = try Parser(yaml: text)
            var documents: [Document] = []
            while let root = try parser.nextRoot() {
                // What is too large, or too deep, or no YAML that anybody means, does not get as far as the decoder.
                if case .null = try convert(root, depth: 0).kind { continue }
                documents.append(try YAMLDecoder().decode(type, from: root))
            }
            return documents
        } catch let error as ConfigError {
            throw error
        } catch let error as YamlError {
            throw describe(error)
        } catch {
            throw ConfigError(file: file, message: "is not what is expected: \(error)")
        }
    }

    private mutating func convert(_ node: Node, depth: Int) throws(ConfigError) -> ConfigNode {
        let line = node.mark?.line
        nodes += 1
        guard nodes <= Self.mostNodes, depth <= Self.deepest else {
            throw ConfigError(file: file, line: line, message: "too large or too deeply nested for a configuration")
        }
        switch node {
        case .scalar(let scalar):
            return ConfigNode(Self.isNull(scalar) ? .null : .scalar(scalar.string), line: line)
        case .sequence(let sequence):
            var items: [ConfigNode] = []
            for item in sequence {
                items.append(try convert(item, depth: depth + 1))
            }
            return ConfigNode(.sequence(items), line: line)
        case .mapping(let mapping):
            var entries: [ConfigEntry] = []
            for (key, value) in mapping {
                guard case .scalar(let name) = key else {
                    throw ConfigError(file: file, line: key.mark?.line, message: "a key must be a single word")
                }
                let value = try convert(value, depth: depth + 1)
                entries.append(ConfigEntry(key: name.string, line: key.mark?.line, value: value))
            }
            return ConfigNode(.mapping(entries), line: line)
        case .alias:
            throw ConfigError(file: file, line: line, message: "an alias without its anchor")
        }
    }

    private static func isNull(_ scalar: Node.Scalar) -> Bool {
        scalar.style == .plain && ["", "~", "null", "Null", "NULL"].contains(scalar.string)
    }

    private func describe(_ error: YamlError) -> ConfigError {
        switch error {
        case .scanner(let context, let problem, let mark, _), .parser(let context, let problem, let mark, _),
            .composer(let context, let problem, let mark, _):
            let context = context.map { "\($0.text.trimmed), " } ?? ""
            return ConfigError(file: file, line: mark.line, message: "not valid YAML: \(context)\(problem)")
        case .reader(let problem, let offset, _, let text):
            let line = offset.map { text.prefix($0).utf8.count { $0 == UInt8(ascii: "\n") } + 1 }
            return ConfigError(file: file, line: line, message: "not valid YAML: \(problem)")
        case .duplicatedKeysInMapping(let keys, let context):
            let names = keys.map { "'\($0)'" }.joined(separator: ", ")
            return ConfigError(file: file, line: context.mark.line, message: "\(names) is given more than once")
        default:
            return ConfigError(file: file, message: "not readable as YAML")
        }
    }
}

extension String {
    fileprivate var trimmed: Substring { drop { $0 == " " } }
}
