internal import Glibc

/// Puts a file in place as a whole: whoever reads it, and whenever the machine stops, has the old text or the new one.
struct AtomicWrite {
    /// What has been done; a test stops there.
    enum Step: Sendable, CaseIterable {
        case created, written, synced, renamed
    }

    private let place: String
    private let temporary: String
    private let reached: (Step) throws(SetupError) -> Void

    /// `place`: an absolute path without symbolic links.
    init(_ place: String, reached: @escaping (Step) throws(SetupError) -> Void = { (_) throws(SetupError) in }) {
        self.place = place
        self.reached = reached
        let slash = place.lastIndex(of: "/") ?? place.startIndex
        // One name, so that what a crash leaves behind is gone after the next run. Programs that read whole directories
        // look at their endings.
        temporary = "\(place[...slash]).\(place[slash...].dropFirst()).darter-new"
    }

    /// Mode and owner: those of the file that is there, else of `model`, else 0644 and the caller's.
    func write(_ text: String, like model: String? = nil) throws(SetupError) {
        unlink(temporary)
        let descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { throw HostFiles.failure("can not be written", temporary) }
        defer { close(descriptor) }
        try reached(.created)
        try fill(descriptor, text)
        try reached(.written)
        try takeAttributes(descriptor, of: model)
        guard fsync(descriptor) == 0 else { throw HostFiles.failure("can not be written", temporary) }
        try reached(.synced)
        guard rename(temporary, place) == 0 else {
            let failure = HostFiles.failure("can not be put in place", place)
            unlink(temporary)
            throw failure
        }
        try reached(.renamed)
        Self.syncDirectory(of: place)
    }

    /// Takes the file away.
    static func remove(_ place: String) throws(SetupError) {
        guard unlink(place) == 0 || errno == ENOENT else { throw HostFiles.failure("can not be removed", place) }
        syncDirectory(of: place)
    }

    private func fill(_ descriptor: Int32, _ text: String) throws(SetupError) {
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else {
                let failure = HostFiles.failure("can not be written", temporary)
                unlink(temporary)
                throw failure
            }
            rest = rest.dropFirst(count)
        }
    }

    private func takeAttributes(_ descriptor: Int32, of model: String?) throws(SetupError) {
        var status = stat()
        guard stat(place, &status) == 0 || model.map({ stat($0, &status) == 0 }) ?? false else {
            fchmod(descriptor, 0o644)
            return
        }
        guard fchown(descriptor, status.st_uid, status.st_gid) == 0, fchmod(descriptor, status.st_mode & 0o7777) == 0
        else {
            let failure = HostFiles.failure("can not be given the owner of the file in its place", temporary)
            unlink(temporary)
            throw failure
        }
    }

    private static func syncDirectory(of place: String) {
        let directory = String(place[..<(place.lastIndex(of: "/") ?? place.startIndex)])
        let descriptor = open(directory.isEmpty ? "/" : directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { return }
        fsync(descriptor)
        close(descriptor)
    }
}
