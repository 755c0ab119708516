import Content
import Foundation
import HTTPService
import HTTPTypes
import Hummingbird
import Testing

@Suite struct RepresentationTests {
    static let date = "Sun, 06 Nov 1994 08:49:37 GMT"
    static let strong = Representation(length: 100, entityTag: EntityTag("a"), lastModified: date)
    static let weak = Representation(length: 100, entityTag: EntityTag("a", isWeak: true))
    static let bare = Representation(length: 100)

    static func part(_ range: Range<Int64>) -> Representation.Answer { .partial(ByteRange(range)) }

    struct Case: Sendable, CustomTestStringConvertible {
        let content: Representation
        let method: HTTPRequest.Method
        let headers: HTTPFields
        let answer: Representation.Answer

        init(
            _ content: Representation,
            _ headers: HTTPFields,
            _ answer: Representation.Answer,
            method: HTTPRequest.Method = .get
        ) {
            (self.content, self.method, self.headers, self.answer) = (content, method, headers, answer)
        }

        var testDescription: String { "\(method) \(headers.map { "\($0.name): \($0.value)" }) -> \(answer)" }
    }

    static let ranges: [Case] = [
        Case(strong, [:], .whole),
        Case(strong, [.range: "bytes=0-9"], part(0..<10)),
        Case(strong, [.range: "bytes=90-"], part(90..<100)),
        Case(strong, [.range: "bytes=-5"], part(95..<100)),
        Case(strong, [.range: "bytes=-500"], part(0..<100)),
        Case(strong, [.range: "bytes=50-5000"], part(50..<100)),
        Case(strong, [.range: "bytes=100-"], .rangeNotSatisfiable),
        Case(strong, [.range: "bytes=-0"], .rangeNotSatisfiable),
        Case(strong, [.range: "bytes=5-4"], .whole),
        Case(strong, [.range: "bytes=0-1,5-6"], .whole),
        Case(strong, [.range: "lines=0-1"], .whole),
        Case(strong, [.range: "bytes=0-9"], .whole, method: .head),
        Case(strong, [.range: "bytes=0-9"], .whole, method: .post),
        Case(Representation(length: 0), [.range: "bytes=0-"], .rangeNotSatisfiable),
        Case(Representation(length: 0), [:], .whole),
    ]

    static let ifRanges: [Case] = [
        Case(strong, [.range: "bytes=0-9", .ifRange: "\"a\""], part(0..<10)),
        Case(strong, [.range: "bytes=0-9", .ifRange: "\"b\""], .whole),
        Case(strong, [.range: "bytes=0-9", .ifRange: "W/\"a\""], .whole),
        Case(weak, [.range: "bytes=0-9", .ifRange: "W/\"a\""], .whole),
        Case(strong, [.range: "bytes=0-9", .ifRange: date], part(0..<10)),
        Case(strong, [.range: "bytes=0-9", .ifRange: "Sun, 06 Nov 1994 08:49:38 GMT"], .whole),
        Case(bare, [.range: "bytes=0-9", .ifRange: date], .whole),
        Case(bare, [.range: "bytes=0-9", .ifRange: "\"a\""], .whole),
        Case(strong, [.range: "bytes=0-9", .ifRange: "nonsense"], .whole),
        Case(strong, [.range: "bytes=100-", .ifRange: "\"b\""], .whole),
        Case(strong, [.ifRange: "\"b\""], .whole),
    ]

