import CacheStore
import Content
import CurlTransport
import Foundation
import NodeConfig
import Testing

@testable import NodeCheck

@Suite struct FindingTests {
    private typealias Answered = (Int, HeaderFields, String, Finding.State, String)

    private static let answered: [Answered] = [
        (200, [:], "", .ok, "without a login"), (401, [:], "", .ok, "wants a login"),
        (401, ["WWW-Authenticate": "Bearer realm=\"https://a.test/token?x=1\""], "", .ok, "https://a.test/token)"),
        (401, ["WWW-Authenticate": "Basic realm=\"r\""], "", .ok, "by basic"),
        (404, [:], #"{"errors":[{"code":"NAME_UNKNOWN","message":"not mirrored"}]}"#, .failed, "not mirrored"),
        (404, [:], "<html>", .failed, "no registry"),
        (403, [:], "", .failed, "refuses"),
        (429, [:], "", .note, "429"),
    ]

    private func disk(free: Int64, writable: Bool = true, files: UInt64? = 10) -> DiskState {
        DiskState(directory: "/d", exists: true, isWritable: writable, freeBytes: free, freeFiles: files)
    }

    @Test("A disk is well with room above the floor, files left and the right to write")
    func disks() {
        let store = StoreConfiguration(quota: .gibibytes(5), freeSpaceFloor: .gibibytes(1))
        let well = disk(free: 3 << 30).finding(store, home: "/d")
        #expect(well.state == .ok && well.message.contains("3 GiB") && well.message.contains("5GiB"), "\(well)")
        for bad in [disk(free: 1 << 30), disk(free: 3 << 30, writable: false), disk(free: 3 << 30, files: 0)] {
            let finding = bad.finding(store, home: "/d")
            #expect(finding.state == .failed && finding.remedy != nil)
        }
        #expect(disk(free: 3 << 30, files: nil).finding(store, home: "/d").state == .ok)
    }

    @Test("A directory that is not there yet is judged by the one above it")
    func missingHome() throws {
        let state = try #require(DiskState.of("/proc/self/none/at/all"))
        #expect(state.directory == "/proc/self" && !state.exists)
    }

    @Test(
        "What a registry answers, in plain words",
        arguments: answered
    )
    func answers(status: Int, fields: HeaderFields, body: String, state: Finding.State, words: String) throws {
        let finding = try #require(RegistryAnswer(status: status, fields: fields, body: Array(body.utf8)).finding("r"))
        #expect(finding.state == state && finding.message.contains(words), "\(finding)")
        #expect(state != .failed || finding.remedy != nil)
    }

    @Test("Where dfdaemon logs in, nobody is told that there is no login")
    func login() throws {
        let well = try #require(RegistryAnswer(status: 200, fields: [:], body: []).finding("r", login: "user 'ann'"))
        #expect(well.state == .ok && well.message.contains("(user 'ann')"))
        #expect(!well.message.contains("without"))
        let no = try #require(RegistryAnswer(status: 401, fields: [:], body: []).finding("r", login: "user 'ann'"))
        #expect(no.state == .failed && no.remedy?.contains("password_file") == true)
    }

    @Test("Trouble behind the mirror has to be asked for directly")
    func trouble() {
        for status in [500, 502, 503, 504] {
            #expect(RegistryAnswer(status: status, fields: [:], body: []).finding("r") == nil)
        }
        #expect(RegistryTrouble.finding("r", TransferError(.tls, "no")).remedy?.contains("ca_file") == true)
        #expect(RegistryTrouble.finding("r", TransferError(.cannotResolve, "no")).remedy?.contains("DNS") == true)
    }

    @Test("Findings are lines in columns, or JSON; nothing in them moves the terminal's cursor")
    func report() throws {
        let report = Report([Finding(.ok, "a", "fine"), Finding(.failed, "longer", "bad\u{1B}[2J\n", remedy: "do")])
        #expect(report.text == "ok      a       fine\nfailed  longer  bad?[2J?: do\n")
        #expect(!report.ok)
        let json = try JSONSerialization.jsonObject(with: Data(report.json.utf8)) as? [String: Any]
        #expect(json?["ok"] as? Bool == false)
        #expect((json?["findings"] as? [[String: Any]])?.first?["state"] as? String == "ok")
    }

    @Test("Whoever listens is found, however many others do")
    func owners() throws {
        var sockets: [Int32] = []
        defer { for socket in sockets { close(socket) } }
        // The kernel's table of sockets has 27 lines a page.
        for _ in 0..<60 {
            let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
            sockets.append(descriptor)
            var address = sockaddr_in()
            address.sin_family = sa_family_t(AF_INET)
            address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
            var length = socklen_t(MemoryLayout<sockaddr_in>.size)
            let port = withUnsafeMutablePointer(to: &address) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address -> Int? in
                    guard bind(descriptor, address, length) == 0, listen(descriptor, 1) == 0,
                        getsockname(descriptor, address, &length) == 0
                    else { return nil }
                    return address.withMemoryRebound(to: sockaddr_in.self, capacity: 1) {
                        Int(UInt16(bigEndian: $0.pointee.sin_port))
                    }
                }
            }
            #expect(PortOwner.of(port: try #require(port))?.pid == Int(getpid()))
        }
    }

    @Test("Listening sockets are read from the kernel's table")
    func sockets() {
        let table = """
              sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
               0: 0100007F:FDE9 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 123 1
               1: 0100007F:FDE9 0100007F:1234 01 00000000:00000000 00:00000000 00000000     0        0 456 1
               2: 00000000:0016 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 789 1
            """
        #expect(PortOwner.inodes(of: table, listeningOn: 65001) == ["123"])
        #expect(PortOwner.inodes(of: "garbage\n", listeningOn: 65001).isEmpty)
    }
}
