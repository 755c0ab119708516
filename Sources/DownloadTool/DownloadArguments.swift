/// What the command line says of one download, as it stands there.
package struct DownloadArguments: Sendable {
    package var url: String?
    /// `-` is standard output; nil: the URL's last path component.
    package var output: String?
    package var digest: String?
    package var md5: String?
    package var identifier: String?
    package var filter: String?
    package var headers: [String] = []
    package var pattern: String?
    package var notBackToSource = false

    package init() {}
}
