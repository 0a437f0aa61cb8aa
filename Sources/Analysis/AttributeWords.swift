import Reference
import Rollups
import Transactions

/// What a column of an answer stands for: a dimension's values, or those of an attribute of a dimension.
public enum Grouping: Hashable, Sendable {
    case dimension(Dimension)
    case attribute(Dimension, [String])

    /// `region`, `region.area`, `region.merged_into.area`.
    public var name: String {
        switch self {
        case .dimension(let dimension): dimension.name
        case .attribute(let dimension, let attributes): ([dimension.name] + attributes).joined(separator: ".")
        }
    }

    /// That of the records.
    public var dimension: Dimension {
        switch self {
        case .dimension(let dimension), .attribute(let dimension, _): dimension
        }
    }

    /// What is followed through reference data; nil for a dimension itself.
    var path: AttributePath? {
        guard case .attribute(let dimension, let attributes) = self, let kind = dimension.referenceKind else {
            return nil
        }
        return AttributePath(kind, attributes)
    }
}

extension Dimension {
    /// What reference data calls the dimension's values; nil where there is none of them.
    public var referenceKind: ReferenceKind? {
        if let nameSpace { return ReferenceKind.allCases.first { $0.space == nameSpace } }
        return self == .outcome ? .outcome : self == .channel ? .channel : nil
    }
}

/// Only events whose attribute has one of some values, on their day.
public struct AttributeFilter: Hashable, Sendable {
    /// The attribute.
    public var grouping: Grouping
    /// The values that pass; `none` stands for having none.
    public var values: Set<String>
}

/// What is wrong with attributes in a question.
public struct AttributeFault: Error, Hashable, Sendable, CustomStringConvertible {
    /// What was found and what was expected.
    public var description: String
}

/// The part of a question in words that is about attributes: words with a point, such as `region.area`.
public struct AttributeWords: Sendable {
    /// What stands in the place of a dimension in the rows.
    public private(set) var attributes: [Dimension: Grouping] = [:]
    /// The conditions on attributes.
    public private(set) var filters: [AttributeFilter] = []
    /// The names of the dimensions to ask by.
    public private(set) var dimensions: [String] = []
    /// The conditions that are about dimensions themselves.
    public private(set) var conditions: [String] = []

    /// Sorts words out. What is no dimension is left to whoever reads dimensions, unless an attribute follows.
    public init(by words: [String], conditions: [String]) throws(AttributeFault) {
        for word in words {
            guard case .attribute(let dimension, let names)? = try Self.grouping(word) else {
                dimensions.append(word)
                continue
            }
            dimensions.append(dimension.name)
            attributes[dimension] = .attribute(dimension, names)
        }
        for dimension in attributes.keys where dimensions.count(where: { $0 == dimension.name }) > 1 {
            throw AttributeFault(
                description: "\(dimension.name) comes twice: rows are for it or for one of its attributes")
        }
        for condition in conditions {
            let word = condition.prefix { $0 != "=" }
            guard word.contains("."), word.endIndex < condition.endIndex else {
                self.conditions.append(condition)
                continue
            }
            let grouping = try Self.grouping(String(word))!
            let value = String(condition[condition.index(after: word.endIndex)...])
            if let place = filters.firstIndex(where: { $0.grouping == grouping }) {
                filters[place].values.insert(value)
            } else {
                filters.append(AttributeFilter(grouping: grouping, values: [value]))
            }
        }
    }

    /// The kinds of entries whose attributes are asked for.
    public var kinds: Set<ReferenceKind> { paths.reduce(into: []) { $0.formUnion($1.kinds) } }

    /// Every attribute.
    public var paths: [AttributePath] { (attributes.values + filters.map(\.grouping)).compactMap(\.path) }

    /// Nil for a word that is no dimension, which whoever reads dimensions will say.
    private static func grouping(_ word: String) throws(AttributeFault) -> Grouping? {
        let parts = word.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
        guard let dimension = Dimension(name: parts[0]) else {
            guard parts.count > 1 else { return nil }
            throw AttributeFault(
                description: "'\(parts[0])' is no dimension; there are \(Dimension.names.joined(separator: ", "))")
        }
        guard parts.count > 1 else { return .dimension(dimension) }
        guard dimension.referenceKind != nil else {
            throw AttributeFault(description: "'\(word)': a \(dimension.name) has no attributes")
        }
        guard parts.allSatisfy({ !$0.isEmpty }) else {
            throw AttributeFault(description: "'\(word)': expected dimension.attribute, such as region.area")
        }
        return .attribute(dimension, Array(parts.dropFirst()))
    }
}
