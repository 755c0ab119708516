/// A place in a pod that names an image.
package struct ImagePlace: Sendable {
    /// The lists of a pod that have such places.
    enum List: String, Sendable { case initContainers, containers, ephemeralContainers, volumes }

    let list: List
    /// Of the container or volume.
    let name: String
    /// The reference, as it is written.
    package let image: String
    let pullPolicy: String?
    /// Where the reference stands in the pod.
    let pointer: JSONPointer

    /// Nil: no image is named there.
    private init?(
        _ list: List,
        _ index: Int,
        _ name: String?,
        _ image: String?,
        _ pullPolicy: String?,
        at path: String...
    ) {
        guard let image, !image.isEmpty else { return nil }
        self.list = list
        self.name = name ?? "\(index)"
        self.image = image
        self.pullPolicy = pullPolicy
        pointer = JSONPointer(["spec", list.rawValue, String(index)] + path)
    }

    /// Such as `containers/app`.
    package var title: String { "\(list.rawValue)/\(name)" }

    /// All that the runtime of a node pulls for a pod.
    static func all(of pod: Pod) -> [ImagePlace] {
        containers(.initContainers, pod.spec?.initContainers) + containers(.containers, pod.spec?.containers)
            + containers(.ephemeralContainers, pod.spec?.ephemeralContainers) + volumes(pod.spec?.volumes)
    }

    private static func containers(_ list: List, _ containers: [Pod.Container]?) -> [ImagePlace] {
        (containers ?? []).enumerated().compactMap { index, container in
            ImagePlace(list, index, container.name, container.image, container.imagePullPolicy, at: "image")
        }
    }

    private static func volumes(_ volumes: [Pod.Volume]?) -> [ImagePlace] {
        (volumes ?? []).enumerated().compactMap { index, volume in
            let (reference, pullPolicy) = (volume.image?.reference, volume.image?.pullPolicy)
            return ImagePlace(.volumes, index, volume.name, reference, pullPolicy, at: "image", "reference")
        }
    }
}
