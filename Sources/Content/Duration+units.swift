extension Duration {
    /// The duration as seconds with a fraction.
    public var seconds: Double {
        Double(components.seconds) + Double(components.attoseconds) * 1e-18
    }

    /// The duration in nanoseconds, rounded down; of centuries the longest that can be counted.
    public var inNanoseconds: Int64 {
        let (seconds, attoseconds) = components
        let (whole, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
        return overflow ? .max / 4 : whole + attoseconds / 1_000_000_000
    }
}
