import BackendAPI
import FileBackend
import HTTPBackend
import NodeAssembly
import RegistryBackend

/// The backends that dfget has.
func plugins(_ environment: PluginEnvironment) -> [any BackendPlugin] {
    let (transport, options) = (environment.transport, environment.options)
    return [
        HTTPPlugin(transport: transport, defaults: options),
        RegistryPlugin(transport: transport, defaults: options),
        FilePlugin(logger: environment.logger),
    ]
}
