internal import CLibCurl

extension TransferError {
    /// What a `CURLcode` means here.
    ///
    /// - Parameters:
    ///   - result: libcurl's code.
    ///   - detail: libcurl's own text, which is empty for some codes.
    ///   - place: the origin, for the message.
    ///   - headSeen: whether a response had begun, which makes a broken connection an early end.
    /// - Returns: the error, without a count of bytes.
    static func curl(_ result: CURLcode, detail: String, place: String, headSeen: Bool) -> TransferError {
        let text = detail.isEmpty ? String(cString: curl_easy_strerror(result)) : detail
        return TransferError(
            code(of: result, detail: detail, headSeen: headSeen),
            "\(place): \(text)",
            curlCode: Int32(result.rawValue)
        )
    }

    private static func code(of result: CURLcode, detail: String, headSeen: Bool) -> Code {
        switch result {
        case CURLE_COULDNT_RESOLVE_HOST, CURLE_COULDNT_RESOLVE_PROXY: .cannotResolve
        case CURLE_COULDNT_CONNECT, CURLE_INTERFACE_FAILED, CURLE_PROXY: .cannotConnect
        case CURLE_SSL_CONNECT_ERROR, CURLE_PEER_FAILED_VERIFICATION, CURLE_SSL_CERTPROBLEM, CURLE_SSL_CIPHER,
            CURLE_SSL_CACERT_BADFILE, CURLE_SSL_ISSUER_ERROR, CURLE_SSL_CRL_BADFILE, CURLE_SSL_INVALIDCERTSTATUS,
            CURLE_SSL_PINNEDPUBKEYNOTMATCH, CURLE_SSL_CLIENTCERT, CURLE_SSL_ENGINE_NOTFOUND,
            CURLE_SSL_ENGINE_SETFAILED, CURLE_SSL_ENGINE_INITFAILED, CURLE_USE_SSL_FAILED:
            .tls
        case CURLE_OPERATION_TIMEDOUT: detail.contains("too slow") ? .tooSlow : .timedOut
        // libcurl has no code of its own for malformed chunks, and calls a head beyond its limits lack of memory.
        case CURLE_RECV_ERROR where detail.contains("chunked-encoding"): .protocolError
        case CURLE_OUT_OF_MEMORY: headSeen ? .io : .protocolError
        case CURLE_PARTIAL_FILE, CURLE_GOT_NOTHING, CURLE_RECV_ERROR, CURLE_SEND_ERROR: .closedEarly
        case CURLE_HTTP2, CURLE_HTTP2_STREAM: headSeen ? .closedEarly : .protocolError
        case CURLE_UNSUPPORTED_PROTOCOL: detail.contains("HTTP/0.9") ? .protocolError : .unsupported
        case CURLE_NOT_BUILT_IN, CURLE_UNKNOWN_OPTION, CURLE_BAD_FUNCTION_ARGUMENT: .unsupported
        case CURLE_URL_MALFORMAT: .invalidRequest
        case CURLE_TOO_MANY_REDIRECTS: .tooManyRedirects
        case CURLE_FILESIZE_EXCEEDED: .tooLarge
        case CURLE_BAD_DOWNLOAD_RESUME, CURLE_RANGE_ERROR: .rangeNotSatisfiable
        case CURLE_FILE_COULDNT_READ_FILE, CURLE_READ_ERROR, CURLE_WRITE_ERROR,
            CURLE_SEND_FAIL_REWIND, CURLE_FAILED_INIT:
            .io
        default: .protocolError
        }
    }
}
