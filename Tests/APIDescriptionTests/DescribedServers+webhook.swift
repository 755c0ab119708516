import Testing

/// Calls of dfwebhook as kube-apiserver makes them.
extension DescribedServers {
    func checkReviews() async throws {
        for version in ["v1", "v1beta1"] {
            let answer = try await review(image: "nginx:1.27", version)
            #expect(answer["apiVersion"] == .string("admission.k8s.io/\(version)"))
            #expect(answer["response"]?["patch"] != nil)
        }
        let stays = try await review(image: "127.0.0.1:65001/docker.io/library/nginx:1.27")
        #expect(stays["response"]?.members.keys.sorted() == ["allowed", "uid"])
        let tooLarge = [UInt8](repeating: 0x20, count: (16 << 20) + 1)
        for call in [
            DescribedCall("POST", Self.mutate, body: Array("{}".utf8), status: 400, code: "bad_request"),
            DescribedCall("POST", Self.mutate, body: tooLarge, status: 413, code: "too_large"),
        ] { try await self.call(call, at: webhook) }
    }

    private static let mutate = "/mutate"

    private func review(image: String, _ version: String = "v1") async throws -> JSONValue {
        let body = Array(Self.review(image: image, version).utf8)
        return try await call(DescribedCall("POST", Self.mutate, body: body), at: webhook, as: JSONValue.self)
    }

    /// With every field that a review of a new pod has (Kubernetes, `admission/v1`).
    private static func review(image: String, _ version: String) -> String {
        """
        {"kind": "AdmissionReview", "apiVersion": "admission.k8s.io/\(version)",
         "request": {
          "uid": "f0b2a3d8-1d4c-4a39-8c44-ad3f1c3b1f9e",
          "kind": {"group": "", "version": "v1", "kind": "Pod"},
          "resource": {"group": "", "version": "v1", "resource": "pods"},
          "requestKind": {"group": "", "version": "v1", "kind": "Pod"},
          "requestResource": {"group": "", "version": "v1", "resource": "pods"},
          "namespace": "shop", "operation": "CREATE",
          "userInfo": {"username": "system:serviceaccount:kube-system:replicaset-controller",
           "uid": "9f7c6d0a-2d7b-4a9e-9a53-5a7c0a3b8f21",
           "groups": ["system:serviceaccounts", "system:authenticated"], "extra": {"scopes": ["all"]}},
          "object": {"kind": "Pod", "apiVersion": "v1",
           "metadata": {"generateName": "web-7c5ddbdf54-", "namespace": "shop", "creationTimestamp": null,
            "labels": {"app": "web", "pod-template-hash": "7c5ddbdf54"},
            "ownerReferences": [{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "web-7c5ddbdf54",
             "uid": "2f3a5a0e-6a3e-4c7e-bb0f-5a8a2a5d6c11", "controller": true, "blockOwnerDeletion": true}],
            "managedFields": [{"manager": "kube-controller-manager", "operation": "Update", "apiVersion": "v1",
             "time": "2025-11-30T09:00:00Z", "fieldsType": "FieldsV1",
             "fieldsV1": {"f:spec": {"f:containers": {"k:{\\"name\\":\\"web\\"}": {".": {}, "f:image": {}}}}}}]},
           "spec": {"restartPolicy": "Always", "serviceAccountName": "default",
            "volumes": [{"name": "kube-api-access-x7k2p", "projected": {"defaultMode": 420,
             "sources": [{"serviceAccountToken": {"expirationSeconds": 3607, "path": "token"}}]}}],
            "containers": [{"name": "web", "image": "\(image)", "imagePullPolicy": "IfNotPresent", "resources": {},
             "volumeMounts": [{"name": "kube-api-access-x7k2p", "readOnly": true,
              "mountPath": "/var/run/secrets/kubernetes.io/serviceaccount"}]}],
            "tolerations": [{"key": "node.kubernetes.io/not-ready", "operator": "Exists", "effect": "NoExecute",
             "tolerationSeconds": 300}]},
           "status": {}},
          "oldObject": null, "dryRun": false,
          "options": {"kind": "CreateOptions", "apiVersion": "meta.k8s.io/v1"}}}
        """
    }
}
