import BackendAPI

func withMemoryOrigin(_ body: (ConformanceOrigin) async throws -> Void) async throws {
    let backend = MemoryBackend()
    try await body(
        ConformanceOrigin(
            backend: backend,
            traits: [.mutable, .answersUnsatisfiable, .validators],
            put: { name, bytes in
                let url = try resourceURL("memory://host/dir/\(name)")
                backend.set(MemoryBackend.Object(bytes), at: url)
                return Resource(url: url)
            },
            missing: Resource(url: try resourceURL("memory://host/dir/missing"))
        )
    )
}
