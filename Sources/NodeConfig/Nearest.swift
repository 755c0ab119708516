/// The candidate that `word` is most likely a slip of the pen for, if any is near enough.
func nearest(to word: String, among candidates: [String]) -> String? {
    let word = word.lowercased()
    let limit = max(1, min(3, word.count / 3))
    // A word of any length may come from a file; a slip is never that long.
    guard word.count <= 64 else { return nil }
    let ranked = candidates.map { (distance($0.lowercased(), word), $0) }.filter { $0.0 <= limit }
    return ranked.min { $0.0 < $1.0 }?.1
}

/// How many insertions, deletions, replacements and swaps of neighbours part two words (optimal string alignment).
private func distance(_ left: String, _ right: String) -> Int {
    let (left, right) = (Array(left), Array(right))
    var before: [Int] = []
    var last = Array(0...right.count)
    for row in left.indices {
        var current = [row + 1]
        for column in right.indices {
            let same = left[row] == right[column]
            var best = min(last[column + 1] + 1, current[column] + 1, last[column] + (same ? 0 : 1))
            if row > 0, column > 0, left[row] == right[column - 1], left[row - 1] == right[column] {
                best = min(best, before[column - 1] + 1)
            }
            current.append(best)
        }
        (before, last) = (last, current)
    }
    return last[right.count]
}
