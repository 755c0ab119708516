import Foundation
import TestSupport
import Testing

@testable import ContentProxy

@Suite struct ProxyUsersTests {
    private static func basic(_ text: String) -> String { "Basic " + Data(text.utf8).base64EncodedString() }

    private func write(_ text: String, to path: String, mode: Int = 0o600) throws {
        try text.write(toFile: path, atomically: true, encoding: .utf8)
        try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: path)
    }

    @Test func knowsWhoIsInTheFileAsItIsNow() async throws {
        try await withTemporaryDirectory { directory in
            let path = "\(directory)/users"
            try write("# people\nann:secret:with colon\n\nbob:ünï\n", to: path)
            let users = ProxyUsers(file: path)
            #expect(users.user(showing: Self.basic("ann:secret:with colon")) != nil)
            #expect(users.user(showing: Self.basic("bob:ünï").replacing("Basic ", with: "bAsIc  ")) != nil)
            for wrong in ["ann:secret", "ann:", "ann", ":", "", "# people", "carl:x", "ann:secret:with colon\n"] {
                #expect(users.user(showing: Self.basic(wrong)) == nil, "\(wrong)")
            }
            for wrong in [nil, "", "Basic", "Basic !", "Bearer x", String(repeating: "A", count: 70_000)] {
                #expect(users.user(showing: wrong) == nil)
            }
            try write("carl:another one\n", to: path)
            #expect(users.user(showing: Self.basic("carl:another one")) != nil)
            #expect(users.user(showing: Self.basic("bob:ünï")) == nil)
            try FileManager.default.removeItem(atPath: path)
            #expect(users.user(showing: Self.basic("carl:another one")) == nil)
        }
    }

    @Test func aFileThatCanNotBeUsedSaysWhy() async throws {
        try await withTemporaryDirectory { directory in
            let path = "\(directory)/users"
            #expect(ProxyUsers.fault(ofFile: path)?.contains("can not be read") == true)
            try write("ann:secret\n", to: path, mode: 0o644)
            #expect(ProxyUsers.fault(ofFile: path)?.contains("chmod 600 \(path)") == true)
            try write("# nobody\n", to: path)
            #expect(ProxyUsers.fault(ofFile: path)?.contains("has no user") == true)
            try write("ann:secret\nbob\n", to: path)
            let fault = try #require(ProxyUsers.fault(ofFile: path))
            #expect(fault.contains("line 2") && !fault.contains("bob"))
            try write("ann:secret\n", to: path)
            #expect(ProxyUsers.fault(ofFile: path) == nil)
        }
    }
}
