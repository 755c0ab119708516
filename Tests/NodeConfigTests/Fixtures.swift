import Content
import NodeConfig

enum Pattern: String, CaseIterable, ConfigValue { case p2p, cdn, source }

struct Peers: Configurable, Equatable {
    var aliveTime: Duration = .seconds(300)
    var networks: [NetworkPrefix] = []
    var limits: [String: Int] = ["a": 1]

    mutating func bind(_ fields: inout ConfigFields) throws(ConfigError) {
        try fields.value("alive_time", &aliveTime)
        try fields.check("alive_time", aliveTime > .zero, "must be more than nothing")
        try fields.list("networks", &networks)
        try fields.map("limits", &limits)
    }
}

struct Entry: Configurable {
    var plugin = ""
    var hosts: [String] = []
    var options = RawConfig()

    mutating func bind(_ fields: inout ConfigFields) throws(ConfigError) {
        try fields.value("plugin", &plugin)
        try fields.check("plugin", !plugin.isEmpty, "must be named")
        try fields.list("hosts", &hosts)
        fields.rest(&options)
    }
}

struct Plugin: Configurable, Equatable {
    var timeout: Duration = .seconds(30)
    var password: Secret?
    var peers = Peers()

    mutating func bind(_ fields: inout ConfigFields) throws(ConfigError) {
        try fields.value("timeout", &timeout)
        try fields.secret("password", &password)
        try fields.section("peers", &peers)
    }
}

struct Node: Configurable {
    var name = "node"
    var quota: ByteCount? = .gibibytes(10)
    var rate: Rate = .unlimited
    var pattern: Pattern = .p2p
    var verify = true
    var ratio = 0.5
    var count = 4
    var remote: ResourceURL?
    var digest: Digest?
    var names: [String] = ["a", "b"]
    var peers = Peers()
    var backends: [Entry] = []
    var extra: RawConfig?
    var password: Secret?

    mutating func bind(_ fields: inout ConfigFields) throws(ConfigError) {
        try fields.value("name", &name)
        try fields.optional("quota", &quota)
        try fields.value("rate", &rate)
        try fields.value("pattern", &pattern)
        try fields.value("verify", &verify)
        try fields.value("ratio", &ratio)
        try fields.value("count", &count)
        try fields.check("count", count > 0, "must be positive")
        try fields.optional("remote", &remote)
        try fields.optional("digest", &digest)
        try fields.list("names", &names)
        try fields.section("peers", &peers)
        try fields.sections("backends", &backends) { Entry() }
        try fields.raw("extra", &extra)
        try fields.secret("password", &password)
    }
}

func parsed(_ text: String) throws(ConfigError) -> Node {
    var node = Node()
    try ConfigFile.parse(text: text, file: "node.yml", into: &node)
    return node
}

func failure(_ text: String) -> String {
    do throws(ConfigError) {
        _ = try parsed(text)
        return "no error"
    } catch {
        return error.description
    }
}
