import BackendAPI

/// An origin that a backend under test talks to, and what tests may expect of it.
struct ConformanceOrigin: Sendable {
    /// What the suite runs over.
    enum Kind: String, Sendable, CaseIterable {
        case memory, http, file, registry
    }

    /// What an origin of this kind has.
    struct Traits: OptionSet, Sendable {
        let rawValue: Int

        /// The content behind a URL can change.
        static let mutable = Traits(rawValue: 1 << 0)
        /// A range behind the end is answered as RFC 9110 has it.
        static let answersUnsatisfiable = Traits(rawValue: 1 << 1)
        /// It tells validators.
        static let validators = Traits(rawValue: 1 << 2)
    }

    let backend: any Backend
    let traits: Traits
    /// Puts content under a name and says where it is; a second time it replaces what was there.
    let put: @Sendable (_ name: String, _ bytes: [UInt8]) async throws -> Resource
    /// Where there is nothing.
    let missing: Resource

    func request(
        _ name: String,
        _ bytes: [UInt8],
        range: OriginRange? = nil
    ) async throws -> OriginRequest {
        OriginRequest(resource: try await put(name, bytes), range: range)
    }
}

/// Runs `body` with a real origin of the kind.
func withOrigin(
    _ kind: ConformanceOrigin.Kind,
    _ body: (ConformanceOrigin) async throws -> Void
) async throws {
    switch kind {
    case .memory: try await withMemoryOrigin(body)
    case .http: try await withHTTPOrigin(body)
    case .file: try await withFileOrigin(body)
    case .registry: try await withRegistryOrigin(body)
    }
}
