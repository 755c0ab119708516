/// What this build calls itself.
package enum DarterVersion {
    /// Semantic version.
    package static let current = "0.1.0"
}
