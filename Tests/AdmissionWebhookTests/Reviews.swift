import Foundation
import NodeConfig

@testable import AdmissionWebhook

/// Admission reviews as kube-apiserver sends them.
enum Reviews {
    /// A review of a pod that is being created, as JSON.
    static func create(
        _ pod: String,
        version: String = "v1",
        namespace: String = "default",
        dryRun: Bool = false
    ) -> String {
        """
        {"kind": "AdmissionReview", "apiVersion": "admission.k8s.io/\(version)", "request": {
          "uid": "705ab4f5-6393-11e8-b7cc-42010a800002",
          "kind": {"group": "", "version": "v1", "kind": "Pod"},
          "resource": {"group": "", "version": "v1", "resource": "pods"},
          "requestKind": {"group": "", "version": "v1", "kind": "Pod"},
          "name": "web", "namespace": "\(namespace)", "operation": "CREATE",
          "userInfo": {"username": "admin", "uid": "1", "groups": ["system:authenticated"]},
          "object": \(pod), "oldObject": null, "dryRun": \(dryRun),
          "options": {"apiVersion": "meta.k8s.io/v1", "kind": "CreateOptions"}}}
        """
    }

    /// A review of ephemeral containers that are being added.
    static func ephemeral(_ pod: String, before: String) -> String {
        create(pod)
            .replacing(#""operation": "CREATE""#, with: #""operation": "UPDATE", "subResource": "ephemeralcontainers""#)
            .replacing(#""oldObject": null"#, with: "\"oldObject\": \(before)")
    }

    /// A pod with one container.
    static func pod(
        _ image: String = "nginx:1",
        metadata: String = #"{"name": "web"}"#,
        spec: String = ""
    ) -> String {
        """
        {"apiVersion": "v1", "kind": "Pod", "metadata": \(metadata),
         "spec": {"containers": [{"name": "app", "image": "\(image)", "resources": {}}]\(spec)}}
        """
    }

    static func rules(_ text: String) throws -> RewriteConfiguration {
        var rules = RewriteConfiguration()
        try ConfigFile.parse(text: text, file: "x.yml", into: &rules)
        return rules
    }

    /// What a webhook answers to a review.
    static func answer(_ review: String, _ rules: String = "{}", closed: Bool = false) throws -> Answer {
        let outcome = try Reviewer().review(Data(review.utf8), try Self.rules(rules), closed: closed)
        let bytes = try JSONEncoder().encode(outcome.answer)
        return try Answer(String(decoding: bytes, as: UTF8.self), outcome)
    }
}

/// An answer as kube-apiserver reads it.
struct Answer {
    let version: String?
    let response: JSONValue?
    let operations: [JSONValue]
    let outcome: Reviewer.Outcome?

    init(_ text: String, _ outcome: Reviewer.Outcome? = nil) throws {
        let answer = JSONValue(text: text)
        version = answer?["apiVersion"]?.string
        response = answer?["response"]
        self.outcome = outcome
        guard let patch = response?["patch"]?.string else {
            operations = []
            return
        }
        let document = Data(base64Encoded: patch) ?? Data()
        operations = JSONValue(text: String(decoding: document, as: UTF8.self))?.array ?? []
    }

    var isAllowed: Bool { response?["allowed"] == .bool(true) }

    /// The paths of the operations.
    var paths: [String] { operations.compactMap { $0["path"]?.string } }

    /// The object with the patch applied, as kube-apiserver does it (RFC 6902 §4).
    func applied(to object: String) -> JSONValue? {
        guard var value = JSONValue(text: object) else { return nil }
        for operation in operations {
            guard let path = operation["path"]?.string, let new = operation["value"], let op = operation["op"]?.string,
                Self.apply(op, path.split(separator: "/").map(Self.token)[...], new, &value)
            else { return nil }
        }
        return value
    }

    private static func token(_ text: Substring) -> String {
        String(text.replacing("~1", with: "/").replacing("~0", with: "~"))
    }

    private static func apply(
        _ op: String,
        _ path: ArraySlice<String>,
        _ new: JSONValue,
        _ value: inout JSONValue
    ) -> Bool {
        guard let first = path.first else { return false }
        switch value {
        case .object(var members):
            if path.count == 1 {
                guard op == "add" || members[first] != nil else { return false }
                members[first] = new
            } else {
                guard var member = members[first], apply(op, path.dropFirst(), new, &member) else { return false }
                members[first] = member
            }
            value = .object(members)
        case .array(var items):
            guard let index = Int(first), items.indices.contains(index), path.count > 1,
                apply(op, path.dropFirst(), new, &items[index])
            else { return false }
            value = .array(items)
        default: return false
        }
        return true
    }
}
