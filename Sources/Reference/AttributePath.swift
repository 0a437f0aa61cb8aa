import Transactions

/// Attributes one behind the other, as in `region.merged_into.area`: the area of the region that a region was merged into.
public struct AttributePath: Hashable, Sendable {
    /// What the first attribute is of.
    public var kind: ReferenceKind
    /// At least one.
    public var attributes: [String]

    /// `attributes` of entries of a kind.
    public init(_ kind: ReferenceKind, _ attributes: [String]) {
        self.kind = kind
        self.attributes = attributes
    }

    /// Each attribute with the kind of the entries that have it.
    var steps: [(kind: ReferenceKind, attribute: String)] {
        var kind = self.kind
        return attributes.map { attribute in
            defer { kind = kind.kind(namedBy: attribute) }
            return (kind, attribute)
        }
    }

    /// Every kind on the way.
    public var kinds: Set<ReferenceKind> { Set(steps.map(\.kind)) }

    /// The kinds on the way whose entries' names are asked for.
    public var namedKinds: Set<ReferenceKind> { Set(steps.filter { $0.attribute == "name" }.map(\.kind)) }
}

extension ReferenceBook {
    /// What is wrong with a path: an attribute that nothing was ever said of; nil when nothing is.
    public func fault(of path: AttributePath) -> (kind: ReferenceKind, attribute: String, known: [String])? {
        for step in path.steps where !knownAttributes(of: step.kind).contains(step.attribute) {
            return (step.kind, step.attribute, knownAttributes(of: step.kind))
        }
        return nil
    }

    /// The names whose codes have to be known to follow a path.
    public func names(on path: AttributePath) -> Set<Name> {
        let steps = path.steps
        var names: Set<Name> = []
        for (step, next) in zip(steps, steps.dropFirst()) {
            guard let space = next.kind.space else { continue }
            names.formUnion(values(of: step.attribute, step.kind).map { Name(space, $0) })
        }
        return names
    }

    /// The days on which values on a path may change.
    public func changes(of path: AttributePath) -> Set<CalendarDay> {
        path.steps.reduce(into: []) { $0.formUnion(firstDays(of: $1.attribute, $1.kind)) }
    }

    /// Every value that there ever was at a path's end, apart from `none`.
    public func everyValue(at path: AttributePath) -> Set<String> {
        let last = path.steps[path.steps.count - 1]
        return everyValue(of: last.attribute, last.kind).subtracting(["none"])
    }

    /// The value at a path's end of each entry that has one on a day, by the entry's code.
    /// - Parameter codes: those of the `names(on:)` the path.
    public func values(at path: AttributePath, on day: CalendarDay, codes: [Name: UInt32]) -> [UInt32: String] {
        let steps = path.steps
        var values: [UInt32: String] = [:]
        for entry in entries(of: path.kind, with: steps[0].attribute) {
            var value = self.value(of: steps[0].attribute, of: entry, path.kind, on: day)
            for step in steps.dropFirst() {
                guard let name = value else { break }
                let code = step.kind.space.map { codes[Name($0, name)] } ?? step.kind.ownCode(of: name)
                value = code.flatMap { self.value(of: step.attribute, of: ReferenceEntry($0), step.kind, on: day) }
            }
            values[entry.codes[0]] = value
        }
        return values
    }
}
