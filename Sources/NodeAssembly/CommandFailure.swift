import AdmissionWebhook
import CacheStore
import HTTPService
import NodeConfig

/// How an executable ends that could not do its work.
enum CommandFailure {
    /// One line for a person: what went wrong and, where there is something, what to do about it.
    static func line(_ error: any Error) -> String {
        switch error {
        case let error as ConfigError: error.description
        case let error as ListenError: error.description
        case let error as KubernetesError: error.description
        case let error as StoreError: error.message
        default: "\(error)"
        }
    }
}
