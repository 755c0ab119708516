internal import CLibCurl
internal import RateLimiting

extension Transfer {
    /// The sink or the source can go on.
    func resume() -> Outcome {
        guard pauses.bySink || pauses.bySource else { return .goesOn }
        pauses.bySink = false
        pauses.bySource = false
        return applyPauses()
    }

    /// Whether a transfer that waits for its limits may go on; otherwise notes when to ask again.
    func passesLimits(now: ContinuousClock.Instant) -> Bool {
        guard let deadline = grant.proceed(now: now) else { return true }
        pauses.limitedUntil = deadline
        return false
    }

    /// The limits allow more.
    func limitPassed() -> Outcome {
        pauses.limitedUntil = nil
        pauses.receivingByLimit = false
        pauses.sendingByLimit = false
        return applyPauses()
    }

    /// Tells libcurl what stands still from now on.
    ///
    /// libcurl hands over what it kept back in this very call, so the callbacks run, and may pause or fail, in it.
    private func applyPauses() -> Outcome {
        guard let handle else { return .goesOn }
        let receiving = pauses.bySink || pauses.receivingByLimit
        let sending = pauses.bySource || pauses.sendingByLimit
        let mask = (receiving ? CURLPAUSE_RECV : 0) | (sending ? CURLPAUSE_SEND : 0)
        let result = curl_easy_pause(handle.raw, mask)
        if let failure { return .ended(.failure(failure)) }
        // Without a connection there is nothing to resume: the end is about to be told.
        guard result == CURLE_OK || result == CURLE_BAD_FUNCTION_ARGUMENT else { return finished(result) }
        return .goesOn
    }

    /// Whether so many bytes may move now; otherwise notes when to ask again.
    func admits(_ count: Int) -> Bool {
        guard let deadline = grant.admit(count) else { return true }
        pauses.limitedUntil = deadline
        return false
    }
}
