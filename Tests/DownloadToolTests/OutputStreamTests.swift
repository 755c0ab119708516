import Content
import Foundation
import TestSupport
import Testing

@testable import DownloadTool

@Suite struct OutputStreamTests {
    /// Reads everything until the end, on a thread of its own that runs already: the writer blocks.
    private func read(_ descriptor: Int32) -> AsyncStream<[UInt8]> {
        let (received, input) = AsyncStream.makeStream(of: [UInt8].self)
        Thread.detachNewThread {
            var buffer = [UInt8](repeating: 0, count: 10_000)
            while true {
                let count = Glibc.read(descriptor, &buffer, buffer.count)
                guard count > 0 else { break }
                input.yield(Array(buffer[..<count]))
            }
            input.finish()
        }
        return received
    }

    /// A pipe whose writing end has these flags.
    private func openPipe(_ flags: Int32) throws -> (reading: Int32, writing: Int32) {
        var ends: [Int32] = [-1, -1]
        try #require(pipe(&ends) == 0)
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        _ = fcntl(ends[1], F_SETFL, flags)
        return (ends[0], ends[1])
    }

    @Test(arguments: [0, O_NONBLOCK])
    func aPipeTakesMoreThanItHolds(flags: Int32) async throws {
        let (reading, writing) = try openPipe(flags)
        defer { close(reading) }
        let bytes = randomBytes(1_000_000, seed: 141)
        let received = read(reading)
        do {
            defer { close(writing) }
            guard case .stream(let place) = try OutputPlace("/dev/fd/\(writing)", for: nil) else {
                Issue.record("no stream")
                return
            }
            let output = OutputStream(place, verifying: [Digest.of(bytes)])
            try bytes.withUnsafeBytes { try output.write($0) }
            try output.finish()
        }
        #expect(await received.reduce(into: []) { $0 += $1 }.elementsEqual(bytes))
    }

    @Test func aPipeThatNobodyReadsAnyLongerIsAnError() throws {
        let (reading, writing) = try openPipe(O_NONBLOCK)
        defer { close(writing) }
        close(reading)
        signal(SIGPIPE, SIG_IGN)
        #expect([1, 2].withUnsafeBytes { writeAll($0, to: writing) } == EPIPE)
    }
}
