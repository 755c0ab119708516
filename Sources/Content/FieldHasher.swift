/// Hashes a list of fields, each preceded by its length, so that no two different lists hash alike.
struct FieldHasher {
    private var hasher = DigestHasher(.sha256)

    init(_ purpose: String) {
        add(purpose)
    }

    mutating func add(_ bytes: [UInt8]) {
        add(Int64(bytes.count))
        hasher.update(bytes)
    }

    mutating func add(_ text: String) {
        add(Array(text.utf8))
    }

    mutating func add(_ number: Int64) {
        hasher.update((0..<8).map { UInt8(truncatingIfNeeded: number >> (56 - 8 * $0)) })
    }

    /// An absent field is not the same as an empty one.
    mutating func add(optional text: String?) {
        add(text == nil ? 0 : 1)
        if let text { add(text) }
    }

    func finalize() -> [UInt8] { hasher.finalize().bytes }
}
