import WireAPI

extension PeerRegistrationRequest {
    /// Throws `.invalidRequest` with what is out of bounds.
    func check(_ bounds: Bounds) throws(WireError) {
        try Self.require((0...65535).contains(port), "the port is not from 0 to 65535")
        try Self.require((1...1024).contains(uploadSlots), "the upload slots are not from 1 to 1024")
        try Self.require(Self.isLine(name, bounds.text), "the name is longer than \(bounds.text) bytes or not one line")
        try Self.require(labels.count <= bounds.labels, "there are more than \(bounds.labels) labels")
        try Self.require(
            labels.allSatisfy { Self.isLine($0.key, bounds.text) && Self.isLine($0.value, bounds.text) },
            "a label's name or value is longer than \(bounds.text) bytes or not one line"
        )
    }

    private static func require(_ holds: Bool, _ message: String) throws(WireError) {
        guard holds else { throw WireError(.invalidRequest, message) }
    }

    static func isLine(_ text: String, _ limit: Int) -> Bool {
        text.utf8.count <= limit && text.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7F }
    }
}
