public import Content
internal import FoundationEssentials

/// How an HTTP origin's answer is to be understood (RFC 9110): the same for every backend that speaks HTTP.
public enum HTTPAnswer {
    /// The fields that ask for `request`'s range under its condition, in addition to the resource's own headers.
    public static func requestFields(for request: OriginRequest) -> HeaderFields {
        var fields = request.resource.headers
        fields["Range"] = request.range?.headerValue
        switch request.condition {
        case .ifUnchanged(let validators):
            // If-Range makes the origin send the whole of a new version, which is seen by the status and cut off;
            // If-Match and If-Unmodified-Since spare that, but not every origin knows them.
            if request.range != nil, let strong = validators.strong { fields["If-Range"] = strong }
            if let tag = validators.entityTag, !tag.hasPrefix("W/") {
                fields["If-Match"] = tag
            } else if let date = validators.lastModified {
                fields["If-Unmodified-Since"] = date
            }
        case .ifChanged(let validators):
            fields["If-None-Match"] = validators.entityTag
            fields["If-Modified-Since"] = validators.entityTag == nil ? validators.lastModified : nil
        case nil: break
        }
        return fields
    }

    /// The head of the content that an answer brings.
    ///
    /// Throws what the answer means if it brings none. Where `bodyLength` of the result is 0, whatever body the answer
    /// has is to be dropped.
    public static func head(
        status: Int,
        fields: HeaderFields,
        to request: OriginRequest
    ) throws(BackendError) -> ContentHead {
        if let objection = SharedCache.objection(status: status, fields: fields, to: request) {
            throw BackendError(
                .notShareable,
                "the origin's answer is not for a shared cache: \(objection)",
                status: status
            )
        }
        var head = ContentHead(
            validators: validators(fields),
            freshness: Freshness(fields: fields),
            age: fields["Age"].flatMap { deltaSeconds($0) } ?? .zero,
            digest: digest(fields),
            acceptsRanges: status == 206
                || fields.elements(of: "Accept-Ranges").contains { $0.lowercased() == "bytes" },
            headers: ReplayedFields.of(fields),
            vary: fields.elements(of: "Vary").map { $0.lowercased() }
        )
        switch status {
        case 200, 203:
            head.length = try contentLength(fields)
        case 206:
            (head.range, head.length) = try partial(fields, request)
        case 304:
            guard case .ifChanged = request.condition else {
                throw violation("304 to an unconditional request", status)
            }
            head.notModified = true
        case 416:
            // An empty resource has no first byte to ask for.
            guard let range = request.range, range.offset == 0, completeLength(fields) == 0
            else { throw failure(status: status, fields: fields) }
            (head.range, head.length) = (ByteRange(length: 0), 0)
            head.headers.remove("Content-Type")
        default:
            throw failure(status: status, fields: fields)
        }
        try checkVersion(head, request)
        return head
    }

    /// What an answer means that brings no content.
    public static func failure(status: Int, fields: HeaderFields) -> BackendError {
        let retryAfter = retryAfter(fields)
        let code: BackendError.Code =
            switch status {
            case 401: .unauthorized
            case 403: .forbidden
            case 404, 410: .notFound
            case 412: .changedAtOrigin
            case 416: .rangeNotSatisfiable
            case 429: .throttled
            case 503 where retryAfter != nil: .throttled
            case 408: .timedOut
            case 500...599: .unavailable
            case 400...499: .invalidRequest
            default: .protocolViolation
            }
        return BackendError(
            code,
            "the origin answered \(status)",
            challenges: status == 401 ? fields.values(of: "WWW-Authenticate") : [],
            status: status,
            retryAfter: retryAfter,
            length: status == 416 ? completeLength(fields) : nil
        )
    }

