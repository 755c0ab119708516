internal import RegistryProtocol

/// Why a registry refused, in a line.
enum RegistryReason {
    private static let longest = 200

    /// The first error of a body; nil where there is none.
    static func text(in body: [UInt8]) -> String? {
        guard let item = RegistryErrorBody(json: body)?.errors.first else { return nil }
        let text = item.message.isEmpty ? item.code.text : "\(item.code): \(item.message)"
        // It goes to logs and terminals.
        return String(
            String.UnicodeScalarView(
                text.unicodeScalars.prefix(longest).filter { $0.value >= 0x20 && $0.value != 0x7F }
            )
        )
    }
}
