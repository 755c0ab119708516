import BackendAPI
import CurlTransport
import FileBackend
import HTTPBackend
import Logging
import NodeConfig
import RegistryBackend
import Testing

/// The plugins' keys: what makes no sense is refused at its line.
@Suite struct PluginConfigurationTests {
    static func plugin(_ name: String) -> any BackendPlugin {
        let logger = Logger(label: "test")
        let transport = CurlTransport(logger: logger)
        return switch name {
        case "http": HTTPPlugin(transport: transport)
        case "registry": RegistryPlugin(transport: transport)
        default: FilePlugin(logger: logger)
        }
    }

    static func error(_ name: String, _ yaml: String) throws -> ConfigError? {
        let options = try RawConfig(yaml: yaml, file: "node.yml")
        do throws(ConfigError) {
            _ = try plugin(name).makeBackend(options)
            return nil
        } catch {
            return error
        }
    }

    @Test(arguments: [
        ("http", "{}"),
        ("http", "username: u\npassword: p\ntimeout: 5s\nproxy: none\nrate_limit: 10M"),
        ("http", "proxy: http://proxy:3128\nallow_addresses: [10.0.0.0/8, '::1']"),
        ("http", "headers: {X-A: b}\nbearer_token: abc\ninsecure: true"),
        ("registry", "username: u\npassword: p\nplain_http: true"),
        ("file", "roots: [/tmp]"),
    ])
    func takesSensibleKeys(plugin: String, yaml: String) throws {
        #expect(try Self.error(plugin, yaml) == nil)
    }

    @Test(arguments: [
        ("http", "insecure: false\nunknown: 1", 2), ("http", "insecure: false\nusername: u", 2),
        ("http", "username: u:v\npassword: p", 1), ("http", "password: p", 1),
        ("http", "username: u\npassword: p\npassword_file: /etc/hostname", 3),
        ("http", "username: u\npassword_file: /nonexistent", 2),
        ("http", "username: u\npassword: p\nbearer_token: t", 3), ("http", "bearer_token: a b", 1),
        ("http", "bearer_token: t\nheaders: {Authorization: x}", 1), ("http", "headers: {Range: x}", 1),
        ("http", "headers: {'a b': x}", 1), ("http", "headers: {A: \"x\\ny\"}", 1),
        ("http", "ca_file: /nonexistent", 1), ("http", "insecure: true\nca_file: /etc/hostname", 2),
        ("registry", "ca_file: /etc", 1), ("http", "client_key: /etc/hostname", 1), ("http", "timeout: 10ms", 1),
        ("http", "connect_timeout: 0s", 1), ("http", "proxy: 'gopher://x'", 1), ("http", "allow_addresses: [x]", 1),
        ("http", "rate_limit: fast", 1),
        ("registry", "plain_http: true\ndocker_config: /nonexistent", 2),
        ("registry", "docker_config: /etc/passwd", 1), ("registry", "headers: {A: b}", 1),
        ("file", "roots: []", 1), ("file", "roots: [relative]", 1), ("file", "roots: [/tmp/../etc]", 1),
        ("file", "roots: [/etc/passwd]", 1), ("file", "root: /tmp", 1),
    ])
    func refusesWhatMakesNoSense(plugin: String, yaml: String, line: Int) throws {
        let error = try #require(try Self.error(plugin, yaml))
        #expect(error.file == "node.yml")
        #expect(error.line == line)
    }

    @Test func servesWhatNoEntryNamesByHTTPOnly() throws {
        let plugins = ["http", "registry", "file"].map(Self.plugin)
        let registry = try BackendRegistry(plugins: plugins, entries: [])
        #expect(try registry.backend(for: try resourceURL("https://host/v2/a/blobs/b")) is HTTPBackend)
        #expect(throws: BackendError.self) { try registry.backend(for: try resourceURL("file:///etc/passwd")) }
    }
}