    /// `Retry-After` as a delay; a date counts from the answer's own.
    static func retryAfter(_ fields: HeaderFields) -> Duration? {
        guard let value = fields["Retry-After"] else { return nil }
        if let delay = deltaSeconds(value) { return delay }
        guard let until = HTTPDate(value)?.seconds, let now = fields["Date"].flatMap({ HTTPDate($0)?.seconds })
        else { return nil }
        return .seconds(max(0, until - now))
    }

    private static func validators(_ fields: HeaderFields) -> Validators {
        var validators = Validators(entityTag: fields["ETag"], lastModified: fields["Last-Modified"])
        if let changed = validators.lastModified.flatMap({ HTTPDate($0)?.seconds }),
            let now = fields["Date"].flatMap({ HTTPDate($0)?.seconds })
        {
            // Two changes in one second look the same to the date; origins' clocks differ from their file servers'.
            validators.lastModifiedIsStrong = now - changed >= 60
        }
        return validators
    }

    private static func contentLength(_ fields: HeaderFields) throws(BackendError) -> Int64? {
        let values = Set(fields.elements(of: "Content-Length"))
        guard let value = values.first, fields["Transfer-Encoding"] == nil else { return nil }
        guard values.count == 1, let length = number(value) else { throw violation("a senseless Content-Length", nil) }
        return length
    }

    private static func completeLength(_ fields: HeaderFields) -> Int64? {
        fields["Content-Range"].flatMap { ContentRange($0) }?.length
    }

    private static func partial(
        _ fields: HeaderFields,
        _ request: OriginRequest
    ) throws(BackendError) -> (ByteRange, Int64?) {
        guard let asked = request.range, asked.headerValue != nil else {
            throw violation("206 to a request without a range", 206)
        }
        guard let value = fields["Content-Range"].flatMap({ ContentRange($0) }), let range = value.range
        else { throw violation("206 without a sensible Content-Range", 206) }
        let end =
            switch asked {
            case .closed(let wanted): min(wanted.end, value.length ?? .max)
            case .from: value.length ?? .max
            }
        // An origin may grant the beginning only (RFC 9110 §15.3.7).
        guard range.offset == asked.offset, range.end <= end, !range.isEmpty
        else { throw violation("other bytes than asked for", 206) }
        if let length = try contentLength(fields), length != range.count {
            throw violation("a Content-Length that contradicts Content-Range", 206)
        }
        return (range, value.length)
    }

    /// An origin that ignores the condition still tells by its validators that the version is another.
    private static func checkVersion(_ head: ContentHead, _ request: OriginRequest) throws(BackendError) {
        guard case .ifUnchanged(let known) = request.condition else { return }
        let changed = BackendError(.changedAtOrigin, "the content has changed at the origin")
        if let tag = known.entityTag, let now = head.validators.entityTag {
            if tag != now { throw changed }
        } else if let date = known.lastModified, let now = head.validators.lastModified {
            if date != now { throw changed }
        } else if head.range == nil, let range = request.range, range.offset > 0, known.strong != nil {
            // If-Range was sent and the whole came: either no ranges or another version, and nothing says which.
            throw changed
        }
    }

    private static func digest(_ fields: HeaderFields) -> Digest? {
        if let digest = fields["Docker-Content-Digest"].flatMap({ Digest($0) }) { return digest }
        for element in fields.elements(of: "Repr-Digest") {
            let parts = element.split(separator: "=", maxSplits: 1)
            guard parts.count == 2, parts[0] == "sha-256", parts[1].hasPrefix(":"), parts[1].hasSuffix(":"),
                let data = Data(base64Encoded: String(parts[1].dropFirst().dropLast()))
            else { continue }
            return Digest(algorithm: .sha256, bytes: Array(data))
        }
        return nil
    }

    private static func number(_ text: String) -> Int64? {
        guard !text.isEmpty, text.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) })
        else { return nil }
        return Int64(text)
    }

    private static func violation(_ message: String, _ status: Int?) -> BackendError {
        BackendError(.protocolViolation, "the origin sent \(message)", status: status)
    }
}
