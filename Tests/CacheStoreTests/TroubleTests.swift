import CacheStore
import Content
import Foundation
import TestSupport
import Testing

/// What the store says of its directory, and what it keeps there.
@Suite struct TroubleTests {
    /// Whether new content can be kept.
    private func keeps(_ name: String, in store: CacheStore) async -> Bool {
        (try? await store.put(name, sample(300_000, seed: name))) != nil
    }

    /// Replaces a directory by a file, which no other permission makes one that files can be made in.
    private func block(_ path: String) throws {
        if FileManager.default.fileExists(atPath: path) {
            try FileManager.default.moveItem(atPath: path, toPath: path + ".aside")
        }
        try Data().write(to: URL(filePath: path))
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: path)
    }

    private func unblock(_ path: String) throws {
        try FileManager.default.removeItem(atPath: path)
        guard FileManager.default.fileExists(atPath: path + ".aside") else { return }
        try FileManager.default.moveItem(atPath: path + ".aside", toPath: path)
    }

    @Test("Where no file can be made there is trouble, though the permissions are good, until one can")
    func nothingKept() async throws {
        try await withDirectory { directory in
            let store = try await openStore(directory)
            #expect(store.trouble() == nil)
            #expect(await keeps("a", in: store))
            await store.settled()
            #expect(try FileManager.default.contentsOfDirectory(atPath: "\(directory)/incoming") == [])
            try block("\(directory)/incoming")
            #expect(!(await keeps("b", in: store)))
            #expect(store.trouble()?.contains("incoming/") == true)
            try unblock("\(directory)/incoming")
            #expect(store.trouble() == nil)
            #expect(await keeps("b", in: store))
            await store.close()
            #expect(store.trouble() == nil)
        }
    }

    @Test("Where complete content can not be moved there is trouble, though it is kept and served, until it can")
    func nothingMoved() async throws {
        try await withDirectory { directory in
            let store = try await openStore(directory)
            let place = "\(directory)/objects/sha256"
            try block(place)
            #expect(store.trouble() == nil)
            #expect(await keeps("a", in: store))
            await store.settled()
            #expect(store.trouble()?.contains("\(place)/") == true)
            #expect(await keeps("b", in: store))
            let file = try #require(try store.open(taskID("a")))
            #expect(try await file.readAll() == sample(300_000, seed: "a"))
            try unblock(place)
            #expect(store.trouble() == nil)
            await store.close()
        }
    }

    @Test("A directory that somebody else has put in its place is none of the store's")
    func replaced() async throws {
        try await withDirectory { directory in
            let home = "\(directory)/store"
            let store = try await openStore(home)
            try FileManager.default.moveItem(atPath: home, toPath: "\(directory)/aside")
            let other = try await openStore(home)
            #expect(!(await keeps("a", in: store)))
            #expect(store.trouble()?.contains("removed or replaced") == true)
            #expect(await keeps("a", in: other))
            #expect(other.trouble() == nil)
            await other.close()
            await store.close()
        }
    }

    @Test("A directory that nobody may change, not even root, is trouble for as long as that is so")
    func immutable() async throws {
        try await withDirectory { directory in
            let store = try await openStore(directory)
            for name in ["incoming", "objects"] {
                // Not every file system has it, nor may everybody.
                guard await change("+i", "\(directory)/\(name)") else { continue }
                let trouble = store.trouble()
                let isKept = await keeps(name, in: store)
                #expect(await change("-i", "\(directory)/\(name)"))
                #expect(trouble?.contains("\(name) can not be written") == true)
                #expect(isKept == (name == "objects"))
                #expect(store.trouble() == nil)
            }
            await store.close()
        }
    }

    private func change(_ attribute: String, _ path: String) async -> Bool {
        (try? await runSuccessfully(.init("chattr", [attribute, path]), within: .seconds(30))) != nil
    }
}
