import BackendAPI
import Content
import DownloadTool
import PeerEngine
import Testing

@Suite struct DownloadOrderTests {
    private func arguments(_ change: (inout DownloadArguments) -> Void) -> DownloadArguments {
        var arguments = DownloadArguments()
        arguments.url = "http://host/dir/file?x=1&sig=2"
        change(&arguments)
        return arguments
    }

    @Test("What names the content is in the resource, what may be secret only in the credentials")
    func parts() throws {
        let order = try DownloadOrder(
            arguments {
                $0.url = "http://me:pass%20word@host/dir/a%20file?x=1&sig=2"
                $0.headers = ["accept: text/plain", "User-Agent:x", "X-Api-Key:  secret ", "Cookie: a=b"]
                $0.filter = "sig&token,time"
                $0.identifier = "tag"
            }
        )
        let resource = try #require(order.resource)
        #expect(resource.url.text == "http://host/dir/a%20file?x=1&sig=2")
        #expect(resource.headers == ["accept": "text/plain", "User-Agent": "x"])
        #expect(resource.ignoredQuery == ["sig", "token", "time"])
        #expect(resource.tag == "tag")
        #expect(
            order.credentials.headers == [
                "Authorization": "Basic bWU6cGFzcyB3b3Jk", "X-Api-Key": "secret", "Cookie": "a=b",
            ]
        )
        #expect(order.output == .file(path: "a file"))
        #expect(!"\(order)".contains("secret") && !"\(order)".contains("pass"))
    }

    @Test("A digest names the content, an MD5 sum only checks it")
    func digests() throws {
        let sha = Digest.of("x")
        let md5 = Digest.of(Array("x".utf8), .md5)
        let order = try DownloadOrder(
            arguments {
                $0.digest = sha.description
                $0.md5 = md5.hex.uppercased()
            }
        )
        #expect(order.digests == [sha, md5])
        #expect(order.resource?.digest == sha)
        #expect(order.request.taskID == TaskID(content: sha))
        let onlyMD5 = try DownloadOrder(arguments { $0.digest = md5.description })
        #expect(onlyMD5.resource?.digest == nil)
        let plain = try DownloadOrder(arguments { _ in })
        #expect(onlyMD5.request.taskID == plain.request.taskID)
    }

    @Test("A digest alone is enough, with a place for it")
    func digestAlone() throws {
        let order = try DownloadOrder(
            arguments {
                $0.url = nil
                $0.digest = Digest.of("x").description
                $0.output = "-"
            }
        )
        #expect(order.resource == nil)
        #expect(order.output.isStandardOutput)
    }

    @Test(
        "What can not be meant so is wrong usage, and no message shows a secret",
        arguments: [
            "no url": { $0.url = nil },
            "md5 alone": { (a: inout DownloadArguments) in
                a.url = nil
                a.digest = "md5:9dd4e461268c8034f5c8564e155c67a6"
            },
            "relative": { $0.url = "host/hunter2" }, "no file name": { $0.url = "http://host/" },
            "a way out": { $0.url = "http://host/x/..%2Fhunter2" }, "dots": { $0.url = "http://host/.." },
            "upper-case digest": { $0.digest = Digest.of("x").description.uppercased() },
            "short md5": { $0.md5 = "abc" }, "pattern": { $0.pattern = "cdn2" },
            "empty output": { $0.output = "" }, "no field": { $0.headers = ["hunter2"] },
            "no name": { $0.headers = [": hunter2"] }, "a space": { $0.headers = ["a b: hunter2"] },
            "smuggled": { $0.headers = ["X-A: hunter2\r\nHost: x"] }, "range": { $0.headers = ["range: bytes=0-1"] },
            "condition": { $0.headers = ["If-Match: hunter2"] }, "host": { $0.headers = ["Host: hunter2"] },
            "two users": {
                $0.url = "http://me:hunter2@host/f"
                $0.headers = ["Authorization: Bearer hunter2"]
            },
            "contradiction": {
                $0.notBackToSource = true
                $0.pattern = "source"
            },
        ] as [String: @Sendable (inout DownloadArguments) -> Void]
    )
    func refused(what: String, change: @Sendable (inout DownloadArguments) -> Void) throws {
        let failure = #expect(throws: ToolFailure.self) { try DownloadOrder(arguments(change)) }
        #expect(failure?.status == .usage)
        #expect(failure?.message.contains("hunter2") == false)
    }
}
