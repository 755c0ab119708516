import BackendAPI
import Content
import Testing
import WireAPI

@testable import SupernodeService

@Suite struct SourceLineTests {
    private func source(_ number: Int) throws -> Source {
        Source(resource: Resource(url: try #require(ResourceURL("http://origin/\(number)"))))
    }

    @Test("Sources come in the order in which they were offered, each once; after the last none is taken")
    func order() throws {
        var line = SourceLine()
        line.offer(try source(0))
        #expect(line.next() == nil)
        line.restart(with: try source(1))
        for number in [2, 1, 3, 2] { line.offer(try source(number)) }
        #expect(line.next() == (try source(1)))
        #expect(line.next() == (try source(2)))
        #expect(line.next() == (try source(3)))
        #expect(line.next() == nil)
        line.offer(try source(4))
        #expect(line.next() == nil)
    }

    @Test("Neither the sources that wait nor the faults of those that failed grow without bound")
    func bounds() throws {
        var line = SourceLine()
        line.restart(with: nil)
        for number in 0..<200 { line.offer(try source(number)) }
        var count = 0
        while line.next() != nil { count += 1 }
        #expect(count == SourceLine.mostUntried)
        for number in 0...SourceLine.mostFaults {
            line.remember(WireError(.originNotFound, "no"), of: try source(number))
        }
        #expect(line.fault(of: try source(0)) == nil)
        #expect(line.fault(of: try source(SourceLine.mostFaults))?.code == .originNotFound)
        line.forgetFault(of: try source(SourceLine.mostFaults))
        #expect(line.fault(of: try source(SourceLine.mostFaults)) == nil)
    }
}
