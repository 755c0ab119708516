/// A priority queue: the smallest element first.
struct BinaryHeap<Element: Comparable & Sendable>: Sendable {
    private var elements: [Element] = []

    var count: Int { elements.count }
    var min: Element? { elements.first }

    mutating func insert(_ element: Element) {
        elements.append(element)
        var child = elements.count - 1
        while child > 0 {
            let parent = (child - 1) / 2
            guard elements[child] < elements[parent] else { return }
            elements.swapAt(child, parent)
            child = parent
        }
    }

    mutating func popMin() -> Element? {
        guard !elements.isEmpty else { return nil }
        elements.swapAt(0, elements.count - 1)
        let least = elements.removeLast()
        sink(0)
        return least
    }

    /// Drops the elements that do not pass.
    mutating func keep(where passes: (Element) -> Bool) {
        elements.removeAll { !passes($0) }
        for index in stride(from: elements.count / 2 - 1, through: 0, by: -1) { sink(index) }
    }

    private mutating func sink(_ start: Int) {
        guard start < elements.count else { return }
        elements.withUnsafeMutableBufferPointer { elements in
            let sinking = elements[start]
            var parent = start
            while true {
                var child = 2 * parent + 1
                guard child < elements.count else { break }
                if child + 1 < elements.count, elements[child + 1] < elements[child] { child += 1 }
                guard elements[child] < sinking else { break }
                elements[parent] = elements[child]
                parent = child
            }
            elements[parent] = sinking
        }
    }
}
