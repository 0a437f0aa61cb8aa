/// What the groups of an answer have collected: for each measure that is read from a `Collection` its place in a group's cell,
/// and the memory that these places lead to.
///
/// Measures of one collection share it: it lies at the first one's place.
struct Collections {
    let memory = PieceMemory()
    let accounts: AccountSets
    let distributions: Distributions
    let seconds: Seconds
    /// Each collection that the question needs, with its offset in a cell.
    let places: [(collection: Measure.Collection, offset: Int)]

    /// Nil where the question needs none.
    init?(_ question: Question, _ hash: AccountHash) {
        var places: [(collection: Measure.Collection, offset: Int)] = []
        for (place, measure) in question.measures.enumerated() {
            guard let collection = measure.collection, !places.contains(where: { $0.collection == collection }) else {
                continue
            }
            places.append((collection, AnswerBuilder.offset(ofMeasure: place)))
        }
        guard !places.isEmpty else { return nil }
        self.places = places
        accounts = AccountSets(hash, memory: memory)
        distributions = Distributions(memory: memory)
        seconds = Seconds(memory: memory)
    }

    /// The offset of a collection in a group's cell; nil where the question does not need it.
    func offset(of collection: Measure.Collection) -> Int? { places.first { $0.collection == collection }?.offset }

    /// Adds what a group of another builder has collected to a group of this one.
    func unite(_ theirs: UnsafeRawPointer, of other: Collections, into cell: UnsafeMutableRawPointer) {
        for (collection, offset) in places {
            switch collection {
            case .payers, .approvedPayers:
                accounts.unite(theirs + offset, of: other.accounts, into: cell + offset)
            case .amounts, .durations: distributions.unite(theirs + offset, into: cell + offset)
            case .seconds: seconds.unite(theirs + offset, into: cell + offset)
            }
        }
    }

    /// What measures of a group are, in the order of the question; nil for those that are not collected.
    func values(of measures: [Measure], at cell: UnsafeRawPointer) -> [Measure: Int128] {
        var values: [Measure: Int128] = [:]
        for (collection, offset) in places {
            let own = measures.filter { $0.collection == collection }
            switch collection {
            case .payers, .approvedPayers:
                for measure in own { values[measure] = Int128(accounts.count(at: cell + offset)) }
            case .amounts, .durations:
                let distribution = distributions.distribution(at: cell + offset)
                for measure in own {
                    values[measure] = measure.perMille.map(distribution.percentile) ?? distribution.deviation
                }
            case .seconds:
                guard let peak = seconds.peak(at: cell + offset) else { continue }
                for measure in own {
                    values[measure] = measure == .peakSecond ? Int128(peak.second) : Int128(peak.count)
                }
            }
        }
        return values
    }
}
