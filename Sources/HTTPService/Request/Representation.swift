package import Content
package import HTTPTypes

/// Content of known length that can be asked for conditionally and in ranges.
package struct Representation: Sendable, Hashable {
    /// The complete length in bytes.
    package var length: Int64
    /// Its entity tag.
    package var entityTag: EntityTag?
    /// The value of its Last-Modified field.
    package var lastModified: String?

    /// Content with its validators.
    package init(length: Int64, entityTag: EntityTag? = nil, lastModified: String? = nil) {
        self.length = length
        self.entityTag = entityTag
        self.lastModified = lastModified
    }

    /// How a request is to be answered.
    package enum Answer: Sendable, Hashable {
        /// 200 with everything.
        case whole
        /// 206 with these bytes.
        case partial(ByteRange)
        /// 304: the client has it.
        case notModified
        /// 412: it is not what the client expects.
        case preconditionFailed
        /// 416: there are no such bytes.
        case rangeNotSatisfiable
    }

    /// Evaluates preconditions in the order of RFC 9110 §13.2.2, then the range (§14.2).
    ///
    /// A range of any other method than GET, of another unit, malformed, or one of several is ignored.
    package func answer(to method: HTTPRequest.Method, _ headers: HTTPFields) -> Answer {
        let isRead = method == .get || method == .head
        if let value = headers[.ifMatch] {
            guard isAny(value) || matches(value, { $0.isStrongly($1) }) else { return .preconditionFailed }
        } else if let date = headers[.ifUnmodifiedSince].flatMap({ HTTPDate($0) }), let modified,
            modified > date
        {
            return .preconditionFailed
        }
        if let value = headers[.ifNoneMatch] {
            if isAny(value) || matches(value, { $0.isWeakly($1) }) {
                return isRead ? .notModified : .preconditionFailed
            }
        } else if isRead, let date = headers[.ifModifiedSince].flatMap({ HTTPDate($0) }), let modified,
            modified <= date
        {
            return .notModified
        }
        guard method == .get, let range = headers[.range].flatMap({ RangeHeader($0) }),
            isUnchanged(headers[.ifRange])
        else { return .whole }
        return switch range.resolve(length: length) {
        case .partial(let bytes): .partial(bytes)
        case .unsatisfiable: .rangeNotSatisfiable
        }
    }

    /// The fields of a response with that answer, besides those that describe the content.
    package func headers(for answer: Answer) -> HTTPFields {
        var headers: HTTPFields = [:]
        if answer != .preconditionFailed { headers[.acceptRanges] = "bytes" }
        if answer != .preconditionFailed, answer != .rangeNotSatisfiable {
            headers[.eTag] = entityTag?.description
            headers[.lastModified] = lastModified
        }
        switch answer {
        case .partial(let range): headers[.contentRange] = ContentRange(range: range, length: length).description
        case .rangeNotSatisfiable: headers[.contentRange] = ContentRange(range: nil, length: length).description
        case .whole, .notModified, .preconditionFailed: break
        }
        return headers
    }

    private var modified: HTTPDate? { lastModified.flatMap { HTTPDate($0) } }

    private func isAny(_ value: String) -> Bool { value.filter { $0 != " " && $0 != "\t" } == "*" }

    private func matches(_ value: String, _ same: (EntityTag, EntityTag) -> Bool) -> Bool {
        guard let entityTag else { return false }
        return EntityTag.list(value).contains { same($0, entityTag) }
    }

    /// If-Range (RFC 9110 §13.1.5): a strong comparison; a date must be exactly the one that was given out.
    private func isUnchanged(_ ifRange: String?) -> Bool {
        guard let ifRange else { return true }
        if let tag = EntityTag(parsing: ifRange) { return entityTag.map { $0.isStrongly(tag) } ?? false }
        guard let date = HTTPDate(ifRange), let modified else { return false }
        return date == modified
    }
}
