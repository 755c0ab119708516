import Content
import HTTPTypes
import OriginFetch

extension HTTPFields {
    /// The origin's own fields for content that is kept, but for the validators, which whoever answers sets.
    init(describing record: OriginRecord) {
        self.init()
        for field in record.headers {
            guard let name = HTTPField.Name(field.name), name != .eTag, name != .lastModified else { continue }
            append(HTTPField(name: name, value: field.value))
        }
    }
}
