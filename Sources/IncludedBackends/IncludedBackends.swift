package import BackendAPI
import FileBackend
import HTTPBackend
package import NodeAssembly
import RegistryBackend

/// The backends that our executables have, all of them the same.
package enum IncludedBackends {
    /// One plugin for each kind of origin.
    package static func plugins(_ environment: PluginEnvironment) -> [any BackendPlugin] {
        let (transport, options) = (environment.transport, environment.options)
        return [
            HTTPPlugin(transport: transport, defaults: options),
            RegistryPlugin(transport: transport, defaults: options),
            FilePlugin(logger: environment.logger),
        ]
    }
}
