internal import Content

/// Adjacent bytes of one piece that wait to be written together.
///
/// A transfer's bytes come in small portions that begin anywhere. File systems take whole aligned blocks at a third of
/// the cost.
///
/// `@unchecked`: touched only while the file's lock is held, or by the one who took it out of the file's state.
final class WriteBlock: @unchecked Sendable {
    /// Blocks begin at multiples of this, which divides every piece size.
    ///
    /// Linux gives the page cache a folio of the size that is written. Those of up to eight pages come from each
    /// processor's own lists of pages just freed; larger ones come from afar, and on a virtual machine that returns free
    /// memory to its host they have to be fetched back: half as expensive again as small unaligned writes.
    static let size = 32 << 10

    private let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: WriteBlock.size, alignment: 4096)
    private(set) var offset: Int64 = 0
    private var count = 0

    deinit { memory.deallocate() }

    /// Where the next byte goes.
    var end: Int64 { offset + Int64(count) }
    /// How many bytes are missing to the block's end.
    var room: Int { Self.size - Int(end % Int64(Self.size)) }
    /// Whether the bytes reach the end of their block.
    var isFull: Bool { count > 0 && end % Int64(Self.size) == 0 }
    /// What waits to be written.
    var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(rebasing: memory[..<count]) }

    /// Becomes empty, to begin at `offset`.
    func restart(at offset: Int64) {
        self.offset = offset
        count = 0
    }

    /// Takes what fits of `bytes`; returns how many that were.
    func append(_ bytes: UnsafeRawBufferPointer) -> Int {
        let taken = min(room, bytes.count)
        UnsafeMutableRawBufferPointer(rebasing: memory[count..<count + taken])
            .copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes[..<taken]))
        count += taken
        return taken
    }
}
