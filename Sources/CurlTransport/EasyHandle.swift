internal import CLibCurl

/// One easy handle with the memory that must live as long as it does.
///
/// It must be out of its multi handle before it is dropped.
final class EasyHandle {
    let raw: UnsafeMutableRawPointer
    private let text: UnsafeMutablePointer<CChar>
    private var list: UnsafeMutablePointer<curl_slist>?

    init() throws(TransferError) {
        guard let raw = curl_easy_init() else { throw TransferError(.io, "libcurl has no handle") }
        self.raw = raw
        text = .allocate(capacity: Int(CURL_ERROR_SIZE))
        text.initialize(repeating: 0, count: Int(CURL_ERROR_SIZE))
        CLibCurl_set_pointer(raw, CURLOPT_ERRORBUFFER, text)
    }

    deinit {
        curl_easy_cleanup(raw)
        curl_slist_free_all(list)
        text.deallocate()
    }

    /// What libcurl says of the failure in its own words; often nothing.
    var errorText: String { String(cString: text) }

    func set(_ option: CURLoption, _ value: Int) throws(TransferError) {
        try check(CLibCurl_set_long(raw, option, value))
    }

    func set(_ option: CURLoption, _ value: Bool) throws(TransferError) { try set(option, value ? 1 : 0) }

    func set(_ option: CURLoption, offset value: Int64) throws(TransferError) {
        try check(CLibCurl_set_offset(raw, option, curl_off_t(value)))
    }

    /// libcurl copies the text.
    func set(_ option: CURLoption, _ value: String) throws(TransferError) {
        guard !value.utf8.contains(0) else { throw TransferError(.invalidRequest, "a zero byte in an option") }
        try check(CLibCurl_set_string(raw, option, value))
    }

    /// libcurl copies the bytes.
    func set(_ option: CURLoption, blob value: [UInt8]) throws(TransferError) {
        try check(value.withUnsafeBytes { CLibCurl_set_blob(raw, option, $0.baseAddress, $0.count) })
    }

    func set(_ option: CURLoption, pointer: UnsafeMutableRawPointer) throws(TransferError) {
        try check(CLibCurl_set_pointer(raw, option, pointer))
    }

    func setHeaders(_ lines: [String]) throws(TransferError) {
        for line in lines {
            guard let longer = curl_slist_append(list, line) else { throw TransferError(.io, "out of memory") }
            list = longer
        }
        try check(CLibCurl_set_list(raw, CURLOPT_HTTPHEADER, list))
    }

    /// The numbers, 0 where libcurl has none.
    func number(_ info: CURLINFO) -> Int {
        var value = 0
        return CLibCurl_get_long(raw, info, &value) == CURLE_OK ? value : 0
    }

    func offset(_ info: CURLINFO) -> Int64 {
        var value: curl_off_t = 0
        return CLibCurl_get_offset(raw, info, &value) == CURLE_OK ? Int64(value) : 0
    }

    func string(_ info: CURLINFO) -> String? {
        var value: UnsafePointer<CChar>?
        guard CLibCurl_get_string(raw, info, &value) == CURLE_OK, let value else { return nil }
        return String(cString: value)
    }

    func check(_ result: CURLcode) throws(TransferError) {
        guard result == CURLE_OK else {
            throw TransferError(
                .unsupported,
                "libcurl does not take an option: \(String(cString: curl_easy_strerror(result)))",
                curlCode: Int32(result.rawValue)
            )
        }
    }
}
