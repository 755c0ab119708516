import Foundation
import Testing

@testable import AdmissionWebhook

/// What becomes of whole pods.
@Suite struct PodReviewTests {
    private static let mirrored = "127.0.0.1:65001/docker.io/library/nginx:1"

    /// A pod that a table looks at, and what its images are afterwards.
    struct Case: Sendable, CustomTestStringConvertible {
        let name: String
        var rules = "{}"
        var metadata = #"{"name": "web"}"#
        var spec = ""
        var namespace = "default"
        var closed = false
        /// Why the image stays; nil: it does not.
        var kept: KeptReason?

        init(
            _ name: String,
            rules: String = "{}",
            metadata: String = #"{"name": "web"}"#,
            spec: String = "",
            namespace: String = "default",
            closed: Bool = false,
            kept: KeptReason? = nil
        ) {
            self.name = name
            self.rules = rules
            self.metadata = metadata
            self.spec = spec
            self.namespace = namespace
            self.closed = closed
            self.kept = kept
        }

        var testDescription: String { name }
    }

    private static func labelled(_ labels: String) -> String { #"{"name": "web", "labels": {\#(labels)}}"# }
    private static func annotated(_ text: String) -> String { #"{"name": "web", "annotations": {\#(text)}}"# }

    static let cases: [Case] = [
        Case("plain"),
        Case("no labels or annotations", metadata: "{}"),
        Case("null labels and annotations", metadata: #"{"labels": null, "annotations": null}"#),
        Case("empty annotations", metadata: #"{"annotations": {}}"#),
        Case("generated name", metadata: #"{"generateName": "web-"}"#),
        Case("other annotations", metadata: annotated(#""a/b": "c""#)),
        Case("gate closed", closed: true, kept: .gateClosed),
        Case("part of Darter", metadata: labelled(#""app.kubernetes.io/part-of": "darter""#), kept: .ofDarter),
        Case("part of something else", metadata: labelled(#""app.kubernetes.io/part-of": "shop""#)),
        Case("mirror pod", metadata: annotated(#""kubernetes.io/config.mirror": "1""#), kept: .staticPod),
        Case(
            "static pod from a file",
            metadata: annotated(#""kubernetes.io/config.source": "file""#),
            kept: .staticPod
        ),
        Case("pod from the API", metadata: annotated(#""kubernetes.io/config.source": "api""#)),
        Case("opted out by label", metadata: labelled(#""darter.io/rewrite": "false""#), kept: .optedOut),
        Case("opted out by annotation", metadata: annotated(#""darter.io/rewrite": "false""#), kept: .optedOut),
        Case(
            "opted in and out",
            metadata: #"{"labels": {"darter.io/rewrite": "true"}, "annotations": {"darter.io/rewrite": "false"}}"#,
            kept: .optedOut
        ),
        Case("opt-in, nothing said", rules: "opt_in: true", kept: .notOptedIn),
        Case(
            "opt-in, something else said",
            rules: "opt_in: true",
            metadata: labelled(#""darter.io/rewrite": "yes""#),
            kept: .notOptedIn
        ),
        Case("opted in by label", rules: "opt_in: true", metadata: labelled(#""darter.io/rewrite": "true""#)),
        Case("opted in by annotation", rules: "opt_in: true", metadata: annotated(#""darter.io/rewrite": "true""#)),
        Case(
            "namespace left out",
            rules: "namespaces: {exclude: ['kube-*']}",
            namespace: "kube-system",
            kept: .namespace
        ),
        Case("namespace not among those", rules: "namespaces: {include: [shop]}", kept: .namespace),
        Case("namespace among those", rules: "namespaces: {include: [shop]}", namespace: "shop"),
        Case(
            "ignored label",
            rules: "ignore: [{labels: {app: 'web-*'}}]",
            metadata: labelled(#""app": "web-1""#),
            kept: .ignored
        ),
        Case(
            "ignored label of another value",
            rules: "ignore: [{labels: {app: 'web-*'}}]",
            metadata: labelled(#""app": "db""#)
        ),
        Case(
            "one of two ignored labels",
            rules: "ignore: [{labels: {app: web, tier: front}}]",
            metadata: labelled(#""app": "web""#)
        ),
        Case(
            "second of two matches",
            rules: "ignore: [{labels: {a: b}}, {labels: {app: web}}]",
            metadata: labelled(#""app": "web""#),
            kept: .ignored
        ),
        Case("pull secrets", spec: #", "imagePullSecrets": [{"name": "regcred"}]"#, kept: .secrets),
        Case("no pull secrets after all", spec: #", "imagePullSecrets": []"#),
        Case("null pull secrets", spec: #", "imagePullSecrets": null"#),
        Case(
            "pull secrets, rewritten",
            rules: "image_pull_secrets: rewrite",
            spec: #", "imagePullSecrets": [{"name": "r"}]"#
        ),
        Case(
            "pull secrets, with a login",
            rules: "credentials: [docker.io]",
            spec: #", "imagePullSecrets": [{"name": "r"}]"#
        ),
        Case("Windows by its system", spec: #", "os": {"name": "windows"}"#, kept: .windows),
        Case("Windows by its node", spec: #", "nodeSelector": {"kubernetes.io/os": "windows"}"#, kept: .windows),
        Case("Linux", spec: #", "os": {"name": "linux"}, "nodeSelector": {"kubernetes.io/os": "linux"}"#),
        Case(
            "much else",
            spec: #", "hostNetwork": true, "priority": -1, "overhead": {"cpu": "1m"}, "tolerations": [{}]"#
        ),
    ]

    @Test(arguments: cases)
    func pods(_ it: Case) throws {
        let pod = Reviews.pod(metadata: it.metadata, spec: it.spec)
        let review = Reviews.create(pod, namespace: it.namespace)
        let answer = try Reviews.answer(review, it.rules, closed: it.closed)
        #expect(answer.isAllowed)
        #expect(answer.response?["uid"] == .string("705ab4f5-6393-11e8-b7cc-42010a800002"))
        let after = answer.applied(to: pod)
        let image = after?["spec"]?["containers"]?.array?[0]["image"]
        if let kept = it.kept {
            #expect(answer.operations.isEmpty)
            #expect(answer.response?["patchType"] == nil)
            #expect(after == JSONValue(text: pod))
            #expect(answer.outcome?.images.map(\.decision) == [.kept(kept)])
            return
        }
        #expect(image == .string(Self.mirrored))
        #expect(answer.response?["patchType"] == .string("JSONPatch"))
        let originals = after?["metadata"]?["annotations"]?["darter.io/original-images"]
        #expect(originals == .string(#"{"containers/app":"nginx:1"}"#))
        // Everything else is as it was.
        var restored = after
        restored?["spec"]?["containers"] = JSONValue(text: pod)?["spec"]?["containers"]
        restored?["metadata"] = JSONValue(text: pod)?["metadata"]
        #expect(restored == JSONValue(text: pod))
        for annotation in JSONValue(text: pod)?["metadata"]?["annotations"]?.strings ?? [:] {
            #expect(after?["metadata"]?["annotations"]?[annotation.key]?.string == annotation.value)
        }
        // Called again, there is nothing to do.
        let again = try Reviews.answer(Reviews.create(after?.text ?? "", namespace: it.namespace), it.rules)
        #expect(again.isAllowed)
        #expect(again.operations.isEmpty)
    }

    @Test("An image that is mounted as a volume goes by the same rules", arguments: cases)
    func volumes(_ it: Case) throws {
        let volumes = #"[{"name": "tmp", "emptyDir": {}}, {"name": "data", "image": {"reference": "nginx:1"}}]"#
        let pod = Reviews.pod("localhost/own", metadata: it.metadata, spec: #", "volumes": \#(volumes)"# + it.spec)
        let answer = try Reviews.answer(Reviews.create(pod, namespace: it.namespace), it.rules, closed: it.closed)
        #expect(answer.isAllowed)
        if let kept = it.kept {
            #expect(answer.operations.isEmpty)
            #expect(answer.outcome?.images.last?.decision == .kept(kept))
            return
        }
        #expect(answer.outcome?.images.map(\.decision) == [.kept(.local), .rewritten(to: Self.mirrored)])
        #expect(answer.paths.first == "/spec/volumes/1/image/reference")
        let after = answer.applied(to: pod)
        #expect(after?["spec"]?["volumes"]?.array?[1]["image"]?["reference"] == .string(Self.mirrored))
        let originals = after?["metadata"]?["annotations"]?["darter.io/original-images"]
        #expect(originals == .string(#"{"volumes/data":"nginx:1"}"#))
        let again = try Reviews.answer(Reviews.create(after?.text ?? "", namespace: it.namespace), it.rules)
        #expect(again.isAllowed && again.operations.isEmpty)
    }

    @Test("Every place that names an image is looked at, each image for itself")
    func places() throws {
        let pod = """
            {"metadata": {"name": "web"}, "spec": {
             "initContainers": [{"name": "init", "image": "busybox"}, {"name": "own", "image": "localhost:5000/x"}],
             "containers": [{"name": "a", "image": "nginx:1"}, {"name": "b", "image": "quay.io/x"},
                            {"name": "c", "image": "not an image"}, {"name": "d"}, {"name": "e", "image": "bitnami/redis"}],
             "ephemeralContainers": [{"name": "debug", "image": "alpine"}],
             "volumes": [{"name": "a", "image": {"reference": "models/llm:7", "pullPolicy": "Always"}},
                         {"name": "b", "image": {"reference": "quay.io/x"}}, {"name": "c", "image": {}},
                         {"name": "d", "image": null}, {"name": "e", "image": {"reference": ""}},
                         {"name": "f", "rbd": {"image": "nginx:1", "monitors": []}}, {"name": "g", "emptyDir": {}}]}}
            """
        let answer = try Reviews.answer(Reviews.create(pod))
        let expected = [
            "/spec/initContainers/0/image", "/spec/containers/0/image", "/spec/containers/4/image",
            "/spec/ephemeralContainers/0/image", "/spec/volumes/0/image/reference", "/metadata/annotations",
        ]
        #expect(answer.paths == expected)
        let originals = answer.operations.last?["value"]?["darter.io/original-images"]?.string
        let images = JSONValue(text: originals ?? "")?.strings
        #expect(
            images == [
                "initContainers/init": "busybox", "containers/a": "nginx:1", "containers/e": "bitnami/redis",
                "ephemeralContainers/debug": "alpine", "volumes/a": "models/llm:7",
            ]
        )
    }

    @Test("An image that is never pulled stays: a node has it under the name that is written, if at all")
    func neverPulled() throws {
        for (policy, paths) in [
            ("Never", []), ("IfNotPresent", ["/spec/containers/0/image", "/spec/volumes/0/image/reference"]),
        ] {
            let pod = """
                {"metadata": {"annotations": {}}, "spec": {
                 "containers": [{"name": "app", "image": "nginx:1", "imagePullPolicy": "\(policy)"}],
                 "volumes": [{"name": "data", "image": {"reference": "nginx:1", "pullPolicy": "\(policy)"}}]}}
                """
            let answer = try Reviews.answer(Reviews.create(pod))
            #expect(answer.isAllowed)
            #expect(answer.paths.filter { $0.hasPrefix("/spec") } == paths)
            let never = answer.outcome?.images.filter { $0.decision == .kept(.neverPulled) }
            #expect(never?.count == (policy == "Never" ? 2 : 0))
        }
    }

    @Test("An annotation that is there gets what was added since, and one that is none gives way")
    func annotations() throws {
        let name = "darter.io/original-images"
        func originals(_ before: String) throws -> String? {
            let text = JSONValue.string(before).text
            let pod = Reviews.pod(metadata: #"{"annotations": {"\#(name)": \#(text)}}"#)
            let answer = try Reviews.answer(Reviews.create(pod))
            #expect(answer.paths.last == "/metadata/annotations/darter.io~1original-images")
            return answer.applied(to: pod)?["metadata"]?["annotations"]?[name]?.string
        }
        #expect(try originals(#"{"containers/b":"redis"}"#) == #"{"containers/app":"nginx:1","containers/b":"redis"}"#)
        for text in ["", "{", "[]", "7", #""x""#, #"{"containers/b":7}"#, String(repeating: "[", count: 10_000)] {
            #expect(try originals(text) == #"{"containers/app":"nginx:1"}"#)
        }
    }

    @Test("A pointer's tokens are escaped")
    func pointers() {
        #expect(JSONPointer("a/b", "c~d", "~1", "").description == "/a~1b/c~0d/~01/")
    }

    @Test("Metadata that is not there is made")
    func noMetadata() throws {
        let pod = #"{"spec": {"containers": [{"name": "app", "image": "nginx:1"}]}}"#
        let after = try Reviews.answer(Reviews.create(pod)).applied(to: pod)
        #expect(after?["metadata"]?["annotations"]?.strings?.count == 1)
        let null = #"{"metadata": null, "spec": {"containers": [{"name": "app", "image": "nginx:1"}]}}"#
        #expect(try Reviews.answer(Reviews.create(null)).applied(to: null) == after)
    }

    @Test("Of ephemeral containers that are added only the new ones change, and nothing else does")
    func ephemeralContainers() throws {
        func pod(_ ephemeral: String) -> String {
            let volumes = #"[{"name": "data", "image": {"reference": "nginx:1"}}]"#
            return Reviews.pod(spec: #", "volumes": \#(volumes), "ephemeralContainers": [\#(ephemeral)]"#)
        }
        let old = #"{"name": "old", "image": "alpine"}"#
        let new = #"{"name": "new", "image": "busybox:1"}"#
        let answer = try Reviews.answer(Reviews.ephemeral(pod("\(old), \(new)"), before: pod(old)))
        #expect(answer.paths == ["/spec/ephemeralContainers/1/image"])
        let first = try Reviews.answer(Reviews.ephemeral(pod(new), before: Reviews.pod()))
        #expect(first.operations.map { $0["value"]?.string } == ["127.0.0.1:65001/docker.io/library/busybox:1"])
        // Without the pod as it was nobody knows which are new.
        for before in ["null", "7", "[]"] {
            #expect(try Reviews.answer(Reviews.ephemeral(pod(new), before: before)).operations.isEmpty)
        }
        #expect(try Reviews.answer(Reviews.ephemeral(pod(new), before: Reviews.pod()), closed: true).operations.isEmpty)
    }

    @Test("Both versions are answered in their own words, and a dry run as any other", arguments: ["v1", "v1beta1"])
    func versions(version: String) throws {
        let answer = try Reviews.answer(Reviews.create(Reviews.pod(), version: version))
        #expect(answer.version == "admission.k8s.io/\(version)")
        let dry = try Reviews.answer(Reviews.create(Reviews.pod(), version: version, dryRun: true))
        #expect(dry.response == answer.response)
        #expect(answer.operations.count == 2)
    }

    @Test(
        "What is no pod that can be understood goes through as it is",
        arguments: [
            Reviews.create("null"), Reviews.create("7"), Reviews.create("[]"), Reviews.create("{}"),
            Reviews.create(#"{"spec": null}"#), Reviews.create(#"{"spec": {"containers": {}}}"#),
            Reviews.create(#"{"spec": {"containers": [7]}}"#), Reviews.create(#"{"spec": {"containers": [null]}}"#),
            Reviews.create(#"{"spec": {"containers": [{"name": "a", "image": 7}]}}"#),
            Reviews.create(#"{"metadata": {"labels": []}, "spec": {"containers": []}}"#),
            Reviews.create(Reviews.pod(spec: #", "volumes": {}"#)),
            Reviews.create(Reviews.pod(spec: #", "volumes": [{"name": "data", "image": "nginx:1"}]"#)),
            Reviews.create(Reviews.pod()).replacing(#""resource": "pods""#, with: #""resource": "deployments""#),
            Reviews.create(Reviews.pod()).replacing(#""resource": {"group": """#, with: #""resource": {"group": "x""#),
            Reviews.create(Reviews.pod()).replacing("CREATE", with: "UPDATE"),
            Reviews.create(Reviews.pod()).replacing("CREATE", with: "DELETE"),
            Reviews.create(Reviews.pod()).replacing(
                #""operation": "CREATE""#,
                with: #""operation": "UPDATE", "subResource": "status""#
            ),
            #"{"kind": "AdmissionReview", "apiVersion": "admission.k8s.io/v1", "request": {"uid": "1"}}"#,
        ]
    )
    func others(review: String) throws {
        let answer = try Reviews.answer(review)
        #expect(answer.isAllowed)
        #expect(answer.operations.isEmpty)
        #expect(answer.response?["uid"] != nil)
        #expect(answer.outcome?.fault != nil)
    }

    @Test(
        "A body that is no review is refused",
        arguments: [
            "", "null", "7", "[]", "{}", "{", #"{"kind": "AdmissionReview"}"#,
            #"{"kind": "AdmissionReview", "apiVersion": "admission.k8s.io/v1"}"#,
            #"{"kind": "AdmissionReview", "apiVersion": "admission.k8s.io/v1", "request": {}}"#,
            #"{"kind": "AdmissionReview", "apiVersion": "admission.k8s.io/v1", "request": {"uid": 7}}"#,
            #"{"kind": "AdmissionReview", "apiVersion": "admission.k8s.io/v1", "request": {"uid": ""}}"#,
            Reviews.create(Reviews.pod(), version: "v2"),
            Reviews.create(Reviews.pod()).replacing("AdmissionReview", with: "Pod"),
            String(repeating: "[", count: 100_000), "\u{FEFF}", "\u{0}",
            #"{"kind": "AdmissionReview", "apiVersion": "admission.k8s.io/v1", "request": "#
                + String(repeating: #"{"a":"#, count: 10_000),
        ]
    )
    func bodies(body: String) {
        #expect(throws: Reviewer.Fault.self) { try Reviews.answer(body) }
    }

    @Test("A pod whose annotations are as large as they may be stays", arguments: [(261_000, 2), (262_100, 0)])
    func fullAnnotations(size: Int, operations: Int) throws {
        let annotations = #"{"annotations": {"a": "\#(String(repeating: "x", count: size))"}}"#
        let answer = try Reviews.answer(Reviews.create(Reviews.pod(metadata: annotations)))
        #expect(answer.isAllowed)
        #expect(answer.operations.count == operations)
        #expect((answer.outcome?.fault == "annotations_full") == (operations == 0))
        // Ephemeral containers add no annotation.
        let pod = #"{"metadata": \#(annotations), "spec": {"ephemeralContainers": [{"name": "e", "image": "nginx"}]}}"#
        #expect(try Reviews.answer(Reviews.ephemeral(pod, before: Reviews.pod())).operations.count == 1)
    }

    @Test("No bytes make it fail otherwise, or touch anything but images and one annotation")
    func mutatedBytes() throws {
        let review = Array(Reviews.create(Reviews.pod(metadata: #"{"annotations": {"a": "b"}}"#)).utf8)
        for place in review.indices {
            for byte in [UInt8(ascii: "\""), UInt8(ascii: "{"), UInt8(ascii: "7"), 0x00, 0xFF] {
                var bytes = review
                bytes[place] = byte
                guard let outcome = try? Reviewer().review(Data(bytes), RewriteConfiguration(), closed: false) else {
                    continue
                }
                let answer = try Answer(String(decoding: try JSONEncoder().encode(outcome.answer), as: UTF8.self))
                #expect(answer.isAllowed)
                #expect(answer.paths.allSatisfy { $0.hasSuffix("/image") || $0.hasPrefix("/metadata") })
            }
        }
    }
}
