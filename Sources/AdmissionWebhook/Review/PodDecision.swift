/// What becomes of the images of a pod.
package struct PodDecision: Sendable {
    /// One container with an image.
    package struct Image: Sendable {
        package let list: Pod.ContainerList
        package let index: Int
        /// The container's.
        package let name: String
        /// As it is written.
        package let image: String
        package let decision: ImageDecision

        /// Such as `containers/app`.
        package var place: String { "\(list.rawValue)/\(name)" }
    }

    package let images: [Image]
    private let metadata: Pod.Metadata?
    private let annotates: Bool

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
        var lists = Pod.ContainerList.allCases
        var fixed: Set<String> = []
        annotates =
            if case .create = occasion { true } else { false }
        if case .ephemeralContainers(let before) = occasion {
            lists = [.ephemeralContainers]
            fixed = Set(before.list(.ephemeralContainers).compactMap(\.name))
        }
        metadata = pod.metadata
        images = lists.flatMap { list in
            pod.list(list).enumerated().compactMap { index, container in
                guard let image = container.image, !image.isEmpty else { return nil }
                let name = container.name ?? "\(index)"
                let decision: ImageDecision =
                    if let reason {
                        .kept(reason)
                    } else if fixed.contains(name) {
                        .kept(.unchangeable)
                    } else if container.imagePullPolicy == "Never" {
                        .kept(.neverPulled)
                    } else {
                        rules.decision(on: image, hasPullSecrets: hasSecrets)
                    }
                return Image(list: list, index: index, name: name, image: image, decision: decision)
            }
        }
    }

    /// The changes to the pod (RFC 6902); none where every image stays.
    package var patch: [PatchOperation] {
        var originals: [String: String] = [:]
        var operations: [PatchOperation] = []
        for image in images {
            guard case .rewritten(let reference) = image.decision else { continue }
            originals[image.place] = image.image
            let path = JSONPointer("spec", image.list.rawValue, String(image.index), "image")
            operations.append(.replace(path, .string(reference)))
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
