internal import Glibc

/// Points a container runtime to the node's dfdaemon, and takes that back.
package struct RuntimeSetup: Sendable {
    let runtime: RuntimeName
    let files: HostFiles

    static let containerdPath = "/etc/containerd/config.toml"
    static let dockerPath = "/etc/docker/daemon.json"
    static let registriesPath = "/etc/containers/registries.conf"
    static let registriesDirectory = "/etc/containers/registries.conf.d"

    /// `root`: where the machine's files are, `/` but for images of machines.
    package init(_ runtime: RuntimeName, root: String = "/") throws(SetupError) {
        self.runtime = runtime
        files = try HostFiles(root: root)
    }

    /// Runs `body` while no other process sets a runtime up.
    package func alone<Result>(_ body: () throws(SetupError) -> Result) throws(SetupError) -> Result {
        let place = files.root.isEmpty ? "/" : files.root
        let descriptor = open(place, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw HostFiles.failure("can not be opened", place) }
        defer { close(descriptor) }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            throw SetupError("another `dfdaemon runtime` is at work below \(place); run this again when it has ended")
        }
        return try body()
    }

    /// The record of a file that was set up.
    func record(of path: String) throws(SetupError) -> SetupRecord? {
        guard let text = try files.read(path, ending: SetupRecord.ending) else { return nil }
        guard let record = SetupRecord(text) else {
            throw SetupError(
                "\(files.root)\(path)\(SetupRecord.ending) is no record of `dfdaemon runtime configure`: compare the file "
                    + "with its \(SetupRecord.backupEnding), and remove both"
            )
        }
        return record
    }

    /// Whose restoring takes away what a record is about.
    func restorers(_ record: SetupRecord) -> [String] { record.users?.names ?? [runtime.rawValue] }

    /// Does something to the text of a file, and says whose fault it is when that fails.
    func edit<Result>(
        _ path: String,
        _ body: () throws(EditFault) -> Result
    ) throws(SetupError) -> Result {
        do throws(EditFault) { return try body() } catch { throw SetupError.at(files.root + path, error) }
    }

    /// Where `hosts.toml` files may have been written.
    func hostsDirectories() throws(SetupError) -> [String] {
        let configured = try? ContainerdConfig.configured(try files.read(Self.containerdPath)).directory
        let all = [ContainerdConfig.usualDirectory] + (configured.map { [$0] } ?? [])
        return all.last == all.first ? [all[0]] : all
    }
}
