import Formats
import Transactions

/// What the columns of a file of reference data are.
public struct ReferenceColumns: Sendable {
    /// What the rows are about.
    public let kind: ReferenceKind
    /// The names of all columns.
    let header: [String]
    /// Columns by what they hold; nil where there is none.
    let name: Int?
    let code: Int?
    let from: Int?
    let to: Int?
    /// Of offerings.
    let agency: Int?
    let service: Int?
    let region: Int?
    /// Those that hold attributes.
    let attributes: [Int]

    /// Finds the columns in a header.
    /// - Parameters:
    ///   - name: the column of names; nil: that called `name`, if there is one.
    ///   - code: the column of the user's own codes; nil: codes are given out.
    /// - Throws: `FormatError` when a column is missing or cannot be used.
    public init(_ kind: ReferenceKind, header: [String], name: String?, code: String?) throws(FormatError) {
        func place(_ column: String) throws(FormatError) -> Int {
            guard let place = header.firstIndex(of: column) else {
                throw FormatError(
                    "there is no column '\(column)'\(Nearest.suggestion(column, among: header)); there are "
                        + header.joined(separator: ", "))
            }
            return place
        }
        self.kind = kind
        self.header = header
        from = header.firstIndex(of: "from")
        to = kind == .offering ? header.firstIndex(of: "to") : nil
        if kind == .offering {
            guard name == nil, code == nil else {
                throw FormatError("an offering has no name and no code, but an agency, a service and a region")
            }
            (self.name, self.code) = (nil, nil)
            (agency, service) = (try place("agency"), try place("service"))
            region = header.firstIndex(of: "region")
            _ = try place("level")
        } else {
            (agency, service, region) = (nil, nil, nil)
            if code != nil, kind.space == nil {
                throw FormatError("the codes of every \(kind.name) are fixed: name it in a column 'name'")
            }
            self.code = if let code { try place(code) } else { nil }
            self.name =
                if let name {
                    try place(name)
                } else if code != nil {
                    header.firstIndex(of: "name")
                } else {
                    try place("name")
                }
        }
        let special = [self.name, self.code, from, to, agency, service, region].compactMap(\.self)
        attributes = header.indices.filter { !special.contains($0) }
        for column in attributes {
            if let fault = ReferenceStatement.fault(ofAttribute: header[column]) {
                throw FormatError("the header: \(fault)")
            }
        }
    }
}
