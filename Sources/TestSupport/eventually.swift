/// Returns once `condition` holds, or the task is cancelled.
///
/// It looks again and again, with pauses in which others get the processor: what it waits for has no event.
package func eventually(_ condition: () throws -> Bool) async rethrows {
    while try !condition(), !Task.isCancelled { try? await Task.sleep(for: .milliseconds(1)) }
}
