/// The difference of two texts as `patch` takes it.
enum UnifiedDiff {
    private enum Line {
        case same(Substring), removed(Substring), added(Substring)
    }

    private static let context = 3

    /// Nil on either side: there is no such file.
    static func text(_ path: String, from old: String?, to new: String?) -> String {
        let lines = edits(split(old ?? ""), split(new ?? ""))
        var result = "--- \(old == nil ? "/dev/null" : path)\n+++ \(new == nil ? "/dev/null" : path)\n"
        for hunk in hunks(lines) { result += text(lines, hunk) }
        return result
    }

    /// Lines with their breaks.
    private static func split(_ text: String) -> [Substring] {
        let bytes = text.utf8
        var lines: [Substring] = []
        var start = bytes.startIndex
        while start < bytes.endIndex {
            let end = bytes[start...].firstIndex(of: 0x0A).map { bytes.index(after: $0) } ?? bytes.endIndex
            lines.append(text[start..<end])
            start = end
        }
        return lines
    }

    private static func edits(_ old: [Substring], _ new: [Substring]) -> [Line] {
        let difference = new.difference(from: old)
        var (removed, added): (Set<Int>, Set<Int>) = ([], [])
        for change in difference {
            switch change {
            case .remove(let offset, _, _): removed.insert(offset)
            case .insert(let offset, _, _): added.insert(offset)
            }
        }
        var lines: [Line] = []
        var (left, right) = (0, 0)
        while left < old.count || right < new.count {
            if removed.contains(left) {
                lines.append(.removed(old[left]))
                left += 1
            } else if added.contains(right) {
                lines.append(.added(new[right]))
                right += 1
            } else {
                lines.append(.same(old[left]))
                left += 1
                right += 1
            }
        }
        return lines
    }

    /// Changes with the lines around them; what is near stays together.
    private static func hunks(_ lines: [Line]) -> [Range<Int>] {
        var hunks: [Range<Int>] = []
        for (index, line) in lines.enumerated() {
            if case .same = line { continue }
            let range = max(0, index - context)..<min(lines.count, index + context + 1)
            if let last = hunks.last, range.lowerBound <= last.upperBound {
                hunks[hunks.count - 1] = last.lowerBound..<range.upperBound
            } else {
                hunks.append(range)
            }
        }
        return hunks
    }

    private static func text(_ lines: [Line], _ hunk: Range<Int>) -> String {
        func count(_ lines: ArraySlice<Line>) -> (old: Int, new: Int) {
            lines.reduce((0, 0)) { sum, line in
                switch line {
                case .same: (sum.0 + 1, sum.1 + 1)
                case .removed: (sum.0 + 1, sum.1)
                case .added: (sum.0, sum.1 + 1)
                }
            }
        }
        let (before, inside) = (count(lines[..<hunk.lowerBound]), count(lines[hunk]))
        // Of no lines, the one before counts (POSIX diff, unified format).
        let start = { (before: Int, count: Int) in count == 0 ? before : before + 1 }
        var result =
            "@@ -\(start(before.old, inside.old)),\(inside.old) +\(start(before.new, inside.new)),\(inside.new) @@\n"
        for line in lines[hunk] {
            let (sign, text) =
                switch line {
                case .same(let text): (" ", text)
                case .removed(let text): ("-", text)
                case .added(let text): ("+", text)
                }
            result += sign + text + (text.utf8.last == 0x0A ? "" : "\n\\ No newline at end of file\n")
        }
        return result
    }
}
