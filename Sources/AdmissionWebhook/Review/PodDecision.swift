/// What becomes of the images of a pod.
package struct PodDecision: Sendable {
    /// One image, and what becomes of it.
    package struct Image: Sendable {
        package let place: ImagePlace
        package let decision: ImageDecision
    }

    package let images: [Image]
    private let metadata: Pod.Metadata?
    /// Whether the change keeps the references in an annotation.
    let annotates: Bool

    /// What kind of change is looked at.
    package enum Occasion: Sendable {
        /// The pod is being created.
        case create
        /// Ephemeral containers are being added to those of the pod as it was; nothing else can be changed then.
        case ephemeralContainers(before: Pod)
    }

    /// `closed`: nothing is rewritten now, as the network can not serve.
    package init(
        _ pod: Pod,
        in namespace: String,
        _ rules: RewriteConfiguration,
        _ occasion: Occasion = .create,
        closed: Bool = false
    ) {
        let reason = rules.reason(toKeep: pod, in: namespace) ?? (closed ? .gateClosed : nil)
        let hasSecrets = !(pod.spec?.imagePullSecrets ?? []).isEmpty
        var places = ImagePlace.all(of: pod)
        var fixed: Set<String> = []
        annotates =
            if case .create = occasion { true } else { false }
        if case .ephemeralContainers(let before) = occasion {
            places.removeAll { $0.list != .ephemeralContainers }
            fixed = Set((before.spec?.ephemeralContainers ?? []).compactMap(\.name))
        }
        metadata = pod.metadata
        images = places.map { place in
            let decision: ImageDecision =
                if let reason {
                    .kept(reason)
                } else if fixed.contains(place.name) {
                    .kept(.unchangeable)
                } else if place.pullPolicy == "Never" {
                    .kept(.neverPulled)
                } else {
                    rules.decision(on: place.image, hasPullSecrets: hasSecrets)
                }
            return Image(place: place, decision: decision)
        }
    }

    /// The changes to the pod (RFC 6902); none where every image stays.
    package var patch: [PatchOperation] {
        var originals: [String: String] = [:]
        var operations: [PatchOperation] = []
        for image in images {
            guard case .rewritten(let reference) = image.decision else { continue }
            originals[image.place.title] = image.place.image
            operations.append(.replace(image.place.pointer, .string(reference)))
        }
        return operations.isEmpty || !annotates ? operations : operations + [annotation(originals)]
    }

    /// The annotation that keeps the references as they were written.
    package static let originals = "darter.io/original-images"

    private func annotation(_ originals: [String: String]) -> PatchOperation {
        // Another webhook may have added containers since the last time.
        let before = metadata?.annotations?[Self.originals].flatMap { JSONValue(text: $0)?.strings } ?? [:]
        let value = JSONValue(originals.merging(before) { new, _ in new })
        let text = JSONValue.string(value.text)
        guard let metadata else {
            return .add(JSONPointer("metadata"), .object(["annotations": .object([Self.originals: text])]))
        }
        guard metadata.annotations != nil else {
            return .add(JSONPointer("metadata", "annotations"), .object([Self.originals: text]))
        }
        return .add(JSONPointer("metadata", "annotations", Self.originals), text)
    }
}