    static let preconditions: [Case] = [
        Case(strong, [.ifNoneMatch: "\"a\""], .notModified),
        Case(strong, [.ifNoneMatch: "W/\"a\""], .notModified),
        Case(strong, [.ifNoneMatch: "\"b\", \"x,y\" ,\"a\""], .notModified),
        Case(strong, [.ifNoneMatch: "\"b\""], .whole),
        Case(strong, [.ifNoneMatch: "*"], .notModified),
        Case(strong, [.ifNoneMatch: "a"], .whole),
        Case(strong, [.ifNoneMatch: "\"a\""], .notModified, method: .head),
        Case(strong, [.ifNoneMatch: "\"a\""], .preconditionFailed, method: .put),
        Case(strong, [.ifNoneMatch: "\"a\"", .range: "bytes=0-1"], .notModified),
        Case(strong, [.ifNoneMatch: "\"b\"", .ifModifiedSince: date], .whole),
        Case(strong, [.ifModifiedSince: date], .notModified),
        Case(strong, [.ifModifiedSince: "Sun, 06 Nov 1994 08:49:36 GMT"], .whole),
        Case(strong, [.ifModifiedSince: "yesterday"], .whole),
        Case(bare, [.ifModifiedSince: date], .whole),
        Case(strong, [.ifModifiedSince: date], .whole, method: .post),
        Case(strong, [.ifMatch: "\"a\""], .whole),
        Case(strong, [.ifMatch: "\"b\""], .preconditionFailed),
        Case(weak, [.ifMatch: "W/\"a\""], .preconditionFailed),
        Case(bare, [.ifMatch: "*"], .whole),
        Case(bare, [.ifMatch: "\"a\""], .preconditionFailed),
        Case(strong, [.ifMatch: "\"b\"", .range: "bytes=0-1"], .preconditionFailed),
        Case(strong, [.ifMatch: "\"a\"", .range: "bytes=0-1"], part(0..<2)),
        Case(strong, [.ifUnmodifiedSince: date], .whole),
        Case(strong, [.ifUnmodifiedSince: "Sun, 06 Nov 1994 08:49:36 GMT"], .preconditionFailed),
        Case(strong, [.ifMatch: "\"a\"", .ifUnmodifiedSince: "Sun, 06 Nov 1994 08:49:36 GMT"], .whole),
        Case(strong, [.ifMatch: "\"a\"", .ifNoneMatch: "\"a\""], .notModified),
    ]

    @Test(arguments: ranges + ifRanges + preconditions)
    func decides(_ example: Case) {
        #expect(example.content.answer(to: example.method, example.headers) == example.answer)
    }

    @Test(arguments: ["\"a\"", "W/\"a\"", "\"\"", "\"a,b\""])
    func readsEntityTags(text: String) {
        #expect(EntityTag(parsing: text)?.description == text)
    }

    @Test(arguments: ["", "a", "\"", "W/", "w/\"a\"", "\"a\"b\"", "\"a b\"", "*"])
    func refusesWhatIsNoEntityTag(text: String) {
        #expect(EntityTag(parsing: text) == nil)
    }

    @Test func answersARealClient() async throws {
        let content = sampleBytes(1000)
        let file = try OpenFile(content)
        let representation = Representation(length: 1000, entityTag: EntityTag("v1"), lastModified: Self.date)
        try await withListener { router in
            for method in [HTTPRequest.Method.get, .head] {
                router.on("blob", method: method) { request, _ in
                    Response.representation(representation, to: request, content: [.contentType: "application/x-blob"])
                    {
                        .file(file.slice($0.offset..<$0.end))
                    }
                }
            }
        } _: { server in
            let format = "%{stderr}%{http_code} %header{content-range} %header{content-length} %header{etag}"
            func get(_ arguments: String...) async throws -> (Data, String) {
                let result = try await run(
                    "/usr/bin/curl",
                    ["-s", server.url("/blob"), "--write-out", format] + arguments
                )
                return (result.output, result.errors)
            }
            let value1 = try await get()
            #expect(value1 == (content, "200  1000 \"v1\""))
            let value2 = try await get("-r", "10-19")
            #expect(value2 == (content[10..<20], "206 bytes 10-19/1000 10 \"v1\""))
            let value3 = try await get("-r", "1000-")
            #expect(value3 == (Data(), "416 bytes */1000 0 "))
            let value4 = try await get("-H", "If-None-Match: \"v1\"")
            #expect(value4 == (Data(), "304   \"v1\""))
            let value5 = try await get("-H", "If-Match: \"v2\"").1.hasPrefix("412")
            #expect(value5)
            let value6 = try await get("--head", "-r", "0-1").1
            #expect(value6 == "200  1000 \"v1\"")
        }
    }
}
