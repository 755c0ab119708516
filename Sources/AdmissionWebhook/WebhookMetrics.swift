import Content
import Metrics

/// What the webhook counts.
package struct WebhookMetrics: Sendable {
    private let reviews: [Reviewer.Outcome.Result: Counter]
    private let kept: [KeptReason: Counter]
    private let mutated = Counter(
        label: "darter_webhook_images_total",
        dimensions: [("result", "mutated"), ("reason", "")]
    )
    private let seconds = Timer(label: "darter_webhook_seconds")

    /// All of them are there from the start, at 0.
    package init() {
        reviews = Dictionary(
            uniqueKeysWithValues: Reviewer.Outcome.Result.allCases.map {
                ($0, Counter(label: "darter_webhook_reviews_total", dimensions: [("result", $0.rawValue)]))
            }
        )
        // So that the first error is an increase, too.
        for reason in ["body", "not_a_pod", "malformed_pod", "annotations_full", "configuration", "certificate"] {
            Self.failed(reason, count: 0)
        }
        kept = Dictionary(
            uniqueKeysWithValues: KeptReason.allCases.map {
                let dimensions = [("result", "skipped"), ("reason", $0.rawValue)]
                return ($0, Counter(label: "darter_webhook_images_total", dimensions: dimensions))
            }
        )
    }

    func reviewed(_ outcome: Reviewer.Outcome, in time: Duration) {
        reviews[outcome.result]?.increment()
        seconds.recordNanoseconds(time.inNanoseconds)
        if let fault = outcome.fault { failed(fault) }
        for image in outcome.images {
            switch image.decision {
            case .rewritten: mutated.increment()
            case .kept(let reason): kept[reason]?.increment()
            }
        }
    }

    /// Counts what went wrong.
    package func failed(_ reason: String) { Self.failed(reason, count: 1) }

    private static func failed(_ reason: String, count: Int) {
        Counter(label: "darter_webhook_errors_total", dimensions: [("reason", reason)]).increment(by: count)
    }
}
