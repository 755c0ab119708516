/// Slows an upload down.
package protocol Pacer: Sendable {
    /// How long to wait before the next `bytes` may be sent; asked once for each region of at most 256 KiB.
    func delay(before bytes: Int) async -> Duration
}
