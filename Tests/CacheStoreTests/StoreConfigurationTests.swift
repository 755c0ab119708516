import CacheStore
import NodeConfig
import Testing

@Suite struct StoreConfigurationTests {
    @Test func everyKeyIsRead() throws {
        var configuration = StoreConfiguration()
        try ConfigFile.parse(
            text: "quota: 10G\nfree_space_floor: 5MiB\nscrub_rate: 0\nhash_threads: 3\n",
            file: "x.yml",
            into: &configuration
        )
        #expect(
            configuration
                == StoreConfiguration(
                    quota: .gibibytes(10),
                    freeSpaceFloor: .mebibytes(5),
                    scrubRate: ByteCount(bytes: 0),
                    hashThreads: 3
                )
        )
    }

    @Test(arguments: ["quota: 0", "hash_threads: 0", "quotas: 1G", "scrub_rate: fast"])
    func nonsenseIsRefused(text: String) {
        var configuration = StoreConfiguration()
        #expect(throws: ConfigError.self) {
            try ConfigFile.parse(text: text, file: "x.yml", into: &configuration)
        }
        #expect(configuration == StoreConfiguration())
    }
}
