internal import CLibCurl
internal import Content

/// A `Location`, which may be relative (RFC 9110 §10.2.2).
enum RelativeReference {
    /// The absolute URL that is meant; the text itself where libcurl finds none in it.
    static func resolve(_ reference: String, against base: ResourceURL) -> String {
        guard let parser = curl_url() else { return reference }
        defer { curl_url_cleanup(parser) }
        guard curl_url_set(parser, CURLUPART_URL, base.text, 0) == CURLUE_OK,
            // Servers send spaces and UTF-8 in it.
            curl_url_set(parser, CURLUPART_URL, reference, UInt32(CURLU_URLENCODE)) == CURLUE_OK
        else { return reference }
        var text: UnsafeMutablePointer<CChar>?
        guard curl_url_get(parser, CURLUPART_URL, &text, 0) == CURLUE_OK, let text else { return reference }
        defer { curl_free(text) }
        return String(cString: text)
    }
}
