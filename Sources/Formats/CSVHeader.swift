/// The header of CSV text, to be matched with a mapping.
struct CSVHeader {
    private let names: [String]
    private let line: Int

    init(_ names: [String], line: Int) {
        self.names = names
        self.line = line
    }

    /// Finds the columns that the mapping reads.
    func match(_ mapping: Mapping) throws(FormatError) -> InputColumns {
        let places = Dictionary(grouping: names.indices) { names[$0] }
        var input = InputColumns(mapping) { places[$0] != nil }
        for name in input.names {
            guard let found = places[name] else { throw missing(name) }
            if found.count > 1 { throw error("the column \(Excerpt.quotedHeader(name)) comes \(found.count) times") }
            input.places.append(found[0])
        }
        guard mapping.isOwnForm else { return input }
        for field in MappedField.allCases
        where field.isRequired && input.position(of: field) == nil && mapping.constants[field] == nil {
            throw missing(field.name)
        }
        for name in names where !input.names.contains(name) {
            let fields = MappedField.allCases.map(\.name)
            throw error(
                "\(Excerpt.quotedHeader(name)) is no field\(Nearest.suggestion(name, among: fields)); without \"columns\" in a "
                    + "mapping the fields are " + fields.joined(separator: ", "))
        }
        return input
    }

    private func missing(_ name: String) -> FormatError {
        let found = names.prefix(40).map { Excerpt.quotedHeader($0) }.joined(separator: ", ")
        let nearest = Nearest.match(name, among: names).map { ", the nearest is \(Excerpt.quotedHeader($0))" } ?? ""
        return error("there is no column \(Excerpt.quotedHeader(name))\(nearest); the columns found are \(found)")
    }

    private func error(_ message: String) -> FormatError { FormatError("the header in line \(line): \(message)") }
}
