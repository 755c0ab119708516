import CacheStore

/// Where a download's bytes go.
enum DownloadOutput: Sendable {
    case file(TargetDestination)
    case stream(OutputStream)

    /// So many versions of content that changes are begun with at most.
    static let mostVersions = 4
}
