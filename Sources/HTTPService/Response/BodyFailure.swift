/// Why a response's body could not be completed as announced; the connection is then aborted.
package struct BodyFailure: Error, Sendable, CustomStringConvertible {
    /// The kind of failure.
    package struct Code: Sendable, Hashable {
        private enum Value: Hashable { case tooLong, tooShort, unreadable, unfinished }
        private let value: Value

        /// More bytes were written than announced.
        package static let tooLong = Code(value: .tooLong)
        /// Fewer bytes were written than announced.
        package static let tooShort = Code(value: .tooShort)
        /// The file behind the body can not be read as far as needed.
        package static let unreadable = Code(value: .unreadable)
        /// The handler returned without ending the body.
        package static let unfinished = Code(value: .unfinished)
    }

    /// The kind of failure.
    package let code: Code
    /// One line for a person.
    package let description: String

    init(_ code: Code, _ description: String) {
        self.code = code
        self.description = description
    }
}
