import Content
import Foundation
import Testing
import WireAPI

@Suite struct MessageTests {
    @Test("Manifest entries come back as they went")
    func manifestEntries() throws {
        var digests: [PieceIndex: Digest] = [:]
        for piece in [0, 1, 63, 64, 200] { digests[PieceIndex(piece)] = Digest.of("piece \(piece)") }
        let data = try JSONEncoder().encode(ManifestEntries(digests))
        #expect(try JSONDecoder().decode(ManifestEntries.self, from: data).digests == digests)
    }

    @Test(
        "Manifest entries with more or fewer digests than pieces are refused",
        arguments: [
            #"{"pieces":"AQ==","digests":""}"#,
            #"{"pieces":"","digests":"AAAA"}"#,
            #"{"pieces":"Aw==","digests":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="}"#,
            #"{"pieces":"!","digests":""}"#,
        ]
    )
    func brokenManifest(text: String) {
        #expect(throws: DecodingError.self) { try JSONDecoder().decode(ManifestEntries.self, from: Data(text.utf8)) }
    }

    @Test("A bitmap that is far too long is refused before it is built")
    func hugeBitmap() throws {
        let text = try JSONEncoder().encode(Data(repeating: 0xFF, count: 1 << 20))
        #expect(throws: DecodingError.self) { try JSONDecoder().decode(PieceSet.self, from: text) }
    }

    @Test(
        "Hostile numbers and identities are errors, never traps",
        arguments: [
            #"{"sequence":-1,"open":[],"waitMilliseconds":0,"tasks":[]}"#,
            #"{"sequence":1,"open":[],"waitMilliseconds":0,"tasks":[{"task":"zz","generation":"","finished":[],"failed":[],"outstanding":"","window":1}]}"#,
            #"{"sequence":1,"open":[],"waitMilliseconds":1e99,"tasks":[]}"#,
        ]
    )
    func hostileExchange(text: String) {
        #expect(throws: DecodingError.self) { try JSONDecoder().decode(ExchangeRequest.self, from: Data(text.utf8)) }
    }

    @Test(
        "Unknown fields are ignored",
        arguments: [
            #"{"sequence":1,"open":[],"waitMilliseconds":0,"tasks":[],"news":{"of":"tomorrow"}}"#
        ]
    )
    func unknownFields(text: String) throws {
        #expect(try JSONDecoder().decode(ExchangeRequest.self, from: Data(text.utf8)).sequence == 1)
    }

    @Test(
        "An error of another server of ours is understood too",
        arguments: [
            (#"{"error":{"code":"not_found","message":"no"}}"#, "no"),
            (#"{"error":{"code":"bad_request","message":"m","detail":{}}}"#, "m"),
            (#"{"error":{"code":"origin_unauthorized","detail":{"challenge":"Basic"}}}"#, ""),
        ]
    )
    func errors(text: String, message: String) throws {
        let error = try JSONDecoder().decode(WireErrorBody.self, from: Data(text.utf8)).error
        #expect(error.message == message)
    }

    @Test("A lookup's answer comes back as it went, and one of tomorrow is understood")
    func heads() throws {
        var response = HeadResponse(headers: ["Content-Type": "text/plain"])
        response.length = 7
        response.digest = Digest.of("x")
        response.freshness.maxAgeSeconds = 1.5
        response.freshness.noCache = true
        let back = try JSONDecoder().decode(HeadResponse.self, from: try JSONEncoder().encode(response))
        #expect(back.length == 7)
        #expect(back.digest == response.digest)
        #expect(back.freshness.maxAgeSeconds == 1.5)
        #expect(back.freshness.noCache == true)
        #expect(back.headers == response.headers)
        let bare = #"{"headers":[],"freshness":{},"news":1}"#
        #expect(try JSONDecoder().decode(HeadResponse.self, from: Data(bare.utf8)).length == nil)
    }

    @Test("Every code of ours has a status of its kind")
    func statuses() {
        #expect(WireError.Code.originUnauthorized.status == 401)
        #expect(WireError.Code.generationMismatch.status == 409)
        #expect(WireError.Code.storageFull.status == 507)
        #expect(WireError.Code(rawValue: "of_tomorrow").status == 500)
    }

    @Test("Paths name what they are for")
    func paths() throws {
        let task = TaskID(content: Digest.of("x"))
        let generation = Generation(content: Digest.of("x"))
        let path = APIPath.piece(task, generation, PieceIndex(7))
        #expect(path == "/api/v1/tasks/\(task)/\(generation)/pieces/7")
    }
}
