internal import BackendAPI
internal import Content

/// What a `file:` URL names: a root, and a path below it.
struct FilePath: Sendable {
    /// The root's path.
    let root: String
    /// Relative to the root; `.` for itself.
    let relative: String

    /// Finds the most specific of `roots` that the URL lies below.
    ///
    /// Dots are refused before anything is opened, also where they are escaped, since two URLs must not mean one file.
    init(_ url: ResourceURL, roots: [String]) throws(BackendError) {
        guard url.host.isEmpty || url.host == "localhost", url.port == nil, url.userInfo == nil else {
            throw BackendError(.refused, "\(url.origin): files are on this node only")
        }
        guard url.query == nil else { throw BackendError(.invalidRequest, "a file: URL has no query") }
        var components: [String] = []
        for part in url.path.split(separator: "/") {
            guard let name = ResourceURL.percentDecoded(part) else {
                throw BackendError(.invalidRequest, "\(url): a malformed path")
            }
            guard name != ".", name != "..", !name.utf8.contains(0), !name.contains("/") else {
                throw BackendError(.refused, "\(url): a path with '..' or the like is not followed")
            }
            components.append(name)
        }
        let candidates = roots.map { ($0, $0.split(separator: "/").map(String.init)) }
        let below = candidates.filter { components.starts(with: $0.1) }
        guard let (root, prefix) = below.max(by: { $0.1.count < $1.1.count }) else {
            throw BackendError(.refused, "\(url) lies outside of the configured roots")
        }
        self.root = root
        let rest = components.dropFirst(prefix.count)
        relative = rest.isEmpty ? "." : rest.joined(separator: "/")
    }

    /// What is called `name` in this directory.
    func appending(_ name: String) -> FilePath { FilePath(root: root, relative: "\(relative)/\(name)") }

    private init(root: String, relative: String) {
        self.root = root
        self.relative = relative
    }
}
