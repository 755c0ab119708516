import FoundationEssentials

/// What would become of the images of manifests.
package struct LintReport: Sendable, Encodable {
    struct Line: Sendable, Encodable {
        let object: String
        /// Which container or volume, such as `containers/app`.
        let place: String
        let image: String
        /// What it becomes; nil: it stays.
        let becomes: String?
        /// Why it stays.
        let reason: String?
        private(set) var text: String?

        init(_ object: String, _ image: PodDecision.Image) {
            self.object = object
            place = image.place.title
            self.image = image.place.image
            switch image.decision {
            case .rewritten(let reference): (becomes, reason, text) = (reference, nil, nil)
            case .kept(let why): (becomes, reason, text) = (nil, why.rawValue, why.text)
            }
        }
    }

    private var images: [Line] = []
    /// Manifests that have no pods.
    private var others: [String] = []

    /// `namespace`: of manifests that name none.
    package init(_ manifests: [Manifest], _ rules: RewriteConfiguration, namespace: String) {
        for manifest in manifests {
            if manifest.pods.isEmpty { others.append(manifest.title) }
            for pod in manifest.pods {
                let place = manifest.namespace ?? pod.metadata?.namespace ?? namespace
                images += PodDecision(pod, in: place, rules).images.map { Line(manifest.title, $0) }
            }
        }
    }

    /// Whether there are images, and all of them are references.
    package var isSound: Bool {
        !images.isEmpty && !images.contains { $0.reason == KeptReason.invalid.rawValue }
    }

    /// One line for each image.
    package var text: String {
        let lines = images.map { line in
            let outcome = line.becomes.map { "-> \($0)" } ?? "stays: \(line.text ?? "")"
            return "\(line.object) \(line.place): \(line.image) \(outcome)\n"
        }
        return (lines + others.map { "\($0): there is no pod in it\n" }).joined()
    }

    /// The same for machines.
    package var json: String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes]
        return (try? encoder.encode(self)).map { String(decoding: $0, as: UTF8.self) + "\n" } ?? "{}\n"
    }
}
