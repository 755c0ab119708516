internal import BackendAPI
internal import Content

/// What is told of a file before its bytes.
enum FileHead {
    /// The answer to a request for a file that is like `status`.
    static func head(of status: FileStatus, for request: OriginRequest) throws(BackendError) -> ContentHead {
        var head = ContentHead(
            length: status.length,
            validators: Validators(entityTag: status.entityTag),
            acceptsRanges: true,
            headers: ["ETag": status.entityTag]
        )
        switch request.condition {
        case .ifUnchanged(let known) where known.entityTag != status.entityTag:
            throw BackendError(.changedAtOrigin, "\(request.resource.url) has changed")
        case .ifChanged(let known) where known.entityTag == status.entityTag:
            head.notModified = true
            return head
        default: break
        }
        guard let range = request.range else { return head }
        if status.length == 0, range.offset == 0 {
            head.range = ByteRange(length: 0)
            return head
        }
        guard let granted = range.resolve(length: status.length) else {
            throw BackendError(.rangeNotSatisfiable, "the range lies behind the end", length: status.length)
        }
        head.range = granted
        return head
    }
}
