import Testing

@testable import HTTPService

/// How much of a body the kernel may take before the client has it.
struct SendBufferTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let bytesPerSecond: UInt64
        let roundTripMicroseconds: UInt32
        let isLimited: Bool
    }

    @Test(arguments: [
        Case(
            testDescription: "100 Mb/s in one rack",
            bytesPerSecond: 12_000_000,
            roundTripMicroseconds: 200,
            isLimited: true
        ),
        Case(
            testDescription: "1 Gb/s in one rack",
            bytesPerSecond: 117_000_000,
            roundTripMicroseconds: 200,
            isLimited: true
        ),
        Case(
            testDescription: "10 Gb/s in one rack",
            bytesPerSecond: 1_170_000_000,
            roundTripMicroseconds: 100,
            isLimited: false
        ),
        Case(
            testDescription: "20 Mb/s, far away",
            bytesPerSecond: 2_500_000,
            roundTripMicroseconds: 50_000,
            isLimited: false
        ),
        Case(
            testDescription: "1 Gb/s, far away",
            bytesPerSecond: 100_000_000,
            roundTripMicroseconds: 20_000,
            isLimited: false
        ),
    ]) func paths(_ path: Case) {
        var info = PathInfo()
        info.busyTime = 2_000_000
        info.acknowledged = 2 * path.bytesPerSecond
        info.leastRoundTrip = path.roundTripMicroseconds
        #expect(SendBuffer(info) == (path.isLimited ? .limited(64 << 10) : .automatic))
    }

    @Test("Of a connection that has sent nothing yet, and where the kernel tells too little, nothing is known")
    func unknown() {
        #expect(SendBuffer(PathInfo()) == nil)
        var info = PathInfo()
        info.busyTime = 1000
        info.acknowledged = 1 << 20
        info.leastRoundTrip = .max
        #expect(SendBuffer(info) == nil)
        info.leastRoundTrip = 100_000
        info.acknowledged = 3000
        #expect(SendBuffer(info) == nil)
    }

    @Test("Time in which the client took nothing says nothing of the path")
    func slowReader() {
        var info = PathInfo()
        info.busyTime = 60_000_000
        info.receiverLimited = 59_000_000
        info.acknowledged = 6_000_000
        info.leastRoundTrip = 100_000
        #expect(SendBuffer(info) == .automatic)
    }

    @Test("The fields lie where the kernel puts them")
    func layout() {
        #expect(MemoryLayout<PathInfo>.offset(of: \.acknowledged) == 120)
        #expect(MemoryLayout<PathInfo>.offset(of: \.leastRoundTrip) == 148)
        #expect(MemoryLayout<PathInfo>.offset(of: \.busyTime) == 168)
        #expect(MemoryLayout<PathInfo>.offset(of: \.receiverLimited) == 176)
    }
}
