import FoundationEssentials
import NodeAssembly

extension ClusterConfiguration {
    /// The cluster's secret: the first line of its file.
    func token() throws(ToolFailure) -> String? {
        guard let path = tokenFile else { return nil }
        let data = FileManager.default.contents(atPath: path)
        guard let line = data.map({ String(decoding: $0, as: UTF8.self).prefix { !$0.isNewline } }), !line.isEmpty
        else { throw ToolFailure(.usage, "cluster.token_file: \(path) can not be read, or is empty") }
        return String(line)
    }
}
