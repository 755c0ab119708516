import AdmissionWebhook
import Foundation
import NodeConfig
import Testing

/// What would become of manifests.
@Suite struct LintTests {
    private func report(_ text: String, _ rules: RewriteConfiguration = .init()) throws -> LintReport {
        let documents = try DocumentFile.parse(text: text, file: "pod.yaml", as: ManifestDocument.self)
        return LintReport(documents.flatMap(\.manifests), rules, namespace: "default")
    }

    private static let hub = "127.0.0.1:65001/docker.io/library"

    @Test("Every document of a file, and whatever has a template of a pod")
    func documents() throws {
        let report = try report(
            """
            # A comment
            apiVersion: v1
            kind: Pod
            metadata: {name: web, namespace: shop}
            spec:
              containers:
                - {name: app, image: nginx}
                - {name: side, image: "quay.io/x:1"}
              volumes:
                - {name: tmp, emptyDir: {}}
                - {name: model, image: {reference: "models/llm:7"}}
                - {name: own, image: {reference: "models/own", pullPolicy: Never}}
            ---
            apiVersion: apps/v1
            kind: Deployment
            metadata: {name: api}
            spec:
              replicas: 2
              template:
                spec:
                  initContainers: [{name: init, image: busybox}]
                  containers: [{name: app, image: "redis:7"}]
            ---
            ---
            kind: CronJob
            metadata: {name: nightly}
            spec: {schedule: "0 0 * * *", jobTemplate: {spec: {template: {spec: {containers: [{name: job, image: alpine}]}}}}}
            ---
            kind: PodTemplate
            metadata: {name: t}
            template: {spec: {containers: [{name: a, image: "localhost/x"}]}}
            ---
            kind: List
            items:
              - {kind: Pod, metadata: {name: one}, spec: {containers: [{name: a, image: nginx}]}}
              - {kind: Service, metadata: {name: two}, spec: {ports: []}}
            ---
            kind: Rollout
            metadata: {name: canary}
            spec: {template: {metadata: {labels: {darter.io/rewrite: "false"}}, spec: {containers: [{name: a, image: nginx}]}}}
            """
        )
        let lines = report.text.split(separator: "\n").map(String.init)
        #expect(
            lines == [
                "Pod shop/web containers/app: nginx -> \(Self.hub)/nginx",
                "Pod shop/web containers/side: quay.io/x:1 stays: the registry is left out",
                "Pod shop/web volumes/model: models/llm:7 -> 127.0.0.1:65001/docker.io/models/llm:7",
                "Pod shop/web volumes/own: models/own stays: it is never pulled, and the node has it under this name only",
                "Deployment api initContainers/init: busybox -> \(Self.hub)/busybox",
                "Deployment api containers/app: redis:7 -> \(Self.hub)/redis:7",
                "CronJob nightly containers/job: alpine -> \(Self.hub)/alpine",
                "PodTemplate t containers/a: localhost/x stays: the registry is the node's own",
                "Pod one containers/a: nginx -> \(Self.hub)/nginx",
                "Rollout canary containers/a: nginx stays: the pod has opted out",
                "Service two: there is no pod in it",
            ]
        )
        #expect(report.isSound)
    }

    @Test("JSON is read, too, and written")
    func json() throws {
        let report = try report(
            "{\n\t\"kind\": \"Pod\",\n\t\"metadata\": {\"name\": \"a\"},\n\t\"spec\": {\"containers\": [{\"name\": \"c\", \"image\": \"n\"}]}\n}\n"
        )
        let line = JSONValue(text: report.json)?["images"]?.array?.first
        #expect(line?["becomes"] == .string("\(Self.hub)/n"))
        #expect(line?["place"] == .string("containers/c"))
    }

    @Test("An image that is none is a fault, and so is a file without any")
    func faults() throws {
        #expect(try !report("{kind: Pod, spec: {containers: [{name: a, image: 'N:x y'}]}}").isSound)
        #expect(try !report("{kind: Service, spec: {}}").isSound)
        #expect(try !report("").isSound)
    }

    @Test(
        "What is no manifest is refused with the file's name",
        arguments: [
            "7", "[1]", "a: b: c", "{kind: Pod, spec: {containers: 7}}", "{kind: [], spec: {}}", "\u{0}", "&a [*a]",
            "{items: 7}",
            "{items: [7]}", "spec: {template: 7}", "spec: {jobTemplate: {spec: 7}}", "? [a]\n: b", "*x", "--- {",
            "%YAML 9\n---\na",
            String(repeating: "[", count: 500),
        ]
    )
    func malformed(text: String) {
        let error = #expect(throws: ConfigError.self) { try report(text) }
        #expect(error?.file == "pod.yaml")
    }

    @Test("Aliases that multiply are cut off")
    func bomb() {
        var text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
        for level in 1...9 {
            let items = Array(repeating: "*a\(level - 1)", count: 10).joined(separator: ", ")
            text += "a\(level): &a\(level) [\(items)]\n"
        }
        let error = #expect(throws: ConfigError.self) { try report(text) }
        #expect(error?.message.contains("too large") == true)
    }
}
