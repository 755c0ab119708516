import Content
import RegistryProtocol
import Testing

@Suite struct RegistryErrorBodyTests {
    @Test func writesAndReadsErrors() throws {
        let body = RegistryErrorBody(.blobUnknown, message: "no \"such\" /blob", detail: digestText)
        #expect(
            String(decoding: body.json, as: UTF8.self)
                == #"{"errors":[{"code":"BLOB_UNKNOWN","detail":"\#(digestText)","message":"no \"such\" /blob"}]}"#
        )
        #expect(RegistryErrorBody(json: body.json) == body)
        #expect(body.errors.first?.code.status == 404)
        let plain = RegistryErrorBody(.denied, message: "")
        #expect(String(decoding: plain.json, as: UTF8.self) == #"{"errors":[{"code":"DENIED","message":""}]}"#)
    }

    @Test func readsWhatRegistriesWrite() throws {
        let json =
            #"{"errors":[{"code":"UNAUTHORIZED","message":"x","detail":[{"Type":"repository"}]},{"code":"ODD"}]}"#
        let body = try #require(RegistryErrorBody(json: Array(json.utf8)))
        #expect(body.errors.map(\.code.text) == ["UNAUTHORIZED", "ODD"])
        #expect(body.errors.map(\.code.status) == [401, 500])
        #expect(body.errors.first?.detail == nil)
        #expect(body.errors.first?.code == .unauthorized)
    }

    @Test(arguments: [
        "", "<html>", "{}", #"{"errors":[]}"#, #"{"errors":{}}"#, #"{"errors":[{"message":"x"}]}"#, "null", "\u{0}",
    ])
    func refusesWhatIsNone(json: String) {
        #expect(RegistryErrorBody(json: Array(json.utf8)) == nil)
    }

    @Test func readsTagLists() {
        #expect(TagList(json: Array(#"{"name":"a","tags":["x","y"]}"#.utf8))?.tags == ["x", "y"])
        #expect(TagList(json: Array(#"{"name":"a","tags":null}"#.utf8))?.tags == [])
        #expect(TagList(json: Array("[]".utf8)) == nil)
    }

    @Test(
        arguments: [
            (#"</v2/a/tags/list?n=2&last=b>; rel="next""#, "https://r.io/v2/a/tags/list?n=2&last=b"),
            (#"<?last=b>;rel=next"#, "https://r.io/v2/a/tags/list?last=b"),
            (#"<https://r.io/x>; title="a;b"; rel="next""#, "https://r.io/x"),
            (#"</prev>; rel="prev", </next>; rel="next""#, "https://r.io/next"),
            (#"<https://evil.io/x>; rel="next""#, nil),
            (#"<//evil.io/x>; rel="next""#, nil), (#"<http://r.io/x>; rel="next""#, nil), (#"</x>"#, nil),
            (#"</x>; rel="prev""#, nil),
            (#"</x; rel="next""#, nil), ("", nil), ("<", nil), (">", nil), (#"</v2/a/tags/list>; rel="next""#, nil),
        ] as [(String, String?)]
    )
    func findsTheNextPageAtTheSameOrigin(link: String, expected: String?) throws {
        let url = try #require(ResourceURL("https://r.io/v2/a/tags/list"))
        #expect(TagList.nextPage(["Link": link], from: url)?.text == expected)
    }
}
