package import FoundationEssentials

/// Answers admission reviews: bytes in, bytes out.
package struct Reviewer: Sendable {
    /// What an answer says, besides.
    package struct Outcome: Sendable {
        /// What became of the object.
        package enum Result: String, Sendable, CaseIterable { case mutated, unchanged }

        package let result: Result
        /// Why the object could not be looked at; nil: it was.
        package let fault: String?
        package let images: [PodDecision.Image]
        let answer: AdmissionAnswer
    }

    /// A body that is no review; for a person.
    package struct Fault: Error, Sendable { package let description: String }

    /// With more bytes in all of its annotations an object is refused (Kubernetes, `TotalAnnotationSizeLimitB`).
    private static let mostAnnotations = 256 << 10

    package init() {}

    /// Reviews an object.
    ///
    /// What is no pod that can be understood, or has no room for another annotation, is let through as it is. `closed`: nothing is
    /// rewritten now.
    package func review(_ body: Data, _ rules: RewriteConfiguration, closed: Bool) throws(Fault) -> Outcome {
        let review: AdmissionReview
        do {
            review = try JSONDecoder().decode(AdmissionReview.self, from: body)
        } catch {
            throw Fault(description: "the body is no AdmissionReview with a request")
        }
        guard review.kind == "AdmissionReview", AdmissionReview.versions.contains(review.apiVersion) else {
            throw Fault(description: "the body is no AdmissionReview of admission.k8s.io/v1 or v1beta1")
        }
        guard !review.request.uid.isEmpty else { throw Fault(description: "the request has no uid") }
        return outcome(review, rules, closed)
    }

    private func outcome(_ review: AdmissionReview, _ rules: RewriteConfiguration, _ closed: Bool) -> Outcome {
        let request = review.request
        guard let occasion = Self.occasion(request) else { return unchanged(review, "not_a_pod") }
        guard let pod = request.object?.value, pod.spec != nil else { return unchanged(review, "malformed_pod") }
        let namespace = request.namespace ?? pod.metadata?.namespace ?? "default"
        let decision = PodDecision(pod, in: namespace, rules, occasion, closed: closed)
        let patch = decision.patch
        guard !patch.isEmpty else {
            return Outcome(result: .unchanged, fault: nil, images: decision.images, answer: answer(review, nil))
        }
        let document = Data(patch.document)
        let annotations = pod.metadata?.annotations ?? [:]
        let size = annotations.reduce(0) { $0 + $1.key.utf8.count + $1.value.utf8.count }
        let isFull = decision.annotates && size + document.count > Self.mostAnnotations
        guard !isFull else { return unchanged(review, "annotations_full") }
        return Outcome(result: .mutated, fault: nil, images: decision.images, answer: answer(review, document))
    }

    /// What there is to look at; nil: nothing that has images which can be changed.
    private static func occasion(_ request: AdmissionReview.Request) -> PodDecision.Occasion? {
        guard request.resource?.resource == "pods", request.resource?.group ?? "" == "" else { return nil }
        switch (request.operation, request.subResource ?? "") {
        case ("CREATE", ""): return .create
        // Without the pod as it was there is no telling which of them are new.
        case ("UPDATE", "ephemeralcontainers"): return request.oldObject?.value.map { .ephemeralContainers(before: $0) }
        default: return nil
        }
    }

    private func unchanged(_ review: AdmissionReview, _ fault: String) -> Outcome {
        Outcome(result: .unchanged, fault: fault, images: [], answer: answer(review, nil))
    }

    private func answer(_ review: AdmissionReview, _ patch: Data?) -> AdmissionAnswer {
        AdmissionAnswer(
            apiVersion: review.apiVersion,
            response: .init(uid: review.request.uid, patchType: patch.map { _ in "JSONPatch" }, patch: patch)
        )
    }
}
