/// Why a listener could not start.
package struct ListenError: Error, Sendable, CustomStringConvertible {
    /// The kind of failure.
    package struct Code: Sendable, Hashable {
        private enum Value: Hashable { case addressInUse, cannotBind, badCertificate }
        private let value: Value

        /// Somebody listens there already.
        package static let addressInUse = Code(value: .addressInUse)
        /// The address can not be bound: no such address, no permission, a missing directory.
        package static let cannotBind = Code(value: .cannotBind)
        /// The certificate or key can not be used.
        package static let badCertificate = Code(value: .badCertificate)
    }

    /// The kind of failure.
    package let code: Code
    /// One line for a person, naming the listener and its address.
    package let description: String
    /// The error underneath.
    package let cause: (any Error)?

    init(_ code: Code, _ description: String, cause: (any Error)? = nil) {
        self.code = code
        self.description = description
        self.cause = cause
    }
}
