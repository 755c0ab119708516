import Content
import FoundationEssentials
import TestSupport
import Testing

@Suite struct DigestTests {
    @Test(
        "Digests of known texts",
        arguments: [
            ("", .md5, "md5:d41d8cd98f00b204e9800998ecf8427e"),
            ("abc", .md5, "md5:900150983cd24fb0d6963f7d28e17f72"),
            ("", .sha256, "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
            ("abc", .sha256, "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
            (
                "abc", .sha512,
                """
                sha512:ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a8\
                36ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f
                """
            ),
        ] as [(String, Digest.Algorithm, String)]
    )
    func knownDigests(text: String, algorithm: Digest.Algorithm, expected: String) {
        let digest = Digest.of(text, algorithm)
        #expect(digest.description == expected)
        #expect(Digest(expected) == digest)
        #expect(digest.bytes.count == algorithm.byteCount)
    }

    @Test(
        "What is no digest is refused",
        arguments: [
            "", ":", "sha256", "sha256:", "sha1:da39a3ee5e6b4b0d3255bfef95601890afd80709",
            "SHA256:" + String(repeating: "a", count: 64),
            "sha256:" + String(repeating: "A", count: 64),
            "sha256:" + String(repeating: "a", count: 63),
            "sha256:" + String(repeating: "a", count: 65),
            "sha256:" + String(repeating: "a", count: 66),
            "sha256:" + String(repeating: "g", count: 64),
            " sha256:" + String(repeating: "a", count: 64),
            "sha256: " + String(repeating: "a", count: 63),
            "sha256:sha256:" + String(repeating: "a", count: 64),
            "sha256:" + String(repeating: "\u{0661}", count: 32),
            "sha256:\u{FF11}" + String(repeating: "1", count: 61),
            "sha512:" + String(repeating: "a", count: 64),
            "md5:" + String(repeating: "0", count: 31) + "\0",
        ]
    )
    func malformed(text: String) {
        #expect(Digest(text) == nil)
    }

    @Test("A hash does not depend on how the bytes are cut", arguments: Digest.Algorithm.allCases)
    func parts(algorithm: Digest.Algorithm) {
        var generator = SeededGenerator(seed: 7)
        for round in 0..<20 {
            let bytes = randomBytes(Int.random(in: 0...5000, using: &generator), seed: UInt64(round))
            var hasher = DigestHasher(algorithm)
            var rest = bytes[...]
            while !rest.isEmpty {
                let count = Int.random(in: 0...rest.count, using: &generator)
                hasher.update(Array(rest.prefix(count)))
                rest = rest.dropFirst(count)
            }
            #expect(hasher.finalize() == Digest.of(bytes, algorithm))
            // Asking does not end it.
            #expect(hasher.finalize() == Digest.of(bytes, algorithm))
            hasher.update([1])
            #expect(hasher.finalize() == Digest.of(bytes + [1], algorithm))
        }
    }

    @Test("Bytes of another length are no digest")
    func length() {
        #expect(Digest(algorithm: .sha256, bytes: []) == nil)
        #expect(Digest(algorithm: .md5, bytes: Array(repeating: 0, count: 32)) == nil)
        #expect(Digest(algorithm: .md5, bytes: Array(repeating: 0, count: 16)) != nil)
    }

    @Test("A digest is one string in JSON, and nothing else is read as one")
    func coding() throws {
        let digests = Digest.Algorithm.allCases.map { Digest.of("x", $0) }
        let text = try JSONEncoder().encode(digests)
        #expect(try JSONDecoder().decode([Digest].self, from: text) == digests)
        for bad in ["[\"sha256:00\"]", "[1]", "[null]", "[[]]"] {
            #expect(throws: DecodingError.self) {
                try JSONDecoder().decode([Digest].self, from: Data(bad.utf8))
            }
        }
    }
}

@Suite struct HexTests {
    @Test("Every byte has two digits, and they are read back")
    func everyByte() throws {
        let all = (UInt8.min...UInt8.max).map { $0 }
        let text = all.lowercaseHex
        #expect(text.hasPrefix("000102"))
        #expect(text.hasSuffix("fdfeff"))
        #expect([UInt8](lowercaseHex: text) == all)
        #expect([UInt8](lowercaseHex: "") == [])
    }

    @Test("What is no lower-case hex is refused", arguments: ["0", "0A", "0g", "0x00", " 00", "00 ", "é", "-1", "+1"])
    func malformed(text: String) {
        #expect([UInt8](lowercaseHex: text) == nil)
    }
}
