import FoundationEssentials

/// What kube-apiserver asks (`admission.k8s.io`, v1 and v1beta1, which say the same).
struct AdmissionReview: Sendable, Decodable {
    struct Resource: Sendable, Decodable {
        var group: String?
        var version: String?
        var resource: String?
    }

    struct Request: Sendable, Decodable {
        var uid: String
        var resource: Resource?
        var subResource: String?
        var operation: String?
        var namespace: String?
        var object: Understood<Pod>?
        var oldObject: Understood<Pod>?
    }

    var apiVersion: String
    var kind: String
    var request: Request

    static let versions = ["admission.k8s.io/v1", "admission.k8s.io/v1beta1"]
}

/// A part of a document that may be anything.
struct Understood<Value: Decodable & Sendable>: Decodable, Sendable {
    /// Nil: it is something else.
    let value: Value?

    init(from decoder: any Decoder) throws {
        value = try? Value(from: decoder)
    }
}

/// The answer: the object is let through, perhaps with changes.
struct AdmissionAnswer: Sendable, Encodable {
    struct Response: Sendable, Encodable {
        var uid: String
        var allowed = true
        var patchType: String?
        /// In Base64 when it is encoded.
        var patch: Data?
    }

    var apiVersion: String
    var kind = "AdmissionReview"
    var response: Response
}
