import CacheStore

/// Where a download's bytes go.
enum DownloadOutput: Sendable {
    case file(TargetDestination)
    case stream(OutputStream)
}
